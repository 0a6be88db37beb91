"""TLS trust, timeouts and error messages of all requests that the program makes.

Requests are sent by botocore's HTTP session, which knows proxies and TLS.
"""

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
from botocore.utils import get_environ_proxies

from ..protocol import Place, ResourceError
from .tls import Tls

urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

CONNECT, READ, TOTAL = 5, 10, 30  # seconds to connect, to read, and in total, with retries
ATTEMPTS = 3
RETRYABLE = (ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)


def config(**more: Any) -> Config:
    """Return botocore's configuration of a client, with our timeouts and retries."""
    return Config(
        connect_timeout=CONNECT,
        read_timeout=READ,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        **more,
    )


class Session(URLLib3Session):  # type: ignore[misc]  # botocore is not typed
    """botocore's HTTP session with the TLS settings of the source. One session per server.

    `ca_bundle` adds to what the machine trusts, as in concourse/s3-resource.
    """

    def __init__(self, tls: Tls | None, url: str) -> None:
        self._ca_bundle = tls and tls.ca_bundle
        super().__init__(
            verify=tls is None or tls.verify,
            proxies=get_environ_proxies(url),
            timeout=(CONNECT, READ),
        )

    def _get_pool_manager_kwargs(self, **more: Any) -> dict[str, Any]:
        # as text: the image may be read-only, so there is no place for a file
        return {**super()._get_pool_manager_kwargs(**more), "ca_cert_data": self._ca_bundle}


class _TimeoutError(BaseException):
    """The time is up. A BaseException, so that botocore does not retry it."""


@contextmanager
def request(place: Place, server: str) -> Iterator[None]:
    """Give the block TOTAL seconds, and report its failure as a ResourceError of `place`."""

    def stop(*_: object) -> NoReturn:
        raise _TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, TOTAL)
    try:
        yield
    except _TimeoutError:
        raise ResourceError(place, f"{server}: no response within {TOTAL} seconds") from None
    except BotoCoreError as error:
        raise ResourceError(place, f"{server}: {explain(error)}") from None
    except (
        OSError,
        ValueError,
    ) as error:  # AWS_ENDPOINT_URL that is not a URL, SSLKEYLOGFILE that is not a file
        raise ResourceError(place, f"{server}: cannot send the request: {error}") from None
    except ResponseParserError:
        raise ResourceError(
            place, f"{server}: unreadable response: wrong host, or an error page from a proxy?"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


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
            return (
                "the proxy did not respond: "
                "check HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment"
            )
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


def _tls_reason(cause: object) -> str:
    """Return OpenSSL's reason, from within the exceptions that wrap it."""
    while isinstance(cause, BaseException):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
    return str(cause)
