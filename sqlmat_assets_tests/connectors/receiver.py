"""A server that takes notifications, and answers as it is told to."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlmat_assets_tests.fixture_servers import Answering, serving


@dataclass(frozen=True, slots=True)
class Call:
    """What has arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)


@dataclass
class Receiver:
    """`answers` are what the next calls get: a status and headers; then it is 204."""

    url: str = ""
    calls: list[Call] = field(default_factory=list[Call])
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list[tuple[int, dict[str, str]]])
    said: bytes = b""


@contextmanager
def receiving() -> Generator[Receiver]:
    receiver = Receiver()

    class Handler(Answering):
        def respond(self) -> None:
            receiver.calls.append(
                Call(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, self.read_body())
            )
            status, headers = receiver.answers.pop(0) if receiver.answers else (204, {})
            self.answer(status, b"" if status == 204 else receiver.said, headers)

    with serving(Handler) as url:
        receiver.url = url
        yield receiver
