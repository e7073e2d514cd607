"""AWS's side of signing in by IAM: what boto3 asks over HTTP, and passwords that the double takes for some minutes.

Passwords of provisioned clusters come out of moto; it has no Redshift Serverless, and none by IAM's own user: these two
are answered here, in the words of
https://docs.aws.amazon.com/redshift-serverless/latest/APIReference/API_GetCredentials.html and
https://docs.aws.amazon.com/redshift/latest/APIReference/API_GetClusterCredentialsWithIAM.html.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from sqlmat_assets_tests.redshift.cluster import RedshiftDouble

WORKGROUP, ROLE = "etl", "IAMR:builder"
WITH_IAM = """<GetClusterCredentialsWithIAMResponse xmlns="http://redshift.amazonaws.com/doc/2012-12-01/">
<GetClusterCredentialsWithIAMResult><DbUser>{user}</DbUser><DbPassword>{password}</DbPassword>
<Expiration>{expiration}</Expiration></GetClusterCredentialsWithIAMResult>
</GetClusterCredentialsWithIAMResponse>"""


class ControlPlane:
    """What answers for one cluster, which is both a provisioned one and a workgroup here.

    Attributes:
        asked: The actions that were asked for.
        lasts: How long what is given lasts.
    """

    def __init__(self, cluster: RedshiftDouble, moto: str) -> None:
        self.cluster, self.moto = cluster, moto
        self.asked: list[str] = []
        self.lasts = timedelta(minutes=15)

    def answer(self, body: bytes, headers: Any) -> tuple[int, str, str]:
        """Return the status, the type and the text of an answer."""
        target = headers.get("X-Amz-Target", "")
        if "Credential=testing/" not in headers.get("Authorization", ""):
            return 403, "application/x-amz-json-1.1", json.dumps({"__type": "AccessDeniedException", "message": "no"})
        if target.startswith("RedshiftServerless."):
            return self._serverless(target.partition(".")[2], json.loads(body))
        asked = parse_qs(body.decode())
        action = asked["Action"][0]
        self.asked.append(action)
        if action == "GetClusterCredentialsWithIAM":
            password = self._issue(ROLE)
            told = WITH_IAM.format(user=ROLE, password=password, expiration=self._end().isoformat())
            return 200, "text/xml", told
        status, text = self._forward(body, headers)
        user, password = (re.search(rf"<{name}>(.*?)</{name}>", text) for name in ("DbUser", "DbPassword"))
        if user and password:
            self.cluster.give(user[1], password[1], self.lasts)
            text = re.sub(r"<Expiration>.*?</Expiration>", f"<Expiration>{self._end().isoformat()}</Expiration>", text)
        return status, "text/xml", text

    def _serverless(self, action: str, asked: dict[str, Any]) -> tuple[int, str, str]:
        self.asked.append(action)
        if asked["workgroupName"] != WORKGROUP:
            told = {"__type": "ResourceNotFoundException", "message": f"Workgroup {asked['workgroupName']} not found"}
            return 400, "application/x-amz-json-1.1", json.dumps(told)
        password = self._issue(ROLE)
        given = {"dbUser": ROLE, "dbPassword": password, "expiration": self._end().timestamp()}
        return 200, "application/x-amz-json-1.1", json.dumps(given)

    def _issue(self, user: str) -> str:
        password = secrets.token_urlsafe(24)
        self.cluster.give(user, password, self.lasts)
        return password

    def _end(self) -> datetime:
        return datetime.now(UTC) + self.lasts

    def _forward(self, body: bytes, headers: Any) -> tuple[int, str]:
        passed = {name: value for name, value in headers.items() if name.lower() not in {"host", "content-length"}}
        request = urllib.request.Request(self.moto, body, passed)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@contextmanager
def serving(plane: ControlPlane) -> Generator[str]:
    """Have it answer for a while, at a URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, kind, text = plane.answer(body, self.headers)
            data = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the library has it
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
