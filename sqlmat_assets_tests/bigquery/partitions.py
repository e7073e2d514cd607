"""Partitions: which rows are in one, and what may be written where. They are called `2019`, `201901`, `20190131`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlglot import exp

from sqlmat_assets_tests.bigquery.catalog import INGESTED, Catalog, Table
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid, invalid_query

# https://cloud.google.com/bigquery/docs/managing-partitioned-table-data
FORMATS = {"YEAR": "%Y", "MONTH": "%Y%m", "DAY": "%Y%m%d", "HOUR": "%Y%m%d%H"}
_LENGTHS = {4: "YEAR", 6: "MONTH", 8: "DAY", 10: "HOUR"}
_SAME = ("timePartitioning", "rangePartitioning", "clustering")
_NO_PARTITION = ("__NULL__", "__UNPARTITIONED__")


def partition_id(table: Table) -> str | None:
    """The expression for DuckDB that gives the name of the partition of a row; None where there are none."""
    time = table.options.get("timePartitioning")
    if time is not None:
        column = quoted(time.get("field", INGESTED))
        return f"coalesce(strftime(CAST({column} AS TIMESTAMP), '{FORMATS[time['type']]}'), '__NULL__')"
    range_ = table.options.get("rangePartitioning")
    if range_ is None:
        return None
    bounds, column = range_["range"], quoted(range_["field"])
    start, end, step = int(bounds["start"]), int(bounds["end"]), int(bounds["interval"])
    inside = f"{start} + ({column} - {start}) // {step} * {step}"
    return (
        f"CASE WHEN {column} IS NULL THEN '__NULL__' WHEN {column} < {start} OR {column} >= {end} "
        f"THEN '__UNPARTITIONED__' ELSE CAST({inside} AS VARCHAR) END"
    )


def condition(table: Table, partition: str) -> str:
    """Which rows are in a partition."""
    found = partition_id(table)
    if found is None:
        raise invalid(f"Cannot read partition information from a table that is not partitioned: {table.full_name}")
    time = table.options.get("timePartitioning")
    if time is not None and partition not in _NO_PARTITION and _LENGTHS.get(len(partition)) != time["type"]:
        raise invalid(f"Invalid partition id {partition} for a table partitioned by {time['type']}")
    return f"{found} = {exp.Literal.string(partition).sql('duckdb')}"


def refuse_other_spec(one: Json, other: Json, names: tuple[str, str]) -> None:
    """Refuse to copy between tables that lie in other ways.

    https://cloud.google.com/bigquery/docs/managing-tables#limitations_on_copying_tables
    """
    specs = [{key: _plain(each.get(key)) for key in _SAME[:2]} for each in (one, other)]
    if specs[0] != specs[1]:
        raise invalid(
            f"Incompatible table partitioning specification. Destination table has {_told(specs[1])}, "
            f"but transfer target partitioning specification is {_told(specs[0])} ({names[0]} to {names[1]})."
        )


def refuse_other_design(table: Table, design: Json) -> None:
    """Refuse to write a table with another partitioning or clustering than it has."""
    for key in _SAME:
        if key in design and _plain(design[key]) != _plain(table.options.get(key)):
            raise invalid(
                f"Incompatible table partitioning specification. Expected partitioning specification "
                f"{_told({key: table.options.get(key)})}, but input partitioning specification is "
                f"{_told({key: design[key]})}."
            )


def require_filter(table: Table, node: exp.Table) -> None:
    """Refuse to read all of a table that is read by partitions only."""
    field = table.options["timePartitioning"].get("field", INGESTED)
    select = node.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge)
    where = None if select is None else select.args.get("where")
    names = {each.name.lower() for each in where.find_all(exp.Column)} if where is not None else set[str]()
    if field.lower() not in names and not (field == INGESTED and "_partitiondate" in names):
        raise invalid_query(
            f"Cannot query over table '{table.dataset}.{table.name}' without a filter over column(s) '{field}' that "
            "can be used for partition elimination"
        )


def check_design(fields: Iterable[Json], options: Json) -> None:
    """Refuse partitions and clusters that no table can have."""
    known = {each["name"].lower(): each for each in fields}
    time, range_ = options.get("timePartitioning"), options.get("rangePartitioning")
    if time is not None and "field" in time:
        column = known.get(time["field"].lower())
        if column is None:
            raise invalid(f"The field specified for partitioning cannot be found in the schema: {time['field']}")
        if column["type"] not in ("DATE", "TIMESTAMP", "DATETIME"):
            raise invalid(f"The field specified for time partitioning can only be of type TIMESTAMP, DATE or DATETIME. "
                          f"The type found is: {column['type']}.")  # fmt: skip
        if column["type"] == "DATE" and time.get("type") == "HOUR":
            raise invalid("A DATE column cannot be partitioned by HOUR")
    if range_ is not None and known.get(range_["field"].lower(), {}).get("type") != "INTEGER":
        raise invalid(f"The field specified for range partitioning has to be an INTEGER: {range_['field']}")
    clustered = (options.get("clustering") or {}).get("fields", ())
    if len(clustered) > 4:
        raise invalid("Too many clustering columns, the most are 4")
    for name in clustered:
        if name.lower() not in known:
            raise invalid(f"The field specified for clustering cannot be found in the schema: {name}")
        column = known[name.lower()]
        if column.get("mode") == "REPEATED" or column["type"] in ("RECORD", "FLOAT", "JSON", "BYTES", "TIME"):
            raise invalid(f"Field {name} of type {column['type']} cannot be clustered by")


def drop_partition(catalog: Catalog, table: Table, partition: str) -> None:
    """Have a table without the rows of one partition."""
    where = condition(table, partition)
    physical = catalog.new_name()
    catalog.cursor().execute(f"CREATE TABLE {physical} AS FROM {table.stored} WHERE NOT ({where})")
    catalog.put_rows(table, physical, table.fields)


def put_partition(catalog: Catalog, table: Table, partition: str, rows: str, disposition: str) -> None:
    """Write one partition, and no row that is of another.

    Args:
        catalog: All tables.
        table: That which has the partition.
        partition: Its name.
        rows: A query of DuckDB with the columns of the table, in their order.
        disposition: As a job says it.
    """
    where, cursor = condition(table, partition), catalog.cursor()
    other = cursor.execute(f"SELECT count(*) FROM ({rows}) WHERE NOT coalesce({where}, FALSE)").fetchall()
    if not table.is_ingested and other[0][0]:
        raise invalid(f"Some rows belong to different partitions rather than destination partition {partition}")
    held = cursor.execute(f"SELECT count(*) FROM {table.stored} WHERE {where}").fetchall()[0][0]
    if disposition == "WRITE_EMPTY" and held:
        raise ApiError("duplicate", f"Already Exists: Table {table.full_name}${partition}")
    stays = f"WHERE NOT ({where})" if disposition == "WRITE_TRUNCATE" else ""
    physical = catalog.new_name()
    cursor.execute(f"CREATE TABLE {physical} AS FROM {table.stored} {stays}")
    cursor.execute(f"INSERT INTO {physical} BY NAME {rows}")
    catalog.put_rows(table, physical, table.fields)


def _plain(value: Any) -> Any:
    """Without what may differ: how long partitions stay, and whether a filter is required."""
    if not isinstance(value, dict):
        return value
    return {key: each for key, each in value.items() if key not in ("expirationMs", "requirePartitionFilter")}


def _told(spec: Json) -> str:
    time, range_ = spec.get("timePartitioning"), spec.get("rangePartitioning")
    if time:
        return f"interval(type:{time['type'].lower()},field:{time.get('field', INGESTED)})"
    if range_:
        return f"range(field:{range_['field']})"
    cluster = spec.get("clustering")
    return f"clustering({','.join(cluster['fields'])})" if cluster else "none"
