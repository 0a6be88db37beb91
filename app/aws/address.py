"""Addresses that boto3's endpoint rules resolve.

Access points, pseudo-regions, and AWS's dual-stack, FIPS and Transfer Acceleration hosts.
"""

import os
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from ..protocol import ResourceError

_KEY = "key"


def resolve(
    bucket: str,
    region: str,
    endpoint_url: str | None,
    *,
    ssl: bool,
    path_style: bool,
    dualstack: bool,
    fips: bool,
    accelerate: bool,
) -> tuple[str, str, str, str, str]:
    """Return scheme, host and path of a bucket, and the region and service to sign for.

    They are read from a URL that boto3 signs, because boto3 has no public function for them. They
    do not depend on the credentials. Raises ResourceError with boto3's objection.
    """
    os.environ.pop("SSLKEYLOGFILE", None)  # botocore clients open this file on construction
    session = _session()
    try:
        client = session.create_client(
            "s3",
            region_name=region,
            use_ssl=ssl,
            endpoint_url=endpoint_url,
            aws_access_key_id="nobody",
            aws_secret_access_key="nothing",  # noqa: S106  # not a secret
            config=Config(
                signature_version="s3v4",
                ignore_configured_endpoint_urls=True,
                use_dualstack_endpoint=dualstack,
                use_fips_endpoint=fips,
                s3={
                    "addressing_style": "path" if path_style else "virtual",
                    "us_east_1_regional_endpoint": "regional",
                    "use_accelerate_endpoint": accelerate,
                    "use_arn_region": True,
                },
            ),
        )
        url = urlsplit(
            client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": _KEY})
        )
    except (BotoCoreError, ClientError, ValueError) as error:
        raise ResourceError(("source",), f"AWS has no such address: {error}") from None
    _, _, region, service, _ = parse_qs(url.query)["X-Amz-Credential"][0].split("/")
    if fips and not _has_fips(region, session):
        raise ResourceError(("source", "use_fips_endpoint"), f"S3 has no FIPS endpoint in {region}")
    return url.scheme, url.netloc, unquote(url.path.removesuffix(f"/{_KEY}")), region, service


def _has_fips(region: str, session: Session) -> bool:
    """Whether AWS lists a FIPS host for a region, or does not list the region."""
    for partition in session.get_data("endpoints")["partitions"]:
        endpoint = partition["services"].get("s3", {}).get("endpoints", {}).get(region)
        if endpoint is not None and region in partition["regions"]:
            return any("fips" in variant["tags"] for variant in endpoint.get("variants", ()))
    return True


def _session() -> Session:
    """Return a session with botocore's defaults, ignoring environment variables and config files.

    So the same source gives the same URL on every worker.
    """
    defaults = {name: default for name, (_, _, default, _) in Session.SESSION_VARIABLES.items()}
    defaults.update(config_file=os.devnull, credentials_file=os.devnull)
    # no config key and no environment variable for any setting
    return Session({name: (None, None, default, None) for name, default in defaults.items()})
