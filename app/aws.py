"""What boto3 knows and this program does not: the addresses of access points, dual-stack, FIPS and acceleration.

boto3 costs ten times the rest of a run, so this module is imported only when needed, as is `chain.py`.
"""

import functools
import logging
import os

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from . import endpoint
from .credentials import Credentials
from .operation import Operation
from .protocol import ResourceError, Source, is_true

# what boto3 would tell its programmer on stderr, where a line of ours is expected
logging.getLogger("botocore").addHandler(logging.NullHandler())

_CLIENT_METHOD = {"GET": "get_object", "HEAD": "head_object", "PUT": "put_object", "DELETE": "delete_object"}
_PARAMETER = {
    "response-content-disposition": "ResponseContentDisposition",
    "response-content-type": "ResponseContentType",
    "response-cache-control": "ResponseCacheControl",
    "response-content-language": "ResponseContentLanguage",
    "response-content-encoding": "ResponseContentEncoding",
    "response-expires": "ResponseExpires",
    "versionId": "VersionId",
    "content-type": "ContentType",
    "x-amz-acl": "ACL",
    "x-amz-server-side-encryption": "ServerSideEncryption",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
}


def presign(source: Source, wanted: Operation, credentials: Credentials, expires_in: int) -> str:
    """Return a URL signed by boto3 for `expires_in` seconds from now. Raises ResourceError with boto3's objection."""
    os.environ.pop("SSLKEYLOGFILE", None)  # a client opens the file that it names, though no connection is made here
    try:
        client = _session().client(
            "s3",
            region_name=endpoint.region(source),
            use_ssl=not is_true(source.disable_ssl),
            endpoint_url=endpoint.url(source),
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            aws_session_token=credentials.session_token,
            config=config(source),
        )
        parameters = {_PARAMETER[name]: value for name, value in (*wanted.query, *wanted.headers.items())}
        signed: str = client.generate_presigned_url(
            _CLIENT_METHOD[wanted.method],
            Params={"Bucket": endpoint.bucket(source), "Key": wanted.key, **parameters},
            ExpiresIn=expires_in,
        )
    except (BotoCoreError, ClientError, ValueError) as error:
        raise ResourceError("source", f"AWS has no such address: {error}") from None
    return signed


def check(source: Source) -> None:
    """Raise ResourceError if boto3 has no address for the bucket: what it says does not depend on object or credentials."""
    nobody = Credentials(access_key_id="nobody", secret_access_key="nothing")  # noqa: S106  # opens no door
    presign(source, Operation("GET", "key", [], {}), nobody, 1)


@functools.cache
def _session() -> boto3.Session:
    """Return a session with botocore's defaults: no variable and no file of the machine has a say in an address.

    So the same source gives the same URL on every worker.
    """
    defaults = {name: default for name, (_, _, default, _) in Session.SESSION_VARIABLES.items()}
    defaults.update(config_file=os.devnull, credentials_file=os.devnull)
    # neither a line of a file nor a variable to look for each in
    variables = {name: (None, None, default, None) for name, default in defaults.items()}
    return boto3.Session(botocore_session=Session(variables))


def config(source: Source) -> Config:
    """Return the source's choice of address in boto3's terms."""
    return Config(
        signature_version="s3v4",
        ignore_configured_endpoint_urls=True,
        use_dualstack_endpoint=is_true(source.use_dualstack_endpoint),
        use_fips_endpoint=is_true(source.use_fips_endpoint),
        s3={
            "addressing_style": "path" if endpoint.is_path_style(source) else "virtual",
            "us_east_1_regional_endpoint": "regional",
            "use_accelerate_endpoint": is_true(source.use_accelerate_endpoint),
            "use_arn_region": True,
        },
    )
