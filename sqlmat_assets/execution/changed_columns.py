"""How the columns that a build gives differ from those of the table."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmat_assets.errors import MaterializeError, failures
from sqlmat_assets.execution.context import Context
from sqlmat_assets.project.model import Model
from sqlmat_assets.warehouses.base import Capabilities
from sqlmat_assets.warehouses.widening import are_alike

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """How the columns that a query gives differ from those of the table: by name, with types where they are told."""

    added: Columns = ()
    gone: tuple[str, ...] = ()
    retyped: tuple[tuple[str, str, str], ...] = ()

    @property
    def is_any(self) -> bool:
        return bool(self.added or self.gone or self.retyped)

    def refuse(self, model: Model) -> None:
        """Stop unless the table may be given the columns that it lacks.

        Raises:
            MaterializeError: It may not, or they differ otherwise.
        """
        may_add = model.settings.on_schema_change == "add"
        if self.gone or self.retyped or (self.added and not may_add):
            added = [name for name, _ in self.added]
            raise MaterializeError(failures.columns_changed(added, self.gone, self.retyped))


def find_changes(given: Columns, there: Columns, context: Context) -> Changes:
    """Compare what a query gives with what a table has, by the names of the columns."""
    capabilities = context.warehouse.capabilities
    fold = capabilities.fold
    has = {fold(name): type_ for name, type_ in there}
    gives = {fold(name): type_ for name, type_ in given}
    return Changes(
        tuple((name, type_) for name, type_ in given if fold(name) not in has),
        tuple(name for name, _ in there if fold(name) not in gives),
        tuple(
            (name, has[fold(name)], type_)
            for name, type_ in given
            if fold(name) in has and _is_retyped(has[fold(name)], type_, capabilities)
        ),
    )


def _is_retyped(old: str, new: str, capabilities: Capabilities) -> bool:
    if capabilities.has_varying_lengths:
        return not are_alike(old, new, capabilities.dialect)
    return old != new
