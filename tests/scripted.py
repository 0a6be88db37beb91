"""A server that answers as a test says, and keeps what it was asked: for STS's refusals, and for misbehaviour."""

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
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """An answer of a well-behaved server."""

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
    """Say nothing until the other side gives up."""
    handler.connection.settimeout(60)
    with contextlib.suppress(OSError):
        handler.connection.recv(1)


def reset(handler: BaseHTTPRequestHandler) -> None:
    """Break off the connection (RST)."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def garbage(handler: BaseHTTPRequestHandler) -> None:
    """Speak another language than HTTP."""
    handler.wfile.write(b"220 mail.example.com ESMTP\r\n")


@dataclass
class Server:
    url: str
    asked: list[Asked]


@contextlib.contextmanager
def scripted(*reactions: Reaction, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve on loopback: each request gets the next reaction, and when they run out the last one again."""
    asked: list[Asked] = []
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def react(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                reaction = reactions[min(len(asked), len(reactions) - 1)]
                asked.append(Asked(self.command, self.path, dict(self.headers), body))
            self.close_connection = True
            reaction(self)

        do_GET = do_HEAD = do_PUT = do_DELETE = do_POST = react  # noqa: N815  # the names are http.server's

        def log_message(self, *_: Any) -> None:
            pass

        def finish(self) -> None:
            with contextlib.suppress(OSError, ValueError):  # a connection that was broken off
                super().finish()

    class Listener(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            pass  # the other side left, or does not trust us: that is what the test is about

    listener = Listener(("127.0.0.1", 0), Handler)
    if tls:
        listener.socket = tls.wrap_socket(listener.socket, server_side=True)
    with serving(listener):
        yield Server(f"{'https' if tls else 'http'}://localhost:{listener.server_port}", asked)
