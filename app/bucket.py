"""The address of a bucket: scheme, host and path, and the region to sign for.

AWS's rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. The tests compare
with boto3.
"""

from .protocol import Place, ResourceError, Source, is_true

_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789-"
_NAME = _LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ._"
_PATH = _NAME + "~/"
_ARN = _NAME + ":/"

# AWS's partitions, by the prefix of their region names. All other regions are in the partition
# `aws`.
_DNS_SUFFIX = {
    "cn-": "amazonaws.com.cn",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}


class Bucket:
    """A bucket, or an access point by its ARN, and its address.

    Its objects are at `scheme://netloc/path/KEY`.
    Requests are signed for `region` and `service`, which is `s3` except for some access points.
    """

    def __init__(
        self, name: str, scheme: str, netloc: str, path: str, region: str, service: str = "s3"
    ) -> None:
        self.name = name
        self.scheme = scheme
        self.netloc = netloc
        self.path = path
        self.region = region
        self.service = service


def resolve(source: Source) -> tuple[Bucket, Bucket]:
    """Return the bucket as the users of a URL reach it, and as this machine does.

    They differ if `public_endpoint` is set. No other function checks an address. Raises
    ResourceError.
    """
    name = _name(source)
    region = _region(source)
    if source.endpoint is None:
        if source.public_endpoint is not None:
            raise ResourceError(("source", "public_endpoint"), "requires endpoint")
        bucket = _on_aws(name, region, source)
        return bucket, bucket
    for option in ("use_dualstack_endpoint", "use_fips_endpoint", "use_accelerate_endpoint"):
        if is_true(getattr(source, option)):
            raise ResourceError(("source", option), "is AWS-only: cannot be combined with endpoint")
    internal = _at_endpoint(source.endpoint, ("source", "endpoint"), name, region, source)
    if source.public_endpoint is None:
        return internal, internal
    place = ("source", "public_endpoint")
    return _at_endpoint(source.public_endpoint, place, name, region, source), internal


def _name(source: Source) -> str:
    if source.bucket_name and source.bucket:
        raise ResourceError(
            ("source", "bucket"), "is an alias of bucket_name: set only one of the two"
        )
    place = ("source", "bucket" if source.bucket else "bucket_name")
    name = source.bucket_name or source.bucket
    if not name:
        raise ResourceError(place, "required: the name of the bucket, such as my-bucket")
    if name.startswith("arn:"):
        _check_access_point(name, place)
    elif len(name) < 3 or len(name) > 255 or name.strip(_NAME):
        raise ResourceError(
            place,
            "must be a bucket name: 3 to 63 lower-case letters, digits, hyphens and dots, such as "
            "my-bucket",
        )
    elif name.endswith(("--x-s3", "--xa-s3")):
        raise ResourceError(
            place,
            "directory buckets (S3 Express One Zone) are not supported: "
            "their sessions end after 5 minutes",
        )
    elif name.endswith(".mrap"):
        raise _multi_region(place)
    return name


def _check_access_point(arn: str, place: Place) -> None:
    parts = arn.split(":", 5)
    if (
        len(parts) < 6
        or "accesspoint" not in parts[5]
        or not parts[2].startswith("s3")
        or arn.strip(_ARN)
    ):
        raise ResourceError(
            place,
            "must be the ARN of an access point, such as "
            "arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point",
        )
    if not parts[3]:
        raise _multi_region(place)


def _multi_region(place: Place) -> ResourceError:
    return ResourceError(
        place,
        "multi-region access points are not supported (they need SigV4A): use a single-region "
        "access point",
    )


def _region(source: Source) -> str:
    place = ("source", "region_name")
    if source.region_name is None:
        if source.endpoint is None:
            raise ResourceError(place, "required: the region of the bucket, such as eu-west-1")
        return "us-east-1"
    name = source.region_name
    # AWS's are host labels with a hyphen; other providers use names such as `garage` and `auto`
    is_aws_region = "-" in name and not name.strip(_LOWER) and name[0] != "-" and name[-1] != "-"
    if len(name) > 63 or name.strip(_NAME) or (source.endpoint is None and not is_aws_region):
        raise ResourceError(place, "must be the name of a region, such as eu-west-1")
    if source.endpoint is not None and _is_pseudo_region(name):
        raise ResourceError(
            place, "is one of botocore's pseudo-regions: with endpoint, set a real region"
        )
    return name


def _is_pseudo_region(region: str) -> bool:
    """Whether botocore resolves this to another region: aws-global, fips-us-east-1 and such."""
    return region.startswith(("aws-", "fips-", "s3-")) or region.endswith("-fips")


def _on_aws(name: str, region: str, source: Source) -> Bucket:
    options = (
        source.use_dualstack_endpoint,
        source.use_fips_endpoint,
        source.use_accelerate_endpoint,
    )
    scheme = "http" if is_true(source.disable_ssl) else "https"
    path_style = is_true(source.use_path_style)
    if _is_alias_or_arn(name) or _is_pseudo_region(region) or any(map(is_true, options)):
        return _by_boto3(name, region, scheme, None, source, path_style=path_style)
    suffix = next(
        (suffix for start, suffix in _DNS_SUFFIX.items() if region.startswith(start)),
        "amazonaws.com",
    )
    netloc = f"s3.{region}.{suffix}"
    if _is_host_label(name) and not path_style:
        return Bucket(name, scheme, f"{name}.{netloc}", "", region)
    return Bucket(name, scheme, netloc, f"/{name}", region)


def _at_endpoint(text: str, place: Place, name: str, region: str, source: Source) -> Bucket:
    scheme, netloc, path = _split(text, place, disable_ssl=is_true(source.disable_ssl))
    is_arn = name.startswith("arn:")
    path_style = not is_arn if source.use_path_style is None else is_true(source.use_path_style)
    if _is_alias_or_arn(name):
        return _by_boto3(
            name, region, scheme, f"{scheme}://{netloc}{path}", source, path_style=path_style
        )
    # dots are fine over http: there is no certificate to match
    fits_host = _is_host_label(name) or (scheme == "http" and _is_host_name(name))
    if fits_host and not path_style and not _is_ip_address(netloc):
        return Bucket(name, scheme, f"{name}.{netloc}", path, region)
    return Bucket(name, scheme, netloc, f"{path}/{name}", region)


def _is_alias_or_arn(name: str) -> bool:
    return name.startswith("arn:") or name.endswith(
        "--op-s3"
    )  # the alias of an access point on Outposts


def _by_boto3(
    name: str,
    region: str,
    scheme: str,
    endpoint_url: str | None,
    source: Source,
    *,
    path_style: bool,
) -> Bucket:
    from .aws import address

    return Bucket(
        name,
        *address.resolve(
            name,
            region,
            endpoint_url,
            ssl=scheme == "https",
            path_style=path_style,
            dualstack=is_true(source.use_dualstack_endpoint),
            fips=is_true(source.use_fips_endpoint),
            accelerate=is_true(source.use_accelerate_endpoint),
        ),
    )


def _is_host_label(name: str) -> bool:
    """Whether a wildcard certificate covers this bucket's host: a label without dots."""
    return 3 <= len(name) <= 63 and not name.strip(_LOWER) and name[0] != "-" and name[-1] != "-"


def _is_host_name(name: str) -> bool:
    labels_fit = all(
        0 < len(label) <= 63 and label[0] != "-" and label[-1] != "-" for label in name.split(".")
    )
    return not name.strip(_LOWER + ".") and labels_fit and not _is_ip_address(name)


def _is_ip_address(netloc: str) -> bool:
    octets = netloc.partition(":")[0].split(".")
    return netloc.startswith("[") or (
        len(octets) == 4 and all(octet.isdecimal() for octet in octets)
    )


def _split(text: str, place: Place, *, disable_ssl: bool) -> tuple[str, str, str]:
    """Return scheme, host with port, and path. A bare host is https, or http with `disable_ssl`."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "http" if disable_ssl else "https", text
    netloc, _, path = rest.partition("/")
    # clients differ in whether they send a host as written or in lower case; lower case is what is
    # signed
    scheme, netloc, path = scheme.lower(), netloc.lower(), path.rstrip("/")
    if scheme not in ("http", "https") or not _is_netloc(netloc) or path.strip(_PATH):
        raise ResourceError(
            place, "must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000"
        )
    if separator and scheme == "https" and disable_ssl:
        raise ResourceError(place, "is https, but disable_ssl is true: change one of the two")
    return scheme, netloc, f"/{path}" if path else ""


def _is_netloc(netloc: str) -> bool:
    if netloc.startswith("["):
        host, bracket, port = netloc[1:].partition("]")
        host_fits = bool(bracket) and ":" in host and not host.strip("0123456789abcdefABCDEF:.")
        colon, port = port[:1], port[1:]
    else:
        host, colon, port = netloc.partition(":")
        host_fits = not host.strip(_NAME) and all(host.split("."))
    port_fits = port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536
    return host_fits and (port_fits if colon == ":" else not colon and not port)
