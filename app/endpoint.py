"""An endpoint as a pipeline writes it: a host or a URL. Imported only if there is one.

The signature covers host and path, so they must be as clients send them: in the form of
https://url.spec.whatwg.org/.
"""

from . import partitions
from .protocol import Place, ResourceError

_LABEL = "abcdefghijklmnopqrstuvwxyz0123456789-_"
_PATH = _LABEL + "ABCDEFGHIJKLMNOPQRSTUVWXYZ.~/"


class Endpoint:
    """A host with its scheme, and a path before the bucket or key, such as `/storage/v1`.

    A bare host means https, or http with `disable_ssl`. `aws_region` is None if it is not a host of
    Amazon S3. Raises ResourceError for one that clients would not send as it is written.
    """

    def __init__(self, text: str, place: Place, *, disable_ssl: bool) -> None:
        scheme, separator, rest = text.partition("://")
        if not separator:
            scheme, rest = "http" if disable_ssl else "https", text
        netloc, _, path = rest.partition("/")
        # clients differ in whether they send a host as written or in lower case
        self.scheme, self.netloc, path = scheme.lower(), netloc.lower(), path.rstrip("/")
        self.path = f"/{path}" if path else ""
        host, port = _split_port(self.netloc)
        fits = _is_host(host) and _is_port(port) and _is_path(self.path)
        if self.scheme not in ("http", "https") or not fits:
            raise ResourceError(
                place, "must be a host or a URL, such as minio.example.com or http://10.0.0.5:9000"
            )
        if separator and self.scheme == "https" and disable_ssl:
            raise ResourceError(place, "is https, but disable_ssl is true: change one of the two")
        self.is_ip_address = is_ip_address(host)
        self.aws_region = partitions.s3_region(host)

    @property
    def url(self) -> str:
        """The endpoint as a URL."""
        return f"{self.scheme}://{self.netloc}{self.path}"


def _split_port(netloc: str) -> tuple[str, str | None]:
    host, colon, port = netloc.rpartition(":")
    return (host, port) if colon and not port.endswith("]") else (netloc, None)


def _is_port(port: str | None) -> bool:
    """Whether clients send this port as written: they remove leading zeros."""
    if port is None:
        return True
    return port.isascii() and port.isdecimal() and port[0] != "0" and int(port[:6]) < 65536


def _is_path(path: str) -> bool:
    """Whether clients send this path as written: they remove `.` and `..` segments."""
    return not path.strip(_PATH) and {".", ".."}.isdisjoint(path.split("/")) and "//" not in path


def _is_host(host: str) -> bool:
    if host.startswith("["):
        from ipaddress import IPv6Address

        try:  # there is one canonical form, and a zone is only for this machine
            return host == f"[{IPv6Address(host[1:-1])}]" and "%" not in host
        except ValueError:
            return False
    last = host.rpartition(".")[2]
    if last.isdecimal() or last.startswith("0x"):  # clients parse this as an IPv4 address
        return is_ip_address(host)
    return not host.strip(_LABEL + ".") and has_valid_labels(host)


def has_valid_labels(host: str) -> bool:
    """Whether the labels of a host name have the right length, and no hyphen at an end."""
    labels = host.split(".")
    return all(0 < len(label) <= 63 and label[0] != "-" and label[-1] != "-" for label in labels)


def is_ip_address(host: str) -> bool:
    """Whether this is an IPv6 address in brackets, or an IPv4 address in its canonical form."""
    octets = host.split(".")
    is_ipv4 = len(octets) == 4 and all(
        octet.isascii() and octet.isdecimal() and str(int(octet[:4])) == octet and int(octet) < 256
        for octet in octets
    )
    return host.startswith("[") or is_ipv4
