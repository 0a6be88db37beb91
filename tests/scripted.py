"""A server that responds as a test prescribes and records the requests."""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .providers import serving


@dataclass(frozen=True)
class Request:
    """A recorded request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """A response of a well-behaved server."""

    status: int
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        body = self.body.encode()
        handler.send_response_only(self.status)
        for name, value in {"Content-Length": str(len(body)), **self.headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(body)


Reaction = Answer | Callable[[BaseHTTPRequestHandler], None]


def hang(handler: BaseHTTPRequestHandler) -> None:
    """Do not respond."""
    handler.connection.settimeout(60)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Reset the connection."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def garbage(handler: BaseHTTPRequestHandler) -> None:
    """Respond in a protocol other than HTTP."""
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")


@dataclass
class Server:
    url: str
    requests: list[Request]


@contextlib.contextmanager
def scripted(
    *reactions: Reaction,
    tls: ssl.SSLContext | None = None,
    address: tuple[str, int] = ("127.0.0.1", 0),
) -> Iterator[Server]:
    """Serve at a free port of loopback. Each request gets the next reaction; the last repeats."""
    received: list[Request] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def react(self) -> None:
            self.body = body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                reaction = reactions[min(len(received), len(reactions) - 1)]
                received.append(Request(self.command, self.path, dict(self.headers), body))
            self.close_connection = True
            reaction(self)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = react  # noqa: N815  # http.server's names

        def log_message(self, *_: Any) -> None:
            pass

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):  # a connection that was reset
                super().finish()

    class Listener(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # the client left or rejected the certificate, which the test expects

    listener = Listener(address, Handler)
    if tls:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True)
    with serving(listener):
        yield Server(f"{'https' if tls else 'http'}://localhost:{listener.server_port}", received)
