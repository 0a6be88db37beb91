"""Help texts: the meaning of every field. Forms and choices follow from `protocol.py`."""

from ..protocol import CHOICES, FLAGS, Span

SOURCE = {
    "bucket_name": "name of the bucket, or ARN of an access point",
    "bucket": "alias of bucket_name",
    "region_name": "region of the bucket, such as eu-west-1",
    "access_key_id": "static credentials: access key",
    "secret_access_key": "static credentials: secret key",
    "session_token": "static credentials: session token",
    "aws_role_arn": "role to assume, using the credentials found",
    "aws_role_external_id": "external ID for the role's trust policy",
    "aws_role_session_name": "session name shown in CloudTrail",
    "endpoint": "host or URL of an S3-compatible provider",
    "public_endpoint": "public host or URL to sign for, if not endpoint",
    "bucket_endpoint": "the host of endpoint (or public_endpoint) is the bucket's own",
    "sts_endpoint": "host or URL of the STS that assumes aws_role_arn",
    "use_path_style": "put the bucket in the path instead of the host",
    "disable_ssl": "use http instead of https",
    "skip_ssl_verification": "do not verify certificates when making a request",
    "ca_bundle": "additional CA certificates (PEM) to trust when making a request",
    "use_dualstack_endpoint": "AWS's dual-stack host (IPv6)",
    "use_fips_endpoint": "AWS's FIPS host",
    "use_accelerate_endpoint": "AWS's Transfer Acceleration host",
    "max_expires_in": "longest lifetime that a URL may have",
}

PARAMS = {
    "file_path": "key of the object, exactly",
    "s3_uri": "s3://BUCKET/KEY, instead of file_path",
    "version_id": "version of the object",
    "expires_in": "lifetime of the URL, such as 24h: 1s to 7d (default 1h)",
    "file_name": "name under which the download is saved",
    "disposition": "what a browser does with the download (default: attachment)",
    "response_content_type": "Content-Type of the response",
    "response_cache_control": "Cache-Control of the response",
    "response_content_language": "Content-Language of the response",
    "response_content_encoding": "Content-Encoding of the response",
    "response_expires": "Expires of the response, an HTTP date",
    "method": "HTTP method of the request (default: GET)",
    "content_type": "PUT, POST: Content-Type that the upload must send (POST: or image/*)",
    "acl": "PUT, POST: canned ACL that the upload must send",
    "server_side_encryption": "PUT, POST: encryption that the upload must request",
    "sse_kms_key_id": "PUT, POST: KMS key to encrypt with",
    "headers": "further headers to sign, which the request must send: a map of names to values",
    "request_payer": "who pays for the request",
    "min_size": "POST: smallest size of the upload, such as 1 or 10KB",
    "max_size": "POST: largest size of the upload, such as 10MB or 10MiB",
    "success_status": "POST: status of the response to an upload (default: 204)",
    "success_redirect": "POST: URL to which an upload is redirected",
    "url_file": "file to write the URL to (default: url; for presign, stdout)",
    "verify": "check the object or the URL before writing it (default: none)",
    "on_short_credentials": "what to do if the credentials expire before the URL (default: warn)",
    "files": "several URLs in one step: a map of names to params",
    "aws_web_identity_token": "OIDC token to assume aws_role_arn with",
}

# A command line is visible to other users of the machine, so these are not options there.
SECRET = frozenset(
    {"access_key_id", "secret_access_key", "session_token", "aws_web_identity_token"}
)
NOT_AN_OPTION = "not accepted as an option (command lines are visible to other users)"

_FORMS = {
    "source": "a map such as {bucket_name: my-bucket, region_name: eu-west-1}",
    "params": "a map such as {file_path: folder/file.txt}",
    "version": "a map of strings, as `out` printed it",
    "ca_bundle": "certificates in PEM format",
    "max_expires_in": "a duration such as 24h",
    "expires_in": "a duration such as 24h, 1h30m, {hours: 24}, or whole seconds",
    "files": "a map of names to params, such as {installer: {file_path: setup.exe}}",
    "headers": "a map of names to values, such as {x-amz-meta-build: 42}",
    "min_size": "bytes, such as 1048576, 10MB or 10MiB",
    "max_size": "bytes, such as 1048576, 10MB or 10MiB",
}


def option(field: str) -> str:
    """Return the option of a field on the command line."""
    return f"--{field.replace('_', '-')}"


def form(field: str) -> str:
    """Return the expected form of a field, which completes "must be ..."."""
    if field in CHOICES:
        return "true or false" if is_flag(field) else choices(field)
    return _FORMS.get(field, "a number" if field in Span.__struct_fields__ else "a string")


def is_flag(field: str) -> bool:
    """Whether a field is a boolean."""
    return CHOICES.get(field) == FLAGS


def choices(field: str) -> str:
    """Return the choices of a field, as `a, b or c`."""
    *first, last = dict.fromkeys(map(str, CHOICES[field]))
    return f"{', '.join(first)} or {last}" if first else last


def help_text(field: str) -> str:
    """Return a line of help: the meaning of a field, with its choices."""
    meaning = {**SOURCE, **PARAMS}[field]
    return meaning if field not in CHOICES or is_flag(field) else f"{meaning}: {choices(field)}"
