"""AWS's partitions: which domain a region is in, and which region a host is in.

https://docs.aws.amazon.com/general/latest/gr/s3.html. The tests compare with botocore's data.
"""

# By the prefix of the region names. All other regions are in the partition `aws`.
_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eu-isoe-": "cloud.adc-e.uk",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "us-isof-": "csp.hci.ic.gov",
}
_DEFAULT_SUFFIX = "amazonaws.com"


def suffix(region: str) -> str:
    """Return the domain of a region's hosts."""
    for prefix, domain in _SUFFIXES.items():
        if region.startswith(prefix):
            return domain
    return _DEFAULT_SUFFIX


def is_aws(host: str) -> bool:
    """Whether a host is in a domain of AWS, as are those of customers' load balancers."""
    return any(host.endswith(f".{domain}") for domain in (_DEFAULT_SUFFIX, *_SUFFIXES.values()))


def s3_region(host: str) -> str | None:
    """Return the region of a host of Amazon S3, `""` if it serves all regions; None for others.

    Hosts are `[BUCKET.]s3[-OPTION][.dualstack].REGION.DOMAIN`, `s3-REGION.DOMAIN` (old),
    `s3.DOMAIN`, and `NAME.s3.REGION.vpce.DOMAIN` (VPC endpoints).
    """
    if not is_aws(host):
        return None
    domains = (_DEFAULT_SUFFIX, *_SUFFIXES.values())
    domain = next(domain for domain in domains if host.endswith(f".{domain}"))
    labels = host.removesuffix(f".{domain}").split(".")
    if labels[-1] == "vpce":
        labels.pop()
    region = labels.pop() if _is_region(labels[-1]) else ""
    if labels and labels[-1] == "dualstack":
        labels.pop()
    service = labels[-1] if labels else ""
    if service != "s3" and not service.startswith("s3-"):
        return None
    if not region:
        name = service.removeprefix("s3-").removeprefix("fips-").removeprefix("website-")
        region = {"external-1": "us-east-1"}.get(name, name if _is_region(name) else "")
    return region


def _is_region(label: str) -> bool:
    *words, number = label.split("-")
    return len(words) > 1 and number.isdecimal() and all(word.isalpha() for word in words)
