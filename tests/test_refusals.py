"""Refusals: one exact line on stderr, exit code 1, nothing on stdout, and no files."""

import re
from pathlib import Path
from typing import Any

import pytest

from .expect import assert_refused, expiring_in
from .program import (
    SESSION_TOKEN,
    SOURCE,
    VERSION,
    Program,
    files_below,
    get_request,
    without_ellipses,
)

ROLE = {"aws_role_arn": "arn:aws:iam::123456789012:role/reader"}

# fmt: off
SOURCE_MISTAKES = [
    ({'bucket_name': ...}, 'source.bucket_name: required: the name of the bucket, such as my-bucket'),
    ({'bucket': 'other'}, 'source.bucket: is an alias of bucket_name: set only one of the two'),
    ({'bucket_name': ''}, 'source.bucket_name: must not be empty: give it a value, or leave it out'),
    ({'bucket_name': 7}, 'source.bucket_name: must be a string, got a number: quote it'),
    ({'bucket_name': 'a b'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots, such as my-bucket'),
    ({'bucket_name': 'ab'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots, such as my-bucket'),
    ({'bucket_name': 'a/b'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write a; the folder b belongs in file_path'),
    ({'bucket_name': ..., 'bucket': '!!!'}, 'source.bucket: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots, such as my-bucket'),
    ({'bucket_name': 'my--use1-az4--x-s3'}, 'source.bucket_name: directory buckets (S3 Express One Zone) are not supported: their sessions end after 5 minutes'),
    ({'bucket_name': 'arn:aws:s3::123456789012:accesspoint/mfzwi23gnjvgw.mrap'}, 'source.bucket_name: multi-region access points are not supported (they need SigV4A): use a single-region access point'),
    ({'bucket_name': 'mfzwi23gnjvgw.mrap'}, 'source.bucket_name: multi-region access points are not supported (they need SigV4A): use a single-region access point'),
    ({'bucket_name': 'arn:aws:iam::1'}, 'source.bucket_name: must be the ARN of an access point, such as arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point'),
    ({'region_name': ...}, 'source.region_name: required: the region of the bucket, such as eu-west-1'),
    ({'region_name': 'eu_west_1'}, 'source.region_name: must be the name of a region, such as eu-west-1'),
    ({'region_name': 'ireland'}, 'source.region_name: must be the name of a region, such as eu-west-1'),
    ({'region_name': 'EU-WEST-1'}, 'source.region_name: must be the name of a region, such as eu-west-1'),
    ({'region_name': 'a/b', 'endpoint': 'h'}, 'source.region_name: must be the name of a region, such as eu-west-1'),
    ({'region_name': 'fips-us-east-1', 'endpoint': 'h'}, "source.region_name: is one of botocore's pseudo-regions: with endpoint, set a real region"),
    ({'secret_access_key': ...}, 'source.secret_access_key: required when source.access_key_id is set'),
    ({'access_key_id': ...}, 'source.access_key_id: required when source.secret_access_key is set'),
    ({'access_key_id': ..., 'secret_access_key': ..., 'session_token': 't'}, 'source.session_token: requires source.access_key_id and source.secret_access_key'),
    ({'secret_access_key': 'abc\n'}, 'source.secret_access_key: contains whitespace or another invalid character: check for a trailing newline'),
    ({'access_key_id': 'a b'}, 'source.access_key_id: contains whitespace or another invalid character: check for a trailing newline'),
    ({'session_token': 'é'}, 'source.session_token: contains whitespace or another invalid character: check for a trailing newline'),
    ({'secret_access_key': 5}, 'source.secret_access_key: must be a string, got a number: quote it'),
    ({'aws_role_external_id': 'x'}, 'source.aws_role_external_id: requires aws_role_arn'),
    ({'aws_role_session_name': 'x'}, 'source.aws_role_session_name: requires aws_role_arn'),
    ({'aws_role_arn': 'reader'}, 'source.aws_role_arn: must be the ARN of a role, such as arn:aws:iam::123456789012:role/reader'),
    ({'aws_role_arn': 'arn:aws:iam::123456789012:user/reader'}, 'source.aws_role_arn: must be the ARN of a role, such as arn:aws:iam::123456789012:role/reader'),
    ({**ROLE, 'aws_role_session_name': 'a b'}, 'source.aws_role_session_name: must be 2 to 64 letters, digits and any of _+=,.@-'),
    ({**ROLE, 'aws_role_external_id': 'é'}, 'source.aws_role_external_id: must be 2 to 1224 letters, digits and any of _+=,.@:/-'),
    ({'endpoint': 'ftp://x'}, 'source.endpoint: must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000'),
    ({'endpoint': 'https://u:p@x'}, 'source.endpoint: must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000'),
    ({'endpoint': 'x:99999'}, 'source.endpoint: must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000'),
    ({'endpoint': 'x?y'}, 'source.endpoint: must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000'),
    ({'endpoint': 'https://x', 'disable_ssl': True}, 'source.endpoint: is https, but disable_ssl is true: change one of the two'),
    ({'endpoint': 'x', 'public_endpoint': 'a b'}, 'source.public_endpoint: must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000'),
    ({'public_endpoint': 'x'}, 'source.public_endpoint: requires endpoint'),
    ({'endpoint': 'x', 'use_dualstack_endpoint': True}, 'source.use_dualstack_endpoint: is AWS-only: cannot be combined with endpoint'),
    ({'endpoint': 'x', 'use_fips_endpoint': True}, 'source.use_fips_endpoint: is AWS-only: cannot be combined with endpoint'),
    ({'endpoint': 'x', 'use_accelerate_endpoint': 'true'}, 'source.use_accelerate_endpoint: is AWS-only: cannot be combined with endpoint'),
    ({'use_path_style': 'yes'}, "source.use_path_style: must be true or false, got 'yes'"),
    ({'disable_ssl': 1}, 'source.disable_ssl: must be true or false, got a number'),
    ({'skip_ssl_verification': 'on'}, "source.skip_ssl_verification: must be true or false, got 'on'"),
    ({'ca_bundle': 'not pem'}, 'source.ca_bundle: must be certificates in PEM format: in YAML write them with |, which keeps their line breaks'),
    ({'ca_bundle': '-----BEGIN CERTIFICATE----- MIIB -----END CERTIFICATE-----'}, 'source.ca_bundle: must be certificates in PEM format: in YAML write them with |, which keeps their line breaks'),
    ({'ca_bundle': '-----BEGIN CERTIFICATE-----\\nMIIB\\n-----END CERTIFICATE-----'}, 'source.ca_bundle: must be certificates in PEM format: in YAML write them with |, which keeps their line breaks'),
    ({'ca_bundle': 'é'}, 'source.ca_bundle: must be certificates in PEM format: in YAML write them with |, which keeps their line breaks'),
    ({'bucket_name': 'arn:aws:s3:::my-bucket'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write my-bucket'),
    ({'bucket_name': 'arn:aws:s3:::my-bucket/a/b'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write my-bucket; the folder a/b belongs in file_path'),
    ({'bucket_name': 's3://my-bucket'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write my-bucket'),
    ({'bucket_name': 's3://my-bucket/folder/'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write my-bucket; the folder folder belongs in file_path'),
    ({'bucket_name': 'my-bucket/folder'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write my-bucket; the folder folder belongs in file_path'),
    ({'bucket_name': 'my-bucket/'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write my-bucket'),
    ({'bucket_name': 'https://my-bucket.s3.amazonaws.com'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots, such as my-bucket; the address of a provider belongs in endpoint'),
    ({'bucket_name': 'tenant:my-bucket'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots, such as my-bucket (tenant:bucket requires endpoint)'),
    ({'bucket_name': 'arn:aws:s3:::my-bucket', 'endpoint': 'h'}, 'source.bucket_name: must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots: write my-bucket'),
    ({'endpoint': 'https://my-bucket.s3.example.com'}, 'source.endpoint: seems to contain the bucket already: remove my-bucket from it, or set bucket_endpoint (true if this is the bucket\'s own address, false if not)'),
    ({'endpoint': 'https://s3.example.com/my-bucket/'}, 'source.endpoint: seems to contain the bucket already: remove my-bucket from it, or set bucket_endpoint (true if this is the bucket\'s own address, false if not)'),
    ({'endpoint': 'https://s3.example.com/v1/my-bucket'}, 'source.endpoint: seems to contain the bucket already: remove my-bucket from it, or set bucket_endpoint (true if this is the bucket\'s own address, false if not)'),
    ({'endpoint': 'http://h', 'public_endpoint': 'MY-BUCKET.example.com'}, 'source.public_endpoint: seems to contain the bucket already: remove my-bucket from it, or set bucket_endpoint (true if this is the bucket\'s own address, false if not)'),
    ({'endpoint': 'https://my-bucket.s3.eu-west-1.amazonaws.com'}, 'source.endpoint: seems to contain the bucket already: remove my-bucket from it, or set bucket_endpoint (true if this is the bucket\'s own address, false if not)'),
    ({'bucket_endpoint': True}, 'source.bucket_endpoint: requires endpoint'),
    ({'endpoint': 'h', 'bucket_endpoint': True, 'use_path_style': True}, 'source.use_path_style: cannot be combined with bucket_endpoint: the bucket is not in the path'),
    ({'endpoint': 'https://s3.eu-central-1.amazonaws.com'}, 'source.endpoint: is in eu-central-1, but the region is eu-west-1: change one of the two'),
    ({'endpoint': 'https://s3-eu-central-1.amazonaws.com'}, 'source.endpoint: is in eu-central-1, but the region is eu-west-1: change one of the two'),
    ({'endpoint': 'http://h', 'public_endpoint': 's3.dualstack.eu-central-1.amazonaws.com'}, 'source.public_endpoint: is in eu-central-1, but the region is eu-west-1: change one of the two'),
    ({'endpoint': 's3.eu-west-1.amazonaws.com', 'region_name': 'garage'}, 'source.region_name: must be the name of a region, such as eu-west-1'),
    ({'use_fips_endpoint': True}, 'source.use_fips_endpoint: S3 has no FIPS endpoint in eu-west-1'),
    ({'access_key_id': 'ASIAEXAMPLE'}, 'source.session_token: session token required: ASIA... is a temporary access key'),
    ({'access_key_id': 'ASIAEXAMPLE', 'session_token': None}, 'source.session_token: session token required: ASIA... is a temporary access key'),
    ({'sts_endpoint': 'https://h'}, 'source.sts_endpoint: requires aws_role_arn'),
    ({**ROLE, 'endpoint': 'https://h'}, 'source.sts_endpoint: required with aws_role_arn and endpoint: the STS of the provider'),
    ({**ROLE, 'sts_endpoint': 'h/../x'}, 'source.sts_endpoint: must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000'),
    ({'aws_role_arn': 'arn:aws:iam:::role/reader'}, 'source.aws_role_arn: must be the ARN of a role, such as arn:aws:iam::123456789012:role/reader'),
    ({'max_expires_in': '8d'}, 'source.max_expires_in: must be between 1 second and 7 days, got 8 days'),
    ({'max_expires_in': 0}, 'source.max_expires_in: must be between 1 second and 7 days, got 0 seconds'),
    ({'max_expires_in': 'soon'}, "source.max_expires_in: must be a duration such as 24h, 1h30m, 7d, {hours: 24}, or whole seconds such as 3600, got 'soon'"),
    ({'max_expires_in': []}, 'source.max_expires_in: must be a duration such as 24h, got a list'),
    ({'regoin_name': 'x'}, 'source.regoin_name: unknown field: did you mean region_name?'),
    ({'regoin_name': 'x', 'file_path': 'y', 'bukcet': 'z'}, 'source: unknown fields: regoin_name (did you mean region_name?), file_path (it belongs in get_params), bukcet (did you mean bucket?)'),
    ({'zzz': 'x'}, 'source.zzz: unknown field: must be one of bucket_name, bucket, region_name, access_key_id, secret_access_key, session_token, aws_role_arn, aws_role_external_id, aws_role_session_name, endpoint, public_endpoint, bucket_endpoint, sts_endpoint, use_path_style, disable_ssl, skip_ssl_verification, ca_bundle, use_dualstack_endpoint, use_fips_endpoint, use_accelerate_endpoint, max_expires_in'),
    ({'file_path': 'x'}, 'source.file_path: unknown field: it belongs in get_params'),
]

PARAMS_MISTAKES = [
    ({}, 'params.file_path: required: the key of the object, such as folder/file.txt (for a put step, in get_params)'),
    ({'file_path': ''}, 'params.file_path: must not be empty: give it a value, or leave it out'),
    ({'file_path': 5}, 'params.file_path: must be a string, got a number: quote it'),
    ({'file_path': "k" * 1025}, 'params.file_path: must be at most 1024 bytes of UTF-8, got 1025'),
    ({'file_path': 'k', 's3_uri': 's3://my-bucket/k'}, 'params.s3_uri: cannot be combined with file_path'),
    ({'s3_uri': 's3://other/k'}, 'params.s3_uri: must start with s3://my-bucket/ (the bucket in source), followed by a key'),
    ({'s3_uri': 's3://my-bucket/'}, 'params.s3_uri: must start with s3://my-bucket/ (the bucket in source), followed by a key'),
    ({'s3_uri': 'k'}, 'params.s3_uri: must start with s3://my-bucket/ (the bucket in source), followed by a key'),
    ({'file_path': 'k', 'fiel_name': 'x'}, 'params.fiel_name: unknown field: did you mean file_name?'),
    ({'file_path': 'k', 'fiel_name': 'x', 'zzz': 5}, 'params: unknown fields: fiel_name (did you mean file_name?), zzz: must be one of file_path, s3_uri, version_id, expires_in, file_name, disposition, response_content_type, response_cache_control, response_content_language, response_content_encoding, response_expires, method, content_type, acl, server_side_encryption, sse_kms_key_id, headers, request_payer, min_size, max_size, success_status, success_redirect, url_file, verify, on_short_credentials, files, aws_web_identity_token'),
    ({'file_path': 'k', 'cache_control': 'x'}, 'params.cache_control: unknown field: it is a header: set cache-control in headers'),
    ({'file_path': 'k', 'ContentEncoding': 'x'}, 'params.ContentEncoding: unknown field: it is a header: set content-encoding in headers'),
    ({'file_path': 'k', 'content_disposition': 'x'}, 'params.content_disposition: unknown field: it is a header: set content-disposition in headers'),
    ({'file_path': 'k', 'x-amz-tagging': 'x', 'storage_class': 'x'}, 'params: unknown fields: x-amz-tagging (it is a header: set x-amz-tagging in headers), storage_class (it is a header: set x-amz-storage-class in headers)'),
    ({'files': {'a': {'file_path': 'k', 'metadata': {}}}}, 'params.files.a.metadata: unknown field: it is a header: set x-amz-meta-NAME in headers'),
    ({'file_path': 'k', 'bucket_name': 'x'}, 'params.bucket_name: unknown field: it belongs in the source of the resource'),
    ({'file_path': 'k', 'expires_in': {'days': 8}}, 'params.expires_in: must be between 1 second and 7 days, got 8 days'),
    ({'file_path': 'k', 'expires_in': 0}, 'params.expires_in: must be between 1 second and 7 days, got 0 seconds'),
    ({'file_path': 'k', 'expires_in': -5}, 'params.expires_in: must be between 1 second and 7 days, got -5 seconds'),
    ({'file_path': 'k', 'expires_in': '8d'}, 'params.expires_in: must be between 1 second and 7 days, got 8 days'),
    ({'file_path': 'k', 'expires_in': 604801}, 'params.expires_in: must be between 1 second and 7 days, got 7 days 1 second'),
    ({'file_path': 'k', 'expires_in': {}}, 'params.expires_in: must be between 1 second and 7 days, got 0 seconds'),
    ({'file_path': 'k', 'expires_in': {'milliseconds': 999}}, 'params.expires_in: must be between 1 second and 7 days, got 0 seconds'),
    ({'file_path': 'k', 'expires_in': 1.5}, 'params.expires_in: must be a duration such as 24h, 1h30m, 7d, {hours: 24}, or whole seconds such as 3600, got 1.5'),
    ({'file_path': 'k', 'expires_in': '1x'}, "params.expires_in: must be a duration such as 24h, 1h30m, 7d, {hours: 24}, or whole seconds such as 3600, got '1x'"),
    ({'file_path': 'k', 'expires_in': 'h'}, "params.expires_in: must be a duration such as 24h, 1h30m, 7d, {hours: 24}, or whole seconds such as 3600, got 'h'"),
    ({'file_path': 'k', 'expires_in': True}, 'params.expires_in: must be a duration such as 24h, 1h30m, {hours: 24}, or whole seconds, got true'),
    ({'file_path': 'k', 'expires_in': [1]}, 'params.expires_in: must be a duration such as 24h, 1h30m, {hours: 24}, or whole seconds, got a list'),
    ({'file_path': 'k', 'expires_in': {'hour': 1}}, 'params.expires_in.hour: unknown field: did you mean hours?'),
    ({'file_path': 'k', 'expires_in': {'hours': 'a'}}, "params.expires_in.hours: must be a number, got 'a'"),
    ({'file_path': 'k', 'expires_in': {'hours': True}}, 'params.expires_in.hours: must be a number, got true'),
    ({'file_path': 'k', 'expires_in': {'weeks': 100000000000000000000}}, 'params.expires_in: must be a duration such as 24h, 1h30m, 7d, {hours: 24}, or whole seconds such as 3600, got a map with too large numbers'),
    ({'file_path': 'k', 'expires_in': 1000000000000}, 'params.expires_in: must be between 1 second and 7 days, got 11574074 days 1 hour 46 minutes 40 seconds'),
    ({'file_path': 'k', 'file_name': 'a\nb'}, 'params.file_name: must not contain control characters, such as line breaks or tabs'),
    ({'file_path': 'k', 'file_name': 'a\x7f'}, 'params.file_name: must not contain control characters, such as line breaks or tabs'),
    ({'file_path': 'k', 'disposition': 'download'}, "params.disposition: must be attachment or inline, got 'download'"),
    ({'file_path': 'k', 'response_content_type': 'a\r\nb'}, 'params.response_content_type: must be printable ASCII, without leading or trailing spaces'),
    ({'file_path': 'k', 'response_cache_control': 'é'}, 'params.response_cache_control: must be printable ASCII, without leading or trailing spaces'),
    ({'file_path': 'k', 'response_content_language': ' x'}, 'params.response_content_language: must be printable ASCII, without leading or trailing spaces'),
    ({'file_path': 'k', 'response_content_encoding': 'x\t'}, 'params.response_content_encoding: must be printable ASCII, without leading or trailing spaces'),
    ({'file_path': 'k', 'response_expires': 'tomorrow'}, 'params.response_expires: must be an HTTP date, such as Wed, 21 Oct 2026 07:28:00 GMT'),
    ({'file_path': 'k', 'response_expires': 'Mon, 21 Oct 2026 07:28:00 GMT'}, 'params.response_expires: must be an HTTP date, such as Wed, 21 Oct 2026 07:28:00 GMT'),
    ({'file_path': 'k', 'method': 'get'}, "params.method: must be GET, HEAD, PUT, DELETE or POST, got 'get'"),
    ({'file_path': 'k', 'method': 'PATCH'}, "params.method: must be GET, HEAD, PUT, DELETE or POST, got 'PATCH'"),
    ({'file_path': 'k', 'content_type': 'text/plain'}, 'params.content_type: can only be used with method PUT or POST (method is GET)'),
    ({'file_path': 'k', 'acl': 'private'}, 'params.acl: can only be used with method PUT or POST (method is GET)'),
    ({'file_path': 'k', 'server_side_encryption': 'AES256'}, 'params.server_side_encryption: can only be used with method PUT or POST (method is GET)'),
    ({'file_path': 'k', 'sse_kms_key_id': 'x'}, 'params.sse_kms_key_id: can only be used with method PUT or POST (method is GET)'),
    ({'file_path': 'k', 'method': 'PUT', 'sse_kms_key_id': 'x'}, 'params.sse_kms_key_id: requires server_side_encryption: aws:kms (or aws:kms:dsse)'),
    ({'file_path': 'k', 'method': 'PUT', 'server_side_encryption': 'AES256', 'sse_kms_key_id': 'x'}, 'params.sse_kms_key_id: requires server_side_encryption: aws:kms (or aws:kms:dsse)'),
    ({'file_path': 'k', 'method': 'PUT', 'acl': 'public'}, "params.acl: must be private, public-read, public-read-write, authenticated-read, aws-exec-read, bucket-owner-read or bucket-owner-full-control, got 'public'"),
    ({'file_path': 'k', 'method': 'PUT', 'server_side_encryption': 'kms'}, "params.server_side_encryption: must be AES256, aws:backup, aws:fsx, aws:kms or aws:kms:dsse, got 'kms'"),
    ({'file_path': 'k', 'method': 'PUT', 'file_name': 'x'}, 'params.file_name: can only be used with method GET or HEAD (method is PUT)'),
    ({'file_path': 'k', 'method': 'DELETE', 'disposition': 'inline'}, 'params.disposition: can only be used with method GET or HEAD (method is DELETE)'),
    ({'file_path': 'k', 'method': 'PUT', 'response_content_type': 'x'}, 'params.response_content_type: can only be used with method GET or HEAD (method is PUT)'),
    ({'file_path': 'k', 'method': 'PUT', 'version_id': 'x'}, 'params.version_id: cannot be used with PUT: an upload always creates a new version'),
    ({'file_path': 'k', 'method': 'PUT', 'content_type': 'a\nb'}, 'params.content_type: must be printable ASCII, without leading or trailing spaces'),
    ({'file_path': 'k', 'url_file': '../url'}, 'params.url_file: must be a relative path that stays inside the destination, such as url or links/url'),
    ({'file_path': 'k', 'url_file': '/tmp/url'}, 'params.url_file: must be a relative path that stays inside the destination, such as url or links/url'),
    ({'file_path': 'k', 'url_file': 'a/../../url'}, 'params.url_file: must be a relative path that stays inside the destination, such as url or links/url'),
    ({'file_path': 'k', 'url_file': 'a/'}, 'params.url_file: must be a relative path that stays inside the destination, such as url or links/url'),
    ({'file_path': 'k', 'url_file': '.'}, 'params.url_file: must be a relative path that stays inside the destination, such as url or links/url'),
    ({'file_path': 'k', 'url_file': 'a\nb'}, 'params.url_file: must be a relative path that stays inside the destination, such as url or links/url'),
    ({'file_path': 'k', 'url_file': 'expires_at'}, 'params.url_file: conflicts with a file this step writes: expires_at'),
    ({'file_path': 'k', 'url_file': 's3_uri/x'}, 'params.url_file: conflicts with a file this step writes: s3_uri'),
    ({'files': {}}, 'params.files: must have at least one entry, such as {installer: {file_path: setup.exe}}'),
    ({'files': []}, 'params.files: must be a map of names to params, such as {installer: {file_path: setup.exe}}, got a list'),
    ({'files': {'a': 'k'}}, 'params.files.a: must be a map such as {file_path: setup.exe}, got a string'),
    ({'files': {'a': {}}}, 'params.files.a.file_path: required: the key of the object, such as folder/file.txt'),
    ({'files': {'a/b': {'file_path': 'k'}}}, 'params.files.a/b: must be usable as a directory name'),
    ({'files': {'..': {'file_path': 'k'}}}, 'params.files...: must be usable as a directory name'),
    ({'files': {'': {'file_path': 'k'}}}, 'params.files.: must be usable as a directory name'),
    ({'files': {'urls.json': {'file_path': 'k'}}}, 'params.files.urls.json: must be usable as a directory name'),
    ({'files': {'installer': {'file_path': 7}}}, 'params.files.installer.file_path: must be a string, got a number: quote it'),
    ({'files': {'a': {'fil_path': 'x'}}}, 'params.files.a.fil_path: unknown field: did you mean file_path?'),
    ({'files': {'a': {'file_path': 'k', 'files': {}}}}, 'params.files.a.files: unknown field: not allowed inside files: set it next to files, it applies to every entry'),
    ({'files': {'a': {'file_path': 'k', 'expires_in': '8d'}}}, 'params.files.a.expires_in: must be between 1 second and 7 days, got 8 days'),
    ({'files': {'a': {'file_path': 'k'}}, 'expires_in': '8d'}, 'params.expires_in: must be between 1 second and 7 days, got 8 days'),
    ({'files': {'a': {'file_path': 'k', 'expires_in': {'hors': 1}}}}, 'params.files.a.expires_in.hors: unknown field: did you mean hours?'),
    ({'file_path': 'k', 'verify': 'yes'}, "params.verify: must be none, head or url, got 'yes'"),
    ({'file_path': 'k', 'on_short_credentials': 'ignore'}, "params.on_short_credentials: must be warn, fail or clamp, got 'ignore'"),
    ({'file_path': 'k', 'aws_web_identity_token': 'tok'}, 'params.aws_web_identity_token: requires source.aws_role_arn'),
]

STDIN_MISTAKES = [
    (b'', 'stdin: is empty: must be a request, such as {"source": {"bucket_name": "my-bucket"}}'),
    (b'  ', 'stdin: is empty: must be a request, such as {"source": {"bucket_name": "my-bucket"}}'),
    (b'{', 'stdin: invalid JSON: Input data was truncated'),
    (b'[]', 'stdin: must be a JSON object, got a list'),
    (b'nul', 'stdin: invalid JSON: Input data was truncated'),
    (b'\xff\xfe', 'stdin: invalid JSON: JSON is malformed: invalid character (byte 0)'),
    (b'{"source":{"bucket_name":"\xff"}}', "stdin: invalid JSON: 'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"),
    (b'"x"', 'stdin: must be a JSON object, got a string'),
    (b'{"a":' * 100000, 'stdin: JSON is nested too deeply (limit: 100 levels)'),
    (b'{"source":{"bucket_name":"\\ud800"}}', 'stdin: invalid JSON: Input data was truncated'),
]

# fmt: on


@pytest.mark.parametrize("step", ["check", "out", "in"])
@pytest.mark.parametrize(("source", "line"), SOURCE_MISTAKES)
def test_a_mistake_in_the_source_is_reported_by_every_step(
    program: Program, destination: Path, step: str, source: dict[str, Any], line: str
) -> None:
    request = get_request({"file_path": "k"}, **source)
    if step == "out":
        del request["params"]
    assert_refused(program, destination, step, line, request=request)


@pytest.mark.parametrize(("params", "line"), PARAMS_MISTAKES)
def test_a_mistake_in_the_params_is_reported(
    program: Program, destination: Path, params: dict[str, Any], line: str
) -> None:
    assert_refused(program, destination, "in", line, request={**get_request(), "params": params})


@pytest.mark.parametrize("step", ["check", "out", "in"])
@pytest.mark.parametrize(("stdin", "line"), STDIN_MISTAKES)
def test_an_invalid_request_is_refused(
    program: Program, destination: Path, step: str, stdin: bytes, line: str
) -> None:
    assert_refused(program, destination, step, line, input_=stdin)


@pytest.mark.parametrize("params", [{}, None, ...])
def test_a_get_without_params_is_refused_with_a_hint(
    program: Program, destination: Path, params: Any
) -> None:
    request = without_ellipses({**get_request(), "params": params})
    line = (
        "params.file_path: required: the key of the object, such as folder/file.txt "
        "(for a put step, in get_params)"
    )
    assert_refused(program, destination, "in", line, request=request)


@pytest.mark.parametrize("source", [None, {}, ...])
@pytest.mark.parametrize("step", ["check", "out", "in"])
def test_a_missing_source_is_refused(
    program: Program, destination: Path, step: str, source: Any
) -> None:
    request = {} if source is ... else {"source": source}
    line = "source.bucket_name: required: the name of the bucket, such as my-bucket"
    assert_refused(program, destination, step, line, request=request)


@pytest.mark.parametrize("source", [[], "x", 5, True])
def test_a_source_that_is_not_a_map_is_refused(
    program: Program, destination: Path, source: Any
) -> None:
    types = {list: "a list", str: "a string", int: "a number", bool: "true"}
    line = (
        "source: must be a map such as {bucket_name: my-bucket, region_name: eu-west-1}, "
        f"got {types[type(source)]}"
    )
    assert_refused(program, destination, "check", line, request={"source": source})


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({"file_path": "k"}, "file_path"),
        ({"file_path": "k", "anything": [1]}, "file_path, anything"),
    ],
)
def test_params_of_a_put_are_refused(
    program: Program, destination: Path, params: dict[str, Any], names: str
) -> None:
    line = (
        "params: not supported on put; move to get_params "
        f"(the implicit get signs the URL): {names}"
    )
    assert_refused(program, destination, "out", line, request={"source": SOURCE, "params": params})


def test_params_of_a_put_that_are_not_a_map_are_refused(
    program: Program, destination: Path
) -> None:
    line = "params: must be a map such as {file_path: folder/file.txt}, got a list"
    request = {"source": SOURCE, "params": ["file_path"]}
    assert_refused(program, destination, "out", line, request=request)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("x", "version: must be a map of strings, as `out` printed it, got a string"),
        (
            {"ref": "a", "execution_date": 1795380913},
            "version.execution_date: must be a string, got a number: quote it",
        ),
    ],
)
def test_a_version_that_is_not_a_map_of_strings_is_refused(
    program: Program, destination: Path, version: Any, line: str
) -> None:
    assert_refused(program, destination, "in", line, request={**get_request(), "version": version})


def test_missing_credentials_are_reported(program: Program, destination: Path) -> None:
    line = (
        "credentials: none found in source, AWS_ACCESS_KEY_ID, the shared files and profile, SSO, "
        "credential_process, web identity, container credentials and EC2 metadata; "
        "on Concourse, set access_key_id and secret_access_key"
    )
    request = get_request(access_key_id=..., secret_access_key=...)
    for incomplete in ({}, {"AWS_SECRET_ACCESS_KEY": "x"}, {"AWS_SESSION_TOKEN": SESSION_TOKEN}):
        environ = {"AWS_EC2_METADATA_DISABLED": "true", **incomplete}
        assert_refused(program, destination, "in", line, request=request, environ=environ)


KEYS = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "b"}


@pytest.mark.parametrize(
    ("environ", "line"),
    [
        (
            {"AWS_ACCESS_KEY_ID": "A"},
            "AWS_SECRET_ACCESS_KEY: required when AWS_ACCESS_KEY_ID is set",
        ),
        (
            {**KEYS, "AWS_SECRET_ACCESS_KEY": "b\n"},
            "AWS_SECRET_ACCESS_KEY: contains whitespace or another invalid character: "
            "check for a trailing newline",
        ),
        (
            {**KEYS, "AWS_CREDENTIAL_EXPIRATION": "soon"},
            "AWS_CREDENTIAL_EXPIRATION: must be a time such as 2026-11-23T20:51:47Z",
        ),
        (
            {**KEYS, "AWS_CREDENTIAL_EXPIRATION": "2020-01-01T00:00:00Z"},
            "credentials: the credentials have expired",
        ),
    ],
)
def test_invalid_credentials_in_the_environment_are_refused(
    program: Program, destination: Path, environ: dict[str, str], line: str
) -> None:
    request = get_request(access_key_id=..., secret_access_key=...)
    assert_refused(program, destination, "in", line, request=request, environ=environ)


def test_credentials_that_expire_within_a_minute_are_refused(
    program: Program, destination: Path
) -> None:
    request = get_request(access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=expiring_in(45))
    assert re.fullmatch(
        r"s3-presigned-url: in: credentials: the credentials expire in 4\d seconds\n", result.stderr
    )
    assert (result.code, result.stdout, files_below(destination)) == (1, "", {})


def test_credentials_that_expire_before_the_url_are_refused_on_demand(
    program: Program, destination: Path
) -> None:
    params = {"file_path": "k", "on_short_credentials": "fail"}
    request = get_request(params, access_key_id=..., secret_access_key=...)
    result = program.run("in", destination, request=request, environ=expiring_in(1825))
    assert re.fullmatch(
        r"s3-presigned-url: in: params.expires_in: the credentials expire in 30 minutes "
        r"\d+ seconds; the URL \(requested: 1 hour\) will stop working then: "
        r"shorten expires_in or use longer-lived credentials\n",
        result.stderr,
    )
    assert (result.code, result.stdout, files_below(destination)) == (1, "", {})


def test_a_limit_of_the_source_is_named_in_the_error(program: Program, destination: Path) -> None:
    line = (
        "params.expires_in: must be between 1 second and 1 hour (source.max_expires_in), "
        "got 2 hours"
    )
    request = get_request({"file_path": "k", "expires_in": "2h"}, max_expires_in={"hours": 1})
    assert_refused(program, destination, "in", line, request=request)


@pytest.mark.parametrize("step", ["check", "in"])
def test_an_address_that_boto3_rejects_is_refused_with_its_reason(
    program: Program, destination: Path, step: str
) -> None:
    line = (
        "source: AWS has no such address: Path-style addressing cannot be used with S3 Accelerate"
    )
    request = get_request(
        {"file_path": "k"}, use_accelerate_endpoint=True, bucket_name="dotted.bucket"
    )
    assert_refused(program, destination, step, line, request=request)


@pytest.mark.parametrize("arguments", [[], ["a", "b"]])
def test_in_requires_one_directory(program: Program, arguments: list[str]) -> None:
    result = program.run("in", *arguments, request=get_request())
    assert result.stderr == "s3-presigned-url: in: usage: in DESTINATION_DIR < request.json\n"
    assert (result.code, result.stdout) == (1, "")


def test_a_request_of_more_than_1_mib_is_refused(program: Program, destination: Path) -> None:
    line = "stdin: request is larger than 1 MiB"
    stdin = b'{"source":' + b" " * (1 << 20) + b"{}}"
    assert_refused(program, destination, "in", line, input_=stdin)


def test_one_mistake_in_several_files_leaves_no_files(program: Program, destination: Path) -> None:
    params = {
        "files": {
            "good": {"file_path": "k"},
            "bad": {"file_path": "k", "method": "PUT", "version_id": "1"},
        }
    }
    line = (
        "params.files.bad.version_id: cannot be used with PUT: "
        "an upload always creates a new version"
    )
    request = {"source": SOURCE, "params": params, "version": VERSION}
    assert_refused(program, destination, "in", line, request=request)
