"""A web server for one page and one machine."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from ampsweep.page import KINDS, Files
from rigs.errors import UserError

LOOPBACK = "127.0.0.1"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Permissions-Policy": "microphone=(self), midi=(self), camera=(), geolocation=()",
}
EXCHANGE = "/live"
JSON = "application/json"

Exchange = Callable[[bytes], bytes]
"""What a page says to what its page is told, both JSON; ValueError if it makes no sense."""


class PageServer(ThreadingHTTPServer):
    """Serves ``files`` on loopback, and nothing else to anyone; port 0 is any free one.

    ``exchange`` hears what the page posts to /live, and answers it; without one, nothing can be
    posted. Raises UserError if the port is taken.
    """

    daemon_threads = True

    def __init__(self, files: Files, port: int = 0, exchange: Exchange | None = None) -> None:
        self.files, self.exchange = files, exchange
        try:
            super().__init__((LOOPBACK, port), _Handler)
        except (OSError, OverflowError):
            raise UserError(
                f"Port {port} is taken, or not yours to use; give another with --port."
            ) from None

    @property
    def address(self) -> str:
        return f"http://{LOOPBACK}:{self.server_port}/"

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Serves as long as this lasts, in a thread of its own."""
        thread = threading.Thread(target=self.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.shutdown()
            thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up in the middle is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    server_version, sys_version = "ampsweep", ""
    protocol_version = "HTTP/1.1"
    timeout = 30  # seconds that a silent client keeps a thread

    def do_GET(self) -> None:
        if not self._is_ours():
            self._answer(HTTPStatus.FORBIDDEN, b"Only pages of this server may ask.\n")
            return
        name = unquote(urlsplit(self.path).path).removeprefix("/") or "index.html"
        give = self.server.files.get(name)
        if give is None:
            self._answer(HTTPStatus.NOT_FOUND, b"There is no such file.\n")
            return
        try:
            data = give()
        except UserError as error:
            self._answer(HTTPStatus.INTERNAL_SERVER_ERROR, f"{error}\n".encode())
            return
        self._answer(HTTPStatus.OK, data, KINDS[PurePosixPath(name).suffix])

    do_HEAD = do_GET

    def do_POST(self) -> None:
        # What is refused was not read, and must not be taken for the next request.
        goes_on, self.close_connection = not self.close_connection, True
        exchange = self.server.exchange
        length = self.headers.get("Content-Length", "")
        if exchange is None:
            self._answer(HTTPStatus.NOT_IMPLEMENTED, b"Nothing can be posted here.\n")
        elif not self._is_ours() or self.headers.get("Origin") is None:
            self._answer(HTTPStatus.FORBIDDEN, b"Only pages of this server may ask.\n")
        elif self.path != EXCHANGE:
            self._answer(HTTPStatus.NOT_FOUND, b"There is no such file.\n")
        elif self.headers.get_content_type() != JSON or not re.fullmatch("[0-9]{1,4}", length):
            self._answer(HTTPStatus.BAD_REQUEST, b"Post some lines of JSON.\n")
        else:
            said = self.rfile.read(int(length))
            self.close_connection = not goes_on
            try:
                self._answer(HTTPStatus.OK, exchange(said), JSON)
            except ValueError:
                self._answer(HTTPStatus.BAD_REQUEST, b"That makes no sense here.\n")

    def _is_ours(self) -> bool:
        """Whether a request came from our own page, or from a person who typed the address.

        A page elsewhere can make the browser ask anything of this machine, under any name that it
        has a server of names say is ours: hence the host, not only the origin.
        """
        hosts = {f"{name}:{self.server.server_port}" for name in (LOOPBACK, "localhost")}
        origin = self.headers.get("Origin")
        asked = self.headers.get_all("Host", [])
        if len(asked) != 1 or asked[0].lower() not in hosts:
            return False
        if origin is not None and origin.lower() != f"http://{asked[0].lower()}":
            return False
        site = self.headers.get("Sec-Fetch-Site", "none")
        return site in ("none", "same-origin") or self.headers.get("Sec-Fetch-Mode") == "navigate"

    def _answer(
        self, status: HTTPStatus, data: bytes, kind: str = "text/plain; charset=utf-8"
    ) -> None:
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Type": kind, "Content-Length": len(data)}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the terminal is the person's."""
