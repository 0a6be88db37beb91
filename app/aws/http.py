"""Timeouts, TLS, proxies and error messages of all requests that the program makes.

botocore's HTTP session sends them.
"""

import re
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import urlsplit

import urllib3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import URLLib3Session
from botocore.parsers import ResponseParserError

from ..protocol import Place, ResourceError
from .proxy import proxies
from .tls import Tls
from .trust import certificates

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

# Seconds to connect, to read, and for all requests of a step, with their retries.
CONNECT, READ, TOTAL = 5, 10, 30
ATTEMPTS = 3
RETRYABLE = (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)


def config(**more: Any) -> Config:
    """Return botocore's configuration of a client, with our timeouts and retries."""
    return Config(
        connect_timeout=CONNECT,
        read_timeout=READ,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        **more,
    )


class Session(URLLib3Session):  # type: ignore[misc]  # botocore is not typed
    """botocore's HTTP session for the server of a URL.

    It trusts what the machine trusts and, as in concourse/s3-resource, `ca_bundle` of the source.
    """

    def __init__(self, tls: Tls | None, url: str) -> None:
        self._certificates = None
        verify = tls is None or tls.verify
        if verify and url.startswith("https:"):
            ca_bundle = tls.ca_bundle if tls else None
            self._certificates = f"{certificates()}\n{ca_bundle or ''}"
        super().__init__(verify=verify, proxies=proxies(url), timeout=(CONNECT, READ))

    def _get_pool_manager_kwargs(self, **more: Any) -> dict[str, Any]:
        # as text: the image may be read-only, so there is no place for a file
        return {**super()._get_pool_manager_kwargs(**more), "ca_cert_data": self._certificates}

    def _setup_ssl_cert(self, conn: Any, url: str, verify: bool) -> None:
        super()._setup_ssl_cert(conn, url, verify)
        conn.ca_certs = None  # instead of botocore's own bundle


class _TimeoutError(BaseException):
    """The time is up. A BaseException, so that botocore does not retry it."""


@contextmanager
def time_limit() -> Iterator[None]:
    """Give the block TOTAL seconds, unless it is inside another such block."""
    if signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def stop(*_: object) -> NoReturn:
        raise _TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, TOTAL)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def request(place: Place, server: str) -> Iterator[None]:
    """Limit the time of the block, and report its failure as a ResourceError of `place`."""
    try:
        with time_limit():
            yield
    except _TimeoutError:
        raise ResourceError(place, f"{server}: no response within {TOTAL} seconds") from None
    except BotoCoreError as error:
        raise ResourceError(place, f"{server}: {explain(error)}") from None
    except (OSError, ValueError) as error:
        # AWS_ENDPOINT_URL that is not a URL, SSLKEYLOGFILE that is not a file
        raise ResourceError(place, f"{server}: cannot send the request: {error}") from None
    except ResponseParserError:
        problem = "unreadable response: wrong host, or an error page from a proxy?"
        raise ResourceError(place, f"{server}: {problem}") from None


def host(url: str) -> str:
    """Return the host of a URL, with its port if there is one."""
    return urlsplit(url).netloc


def explain(error: BotoCoreError) -> str:
    """Return why a request got no response, and what to do."""
    cause = error.kwargs.get("error")
    match error:
        case SSLError():
            reason = _tls_reason(cause)
            return f"certificate verification failed: {reason} (for a private CA, set ca_bundle)"
        case ProxyConnectionError():
            return _proxy_reason(cause)
        case ConnectTimeoutError():
            return f"connection timed out after {CONNECT} seconds: check the host and firewalls"
        case ReadTimeoutError():
            return f"no response for {READ} seconds after the request was sent"
        case EndpointConnectionError() if isinstance(cause, urllib3.exceptions.NameResolutionError):
            return "cannot resolve host name: check the name and the worker's DNS"
        case EndpointConnectionError():
            return "connection refused: check host and port, and that the server is running"
        case ConnectionClosedError():
            return "connection closed unexpectedly: retry, or check http vs https"
        case HTTPClientError():
            return "did not answer with HTTP: check the port, and http vs https"
    return str(error)


def _proxy_reason(cause: object) -> str:
    advice = "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment"
    refusal = re.search(r"Tunnel connection failed: (\d+)([ \w-]*)", str(cause))
    if not refusal:
        return f"the proxy did not respond: {advice}"
    if refusal[1] == "407":
        return "the proxy requires authentication (407): set HTTPS_PROXY=http://USER:PASSWORD@HOST"
    return f"the proxy refused to connect ({refusal[1]}{refusal[2]}): {advice}"


def _tls_reason(cause: object) -> str:
    """Return OpenSSL's reason, from within the exceptions that wrap it."""
    while isinstance(cause, BaseException):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
    return str(cause)
