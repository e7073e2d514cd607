"""Copy jobs.

What they take along: columns with their descriptions and policy tags, partitions, clusters and row access policies
(https://cloud.google.com/bigquery/docs/using-row-level-security-with-features#copy_jobs,
https://cloud.google.com/bigquery/docs/column-level-security#work_with_copy_jobs). What becomes of labels, of the
description and of the expiry of a table is documented nowhere: `takes_options` has them taken along, and without it
they are lost, which is what a client has to get along with.
"""

from __future__ import annotations

import copy

from sqlmat_assets_tests.bigquery import partitions
from sqlmat_assets_tests.bigquery.catalog import DESIGN, Catalog, Kind, Table
from sqlmat_assets_tests.bigquery.columns import is_same_type, quoted
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid

_TAKEN_ALONG = ("description", "labels", "friendlyName")


def run(catalog: Catalog, config: Json) -> Json:
    """Copy, at once."""
    sources = config.get("sourceTables") or [config["sourceTable"]]
    target = config["destinationTable"]
    place = str(target["projectId"]), str(target["datasetId"]), str(target["tableId"])
    name, _, partition = place[2].partition("$")
    disposition = config.get("writeDisposition") or "WRITE_EMPTY"
    first, rows, fields = _source(catalog, sources[0])
    for other in sources[1:]:
        _, more, _ = _source(catalog, other)
        rows = f"{rows} UNION ALL BY NAME {more}"
    with catalog.lock:
        there = catalog.find(*place[:2], name)
        if partition:
            if there is None:
                raise ApiError("notFound", f"Not found: Table {place[0]}:{place[1]}.{name}")
            _into_partition(catalog, first, there, partition, rows, disposition)
        elif there is None:
            there = _create(catalog, config, first, fields, place, rows)
        else:
            _over(catalog, first, there, fields, rows, disposition)
        return {"copiedRows": str(catalog.count(there)), "copiedLogicalBytes": "0"}


def _source(catalog: Catalog, reference: Json) -> tuple[Table, str, list[Json]]:
    """A table that is copied, its rows as a query of DuckDB, and its columns."""
    written = str(reference["tableId"])
    name, decorator, rest = written, "", ""
    for each in ("$", "@"):
        if each in written:
            name, _, rest = written.partition(each)
            decorator = each
    place = str(reference["projectId"]), str(reference["datasetId"]), name
    gone = catalog.deleted(*place) if decorator == "@" and catalog.find(*place) is None else None
    table = gone or catalog.table(*place)
    if table.kind == "VIEW":
        raise invalid(f"Cannot read a table without a schema, or a view, in a copy job: {table.full_name}")
    if decorator == "@":
        moment = int(rest) if int(rest) > 0 else catalog.now() + int(rest)
        physical, fields = catalog.at(table, moment)
        return table, f"SELECT * FROM {physical}", list(fields)
    if decorator == "$":
        return table, f"SELECT * FROM {table.stored} WHERE {partitions.condition(table, rest)}", table.fields
    return table, f"SELECT * FROM {table.stored}", table.fields


def _create(
    catalog: Catalog, config: Json, source: Table, fields: list[Json], place: tuple[str, str, str], rows: str
) -> Table:
    if config.get("createDisposition") == "CREATE_NEVER":
        raise ApiError("notFound", f"Not found: Table {place[0]}:{place[1]}.{place[2]}")
    kind: Kind = "SNAPSHOT" if config.get("operationType") == "SNAPSHOT" else "TABLE"
    options = {key: copy.deepcopy(source.options[key]) for key in _options(catalog) if key in source.options}
    physical = _store(catalog, rows)
    made = catalog.create(*place, copy.deepcopy(fields), options, physical=physical, kind=kind)
    if config.get("destinationExpirationTime"):
        made.options["expirationTime"] = config["destinationExpirationTime"]
    made.policies = copy.deepcopy(source.policies)
    return made


def _over(catalog: Catalog, source: Table, there: Table, fields: list[Json], rows: str, disposition: str) -> None:
    if there.kind != "TABLE":
        raise invalid(f"Cannot copy over {there.full_name}, which is a {there.kind}")
    if disposition == "WRITE_EMPTY" and catalog.count(there):
        raise ApiError("duplicate", f"Already Exists: Table {there.full_name}")
    partitions.refuse_other_spec(there.options, source.options, (there.name, source.name))
    if disposition != "WRITE_TRUNCATE":
        known = {each["name"] for each in there.fields}
        if {each["name"] for each in fields} - known:
            raise invalid(f"Provided Schema does not match Table {there.full_name}")
        physical = _store(catalog, f"SELECT * FROM {there.stored} UNION ALL BY NAME {rows}")
        catalog.put_rows(there, physical, there.fields)
        return
    catalog.put_rows(there, _store(catalog, rows), copy.deepcopy(fields))
    kept = {key: value for key, value in there.options.items() if key == "expirationTime"}
    taken = {key: copy.deepcopy(source.options[key]) for key in _options(catalog) if key in source.options}
    there.options = {**kept, **taken}
    there.policies = copy.deepcopy(source.policies)
    catalog.touch(there)


def _into_partition(catalog: Catalog, source: Table, there: Table, partition: str, rows: str, disposition: str) -> None:
    given = {each["name"]: each for each in source.fields}
    wanted = {each["name"]: each for each in there.fields}
    if set(given) != set(wanted) or any(not is_same_type(given[name], each) for name, each in wanted.items()):
        raise invalid(f"Provided Schema does not match Table {there.full_name}${partition}")
    columns = ", ".join(quoted(name) for name in wanted)
    partitions.put_partition(catalog, there, partition, f"SELECT {columns} FROM ({rows})", disposition)


def _store(catalog: Catalog, rows: str) -> str:
    physical = catalog.new_name()
    catalog.cursor().execute(f"CREATE TABLE {physical} AS {rows}")
    return physical


def _options(catalog: Catalog) -> tuple[str, ...]:
    return (*DESIGN, "requirePartitionFilter", *(_TAKEN_ALONG if catalog.takes_options else ()))
