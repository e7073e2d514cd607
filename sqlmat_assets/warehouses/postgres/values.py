"""What the values of PostgreSQL become in Python where its own types do not hold them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader
from psycopg.types.string import TextLoader


class _AnyDate(DateLoader):
    """A date, or its text where Python has none: `infinity`, the years before 1 and after 9999."""

    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _AnyTimestamp(TimestampLoader):
    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


class _AnyTimestamptz(TimestamptzLoader):
    def load(self, data: Any) -> Any:
        try:
            return super().load(data)
        except psycopg.DataError:
            return bytes(data).decode()


def register(connection: psycopg.Connection[tuple[Any, ...]]) -> None:
    """Have these for all rows that come over a connection."""
    adapters = connection.adapters
    adapters.register_loader("date", _AnyDate)
    adapters.register_loader("timestamp", _AnyTimestamp)
    adapters.register_loader("timestamptz", _AnyTimestamptz)
    # As the server writes them: a month is no number of days, and documents are read by whoever knows their columns.
    for name in ("interval", "json", "jsonb", "inet", "cidr"):
        adapters.register_loader(name, TextLoader)
