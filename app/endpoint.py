"""Which host a bucket is reached at, and under which path.

The rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html, and for what a bucket may be called
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. Tests hold them against boto3's.
"""

from msgspec import Struct

from .protocol import ResourceError, Source, is_true

_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789-"
_BUCKET = _LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ._"
_PATH = _BUCKET + "~/"
_ARN = _BUCKET + ":/"

# AWS's partitions, by how the names of their regions begin; any other region is in the partition `aws`.
_DNS_SUFFIX = {
    "cn-": "amazonaws.com.cn",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}


class Endpoint(Struct, frozen=True):
    """Where a bucket's objects are: `scheme://netloc/path/KEY`."""

    scheme: str
    netloc: str
    path: str


def bucket(source: Source) -> str:
    """Return the bucket's name, or the ARN of an access point.

    Raises ResourceError for none, for both spellings, for an impossible name, and for the kinds of bucket whose
    requests cannot be signed with a SigV4 query string.
    """
    if source.bucket_name and source.bucket:
        raise ResourceError("source.bucket", "is another name for bucket_name: set only one of them")
    field = "source.bucket" if source.bucket else "source.bucket_name"
    name = source.bucket_name or source.bucket
    if not name:
        raise ResourceError(field, "required: the name of the bucket, such as my-bucket")
    if name.startswith("arn:"):
        return _access_point(name, field)
    if len(name) < 3 or len(name) > 255 or name.strip(_BUCKET):
        raise ResourceError(
            field, "must be the name of a bucket: 3 to 63 lower-case letters, digits, hyphens and dots, such as my-bucket"
        )
    if name.endswith(("--x-s3", "--xa-s3")):
        raise ResourceError(
            field, "is a directory bucket (S3 Express One Zone), whose URLs need a session that presigning cannot carry"
        )
    if name.endswith(".mrap"):
        raise _multi_region(field)
    return name


def _access_point(arn: str, field: str) -> str:
    parts = arn.split(":", 5)
    if len(parts) < 6 or "accesspoint" not in parts[5] or not parts[2].startswith("s3") or arn.strip(_ARN):
        raise ResourceError(
            field, "must be the ARN of an access point, such as arn:aws:s3:eu-west-1:123456789012:accesspoint/my-point"
        )
    if not parts[3]:
        raise _multi_region(field)
    return arn


def _multi_region(field: str) -> ResourceError:
    return ResourceError(
        field, "is a multi-region access point, which only SigV4A can sign: use the access point of one region"
    )


def region(source: Source) -> str:
    """Return the region to sign for. Raises ResourceError when there is none, or it cannot be one."""
    if source.region_name is None:
        if source.endpoint is None:
            raise ResourceError("source.region_name", "required: the region of the bucket, such as eu-west-1")
        return "us-east-1"
    name = source.region_name
    # other providers call theirs `garage`, `auto` and so on; AWS's are host labels with at least one hyphen
    shaped = not name.strip(_LOWER) and name[0] != "-" and name[-1] != "-"
    if len(name) > 63 or (source.endpoint is None and not (shaped and "-" in name)) or name.strip(_BUCKET):
        raise ResourceError("source.region_name", "must be the name of a region, such as eu-west-1")
    if source.endpoint is not None and _stands_for_an_address(name):
        raise ResourceError(
            "source.region_name", "stands for an address of AWS: where endpoint is set, give the region itself"
        )
    return name


def _stands_for_an_address(region_name: str) -> bool:
    """Whether this is one of botocore's pseudo-regions, such as aws-global, fips-us-east-1 or s3-external-1."""
    return region_name.startswith(("aws-", "fips-", "s3-")) or region_name.endswith("-fips")


def needs_boto3(source: Source) -> bool:
    """Whether the address is one that only boto3's endpoint rules know: these are rare, so its price is too."""
    name = source.bucket_name or source.bucket or ""
    return (
        name.startswith("arn:")
        or name.endswith("--op-s3")  # the alias of an access point on Outposts
        or _stands_for_an_address(source.region_name or "")
        or is_true(source.use_dualstack_endpoint)
        or is_true(source.use_fips_endpoint)
        or is_true(source.use_accelerate_endpoint)
    )


def validate(source: Source) -> None:
    """Raise ResourceError for options that contradict each other, or do not make an address."""
    if source.ca_bundle is not None and "-----BEGIN CERTIFICATE-----" not in source.ca_bundle:
        raise ResourceError("source.ca_bundle", "must be certificates in PEM form, with their BEGIN and END lines")
    if source.endpoint is None:
        if source.public_endpoint is not None:
            raise ResourceError("source.public_endpoint", "only together with endpoint, whose public face it is")
        return
    for option in ("use_dualstack_endpoint", "use_fips_endpoint", "use_accelerate_endpoint"):
        if is_true(getattr(source, option)):
            raise ResourceError(f"source.{option}", "only on AWS: leave it out where endpoint is set")
    _base_url(source.endpoint, "source.endpoint", source)
    if source.public_endpoint is not None:
        _base_url(source.public_endpoint, "source.public_endpoint", source)


def resolve(source: Source) -> Endpoint:
    """Return where the bucket is, as the one who uses the URL will see it. Raises ResourceError."""
    name = bucket(source)
    if source.endpoint is None:
        region_name = region(source)
        scheme, netloc, path = _scheme(source), f"s3.{region_name}.{_dns_suffix(region_name)}", ""
        hostable = _is_host_label(name)
    else:
        scheme, netloc, path = _provider(source)
        # over plain http no certificate has to match, so there dots do no harm
        hostable = _is_host_label(name) or (scheme == "http" and _is_host_name(name))
        hostable = hostable and not _is_address(netloc)
    if hostable and not is_path_style(source):
        return Endpoint(scheme, f"{name}.{netloc}", path)
    return Endpoint(scheme, netloc, f"{path}/{name}")


def is_path_style(source: Source) -> bool:
    """Whether the bucket is to stand in the path: on AWS only if asked for, elsewhere unless asked not to."""
    if source.use_path_style is None:
        return source.endpoint is not None and not bucket(source).startswith("arn:")
    return is_true(source.use_path_style)


def url(source: Source) -> str | None:
    """Return the provider's URL, as the one who uses the URL will see it, or None on AWS."""
    return None if source.endpoint is None else "{}://{}{}".format(*_provider(source))


def _provider(source: Source) -> tuple[str, str, str]:
    if source.public_endpoint is not None:
        return _base_url(source.public_endpoint, "source.public_endpoint", source)
    return _base_url(source.endpoint or "", "source.endpoint", source)


def _scheme(source: Source) -> str:
    return "http" if is_true(source.disable_ssl) else "https"


def _dns_suffix(region_name: str) -> str:
    return next((suffix for start, suffix in _DNS_SUFFIX.items() if region_name.startswith(start)), "amazonaws.com")


def _is_host_label(name: str) -> bool:
    """Whether a bucket can be the first label of a host that AWS's wildcard certificate covers: so no dots."""
    return 3 <= len(name) <= 63 and not name.strip(_LOWER) and name[0] != "-" and name[-1] != "-"


def _is_host_name(name: str) -> bool:
    labels_fit = all(0 < len(label) <= 63 and label[0] != "-" and label[-1] != "-" for label in name.split("."))
    return not name.strip(_LOWER + ".") and labels_fit and not _is_address(name)


def _is_address(netloc: str) -> bool:
    """Whether this is an IP address, before which no bucket can stand."""
    octets = netloc.partition(":")[0].split(".")
    return netloc.startswith("[") or (len(octets) == 4 and all(octet.isdecimal() for octet in octets))


def _base_url(text: str, field: str, source: Source) -> tuple[str, str, str]:
    """Split an endpoint into scheme, host with port, and path. A bare host means https, or http with `disable_ssl`.

    Raises ResourceError naming `field`.
    """
    scheme, separator, rest = text.partition("://") if "://" in text else (_scheme(source), "", text)
    netloc, _, path = rest.partition("/")
    # clients differ in whether they send a host as it is written or in lower case, which is what is signed
    scheme, netloc, path = scheme.lower(), netloc.lower(), path.rstrip("/")
    if scheme not in ("http", "https") or not _is_netloc(netloc) or path.strip(_PATH):
        raise ResourceError(field, "must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000")
    if separator and scheme == "https" and is_true(source.disable_ssl):
        raise ResourceError(field, "says https, but disable_ssl is true: drop one of them")
    return scheme, netloc, f"/{path}" if path else ""


def _is_netloc(netloc: str) -> bool:
    if netloc.startswith("["):
        host, closed, port = netloc[1:].partition("]")
        host_fits = bool(closed) and ":" in host and not host.strip("0123456789abcdefABCDEF:.")
        colon, port = port[:1], port[1:]
    else:
        host, colon, port = netloc.partition(":")
        host_fits = not host.strip(_BUCKET) and all(host.split("."))
    port_fits = port.isascii() and port.isdecimal() and len(port) <= 5 and 0 < int(port) < 65536
    return host_fits and (port_fits if colon == ":" else not colon and not port)
