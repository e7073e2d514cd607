"""An environment: tables that stand beside those of production, in schemas of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sqlmat_assets.errors import environments as wording
from sqlmat_assets.execution.records import Record
from sqlmat_assets.project.histories import may_be_history
from sqlmat_assets.project.model import CheckQuery, Model, Project
from sqlmat_assets.project.references import Names
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation, environment_schema
from sqlmat_assets.warehouses.base import Capabilities

# Without two underscores in a row it is known where the name of a schema ends and that of the environment begins.
_NAME = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*", re.ASCII)
_LONGEST = 40
_OF_PRODUCTION = frozenset({"prod", "production"})


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
        own_reads = (*model.upstream, *filter(may_be_history, model.sources))
        known = {*own_reads, *(read for query in model.checks for read in query.reads)} - {model.relation}
        mapping = {read: here for read in known if is_built(here := self.relation(read))}
        own = {**mapping, model.relation: self.relation(model.relation)}
        return replace(
            model,
            relation=own[model.relation],
            sql=rewrite(model.sql, names, own) if model.sql else model.sql,
            statement=None,
            upstream=tuple(mapping.get(read, read) for read in model.upstream),
            sources=tuple(mapping.get(read, read) for read in model.sources),
            checks=tuple(_placed(query, own, names) for query in model.checks),
        )


def find_environment(name: str | None, project: Project, capabilities: Capabilities | None) -> Environment | None:
    """The environment that people name; None where they name none, which is production.

    Its letters are small, however they are written: engines take `Dev` and `dev` for one schema.

    Args:
        name: As it was typed.
        project: What is to be built there.
        capabilities: Of the warehouse; None where that is not known yet.

    Raises:
        UsageError: It cannot be a name, or what would be built there is not apart from production.
    """
    if not name or not name.strip():
        return None
    environment = read_name(name)
    spelt = environment.name
    # Case apart even where the engine tells cases apart: what differs in nothing else is a mistake.
    used = {schema.lower(): path for schema, path in _used_schemas(project)}
    for schema in sorted({model.relation.schema for model in project}):
        here = environment_schema(schema, spelt)
        if capabilities is not None and len(here.encode()) > capabilities.max_identifier_bytes:
            raise wording.too_long(here, capabilities.max_identifier_bytes, capabilities.name)
        path = used.get(here.lower())
        if path is not None:
            raise wording.collides(spelt, here, path)
    return environment


def read_name(name: str) -> Environment:
    """The environment of a name, whatever the project has.

    Raises:
        UsageError: It cannot be a name.
    """
    spelt = name.strip().lower()
    if spelt in _OF_PRODUCTION:
        raise wording.is_production(spelt)
    if len(spelt) > _LONGEST or not _NAME.fullmatch(spelt):
        raise wording.bad_name(name)
    return Environment(spelt)


def _used_schemas(project: Project) -> Iterable[tuple[str, str]]:
    """The schemas that a project builds or reads, each with a file that says so."""
    for model in project:
        yield from ((source.schema, model.path) for source in model.sources if source.catalog is None)
    for model in project:
        yield model.relation.schema, model.path


def records_here(
    records: Iterable[Record], project: Project, environment: Environment | None
) -> dict[Relation, Record]:
    """What is recorded of the tables of a project where it is built, by the folded names that the project has."""
    fold = project.names.fold
    found = {fold(record.relation): record for record in records}
    if environment is None:
        return found
    here = {fold(relation): found.get(fold(environment.relation(relation))) for relation in project.models}
    return {relation: record for relation, record in here.items() if record is not None}


def _placed(query: CheckQuery, own: dict[Relation, Relation], names: Names) -> CheckQuery:
    reads = tuple(own.get(read, read) for read in query.reads)
    return replace(query, sql=rewrite(query.sql, names, own), reads=reads)
