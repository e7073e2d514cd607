"""How the columns of a history come to have room for the rows of its table, whatever became of those."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses import snapshot_statements as statements
from sqlmat_assets.warehouses.base import Capabilities, Statement
from sqlmat_assets.warehouses.widening import wider

Columns = tuple[tuple[str, str], ...]
_NO_LETTER = re.compile(r"[^a-z0-9]+")
_LONGEST_TYPE = 24


@dataclass(frozen=True, slots=True)
class Fitted:
    """What is to be done to a history, and then, for each column of the table, its name there and its own.

    Where it `only_adds`, all columns that are there stay as they are.
    """

    statements: tuple[Statement, ...]
    columns: Columns
    only_adds: bool = True


def fit_columns(history: Relation, there: Columns, given: Columns, capabilities: Capabilities) -> Fitted:
    """Find what is to be done so that a history holds all columns of a table.

    A column that is new is added; one that is gone stays. One of another type is widened, where one type holds the old
    and the new values exactly; else the old values are put aside under a name that says their type, and a column of
    that type that was put aside before goes on.

    Args:
        history: The table of the snapshots.
        there: Its columns.
        given: Those of the table.
        capabilities: How names are told apart, and what can be altered.
    """
    fitting = _Fitting(
        history, dict(there), frozenset(capabilities.fold_column(name) for name, _ in given), capabilities
    )
    columns = tuple((fitting.fit(name, type_), name) for name, type_ in given)
    return Fitted(tuple(fitting.done), columns, fitting.only_adds)


@dataclass(slots=True)
class _Fitting:
    """`columns` are those of the history, as they are when all that is `done` was done."""

    history: Relation
    columns: dict[str, str]
    given: Collection[str]
    capabilities: Capabilities
    done: list[Statement] = field(default_factory=list[Statement])
    only_adds: bool = True

    def fit(self, name: str, type_: str) -> str:
        """Have a column for the values of one of the table, and tell its name."""
        own = next((each for each in self.columns if self._fold(each) == self._fold(name)), None)
        if own is None:
            self._add(name, type_)
            return name
        old = self.columns[own]
        wide = wider(old, type_, self.capabilities.dialect)
        if wide == old:
            return own
        if wide is not None and self.capabilities.can_widen_columns:
            self.done.append(statements.retype_column(self.history, own, wide))
            self.only_adds = False
            self.columns[own] = wide
            return own
        again = next((each for each in self._asides(own, type_) if self.columns.get(each) == type_), None)
        self._rename(own, next(each for each in self._asides(own, old) if not self._is_taken(each)))
        if again is None:
            self._add(own, type_)
        else:
            self._rename(again, own)
        return own

    def _asides(self, name: str, type_: str) -> list[str]:
        """The names for a column of a type that is put aside, in the order in which they are tried."""
        told = _NO_LETTER.sub("_", type_.lower().replace("[]", " list"))[:_LONGEST_TYPE].strip("_") or "old"
        endings = [f"__{told}", *(f"__{told}_{number}" for number in range(2, len(self.columns) + len(self.given) + 2))]
        names = [_fit(name, ending, self.capabilities.max_identifier_bytes) for ending in endings]
        return [each for each in names if self._fold(each) not in self.given]

    def _is_taken(self, name: str) -> bool:
        return self._fold(name) in map(self._fold, self.columns)

    def _add(self, name: str, type_: str) -> None:
        self.done.append(row_statements.add_column_like(self.history, name, type_))
        self.columns[name] = type_

    def _rename(self, name: str, new: str) -> None:
        self.done.append(statements.rename_column(self.history, name, new))
        self.only_adds = False
        self.columns[new] = self.columns.pop(name)

    def _fold(self, name: str) -> str:
        return self.capabilities.fold_column(name)


def _fit(name: str, ending: str, max_bytes: int) -> str:
    return name.encode()[: max_bytes - len(ending.encode())].decode(errors="ignore") + ending
