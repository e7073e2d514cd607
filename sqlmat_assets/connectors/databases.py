"""What every database offers that tables are loaded from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from sqlglot import exp

# pyarrow comes without types.
Batch = Any
Schema = Any


class Kind(StrEnum):
    """What the values of a column are, whatever their type is called."""

    INTEGER = "whole numbers"
    DECIMAL = "decimal numbers"
    FLOAT = "floating numbers"
    BOOLEAN = "true or false"
    TEXT = "text"
    JSON = "JSON"
    ARRAY = "arrays"
    BYTES = "bytes"
    DATE = "dates"
    TIME = "times of a day"
    TIMESTAMP = "times without a zone"
    MOMENT = "moments with a zone"
    OTHER = "values of another kind"


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a table or a query: its type in the words of its database, and what that is.

    `scale` is how many digits a decimal number has at most behind its point, where its type says that. A number that
    `may_be_boolean` has one bit, or is what its database calls a boolean.
    """

    name: str
    type: str
    kind: Kind
    scale: int | None = None
    may_be_boolean: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """Rows of a database: of a table, as it is written, or of a query.

    With a `key`, those whose key is greater than `after`, where that is told, and not greater than `upto`.
    """

    table: str
    query: str
    columns: tuple[SourceColumn, ...] = ()
    key: SourceColumn | None = None
    after: str | None = None
    upto: str | None = None

    def source(self, dialect: str) -> exp.Expr:
        """What stands behind FROM."""
        import sqlglot

        if self.table:
            return sqlglot.parse_one(self.table, into=exp.Table, dialect=dialect)
        # As it was written; the line break keeps a comment at its end from swallowing the bracket.
        alias = exp.TableAlias(this=exp.to_identifier("asked"))
        return exp.Subquery(this=exp.Var(this=f"{self.query}\n"), alias=alias)


def greatest_query(asked: Asked, key: exp.Column, text: exp.DataType, dialect: str) -> exp.Select:
    """What gives the greatest key, as text, and whether there are rows without one."""
    without = exp.select("1").from_(asked.source(dialect)).where(exp.Is(this=key.copy(), expression=exp.null()))
    return exp.select(exp.Cast(this=exp.Max(this=key), to=text), exp.Exists(this=without)).from_(asked.source(dialect))


@dataclass(frozen=True, slots=True)
class Stream:
    """Rows on their way, some thousand at a time; `cancel` ends it from another thread.

    Each of the `parts` has rows of its own, and may be fetched beside the others.
    """

    schema: Schema
    parts: Sequence[Iterator[Batch]]
    cancel: Callable[[], None]
    statement: str


class Database(Protocol):
    """A database. All methods raise `SourceError`; what is read is never written to."""

    @property
    def label(self) -> str:
        """Its URL without anything secret."""
        ...

    @property
    def is_told_only(self) -> bool:
        """Whether nobody looks, because statements are only shown."""
        ...

    def describe(self, asked: Asked) -> tuple[SourceColumn, ...]:
        """All columns of a table or a query, in their order."""
        ...

    def find_greatest(self, asked: Asked) -> str | None:
        """The greatest key, as text; None where there are no rows.

        Refused where the key of a row is NULL, or one that no other is greater than.
        """
        ...

    def open_rows(self, asked: Asked) -> AbstractContextManager[Stream]:
        """The columns that are asked for, of the rows as they are at one moment.

        What Arrow has no exact type for comes as text: decimal numbers, JSON, and arrays as JSON with texts in it.
        """
        ...
