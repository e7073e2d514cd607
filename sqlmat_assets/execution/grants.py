"""Who may read a table because `grant_select` says so; grants that were made by hand stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors.grants import unknown_grantees
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.records import Record, note_granted
from sqlmat_assets.execution.state import Standing
from sqlmat_assets.execution.versions import fetch_versions
from sqlmat_assets.project.histories import STAMP, history_of
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.settings import Place
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session


@dataclass(frozen=True, slots=True)
class Grants:
    """Those on one table while it is built."""

    model: Model
    session: Session
    context: Context

    @property
    def are_kept(self) -> bool:
        """Whether there are any: in an environment a change is tried by those who build there."""
        return self.context.warehouse.capabilities.has_grants and self.context.environment is None

    def noted(self, record: Record | None) -> tuple[str, ...]:
        """What is to be noted of the table; `record` is what was noted of it before."""
        if self.are_kept:
            return self.model.settings.grant_select
        return () if record is None else record.granted

    def settle(self, standing: Standing) -> Standing:
        """Have those read the table that is in place who may now, and nobody else of those who might before.

        That is done before anything is built, so that it happens whatever becomes of the rows.

        Raises:
            MaterializeError: Somebody who may is not there. All others can read the table.
            WarehouseError: The warehouse cannot be asked, or refuses.
        """
        if not self.are_kept:
            return standing
        if self.context.others and self.context.state.grantees.begin():
            self._settle_others()
        return self._settle(standing)

    def _settle_others(self) -> None:
        """Do the same for tables that the run may not build; what cannot be done is told by their own builds."""
        capabilities = self.context.warehouse.capabilities
        for other in self.context.others:
            found = self.context.state.recorded([other.relation], capabilities)
            record = found[0] if found else None
            if record is None or record.environment is not None or other.relation == self.model.relation:
                continue
            if set(record.granted) != set(other.settings.grant_select):
                with suppress(MaterializeError):
                    replace(self, model=other).settle(Standing("view" if record.is_view else "table", record))

    def _settle(self, standing: Standing) -> Standing:
        grantees, state = self.model.settings.grant_select, self.context.state.grantees
        unknown = state.find_unknown(self.session, grantees)
        known = tuple(each for each in grantees if each not in unknown)
        state.let_into(self.session, self.model.relation.schema, known)
        record = standing.record
        if record is not None and standing.in_place is not None and set(record.granted) != set(known):
            self._change(record, known)
            record = replace(record, granted=known)
            self.context.state.regranted(record, self.context.warehouse.capabilities)
            standing = replace(standing, record=record)
        if unknown:
            raise unknown_grantees([(each, *self._place(each)) for each in unknown])
        return standing

    def give(self, relation: Relation) -> None:
        """Let all who may read the table read what has just been put in its place, or beside it.

        Args:
            relation: The table, or its history.
        """
        if self.are_kept and self.model.settings.grant_select:
            self.session.grant_select(relation, self.model.settings.grant_select)

    def _change(self, record: Record, grantees: Sequence[str]) -> None:
        added = [each for each in grantees if each not in record.granted]
        removed = [each for each in record.granted if each not in grantees]
        own, kept = self._find_readable(record)
        with self.session.transaction():
            # First, so that two runs that do the same do it one after the other.
            if not note_granted(self.session, record.relation, grantees):
                return
            # In this order, as two spellings may be one user.
            for relation in (*own, *kept) if removed else ():
                self.session.revoke_select(relation, removed)
            for relation in own if added else ():
                self.session.grant_select(relation, added)

    def _find_readable(self, record: Record) -> tuple[list[Relation], list[Relation]]:
        """The table and its history, and the versions that are kept of it, of those that are there.

        A version has the grants that the table had; when it is put back, it gets those that the table has then.
        """
        capabilities, session = self.context.warehouse.capabilities, self.session
        history = history_of(self.model.relation)
        there = {capabilities.fold(name) for name in session.fetch_kinds(record.relation.schema)}
        own = [each for each in (record.relation, history) if capabilities.fold(each.name) in there]
        kept = [version.relation for version in fetch_versions(session, [record.relation])]
        if history in own and not self._is_history(history):
            own.remove(history)
        return own, [each for each in kept if capabilities.fold(each.name) in there]

    def _is_history(self, relation: Relation) -> bool:
        capabilities = self.context.warehouse.capabilities
        names = {capabilities.fold(name) for name, _ in self.session.fetch_columns(relation)}
        is_another_table = self.context.state.recorded([relation], capabilities) is not None
        return capabilities.fold(STAMP) in names and not is_another_table

    def _place(self, grantee: str) -> tuple[str, int, int]:
        place = self.model.granted_in.get(grantee, Place(self.model.path, 0, 0))
        return place.path, place.line, place.column
