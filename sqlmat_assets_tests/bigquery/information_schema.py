"""System views: `INFORMATION_SCHEMA` and `__TABLES__`, as queries of DuckDB."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import sqlglot
from sqlglot import exp

from sqlmat_assets_tests.bigquery import partitions, sizes
from sqlmat_assets_tests.bigquery.catalog import Catalog, Table
from sqlmat_assets_tests.bigquery.columns import quoted, sql_type
from sqlmat_assets_tests.bigquery.wire import Json, invalid

_Rows = Iterable[Sequence[Any]]
_Columns = Sequence[tuple[str, str]]
_TEXT, _NUMBER, _MOMENT = "VARCHAR", "BIGINT", "TIMESTAMP WITH TIME ZONE"


def query(catalog: Catalog, project: str, name: str) -> exp.Expr:
    """The rows of a system view.

    Raises:
        ApiError: There is none of that name.
    """
    parts = [part for part in name.split(".") if part]
    upper = [part.upper() for part in parts]
    if upper[-1].startswith("JOBS"):
        return _query(_OF_JOBS, catalog.list_jobs(project))
    if upper[-1] == "__TABLES__":
        view, dataset = "__TABLES__", parts[-2]
    else:
        at = upper.index("INFORMATION_SCHEMA")
        view = upper[at + 1]
        dataset = parts[at - 1] if at else None
    # Datasets whose names begin so are in none of these views.
    # https://cloud.google.com/bigquery/docs/datasets#hidden_datasets
    scope = [
        each
        for each in catalog.all_tables()
        if each.project == project
        and (each.dataset == dataset or dataset is None or dataset.lower().startswith("region-"))
        and (view == "__TABLES__" or not each.dataset.startswith("_"))
    ]
    if view not in _VIEWS:
        raise invalid(f"Table {name} is not emulated")
    columns, rows = _VIEWS[view]
    return _query(columns, rows(catalog, scope))


def _query(columns: _Columns, rows: _Rows) -> exp.Expr:
    selects = [
        "SELECT "
        + ", ".join(f"CAST({_literal(v)} AS {k}) AS {quoted(n)}" for v, (n, k) in zip(row, columns, strict=True))
        for row in rows
    ]
    if not selects:
        nothing = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in columns)
        return sqlglot.parse_one(f"SELECT {nothing} WHERE FALSE", read="duckdb")
    return sqlglot.parse_one(" UNION ALL ".join(selects), read="duckdb")


def _literal(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case int():
            return str(value)
        case dict():
            pairs = (f"{{'key': {_literal(key)}, 'value': {_literal(each)}}}" for key, each in value.items())
            return f"[{', '.join(pairs)}]"
        case _:
            return exp.Literal.string(str(value)).sql("duckdb")


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(sep=" ")


def _schemata(catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    del scope  # they may be empty
    for project in {each.project for each in catalog.all_tables()}:
        for dataset in catalog.datasets(project):
            if not dataset.name.startswith("_"):
                yield project, dataset.name, dataset.resource.get("location")


def _tables(_catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    kinds = {"TABLE": "BASE TABLE"}
    for each in scope:
        yield each.project, each.dataset, each.name, kinds.get(each.kind, each.kind), _moment(each.created)


def _columns(_catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    for table in scope:
        field = (table.options.get("timePartitioning") or {}).get("field")
        clustered = (table.options.get("clustering") or {}).get("fields", [])
        for place, column in enumerate(table.fields, 1):
            name = column["name"]
            yield (
                table.dataset,
                table.name,
                name,
                place,
                "NO" if column.get("mode") == "REQUIRED" else "YES",
                sql_type(column),
                "YES" if name == field else "NO",
                clustered.index(name) + 1 if name in clustered else None,
            )


def _field_paths(_catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    for table in scope:
        for column in table.fields:
            for path, field in _paths(column, ""):
                tags = json.dumps((field.get("policyTags") or {}).get("names", []))
                yield table.dataset, table.name, column["name"], path, sql_type(field), field.get("description"), tags


def _paths(field: Json, before: str) -> Iterator[tuple[str, Json]]:
    path = f"{before}{field['name']}"
    yield path, field
    for each in field.get("fields", ()):
        yield from _paths(each, f"{path}.")


def _options(_catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    for table in scope:
        given = table.options
        if given.get("description"):
            yield table.dataset, table.name, "description", _TEXT_OPTION, json.dumps(given["description"])
        if given.get("labels"):
            told = ", ".join(f'STRUCT("{key}", "{value}")' for key, value in sorted(given["labels"].items()))
            yield table.dataset, table.name, "labels", "ARRAY<STRUCT<STRING, STRING>>", f"[{told}]"
        if given.get("expirationTime"):
            told = f'TIMESTAMP "{_moment(int(given["expirationTime"]))}"'
            yield table.dataset, table.name, "expiration_timestamp", "TIMESTAMP", told
        days = (given.get("timePartitioning") or {}).get("expirationMs")
        if days:
            yield table.dataset, table.name, "partition_expiration_days", "FLOAT64", str(int(days) / 86_400_000)


def _partitions(catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    for table in scope:
        if table.physical is None:
            continue
        found = partitions.partition_id(table)
        grouped = f"SELECT {found or 'NULL'}, count(*) FROM {table.stored} GROUP BY 1"
        for name, count in catalog.cursor().execute(grouped).fetchall():
            yield table.dataset, table.name, name, count, _moment(table.modified)


def _storage(catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    for table in scope:
        if table.physical is not None:
            size = sizes.of_columns(catalog, table, [each["name"] for each in table.fields])
            yield table.project, table.dataset, table.name, catalog.count(table), size


def _views(_catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    for each in scope:
        if each.kind == "VIEW":
            yield each.dataset, each.name, each.options["view"]["query"]


def _legacy(catalog: Catalog, scope: Sequence[Table]) -> _Rows:
    for each in scope:
        size = 0 if each.physical is None else sizes.of_columns(catalog, each, [one["name"] for one in each.fields])
        kind = 2 if each.kind == "VIEW" else 1
        yield each.project, each.dataset, each.name, each.created, each.modified, catalog.count(each), size, kind


_OF_JOBS = (
    ("creation_time", _MOMENT),
    ("project_id", _TEXT),
    ("job_id", _TEXT),
    ("job_type", _TEXT),
    ("statement_type", _TEXT),
    ("parent_job_id", _TEXT),
    ("priority", _TEXT),
    ("state", _TEXT),
    ("query", _TEXT),
    ("total_bytes_processed", _NUMBER),
    ("total_bytes_billed", _NUMBER),
    ("total_slot_ms", _NUMBER),
    ("labels", "STRUCT(key VARCHAR, value VARCHAR)[]"),
)
_TEXT_OPTION = "STRING"
_OF_TABLE = (("table_schema", _TEXT), ("table_name", _TEXT))
_VIEWS: dict[str, tuple[_Columns, Callable[[Catalog, Sequence[Table]], _Rows]]] = {
    "SCHEMATA": ((("catalog_name", _TEXT), ("schema_name", _TEXT), ("location", _TEXT)), _schemata),
    "TABLES": ((("table_catalog", _TEXT), *_OF_TABLE, ("table_type", _TEXT), ("creation_time", _MOMENT)), _tables),
    "COLUMNS": (
        (
            *_OF_TABLE,
            ("column_name", _TEXT),
            ("ordinal_position", _NUMBER),
            ("is_nullable", _TEXT),
            ("data_type", _TEXT),
            ("is_partitioning_column", _TEXT),
            ("clustering_ordinal_position", _NUMBER),
        ),
        _columns,
    ),
    "COLUMN_FIELD_PATHS": (
        (
            *_OF_TABLE,
            ("column_name", _TEXT),
            ("field_path", _TEXT),
            ("data_type", _TEXT),
            ("description", _TEXT),
            ("policy_tags", _TEXT),
        ),
        _field_paths,
    ),
    "TABLE_OPTIONS": ((*_OF_TABLE, ("option_name", _TEXT), ("option_type", _TEXT), ("option_value", _TEXT)), _options),
    "PARTITIONS": (
        (*_OF_TABLE, ("partition_id", _TEXT), ("total_rows", _NUMBER), ("last_modified_time", _MOMENT)),
        _partitions,
    ),
    "TABLE_STORAGE": (
        (("project_id", _TEXT), *_OF_TABLE, ("total_rows", _NUMBER), ("total_logical_bytes", _NUMBER)),
        _storage,
    ),
    "VIEWS": ((*_OF_TABLE, ("view_definition", _TEXT)), _views),
    "__TABLES__": (
        (
            ("project_id", _TEXT),
            ("dataset_id", _TEXT),
            ("table_id", _TEXT),
            ("creation_time", _NUMBER),
            ("last_modified_time", _NUMBER),
            ("row_count", _NUMBER),
            ("size_bytes", _NUMBER),
            ("type", _NUMBER),
        ),
        _legacy,
    ),
}
