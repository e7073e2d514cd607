"""What each statement took, measured where it went through: the rows of STL_QUERY, SYS_QUERY_HISTORY and their like."""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass, field

from sqlmat_assets_tests.redshift.lexer import literal

SILENT = frozenset({"begin", "commit", "rollback", "set", "show", "reset", "deallocate", "discard"})


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


@dataclass(slots=True)
class Query:
    """One statement as it is measured.

    Attributes:
        scanned: The bytes of each table that it read.
    """

    number: int
    text: str
    verb: str
    pid: int
    user: str
    database: str
    label: str = "default"
    transaction: int = 0
    started: dt.datetime = field(default_factory=now)
    queued: float = 0.0
    locked: float = 0.0
    rows: int = 0
    sent: int = 0
    loaded: int = 0
    scanned: dict[int, int] = field(default_factory=dict[int, int])
    error: str = ""
    _clock: float = field(default_factory=time.perf_counter)

    @property
    def is_told(self) -> bool:
        return self.verb not in SILENT

    def began_earlier(self, locked: float) -> None:
        """Count in the time that it has waited for locks before it could be measured."""
        self.locked = locked
        self.started -= dt.timedelta(seconds=locked)
        self._clock -= locked

    def written(self) -> dict[str, list[str]]:
        """Return the rows that write it down, by table."""
        ended = self.started + dt.timedelta(seconds=time.perf_counter() - self._clock)
        values = (
            f"{self.number}, (select usesysid from pg_user where usename = {literal(self.user)}), {literal(self.user)},"
            f" {literal(self.database)}, {self.pid}, {self.transaction}, {literal(self.label)}, "
            f"{literal(self.text[:4000])},"
            f" {literal(self.verb.upper())}, {literal(self.started.isoformat())}::timestamp,"
            f" {literal(ended.isoformat())}::timestamp,"
            f" {round(self.queued * 1e6)}, {round(self.locked * 1e6)}, {self.rows}, {self.sent}, "
            f"{sum(self.scanned.values())},"
            f" {self.loaded}, {int(bool(self.error))}, {literal(self.error)}"
        )
        scans = [
            f"({self.number}, {table}, {size}, {literal(self.started.isoformat())}::timestamp)"
            for table, size in self.scanned.items()
        ]
        return {"redshift_queries": [f"({values})"], "redshift_scans": scans}
