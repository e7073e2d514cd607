"""BigQuery: a project in which jobs are run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Capabilities, ObjectKind, Pause, Session
from sqlmat_assets.warehouses.bigquery import files as files_
from sqlmat_assets.warehouses.bigquery.clients import Connect, open_link
from sqlmat_assets.warehouses.bigquery.facts import BIGQUERY
from sqlmat_assets.warehouses.bigquery.link import Link
from sqlmat_assets.warehouses.bigquery.locks import alive, recover
from sqlmat_assets.warehouses.bigquery.rendering import render_swap
from sqlmat_assets.warehouses.bigquery.session import BigQuerySession
from sqlmat_assets.warehouses.bigquery.statements import in_state, sql
from sqlmat_assets.warehouses.bigquery.url import BigQueryPlace
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.source_files import Contents, SourceFile


@dataclass(frozen=True, slots=True)
class BigQueryWarehouse:
    """A project; `connect` opens its client, where that is not the one of the environment's credentials."""

    place: BigQueryPlace
    connect: Connect | None = None

    @property
    def capabilities(self) -> Capabilities:
        return BIGQUERY

    @property
    def label(self) -> str:
        return self.place.label

    @contextmanager
    def open_session(self, pause: Pause = time.sleep) -> Generator[Session]:
        with open_link(self.place, self.connect, pause) as link:
            yield from open_on(link)

    def render(self, statement: exp.Expr) -> str:
        return sql(in_state(statement.copy(), self.place.state))

    def render_swap(
        self,
        target: Relation,
        intermediate: Relation,
        backup: Relation,
        in_place: ObjectKind | None,
        becomes: ObjectKind = "table",
    ) -> list[str]:
        del backup  # only where rows are to lie otherwise
        return render_swap(target, intermediate, in_place, becomes)

    def render_replace_rows(
        self, target: Relation, intermediate: Relation, columns: Sequence[str], where: exp.Expr
    ) -> list[str]:
        return [sql(each) for each in row_statements.replace_rows(target, intermediate, columns, where)]

    def render_merge_rows(
        self,
        target: Relation,
        intermediate: Relation,
        columns: Sequence[str],
        key: Sequence[str] = (),
        *,
        updates: bool = False,
        where: exp.Expr | None = None,
    ) -> list[str]:
        merged = row_statements.merge_rows(target, intermediate, columns, key, updates=updates, where=where)
        return [sql(each) for each in merged]

    def render_load(
        self, target: Relation, path: Path, columns: Sequence[tuple[str, str]], *, design: Design = NO_DESIGN
    ) -> list[str]:
        del design  # is that of another engine
        return files_.render_load_file(target, path, columns)

    def render_load_files(
        self, target: Relation, files: Sequence[SourceFile], contents: Contents, *, design: Design = NO_DESIGN
    ) -> list[str]:
        del design  # is that of another engine
        return files_.render_load_files(target, files, contents)

    def render_grants(self, relation: Relation, grantees: Sequence[str]) -> list[str]:
        del relation, grantees  # who may read a table is settled in the project, outside of it
        return []

    def render_unload(self, query: str, path: Path) -> list[str]:
        del path  # of this machine, of which BigQuery knows nothing
        return [query]


def open_on(link: Link) -> Generator[Session]:
    """A session on a link; what others have left half done is completed first."""
    owner = uuid.uuid4().hex
    with alive(owner):
        recover(link)
        yield BigQuerySession(link, owner)
