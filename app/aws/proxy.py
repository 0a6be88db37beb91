"""Which proxy a request goes through, according to the environment.

The rules of NO_PROXY are those of Go: https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config.
Python, and so botocore, knows neither networks nor wildcards there.
"""

import ipaddress
import os
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


def proxies(url: str) -> dict[str, str]:
    """Return the proxy for a URL in the form that botocore takes: `{"https": PROXY}` or `{}`."""
    parts = urlsplit(url)
    proxy = _variable(f"{parts.scheme}_proxy")
    if not proxy or _is_bypassed(parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]):
        return {}
    return {parts.scheme: proxy}


def _variable(name: str) -> str:
    return os.environ.get(name) or os.environ.get(name.upper(), "")


def _is_bypassed(host: str, port: int) -> bool:
    address = _ip_address(host)
    if host == "localhost" or (address and address.is_loopback):
        return True
    rules = _variable("no_proxy").lower().split(",")
    return any(_matches(rule.strip(), host.lower(), address, port) for rule in rules)


def _matches(
    rule: str, host: str, address: "ipaddress.IPv4Address | ipaddress.IPv6Address | None", port: int
) -> bool:
    if rule == "*":
        return True
    if "/" in rule:
        try:
            return address is not None and address in ipaddress.ip_network(rule, strict=False)
        except ValueError:
            return False
    name, colon, wanted = rule.rpartition(":")
    if colon and wanted.isdecimal() and (":" not in name or name.endswith("]")):
        if int(wanted) != port:
            return False
        rule = name
    if not rule:
        return False
    if address is not None:
        return address == _ip_address(rule.strip("[]"))
    domain = rule.removeprefix("*").removeprefix(".")
    return host == domain or host.endswith(f".{domain}")


def _ip_address(text: str) -> "ipaddress.IPv4Address | ipaddress.IPv6Address | None":
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
