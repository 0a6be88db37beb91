"""The requests that this program makes itself: whom they trust, how long they may take, how a failure is told.

They go through botocore's HTTP session, for its proxies and its trust; imported only when there is a request to make.
"""

import logging
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn
from urllib.parse import urlsplit

import urllib3
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

from .protocol import ResourceError, Source, is_true

# what botocore would tell its programmer on stderr, where a line of ours is expected
logging.getLogger("botocore").addHandler(logging.NullHandler())
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

CONNECT, READ, TOTAL = 5, 10, 30  # seconds: for a connection, for a silence, for all of it with its retries
TRIES = 3
BROKEN = (ConnectionClosedError, ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError)  # what a retry may cure


class Session(URLLib3Session):  # type: ignore[misc]  # botocore is not typed
    """botocore's HTTP session with what the source says of certificates: one to ask one server with.

    `ca_bundle` adds to what the machine trusts, as in concourse/s3-resource.
    """

    def __init__(self, source: Source, url: str) -> None:
        self._ca_bundle = source.ca_bundle
        super().__init__(
            verify=not is_true(source.skip_ssl_verification), proxies=get_environ_proxies(url), timeout=(CONNECT, READ)
        )

    def _get_pool_manager_kwargs(self, **more: Any) -> dict[str, Any]:
        # as text: a file would need a place to write to, and the image may be read-only
        return {**super()._get_pool_manager_kwargs(**more), "ca_cert_data": self._ca_bundle}


class _Late(BaseException):
    """The time is up. No Exception, so that nothing on the way takes it for a failure that a retry could cure."""


@contextmanager
def request(field: str, server: str) -> Iterator[None]:
    """Give the block TOTAL seconds, and tell its failure as a ResourceError of `field`."""

    def stop(*_: object) -> NoReturn:
        raise _Late

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, TOTAL)
    try:
        yield
    except _Late:
        raise ResourceError(field, f"{server} did not answer in {TOTAL} seconds: try again, or mend the network") from None
    except BotoCoreError as error:
        raise ResourceError(field, told(error, server)) from None
    except (OSError, ValueError) as error:  # a variable: AWS_ENDPOINT_URL that is no URL, SSLKEYLOGFILE that is no file
        raise ResourceError(field, f"{server} cannot be asked: {error}") from None
    except ResponseParserError:
        raise ResourceError(
            field, f"{server} answered what cannot be read: is it the right host, and no proxy's page?"
        ) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def host(url: str) -> str:
    """Return the host of a URL, with its port if it has one of its own."""
    return urlsplit(url).netloc


def told(error: BotoCoreError, server: str) -> str:
    """Return in a sentence what kept `server` from answering, and what to do."""
    cause = error.kwargs.get("error")
    match error:
        case SSLError():
            return f"{server} is not trusted: {_mistrust(cause)} (certificates of a private authority go into ca_bundle)"
        case ProxyConnectionError():
            return "the proxy did not answer: see HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the environment"
        case ConnectTimeoutError():
            return f"{server} took no connection within {CONNECT} seconds: is the host right, and no firewall in between?"
        case ReadTimeoutError():
            return f"{server} took the request and said nothing for {READ} seconds: try again"
        case EndpointConnectionError() if isinstance(cause, urllib3.exceptions.NameResolutionError):
            return f"{server} is not a name that is known here: is it right, and does the worker have a name server?"
        case EndpointConnectionError():
            return f"{server} refused the connection: are host and port right, and does it run?"
        case ConnectionClosedError():
            return f"{server} broke off the connection: try again, or see whether it wants http or https"
        case HTTPClientError():
            return f"{server} answered what is no HTTP: is it the right port, and http or https?"
    return str(error)


def _mistrust(cause: object) -> str:
    """Return OpenSSL's reason, out of the exceptions that it is wrapped in."""
    while isinstance(cause, BaseException):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = getattr(cause, "reason", None) or (cause.args[0] if cause.args else None)
    return str(cause)
