"""Syntax trees of the statements that keep the rows of a table, with the moment at which they were its rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.row_statements import insert_rows
from sqlmat_assets.warehouses.statements import column, identifier, literal, named, table


@dataclass(frozen=True, slots=True)
class Stamp:
    """The column with the moment of each snapshot; `is_zoned` where its type tells moments by their zones."""

    name: str
    is_zoned: bool = False

    def value(self, moment: datetime) -> exp.Expr:
        """A moment as a value of this column."""
        if not self.is_zoned:
            return literal(moment)
        text = moment.astimezone(UTC).isoformat(sep=" ", timespec="microseconds")
        return exp.Cast(this=exp.Literal.string(text), to=exp.DataType(this=exp.DataType.Type.TIMESTAMPTZ))

    def in_utc(self, value: exp.Expr) -> exp.Expr:
        """A moment of this column in UTC, without a zone."""
        return exp.AtTimeZone(this=value, zone=exp.Literal.string("UTC")) if self.is_zoned else value


def start_history(history: Relation, source: Relation, stamp: Stamp, moment: datetime) -> exp.Expr:
    """`CREATE TABLE ... AS` with all rows of a table, and the moment."""
    query = exp.select(exp.Star(), named(stamp.value(moment), stamp.name)).from_(table(source))
    return exp.Create(this=table(history), kind="TABLE", expression=query)


def add_snapshot(
    history: Relation, columns: Sequence[tuple[str, str]], source: Relation, stamp: Stamp, moment: datetime
) -> exp.Expr:
    """`INSERT` of all rows of a table; each of its columns comes with what it is called in the history, that first."""
    query = exp.select(*(column(name) for _, name in columns), stamp.value(moment)).from_(table(source))
    return insert_rows(history, [*(name for name, _ in columns), stamp.name], query)


def oldest_and_newest(history: Relation, stamp: Stamp) -> exp.Expr:
    """The moments of the oldest and of the newest snapshot, in UTC without a zone; NULL where there is none."""
    oldest, newest = exp.Min(this=column(stamp.name)), exp.Max(this=column(stamp.name))
    return exp.select(named(stamp.in_utc(oldest), "oldest"), named(stamp.in_utc(newest), "newest")).from_(
        table(history)
    )


def remove_snapshots(history: Relation, stamp: Stamp, before: datetime) -> exp.Expr:
    """`DELETE` of the snapshots that were taken before a moment."""
    old = exp.LT(this=column(stamp.name), expression=stamp.value(before))
    return exp.Delete(this=table(history), where=exp.Where(this=old))


def rename_column(target: Relation, name: str, new: str) -> exp.Expr:
    """`ALTER TABLE ... RENAME COLUMN`."""
    action = exp.RenameColumn(this=column(name), to=column(new))
    return exp.Alter(this=table(target), kind="TABLE", actions=[action])


def retype_column(target: Relation, name: str, kind: str) -> exp.Expr:
    """`ALTER TABLE ... ALTER COLUMN ... TYPE`, to a type in the engine's own words."""
    action = exp.AlterColumn(this=identifier(name), dtype=exp.Var(this=kind))
    return exp.Alter(this=table(target), kind="TABLE", actions=[action])
