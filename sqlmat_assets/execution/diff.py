"""How two tables differ: columns, rows by a key or as they are, and a few of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sqlmat_assets.execution.rules import sample_of
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities, Rows, Session, Statement
from sqlmat_assets.warehouses.diff_statements import AFTER, BEFORE, Column, Comparison, SharedColumn
from sqlmat_assets.warehouses.statements import count_rows

Values = tuple[str | None, ...]
"""Values as text, None for NULL."""


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """How the columns differ; those that are retyped are (name, type before, type after)."""

    added: tuple[Column, ...] = ()
    dropped: tuple[Column, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()
    is_reordered: bool = False

    @property
    def is_any(self) -> bool:
        """Whether they differ in more than their order."""
        return bool(self.added or self.dropped or self.retyped)


@dataclass(frozen=True, slots=True)
class TableRows:
    """The rows of one table: how many, and how many of them its key does not tell from others.

    `repeated_keys` are there more than once, in `repeated_rows` together; `null_rows` have a NULL in their key.
    """

    rows: int
    repeated_keys: int = 0
    repeated_rows: int = 0
    null_rows: int = 0

    @property
    def has_plain_keys(self) -> bool:
        """Whether each row has a key of its own."""
        return not (self.repeated_keys or self.null_rows)


@dataclass(frozen=True, slots=True)
class RowChanges:
    """How many rows only one of the tables has, and how many are in both and differ.

    `by_column` has for each column of both that is not in the key in how many rows its value differs.
    """

    added: int = 0
    removed: int = 0
    changed: int = 0
    by_column: tuple[tuple[str, int], ...] = ()

    @property
    def is_any(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """A row that differs: its key, and (column, before, after) of each column whose value differs."""

    key: Values
    values: tuple[tuple[str, str | None, str | None], ...]


@dataclass(frozen=True, slots=True)
class LoneRow:
    """A row that one table lacks, or lacks so many `times`; the values are those of the columns of both."""

    values: Values
    times: int = 1


@dataclass(frozen=True, slots=True)
class Diff:
    """How a table differs from another. Without a key, rows that differ are rows that were removed and added.

    `shared` are the columns that both have, those of the key first.
    """

    before: TableRows
    after: TableRows
    key: tuple[str, ...]
    columns: ColumnChanges
    shared: tuple[str, ...]
    rows: RowChanges
    changed: tuple[ChangedRow, ...] = field(default=())
    added: tuple[LoneRow, ...] = field(default=())
    removed: tuple[LoneRow, ...] = field(default=())

    @property
    def is_equal(self) -> bool:
        return not (self.columns.is_any or self.rows.is_any)

    @property
    def matching(self) -> int:
        """How many rows both tables have, whether they differ or not."""
        return self.before.rows - self.rows.removed


def compare(
    session: Session,
    capabilities: Capabilities,
    before: tuple[Relation, Sequence[Column]],
    after: tuple[Relation, Sequence[Column]],
    *,
    key: Sequence[str],
    limit: int,
) -> Diff:
    """Compare two tables inside the engine; nothing is written.

    Args:
        session: Where they are.
        capabilities: Facts about the engine.
        before: The one table, and all its columns.
        after: The other.
        key: The columns, which both have, that tell which row of the one is which of the other; none to compare whole
            rows, in any order.
        limit: How many rows of each kind are fetched to be shown.
    """
    fold = capabilities.fold_column
    shared = _shared(before[1], after[1], fold)
    chosen = [fold(name) for name in key]
    of_key = tuple(shared[name] for name in chosen)
    others = tuple(column for name, column in shared.items() if name not in chosen)
    comparison = Comparison(before[0], after[0], of_key, others, capabilities.dialect)
    found = _Comparing(comparison, session.fetch_rows, limit)
    return found.compare(_column_changes(before[1], after[1], shared, fold))


def key_in_both(
    key: Sequence[str], before: Sequence[Column], after: Sequence[Column], capabilities: Capabilities
) -> bool:
    """Whether both tables have all columns of a key."""
    fold = capabilities.fold_column
    shared = _shared(before, after, fold)
    return all(fold(name) in shared for name in key)


def _shared(before: Iterable[Column], after: Iterable[Column], fold: Callable[[str], str]) -> dict[str, SharedColumn]:
    others = {fold(name): (name, kind) for name, kind in after}
    return {fold(name): SharedColumn((name, kind), others[fold(name)]) for name, kind in before if fold(name) in others}


def _column_changes(
    before: Iterable[Column], after: Iterable[Column], shared: dict[str, SharedColumn], fold: Callable[[str], str]
) -> ColumnChanges:
    there = [fold(name) for name, _ in after if fold(name) in shared]
    return ColumnChanges(
        tuple((name, kind) for name, kind in after if fold(name) not in shared),
        tuple((name, kind) for name, kind in before if fold(name) not in shared),
        tuple((each.after[0], each.before[1], each.after[1]) for each in shared.values() if each.is_retyped),
        is_reordered=there != list(shared),
    )


@dataclass(frozen=True, slots=True)
class _Comparing:
    """One comparison under way."""

    comparison: Comparison
    fetch: Callable[[Statement], Rows]
    limit: int

    def compare(self, columns: ColumnChanges) -> Diff:
        key, others = self.comparison.key, self.comparison.others
        before, after = self._count_tables()
        names = tuple(column.after[0] for column in (*key, *others))
        if not names:
            rows = RowChanges(after.rows, before.rows)
            return Diff(before, after, (), columns, (), rows)
        # A key that tells all rows apart is joined, which costs a fifth of comparing all rows as groups.
        is_joined = bool(key) and before.has_plain_keys and after.has_plain_keys
        rows = self._join(before, after) if is_joined else self._group()
        return Diff(
            before,
            after,
            names[: len(key)],
            columns,
            names,
            rows,
            self._changed(names, is_joined=is_joined) if rows.changed else (),
            self._alone(AFTER, is_joined=is_joined) if rows.added else (),
            self._alone(BEFORE, is_joined=is_joined) if rows.removed else (),
        )

    def _count_tables(self) -> tuple[TableRows, TableRows]:
        if not self.comparison.key:
            counts = [self._counts(count_rows(each))[0] for each in (self.comparison.before, self.comparison.after)]
            return TableRows(counts[0]), TableRows(counts[1])
        counts = self._counts(self.comparison.count_keys())
        return TableRows(*counts[:4]), TableRows(*counts[4:])

    def _counts(self, query: Statement) -> list[int]:
        return [int(count) for count in self.fetch(query).rows[0]]

    def _join(self, before: TableRows, after: TableRows) -> RowChanges:
        matching, changed, *by_column = self._counts(self.comparison.count_changes())
        return RowChanges(after.rows - matching, before.rows - matching, changed, self._by_column(by_column))

    def _group(self) -> RowChanges:
        removed, added, *rest = self._counts(self.comparison.count_surplus())
        if not self.comparison.key:
            return RowChanges(added, removed)
        pairs, *by_column = rest
        return RowChanges(added - pairs, removed - pairs, pairs, self._by_column(by_column))

    def _by_column(self, counts: Sequence[int]) -> tuple[tuple[str, int], ...]:
        return tuple(zip((column.after[0] for column in self.comparison.others), counts, strict=True))

    def _changed(self, names: Sequence[str], *, is_joined: bool) -> tuple[ChangedRow, ...]:
        if not self.limit:
            return ()
        comparison = self.comparison
        query = comparison.sample_changes(self.limit) if is_joined else comparison.sample_pairs(self.limit)
        width = len(comparison.key)
        found = self.fetch(query)
        texts = sample_of(found).rows
        return tuple(_changed_row(names, width, row, text) for row, text in zip(found.rows, texts, strict=True))

    def _alone(self, side: str, *, is_joined: bool) -> tuple[LoneRow, ...]:
        if not self.limit:
            return ()
        comparison = self.comparison
        query = comparison.sample_only(side, self.limit) if is_joined else comparison.sample_surplus(side, self.limit)
        found = self.fetch(query)
        texts = sample_of(found).rows
        return tuple(LoneRow(text[:-1], int(row[-1])) for row, text in zip(found.rows, texts, strict=True))


def _changed_row(names: Sequence[str], width: int, row: Sequence[object], text: Values) -> ChangedRow:
    """Keep of a row the columns that differ, as the engine says: two values that it calls one may be two to Python."""
    places = zip(names[width:], range(width, len(row), 3), strict=True)
    return ChangedRow(text[:width], tuple((name, text[at], text[at + 1]) for name, at in places if row[at + 2]))
