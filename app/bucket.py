"""The address of a bucket: scheme, host and path, and the region to sign for.

AWS's rules: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html and
https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html. The tests compare
with boto3.
"""

from . import partitions
from .protocol import Place, ResourceError, Source, is_true

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs start-up time
    from .endpoint import Endpoint

_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789-"
_NAME = _LOWER + "ABCDEFGHIJKLMNOPQRSTUVWXYZ._"
_ARN = _NAME + ":/"
_AWS_ONLY = ("use_dualstack_endpoint", "use_fips_endpoint", "use_accelerate_endpoint")


class Bucket:
    """A bucket, or an access point by its ARN, and its address.

    Its objects are at `scheme://netloc/path/KEY`. Requests are signed for `region` and `service`,
    which is `s3` except for some access points.
    """

    def __init__(
        self,
        name: str,
        scheme: str,
        netloc: str,
        path: str,
        region: str,
        service: str = "s3",
        *,
        on_aws: bool = True,
    ) -> None:
        self.name = name
        self.scheme = scheme
        self.netloc = netloc
        self.path = path
        self.region = region
        self.service = service
        self.on_aws = on_aws


def resolve(source: Source) -> tuple[Bucket, Bucket]:
    """Return the bucket as the users of a URL reach it, and as this machine does.

    They differ if `public_endpoint` is set. No other function checks an address. Raises
    ResourceError.
    """
    name = _name(source)
    if source.endpoint is None:
        for option in ("public_endpoint", "bucket_endpoint"):
            if getattr(source, option) is not None:
                raise ResourceError(("source", option), "requires endpoint")
        bucket = _on_aws(name, _region(source, {}), source)
        return bucket, bucket
    for option in _AWS_ONLY:
        if is_true(getattr(source, option)):
            raise ResourceError(("source", option), "is AWS-only: cannot be combined with endpoint")
    from .endpoint import Endpoint

    disable_ssl = is_true(source.disable_ssl)
    endpoints = {
        field: Endpoint(text, ("source", field), disable_ssl=disable_ssl)
        for field in ("endpoint", "public_endpoint")
        if (text := getattr(source, field)) is not None
    }
    region = _region(source, {field: one.aws_region for field, one in endpoints.items()})
    buckets = [_at_endpoint(field, one, name, region, source) for field, one in endpoints.items()]
    return buckets[-1], buckets[0]


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
        return name
    tenant, colon, rest = name.rpartition(":")
    is_tenant = colon == ":" and source.endpoint is not None and not tenant.strip(_NAME)
    bucket = rest if is_tenant else name  # TENANT:BUCKET, as Ceph has it
    if len(bucket) < 3 or len(bucket) > 255 or bucket.strip(_NAME):
        from .messages import bucket_names

        raise ResourceError(place, bucket_names.explain(name))
    if name.endswith(("--x-s3", "--xa-s3")):
        raise ResourceError(
            place,
            "directory buckets (S3 Express One Zone) are not supported: "
            "their sessions end after 5 minutes",
        )
    if name.endswith(".mrap"):
        raise _multi_region(place)
    return name


def _check_access_point(arn: str, place: Place) -> None:
    parts = arn.split(":", 5)
    is_access_point = len(parts) == 6 and "accesspoint" in parts[5] and parts[2].startswith("s3")
    if not is_access_point or arn.strip(_ARN):
        from .messages import bucket_names

        raise ResourceError(place, bucket_names.explain(arn))
    if not parts[3]:
        raise _multi_region(place)


def _multi_region(place: Place) -> ResourceError:
    return ResourceError(
        place,
        "multi-region access points are not supported (they need SigV4A): "
        "use a single-region access point",
    )


def _region(source: Source, aws_regions: dict[str, str | None]) -> str:
    """Return the region to sign for, which must be that of AWS's hosts among the endpoints."""
    place = ("source", "region_name")
    on_aws = source.endpoint is None or any(one is not None for one in aws_regions.values())
    name = source.region_name
    if name is None:
        if source.endpoint is None:
            raise ResourceError(place, "required: the region of the bucket, such as eu-west-1")
        name = next(filter(None, aws_regions.values()), "us-east-1")
    # AWS's are host labels with a hyphen; other providers use names such as `garage` and `auto`
    is_aws_region = "-" in name and not name.strip(_LOWER) and name[0] != "-" and name[-1] != "-"
    if len(name) > 63 or name.strip(_NAME) or (on_aws and not is_aws_region):
        raise ResourceError(place, "must be the name of a region, such as eu-west-1")
    if source.endpoint is not None and _is_pseudo_region(name):
        raise ResourceError(
            place, "is one of botocore's pseudo-regions: with endpoint, set a real region"
        )
    for field, region in aws_regions.items():
        if region and region != name:
            raise ResourceError(
                ("source", field),
                f"is in {region}, but the region is {name}: change one of the two",
            )
    return name


def _is_pseudo_region(region: str) -> bool:
    """Whether botocore resolves this to another region: aws-global, fips-us-east-1 and such."""
    return region.startswith(("aws-", "fips-", "s3-")) or region.endswith("-fips")


def _on_aws(name: str, region: str, source: Source) -> Bucket:
    scheme = "http" if is_true(source.disable_ssl) else "https"
    path_style = is_true(source.use_path_style)
    options = any(is_true(getattr(source, option)) for option in _AWS_ONLY)
    if options or _is_alias_or_arn(name) or _is_pseudo_region(region):
        return _by_boto3(name, region, scheme, None, source, path_style=path_style)
    netloc = f"s3.{region}.{partitions.suffix(region)}"
    if _is_host_label(name) and not path_style:
        return Bucket(name, scheme, f"{name}.{netloc}", "", region)
    return Bucket(name, scheme, netloc, f"/{name}", region)


def _at_endpoint(
    field: str, endpoint: "Endpoint", name: str, region: str, source: Source
) -> Bucket:
    scheme, netloc, path = endpoint.scheme, endpoint.netloc, endpoint.path
    on_aws = endpoint.aws_region is not None
    # a domain of the bucket's own is the public one, if there is one
    has_own_host = field == "public_endpoint" or source.public_endpoint is None
    if is_true(source.bucket_endpoint) and has_own_host:
        if is_true(source.use_path_style):
            problem = "cannot be combined with bucket_endpoint: the bucket is not in the path"
            raise ResourceError(("source", "use_path_style"), problem)
        return Bucket(name, scheme, netloc, path, region, on_aws=on_aws)
    if source.bucket_endpoint is None:
        _check_bucket_is_absent(field, endpoint, name)
    path_style = source.use_path_style
    if path_style is None:
        path_style = not name.startswith("arn:")
    if _is_alias_or_arn(name):
        return _by_boto3(name, region, scheme, endpoint.url, source, path_style=is_true(path_style))
    # dots are fine over http: there is no certificate to match
    fits_host = _is_host_label(name) or (scheme == "http" and _is_host_name(name))
    if fits_host and not is_true(path_style) and not endpoint.is_ip_address:
        return Bucket(name, scheme, f"{name}.{netloc}", path, region, on_aws=on_aws)
    return Bucket(name, scheme, netloc, f"{path}/{name}", region, on_aws=on_aws)


def _check_bucket_is_absent(field: str, endpoint: "Endpoint", name: str) -> None:
    """Raise ResourceError for an endpoint that contains the bucket: a URL would have it twice."""
    if endpoint.netloc.startswith(f"{name}.") or endpoint.path.endswith(f"/{name}"):
        raise ResourceError(
            ("source", field),
            f"seems to contain the bucket already: remove {name} from it, or set bucket_endpoint "
            "(true if this is the bucket's own address, false if not)",
        )


def _is_alias_or_arn(name: str) -> bool:
    return name.startswith("arn:") or name.endswith("--op-s3")  # an access point on Outposts


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
    """Whether a bucket with dots can be part of a host name."""
    from .endpoint import has_valid_labels, is_ip_address

    return not name.strip(_LOWER + ".") and has_valid_labels(name) and not is_ip_address(name)
