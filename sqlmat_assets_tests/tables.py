"""Short ways to tables, runs and warehouses for the tests of what builds them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Event, Run
from sqlmat_assets.project.model import CheckQuery, CheckRule, CheckSpec, Kind, Model, Project, RuleKind
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.spec import Partitioning
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names
from sqlmat_assets.project.settings import ModelSettings
from sqlmat_assets.project.single_scan import find_values
from sqlmat_assets.project.syntax import read_syntax
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse


def a_context(warehouse: Warehouse | Path, run: str = "r1", **more: Any) -> Context:
    if isinstance(warehouse, Path):
        warehouse = DuckDBWarehouse(warehouse)
    settings: dict[str, Any] = {"now": lambda: datetime.now(UTC), "root": Path()}
    return Context(warehouse, Names(warehouse.capabilities.dialect), Run(run, datetime.now(UTC)), **(settings | more))


def a_spec(name: str, *, is_blocking: bool = True) -> CheckSpec:
    return CheckSpec(name, name, is_blocking, "first/cities_test.sql", 1)


def a_check(sql: str, *names: str, is_blocking: bool = True) -> CheckQuery:
    specs = tuple(a_spec(name, is_blocking=is_blocking) for name in names)
    statements = read_syntax(sql, "duckdb", Positions(sql)).statements
    values = find_values(statements[0], sql) if statements else ()
    return CheckQuery(sql, specs, values=values if len(values) == len(specs) else ())


def a_rule(kind: RuleKind, *columns: str, limit: float = 0) -> CheckRule:
    return CheckRule(kind, a_spec(kind), columns, limit)


def a_table(sql: str, *checks: CheckQuery, name: str = "first.cities", **more: Any) -> Model:
    relation = Relation.of(name)
    settings = more.pop("settings", {})
    own = tuple(each if re.search(rf"\bFROM {name}\b", each.sql) else replace(each, values=()) for each in checks)
    return Model(
        relation,
        f"{relation.schema}/{relation.name}.sql",
        more.pop("kind", Kind.QUERY),
        "duckdb",
        sql,
        checks=own,
        settings=ModelSettings(**settings),
        **more,
    )


def parts_of(written: str) -> Partitioning:
    return parse_partition_by(written)


def a_project(*models: Model) -> Project:
    return Project(Path(), "duckdb", {model.relation: model for model in models})


def kinds_of(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def ask(path: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(path) as connection:
        return connection.execute(query).fetchall()


def tables_in(path: Path, schema: str = "first") -> list[str]:
    query = f"SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}' ORDER BY 1"
    return [name for (name,) in ask(path, query)]
