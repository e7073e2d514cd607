"""A web server on this machine whose files and faults a test decides."""

from __future__ import annotations

import base64
import hashlib
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class WebServer:
    """What is served, by path. Faults are by path too.

    `busy` answers so often that it is; of what is `cut`, so many bytes come; what is in `no_head` cannot be asked for
    its head. `chunked` comes without a length. With a `login`, nothing else is let in. `asked` is what was asked for.
    """

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    busy: dict[str, int] = field(default_factory=dict[str, int])
    cut: dict[str, int] = field(default_factory=dict[str, int])
    moved: dict[str, str] = field(default_factory=dict[str, str])
    no_head: set[str] = field(default_factory=set[str])
    chunked: set[str] = field(default_factory=set[str])
    login: str | None = None
    asked: list[str] = field(default_factory=list[str])

    def put(self, path: str, content: bytes) -> str:
        self.files[path] = content
        return f"{self.url}{path}"

    def lock(self, user: str, password: str) -> None:
        self.login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@contextmanager
def web_server() -> Generator[WebServer]:
    told = WebServer()

    class Handler(_Handler):
        server_told = told

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server_told: WebServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(has_body=False)

    def do_GET(self) -> None:
        self._answer(has_body=True)

    def _answer(self, *, has_body: bool) -> None:
        told, path = self.server_told, self.path.partition("?")[0]
        told.asked.append(f"{self.command} {self.path}")
        if told.login is not None and self.headers.get("Authorization") != told.login:
            return self._end(401)
        if told.busy.get(path, 0):
            told.busy[path] -= 1
            return self._end(503)
        if path in told.moved:
            return self._end(302, {"Location": told.moved[path]})
        if path in told.no_head and not has_body:
            return self._end(405)
        if path not in told.files:
            return self._end(404)
        content = told.files[path]
        headers = {"ETag": f'"{hashlib.md5(content).hexdigest()}"'}
        if path in told.chunked:
            self._begin(200, {**headers, "Transfer-Encoding": "chunked"})
            if has_body:
                self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n0\r\n\r\n")
            return None
        self._begin(200, {**headers, "Content-Length": str(len(content))})
        if has_body:
            self.wfile.write(content[: told.cut.get(path, len(content))])
            self.close_connection = path in told.cut
        return None

    def _end(self, status: int, headers: dict[str, str] | None = None) -> None:
        self._begin(status, {**(headers or {}), "Content-Length": "0"})

    def _begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in the base class
        pass
