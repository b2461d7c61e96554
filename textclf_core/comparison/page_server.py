"""Serving one page that changes, to the browsers of this machine."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from textclf_core.errors import UsageError

LOOPBACK = "127.0.0.1"
_SECONDS_BETWEEN_EVENTS = 2.0
_MOST_SECONDS_TO_DELIVER = 5.0
_LARGEST_PORT = 65535


@dataclass(frozen=True)
class Address:
    """Where to serve: a host and a port; the system chooses a free port for 0."""

    host: str = LOOPBACK
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address for ``PORT`` or ``HOST:PORT``.

        Raises:
            UsageError: the text is neither.
        """
        host, _, port = text.rpartition(":")
        if not (port.isascii() and port.isdigit() and int(port) <= _LARGEST_PORT):
            raise UsageError(
                f"--live-at {text}: give a port, such as 8000, or a host and a port, such as 0.0.0.0:8000."
            )
        return cls(host.removeprefix("[").removesuffix("]") or LOOPBACK, int(port))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return _is_loopback(self.host)


def _is_loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False


def _host_in(header: str) -> str | None:
    """Return the host that a request names, without the port; ``None`` if it names none."""
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


class PageServer:
    """Serve a page at ``/``, and at ``/events`` its number and the state of what it shows, as server-sent events.

    Args:
        address: where to serve.
        state: returns the present state as JSON values; it is called in other threads.

    Raises:
        UsageError: the address can't be used.
    """

    def __init__(self, address: Address, state: Callable[[], dict[str, Any]]) -> None:
        self._state = state
        self._changed = threading.Condition()
        self._page, self._number = b"", 0
        self._is_closed = False
        self._watching = 0
        self._delivered = 0
        try:
            self._server = _Server(address, self)
        except (OSError, OverflowError) as error:
            where = f"{address.host}:{address.port}"
            raise UsageError(f"--live-at {where}: {error}. Leave it out, and a free port is chosen.") from error
        host, port = self._server.server_address[:2]
        shown = str(host)
        self.url = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    def show(self, page: str, number: int) -> None:
        """Serve another page from now on; browsers load it when they get its number."""
        with self._changed:
            self._page, self._number = page.encode(), number
            self._delivered = 0
            self._changed.notify_all()

    def deliver(self) -> None:
        """Wait until each open browser has loaded the page, but not for long."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._delivered >= self._watching or not self._watching, _MOST_SECONDS_TO_DELIVER
            )

    def close(self) -> None:
        """Serve no more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def page(self) -> tuple[bytes, int]:
        """Return the page for a browser, and its number."""
        with self._changed:
            return self._page, self._number

    def sent(self, number: int) -> None:
        """Count that a browser has the page with this number."""
        with self._changed:
            self._delivered += number == self._number
            self._changed.notify_all()

    def send_events(self, send: Callable[[bytes], None]) -> None:
        """Send events to a browser, until it goes away or the page is served no more."""
        with self._changed:
            self._watching += 1
        try:
            while not self._is_closed:
                number = self._number
                event = {"number": number, **self._state()}
                send(f"data: {json.dumps(event)}\n\n".encode())
                with self._changed:
                    if self._number == number and not self._is_closed:
                        self._changed.wait(_SECONDS_BETWEEN_EVENTS)
        finally:
            with self._changed:
                self._watching -= 1
                self._changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: Address, of: PageServer) -> None:
        self.page_server = of
        self.is_loopback = address.is_loopback
        self.address_family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        super().__init__((address.host, address.port), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a browser that has gone away
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        # A page of another site whose name leads here must not read this one.
        if self.server.is_loopback and not _is_loopback(_host_in(self.headers.get("Host", ""))):
            self.send_error(HTTPStatus.FORBIDDEN)
        elif self.path == "/":
            page, number = self.server.page_server.page()
            self._head("text/html; charset=utf-8", len(page))
            self._send(page)
            self.server.page_server.sent(number)
        elif self.path == "/events":
            self._head("text/event-stream")
            self.server.page_server.send_events(self._send)
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _head(self, kind: str, length: int | None = None) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", kind)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.end_headers()

    def _send(self, content: bytes) -> None:
        self.wfile.write(content)
        self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""
