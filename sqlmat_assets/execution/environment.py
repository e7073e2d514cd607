"""An environment: tables that stand beside those of production, in schemas of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlmat_assets.project.model import CheckQuery, Model
from sqlmat_assets.project.references import Names
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation, environment_schema


@dataclass(frozen=True, slots=True)
class Environment:
    """Where a change is tried. What was not built there is read from production, which is never written."""

    name: str

    def relation(self, relation: Relation) -> Relation:
        """What a table of the project is called here."""
        return replace(relation, schema=environment_schema(relation.schema, self.name))

    def place(self, model: Model, is_built: Callable[[Relation], bool], names: Names) -> Model:
        """The table as it is built here: under its name here, and reading what was built here.

        Args:
            model: The table as the project has it.
            is_built: Whether a table is there, by its name here.
            names: How names are told apart.
        """
        known = {*model.upstream, *(read for query in model.checks for read in query.reads)} - {model.relation}
        mapping = {read: here for read in known if is_built(here := self.relation(read))}
        own = {**mapping, model.relation: self.relation(model.relation)}
        return replace(
            model,
            relation=own[model.relation],
            sql=rewrite(model.sql, names, own) if model.sql else model.sql,
            upstream=tuple(mapping.get(read, read) for read in model.upstream),
            checks=tuple(_placed(query, own, names) for query in model.checks),
        )


def _placed(query: CheckQuery, own: dict[Relation, Relation], names: Names) -> CheckQuery:
    reads = tuple(own.get(read, read) for read in query.reads)
    return replace(query, sql=rewrite(query.sql, names, own), reads=reads)
