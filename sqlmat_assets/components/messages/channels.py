"""Who is told what where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Topic = Literal["failures", "updates", "digest"]
DIGEST_AT = "0 8 * * *"
"""When it is told how a day was, unless somebody says it, as a cron."""


@dataclass(frozen=True, slots=True)
class Channels:
    """Where each kind of message goes; None where it goes to the `default`.

    `ui` is where Dagster's web server is, for links; `digest_at` is a cron, and `timezone` that of its hours.
    """

    default: str
    failures: str | None = None
    updates: str | None = None
    digest: str | None = None
    ui: str | None = None
    digest_at: str = DIGEST_AT
    timezone: str = "UTC"

    def of(self, topic: Topic) -> str:
        """The channel of a kind of message."""
        return {"failures": self.failures, "updates": self.updates, "digest": self.digest}[topic] or self.default
