"""A transaction as it is drafted: BigQuery has none in which tables are made, renamed or dropped.

What is written inside is put down and done at the end; what is read sees what was put down as far as names go, and the
rows that a table gets from another one. What nobody but this run knows of is made at once, and dropped if it comes to
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import ObjectKind
from sqlmat_assets.warehouses.bigquery.link import Link, Resource
from sqlmat_assets.warehouses.bigquery.statements import (
    all_of,
    assertion,
    count_changed,
    count_of,
    is_about_state,
    is_private,
    is_state,
    relation_of,
    replaced,
    sql,
)

_MOST_VIEWS = 16


@dataclass(frozen=True, slots=True)
class Place:
    """What a name stands for: a table or view that is called `relation` still, or the rows of a query to come."""

    kind: ObjectKind
    relation: Relation | None = None
    query: str | None = None


@dataclass(slots=True)
class Draft:
    """What is put down. `places` are the names that stand for something else than outside; None for nothing."""

    link: Link
    find: Callable[[Relation], Resource | None]
    forget: Callable[[], None] = lambda: None
    asserts: bool = True
    places: dict[Relation, Place | None] = field(default_factory=dict[Relation, "Place | None"])
    backups: dict[Relation, Relation] = field(default_factory=dict[Relation, Relation])
    dropped: list[tuple[Relation, ObjectKind]] = field(default_factory=list[tuple[Relation, ObjectKind]])
    definitions: list[tuple[Relation, str, str | None]] = field(
        default_factory=list[tuple[Relation, str, "str | None"]]
    )
    made: list[tuple[Relation, str]] = field(default_factory=list[tuple[Relation, str]])
    changes: list[tuple[Relation, str]] = field(default_factory=list[tuple[Relation, str]])
    descriptions: dict[Relation, dict[str | None, str]] = field(default_factory=dict[Relation, "dict[str | None, str]"])
    partitions: list[tuple[Relation, Relation, str]] = field(default_factory=list[tuple[Relation, Relation, str]])
    schemas: list[str] = field(default_factory=list[str])
    made_at_once: list[Relation] = field(default_factory=list[Relation])

    @property
    def is_empty(self) -> bool:
        return not (
            self.schemas
            or self.partitions
            or self.places
            or self.definitions
            or self.made
            or self.changes
            or self.descriptions
            or self.dropped
        )

    # what is there

    def place(self, relation: Relation) -> Place | None:
        """What a name stands for."""
        if relation in self.places:
            return self.places[relation]
        found = self.find(relation)
        return None if found is None else Place("view" if found["type"] == "VIEW" else "table", relation)

    def read(self, tree: exp.Expr) -> exp.Expr:
        """A query as it can be asked now; the tree is changed."""
        return replaced(tree, self._instead) if self.places else tree

    def _instead(self, relation: Relation, depth: int = 0) -> exp.Expr | None:
        if relation not in self.places:
            return self._view_on_moved(relation, depth)
        place = self.places[relation]
        if place is None:
            raise wording.not_there(str(relation), all_of(relation))
        if place.relation is not None:
            return statements.table(place.relation)
        return statements.derived_table(place.query or "", relation.name)

    def _view_on_moved(self, relation: Relation, depth: int) -> exp.Expr | None:
        """The query of a view that reads what has moved; None for everything else."""
        if is_state(relation) or depth > _MOST_VIEWS:
            return None
        found = self.find(relation)
        if found is None or found["type"] != "VIEW":
            return None
        text = self.view_text(str(found["view"]["query"]), depth)
        return None if text is None else statements.derived_table(text, relation.name)

    def view_text(self, query: str, depth: int = 0) -> str | None:
        """The query of a view as it can be asked now; None where it reads nothing that has moved."""
        try:
            tree = sqlglot.parse_one(query, dialect="bigquery")
        except SqlglotError:
            return None
        before = sql(tree.copy())
        replaced(tree, lambda relation: self._instead(relation, depth + 1))
        after = sql(tree)
        return None if after == before else after

    # what is put down

    def move(self, relation: Relation, name: str, statement: str) -> None:
        """Give a table another name."""
        place = self.place(relation)
        new = Relation(relation.schema, name, relation.catalog)
        if place is None:
            raise wording.not_there(str(relation), statement)
        if (taken := self.place(new)) is not None:
            raise wording.is_there(str(new), taken.kind)
        self.places[relation], self.places[new] = None, place
        if relation in self.descriptions:
            self.descriptions[new] = self.descriptions.pop(relation)

    def drop(self, relation: Relation, statement: str, *, if_exists: bool) -> None:
        """Have nothing of a name."""
        place = self.place(relation)
        if place is None:
            if if_exists:
                return
            raise wording.not_there(str(relation), statement)
        self.places[relation] = None
        if place.relation is not None:
            self.dropped.append((place.relation, place.kind))
        self.made = [each for each in self.made if each[0] != relation]

    def swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind,
    ) -> None:
        """Put one in the place of another."""
        there, new = self.place(target), self.place(intermediate)
        if new is None or new.kind != becomes:
            raise wording.is_no(str(intermediate), becomes)
        if there is not None and in_place is None:
            raise wording.is_there(str(target), there.kind)
        if in_place is not None and (there is None or there.kind != in_place):
            raise wording.is_no(str(target), in_place)
        if there is not None and there.relation is not None:
            self.dropped.append((there.relation, there.kind))
            self.backups[there.relation] = backup
        self.places[target], self.places[intermediate] = new, None
        if intermediate in self.descriptions:
            self.descriptions[target] = self.descriptions.pop(intermediate)

    def make(self, tree: exp.Create) -> int:
        """Have a new table with the rows of a query, and tell how many they are."""
        relation = relation_of(tree.this)
        taken = self.place(relation)
        if taken is not None:
            raise wording.is_there(str(relation), taken.kind)
        query = cast("exp.Expr", tree.expression)
        asked = self.read(query.copy())
        text = sql(query.copy())
        source = _whole_of(query)
        moved = None if source is None else self.places.get(source)
        if moved is not None and moved.relation == relation:
            # A table that keeps its name, and has a copy of the other.
            self.places[relation] = moved
            self.places[cast("Relation", source)] = Place("table", None, all_of(relation))
            self.made.append((cast("Relation", source), ""))
            return self.count(statements.count_rows(relation))
        self.places[relation] = Place("table", None, sql(asked.copy()))
        self.made.append((relation, text))
        return self.count(count_of(asked))

    def change(self, tree: exp.Expr) -> int:
        """Put down a statement that changes rows, and tell how many it would change now."""
        relation = relation_of(cast("exp.Expr", tree.this))
        match tree:
            case exp.Update() | exp.Delete():
                asked = count_changed(tree)
                count = self.count(asked.copy())
                if self.asserts and is_state(relation):
                    self.changes.append((relation, assertion(asked, count)))
            case exp.Insert() if isinstance(tree.expression, exp.Query):
                count = self.count(count_of(self.read(tree.expression.copy())))
            case exp.Insert() if isinstance(tree.expression, exp.Values):
                count = len(tree.expression.expressions)
            case _:
                count = 0
        self.changes.append((relation, sql(tree)))
        return count

    def put_down(self, tree: exp.Expr) -> None:
        """Put down a statement that changes rows, when nobody asks how many."""
        self.changes.append((relation_of(cast("exp.Expr", tree.this)), sql(tree)))

    def define(self, tree: exp.Alter) -> None:
        """Put down a change of a table's columns."""
        relation = relation_of(cast("exp.Expr", tree.this))
        action = tree.args["actions"][0]
        undo: exp.Expr | None = None
        match action:
            case exp.ColumnDef():
                undo = exp.Alter(this=tree.this.copy(), kind="TABLE", actions=[_drop_column(action.this.copy())])
            case exp.RenameColumn():
                back = exp.RenameColumn(this=action.args["to"].copy(), to=action.this.copy())
                undo = exp.Alter(this=tree.this.copy(), kind="TABLE", actions=[back])
            case _:
                pass
        self.definitions.append((relation, sql(tree), None if undo is None else sql(undo)))

    def describe(self, tree: exp.Comment) -> None:
        """Put down what a table, or one of its columns, is."""
        relation, column = described(tree)
        self.descriptions.setdefault(relation, {})[column] = tree.expression.name

    def count(self, query: exp.Expr) -> int:
        is_quick = is_about_state(query, self.link.place.state)
        text = sql(query)
        return int((self.link.fetch_quickly(text) if is_quick else self.link.fetch(text)).rows[0][0])

    @property
    def published(self) -> list[Relation]:
        """The tables that others know of and that change, in order."""
        named = {*self.places, *(relation for relation, _ in (*self.made, *self.changes, *self.dropped))}
        named |= {relation for relation, _, _ in self.definitions}
        named |= {target for _, target, _ in self.partitions}
        return sorted(each for each in named if not is_private(each) and not is_state(each))


def described(tree: exp.Comment) -> tuple[Relation, str | None]:
    """Of what a comment is: a table, and a column of it or None."""
    if tree.args["kind"] == "COLUMN":
        column = cast("exp.Column", tree.this)
        return Relation(column.db, column.table), column.name
    return relation_of(cast("exp.Expr", tree.this)), None


def _whole_of(query: exp.Expr) -> Relation | None:
    """The table of which a query gives all rows as they are."""
    if (
        not isinstance(query, exp.Select)
        or len(query.expressions) != 1
        or not isinstance(query.expressions[0], exp.Star)
    ):
        return None
    from_ = query.args.get("from_")
    extra = [name for name, value in query.args.items() if value and name not in ("expressions", "from_")]
    if from_ is None or extra or not isinstance(from_.this, exp.Table):
        return None
    return relation_of(from_.this)


def _drop_column(name: exp.Expr) -> exp.Expr:
    return exp.Drop(this=name, kind="COLUMN")
