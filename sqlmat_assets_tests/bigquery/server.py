"""The double on a port: HTTP in front of `Api`."""

from __future__ import annotations

import gzip
import json
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from sqlmat_assets_tests.bigquery.api import Answer, Api, Asked
from sqlmat_assets_tests.bigquery.catalog import Catalog
from sqlmat_assets_tests.bigquery.dialect import install
from sqlmat_assets_tests.bigquery.faults import Faults
from sqlmat_assets_tests.bigquery.jobs import Jobs
from sqlmat_assets_tests.bigquery.objects import Objects
from sqlmat_assets_tests.bigquery.wire import ApiError, Json

_PREFIX = "/bigquery/v2/projects/"
_UPLOAD = "/upload/bigquery/v2/projects/"
_RESUMABLE = "resumable"


class BigQueryDouble:
    """One BigQuery, with whatever projects it is asked for.

    Args:
        location: Of all its datasets.
        objects: The URL of a Cloud Storage, or of a double of it.
    """

    def __init__(self, *, location: str = "EU", objects: str | None = None) -> None:
        self.location = location
        self._objects = Objects(objects)
        self._server = _Server(self)
        self._uploads: dict[str, Json] = {}
        self.catalog = Catalog()
        self.reset()

    def reset(self) -> None:
        """Have nothing in it."""
        self.faults = Faults()
        self.tokens: set[str] = set()
        self.catalog.database.close()
        self.catalog = Catalog()
        install(self.catalog.database)
        self.jobs = Jobs(self.catalog, self._objects, location=self.location)
        self.api = Api(self.catalog, self.jobs)
        self._uploads.clear()

    def read_objects_at(self, url: str) -> None:
        """Have jobs find their objects in another Cloud Storage."""
        self._objects.url = url

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True, name="bigquery").start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.catalog.database.close()
        if self.jobs.broken:
            raise ExceptionGroup("the double of BigQuery is broken", self.jobs.broken)

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Answer | None:
        """What is to be sent for a request; None where the connection is lost instead."""
        parts = urlsplit(target)
        # Anybody may ask; who did is only noted.
        self.tokens.add(str(headers.get("authorization") or ""))
        path = unquote(parts.path)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        try:
            asked = self._read(method, path, query, headers, body)
            request = self.faults.note(method, asked.path, asked.about)
            is_after = self.faults.find_drop(request)
            if is_after is False:
                return None
            refused = self.faults.find_answer(request)
            if refused is not None:
                raise refused
            answer = self._do(asked, query, headers)
        except ApiError as error:
            answer, is_after = Answer(error.response(), error.status), None
        return None if is_after else answer

    def _read(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Asked:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        for prefix in (_PREFIX, _UPLOAD):
            if path.startswith(prefix):
                project, _, rest = path[len(prefix) :].partition("/")
                media, told = None, {}
                if query.get("uploadType") == "multipart":
                    told, media = _parts(headers["content-type"], body)
                elif query.get("upload_id"):
                    told, media = self._uploads[query["upload_id"]], body
                elif body:
                    told = json.loads(body)
                return Asked(method, project, rest, query, told, media, headers.get("if-match"))
        raise ApiError("notFound", f"Not found: {path}")

    def _do(self, asked: Asked, query: dict[str, str], headers: Any) -> Answer:
        if query.get("uploadType") == _RESUMABLE and asked.media is None:
            name = str(len(self._uploads) + 1)
            self._uploads[name] = asked.body
            location = f"{self.url}{_UPLOAD}{asked.project}/jobs?uploadType=resumable&upload_id={name}"
            return Answer({}, headers={"location": location})
        del headers  # all was read
        if asked.method == "PUT" and query.get("upload_id"):
            asked = Asked("POST", asked.project, "jobs", query, asked.body, asked.media, None)
        return self.api.answer(asked)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, double: BigQueryDouble) -> None:
        self.double = double
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base's
        """Say nothing."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names are those of the base

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else b""
        server = self.server
        assert isinstance(server, _Server)
        answer = server.double.answer(self.command, self.path, self.headers, body)
        if answer is None:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("content-type", "application/json; charset=UTF-8")
        self.send_header("content-length", str(len(content)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


def _parts(content_type: str, body: bytes) -> tuple[Json, bytes]:
    """The JSON and the file of a multipart upload."""
    boundary = content_type.partition("boundary=")[2].strip('"; ').encode()
    pieces = body.split(b"--" + boundary)
    contents = [piece.partition(b"\r\n\r\n")[2] for piece in pieces[1:3]]
    return json.loads(contents[0]), contents[1].removesuffix(b"\r\n")


@contextmanager
def bigquery_double(*, location: str = "EU", objects: str | None = None) -> Generator[BigQueryDouble]:
    """Run one with nothing in it."""
    double = BigQueryDouble(location=location, objects=objects)
    double.start()
    try:
        yield double
    finally:
        double.stop()
