"""Every field in words: how it is to be written, and what it means. For errors and `--help` only."""

from typing import NamedTuple


class Field(NamedTuple):
    """`form` completes "must be ..."; `meaning` is a line of help."""

    form: str
    meaning: str


FLAG = "true or false"
_TEXT = "a string"
_SPAN = "a number"

SOURCE = {
    "bucket_name": Field(_TEXT, "name of the bucket, or ARN of an access point"),
    "bucket": Field(_TEXT, "another name for bucket_name"),
    "region_name": Field(_TEXT, "region of the bucket, such as eu-west-1"),
    "access_key_id": Field(_TEXT, "static credentials: access key"),
    "secret_access_key": Field(_TEXT, "static credentials: secret key"),
    "session_token": Field(_TEXT, "static credentials: session token"),
    "aws_role_arn": Field(_TEXT, "role to assume with the credentials otherwise found"),
    "aws_role_external_id": Field(_TEXT, "external id that the role asks for"),
    "aws_role_session_name": Field(_TEXT, "session name for the role's log entries"),
    "endpoint": Field(_TEXT, "host or URL of an S3-compatible provider"),
    "public_endpoint": Field(_TEXT, "host or URL to sign for, where the provider is seen under another name"),
    "use_path_style": Field(FLAG, "put the bucket in the path, not in the host"),
    "disable_ssl": Field(FLAG, "http instead of https"),
    "skip_ssl_verification": Field(FLAG, "trust any certificate when making a request"),
    "ca_bundle": Field("certificates in PEM form", "certificates (PEM) to trust when making a request"),
    "use_dualstack_endpoint": Field(FLAG, "AWS's host with IPv6"),
    "use_fips_endpoint": Field(FLAG, "AWS's host with FIPS 140 cryptography"),
    "use_accelerate_endpoint": Field(FLAG, "AWS's Transfer Acceleration host"),
    "max_expires_in": Field("a duration such as 24h", "longest life that a URL may be given"),
}

PARAMS = {
    "file_path": Field(_TEXT, "key of the object, exactly"),
    "s3_uri": Field(_TEXT, "s3://BUCKET/KEY, instead of file_path"),
    "version_id": Field(_TEXT, "that version of the object"),
    "expires_in": Field(
        "a duration such as 24h, 1h30m, {hours: 24}, or whole seconds",
        "life of the URL, such as 24h: 1s to 7d (default 1h)",
    ),
    "file_name": Field(_TEXT, "name under which the download is saved"),
    "disposition": Field("attachment or inline", "attachment (default) or inline"),
    "response_content_type": Field(_TEXT, "Content-Type of the response"),
    "response_cache_control": Field(_TEXT, "Cache-Control of the response"),
    "response_content_language": Field(_TEXT, "Content-Language of the response"),
    "response_content_encoding": Field(_TEXT, "Content-Encoding of the response"),
    "response_expires": Field(_TEXT, "Expires of the response, an HTTP date"),
    "method": Field("GET, HEAD, PUT or DELETE", "GET (default), HEAD, PUT or DELETE"),
    "content_type": Field(_TEXT, "PUT: Content-Type that the uploader must send"),
    "acl": Field(
        "private, public-read, public-read-write, authenticated-read, aws-exec-read, bucket-owner-read "
        "or bucket-owner-full-control",
        "PUT: canned ACL that the uploader must send",
    ),
    "server_side_encryption": Field(
        "AES256, aws:backup, aws:fsx, aws:kms or aws:kms:dsse", "PUT: AES256, aws:backup, aws:fsx, aws:kms or aws:kms:dsse"
    ),
    "sse_kms_key_id": Field(_TEXT, "PUT: KMS key to encrypt with"),
    "url_file": Field(_TEXT, "file to write the URL to (default: url; for presign, stdout)"),
    "verify": Field("none, head or url", "none (default), head or url: try before handing over"),
    "on_short_credentials": Field(
        "warn, fail or clamp", "warn (default), fail or clamp, when the credentials end before the URL"
    ),
    "files": Field(
        "a map of names to params, such as {installer: {file_path: setup.exe}}",
        "several URLs in one step: a map of names to params (on the command line, in JSON)",
    ),
    "aws_web_identity_token": Field(_TEXT, "OIDC token to assume aws_role_arn with"),
}

SPAN = {
    unit: Field(_SPAN, f"{unit} of the duration")
    for unit in ("weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds")
}

# What the whole of each object is to look like.
OBJECTS = {
    "source": Field("a map such as {bucket_name: my-bucket, region_name: eu-west-1}", ""),
    "params": Field("a map such as {file_path: folder/file.txt}", ""),
    "version": Field("a map of strings, as `out` printed it", ""),
}

# Credentials: a command line can be read by everyone on the machine, so they are no options there.
SECRET = frozenset({"access_key_id", "secret_access_key", "session_token", "aws_web_identity_token"})
