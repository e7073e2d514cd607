"""A server that answers as Slack's Web API and its webhooks do, as far as messages go."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from sqlmat_assets_tests.fixture_servers import Answering, serving

TOKEN = "xoxb-not-to-be-seen"
_LONGEST = 3000


@dataclass(frozen=True, slots=True)
class Posted:
    """A message: the channel, and the text of its blocks."""

    channel: str
    text: str


@dataclass
class SlackDouble:
    """`fails` are the errors that the next calls get: a status, or an error of the Web API."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list[Posted])
    fails: list[int | str] = field(default_factory=list[int | str])
    channels: frozenset[str] = frozenset({"#data", "#alarm", "#news", "#day"})

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    @property
    def webhook(self) -> str:
        return f"{self.url}/services/T0/B0/not-to-be-seen"

    def texts(self, channel: str) -> list[str]:
        return [each.text for each in self.posted if each.channel == channel]

    def post(self, authorization: str | None, body: Any) -> dict[str, Any]:
        if authorization != f"Bearer {TOKEN}":
            return {"ok": False, "error": "invalid_auth"}
        if body.get("channel") not in self.channels:
            return {"ok": False, "error": "channel_not_found"}
        return self._take(str(body["channel"]), body)

    def _take(self, channel: str, body: Any) -> dict[str, Any]:
        blocks = body["blocks"]
        parts = [block["text"]["text"] for block in blocks]
        if not parts or len(parts) > 50 or any(not 0 < len(part) <= _LONGEST for part in parts):
            return {"ok": False, "error": "invalid_blocks"}
        self.posted.append(Posted(channel, "\n".join(parts)))
        return {"ok": True, "ts": "1.1", "channel": "C1"}

    def take(self, body: Any) -> bytes:
        return b"ok" if self._take("webhook", body)["ok"] else b"invalid_blocks"


@contextmanager
def slack_double() -> Generator[SlackDouble]:
    double = SlackDouble()

    class Handler(Answering):
        def respond(self) -> None:
            raw = self.read_body()
            is_json = "json" in self.headers.get("Content-Type", "")
            body: Any = json.loads(raw) if is_json else dict(parse_qsl(raw.decode()))
            if isinstance(body.get("blocks"), str):
                body["blocks"] = json.loads(body["blocks"])
            fails = double.fails.pop(0) if double.fails else None
            if isinstance(fails, int):
                self.answer(fails, {"ok": False, "error": "ratelimited"}, {"Retry-After": "30"})
            elif fails is not None:
                self.answer(200, {"ok": False, "error": fails})
            elif self.path == "/services/T0/B0/not-to-be-seen":
                self.answer(200, double.take(body))
            elif self.path == "/api/chat.postMessage":
                self.answer(200, double.post(self.headers.get("Authorization"), body))
            else:
                self.answer(404, b"no_service")

    with serving(Handler) as url:
        double.url = url
        yield double
