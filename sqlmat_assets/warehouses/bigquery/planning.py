"""The steps of a publish, from what a draft puts down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.bigquery.draft import Draft, Place
from sqlmat_assets.warehouses.bigquery.dress import Dress, is_same_design, read_policies
from sqlmat_assets.warehouses.bigquery.link import Link, Resource
from sqlmat_assets.warehouses.bigquery.statements import (
    DIALECT,
    all_of,
    create_view,
    is_private,
    is_state,
    rename,
    script,
    sql,
)
from sqlmat_assets.warehouses.bigquery.steps import Plan, Step, copy, delete, patch, query
from sqlmat_assets.warehouses.check_statements import no_rows_of

_TRUNCATE = "WRITE_TRUNCATE"


@dataclass(slots=True)
class Planner:
    """Makes one plan. `dresses` are what the tables that are replaced have to have afterwards."""

    link: Link
    draft: Draft
    before: list[Step] = field(default_factory=list[Step])
    turns: list[Step] = field(default_factory=list[Step])
    again: list[Step] = field(default_factory=list[Step])
    drops: list[Step] = field(default_factory=list[Step])
    cleanup: list[Step] = field(default_factory=list[Step])
    dresses: dict[Relation, Dress] = field(default_factory=dict[Relation, Dress])
    is_moved: set[Relation] = field(default_factory=set[Relation])

    def plan(self) -> Plan:
        """All steps, in order."""
        draft = self.draft
        for name, place in draft.places.items():
            if place is not None and place.relation is not None and not self._is_kept(name, place.relation):
                self._put(name, place, place.relation)
        for name, place in draft.places.items():
            if place is None:
                self._vacate(name)
        for relation, told in draft.descriptions.items():
            self._describe(relation, told)
        self.cleanup += (Step("delete_schema", text=name) for name in draft.schemas)
        for source, target, partition in draft.partitions:
            there = cast("Resource", draft.find(target))
            back = copy(target, target, _TRUNCATE, at=_moment(there))
            self.turns.append(copy(source, target, _TRUNCATE, back, partition=partition))
        data = [text for relation, text in draft.changes if not is_state(relation)]
        state = [text for relation, text in draft.changes if is_state(relation)]
        made = list(self._make(with_rows=not data))
        rows = [f"INSERT INTO {_name(relation)}\n{text}" for relation, text in draft.made if text] if data else []
        defined = [query(text, *_undo(undo)) for _, text, undo in draft.definitions]
        scripts: list[Step] = []
        if data:
            scripts.append(query(script([*data, *rows], is_atomic=True), *self._restore_changed()))
        if state:
            scripts.append(query(script(state, is_atomic=True), is_state=True))
        if self.turns:
            steps = [*self.before, *self.turns, *self.again, *made, *defined, *self.drops, *scripts]
            first = next(n for n, step in enumerate(steps) if n >= len(self.before) and step.is_job)
            return Plan((*steps, *self.cleanup), first, len(steps))
        ahead = [*self.before, *made, *defined, *self.drops]
        steps = [*ahead, *self.again, *scripts] if not data else [*ahead, scripts[0], *self.again, *scripts[1:]]
        decisive = len(ahead) + (0 if data else len(self.again))
        return Plan((*steps, *self.cleanup), decisive, len(steps))

    def _is_kept(self, name: Relation, source: Relation) -> bool:
        """Whether a name is that of a table that was in a place where another one is now, or that never went."""
        successor = self.draft.places.get(source)
        return source == name or (successor is not None and successor.relation != source)

    # one name

    def _put(self, name: Relation, place: Place, source: Relation) -> None:
        """Have a name stand for what was called otherwise."""
        there, new = self.draft.find(name), cast("Resource", self.draft.find(source))
        kept = self._kept_as(name)
        if is_private(name):
            if there is not None:
                self.turns.append(delete(name))
            self.turns.append(query(rename(source, name.name)))
            return
        if kept is not None and there is None:
            kept = None
        if kept is not None and self._is_put(kept):
            self.is_moved.add(kept)
        told = self.draft.descriptions.pop(name, {})
        dress = Dress(there, new, read_policies(self.link, name, there), told)
        if place.kind == "view":
            self._put_view(name, source, kept, dress)
        else:
            self._put_table(name, source, kept, dress)
        self.is_moved.update((name, source))

    def _put_view(self, name: Relation, source: Relation, kept: Relation | None, dress: Dress) -> None:
        there, text = dress.there, str(dress.new["view"]["query"])
        if there is not None and there["type"] == "VIEW":
            old = str(there["view"]["query"])
            if kept is not None:
                self._keep_view(kept, there)
            self.turns.append(
                query(create_view(name, text, replaces=True), query(create_view(name, old, replaces=True)))
            )
        else:
            if there is not None:
                self._set_aside(name, kept)
            self.turns.append(query(create_view(name, text, replaces=False), delete(name)))
        of_view = {key: value for key, value in dress.of_table.items() if key != "expirationTime" or value}
        if dress.fields:
            of_view["schema"] = {"fields": dress.fields}
        self.again.append(patch(name, of_view))
        self.cleanup.append(delete(source))

    def _put_table(self, name: Relation, source: Relation, kept: Relation | None, dress: Dress) -> None:
        there = dress.there
        self.before += dress.put_on(self.link, source)
        if there is None:
            self.turns.append(query(rename(source, name.name), query(rename(name, source.name))))
            return
        self.dresses[name] = dress
        if there["type"] == "VIEW":
            if kept is not None:
                self._keep_view(kept, there)
            old = create_view(name, str(there["view"]["query"]), replaces=True)
            self.before.append(Step("delete", relation=name, undo=(query(old),)))
            self.turns.append(query(rename(source, name.name), query(rename(name, source.name))))
            return
        if not is_same_design(there, dress.new):
            # They belong to the table and not to its name.
            bindings = self.link.tables.fetch_bindings(name)
            if bindings:
                self.before.append(Step("grant", relation=source, changes={"bindings": bindings}))
            self._set_aside(name, kept)
            self.turns.append(query(rename(source, name.name), query(rename(name, source.name))))
            return
        if kept is not None:
            self._keep_copy(name, kept, there)
        back = copy(name, name, _TRUNCATE, at=_moment(there))
        self.turns.append(copy(source, name, _TRUNCATE, back, *dress.take_off(name)))
        self.again.append(dress.put_on_again(name))
        self.cleanup.append(delete(source))

    def _set_aside(self, name: Relation, kept: Relation | None) -> None:
        """Rename the table in place, so that its name is free: to what it is kept as, or to what goes afterwards."""
        aside = kept or self.draft.backups.get(name)
        assert aside is not None  # noqa: S101 - a swap tells one, and a version has one
        self.turns.append(query(rename(name, aside.name), query(rename(aside, name.name))))
        if kept is None:
            self.cleanup.append(delete(aside))

    def _keep_copy(self, name: Relation, kept: Relation, there: Resource) -> None:
        self.before.append(copy(name, kept, _TRUNCATE, delete(kept)))
        told = {key: there[key] for key in ("description", "labels") if there.get(key)}
        self.before.append(patch(kept, {**told, "expirationTime": None}))

    def _keep_view(self, kept: Relation, there: Resource) -> None:
        text = create_view(kept, str(there["view"]["query"]), replaces=True)
        self.before.append(query(text, delete(kept)))
        told = {key: there[key] for key in ("description", "labels") if there.get(key)}
        if told:
            self.before.append(patch(kept, told))

    def _vacate(self, name: Relation) -> None:
        """Have nothing of a name."""
        there = self.draft.find(name)
        if there is None or name in self.is_moved:
            return
        if self._kept_as(name) is not None:
            return
        if "__sqlmat_" in name.name:
            self.cleanup.append(delete(name))
        elif there["type"] == "VIEW":
            back = create_view(name, str(there["view"]["query"]), replaces=True)
            self.drops.append(Step("delete", relation=name, undo=(query(back),)))
        else:
            # https://cloud.google.com/bigquery/docs/restore-deleted-tables
            back = copy(name, name, _TRUNCATE, at=_moment(there))
            self.drops.append(Step("delete", relation=name, undo=(back,)))

    def _kept_as(self, name: Relation) -> Relation | None:
        """What the table in place is called afterwards."""
        return next(
            (n for n, p in self.draft.places.items() if p is not None and p.relation == name and n != name), None
        )

    def _is_put(self, name: Relation) -> bool:
        return name in self.draft.places

    # the rest

    def _describe(self, relation: Relation, told: dict[str | None, str]) -> None:
        resource = self.draft.find(relation)
        if resource is None:
            return
        dress = Dress(None, resource, (), told)
        changes: Resource = {"schema": {"fields": dress.fields}}
        if None in told:
            changes["description"] = told[None]
        self.again.append(patch(relation, changes))

    def _make(self, *, with_rows: bool) -> Iterator[Step]:
        for relation, text in self.draft.made:
            if not text:
                original = cast("Place", self.draft.places[relation]).query
                source = next(each for each in self.draft.places if all_of(each) == original)
                there = cast("Resource", self.draft.find(source))
                self._keep_copy(source, relation, there)
                continue
            wanted = text if with_rows else sql(no_rows_of(text))
            yield query(f"CREATE TABLE {_name(relation)} AS\n{wanted}", delete(relation))

    def _restore_changed(self) -> Iterator[Step]:
        """The steps that have tables as they were before rows of them were changed."""
        made = {relation for relation, _ in self.draft.made}
        seen: set[Relation] = set()
        for relation, _ in self.draft.changes:
            if is_state(relation) or relation in seen or relation in made:
                continue
            seen.add(relation)
            there = self.draft.find(relation)
            if there is not None:
                yield copy(relation, relation, _TRUNCATE, at=_moment(there))


def _moment(resource: Resource) -> int:
    """When a table was as it is now, in milliseconds since 1970."""
    return int(resource["lastModifiedTime"])


def _undo(text: str | None) -> tuple[Step, ...]:
    return () if text is None else (query(text),)


def _name(relation: Relation) -> str:
    return statements.table(relation).sql(DIALECT)
