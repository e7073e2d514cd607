"""Query jobs whose rows go into a table."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets_tests.bigquery import partitions, sizes
from sqlmat_assets_tests.bigquery.catalog import DESIGN, Catalog
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.ddl import Definer
from sqlmat_assets_tests.bigquery.queries import Outcome, Runner
from sqlmat_assets_tests.bigquery.refusals import refuse
from sqlmat_assets_tests.bigquery.texts import split
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid_query


def run(catalog: Catalog, runner: Runner, config: Json) -> Outcome:
    """Run a SELECT, and write what it gives into the destination that the job names."""
    texts = split(config["query"])
    if len(texts) != 1:
        raise invalid_query("configuration.query.destinationTable cannot be set for scripts")
    tree = texts[0].parse()
    refuse(texts[0], tree)
    if not isinstance(tree, exp.Query):
        raise invalid_query("Cannot set destination table in jobs with DML or DDL statements")
    counted = tree.copy()
    definer = Definer(catalog, runner.reading, runner.cursor)
    fields, physical = definer.store(tree, texts[0])
    read = list(runner.reading.read.values())
    outcome = Outcome("SELECT", fields, read=read, processed=sizes.of_query(catalog, counted, read))
    count = catalog.cursor().execute(f"SELECT count(*) FROM {physical}").fetchall()[0][0]
    outcome.affected = None
    put(catalog, config, fields, physical)
    outcome.rows = [] if count > 10_000 else catalog.cursor().execute(f"FROM {physical}").fetchall()
    return outcome


def put(catalog: Catalog, config: Json, fields: list[Json], physical: str) -> None:
    """Write rows into a table as the dispositions of a query or load job say."""
    reference = config["destinationTable"]
    place = str(reference["projectId"]), str(reference["datasetId"]), str(reference["tableId"])
    name, _, partition = place[2].partition("$")
    disposition = config.get("writeDisposition") or "WRITE_EMPTY"
    design = {key: config[key] for key in DESIGN if config.get(key)}
    there = catalog.find(*place[:2], name)
    if there is None:
        catalog.dataset(*place[:2])
        if config.get("createDisposition") == "CREATE_NEVER":
            raise ApiError("notFound", f"Not found: Table {place[0]}:{place[1]}.{name}")
        partitions.check_design(fields, design)
        there = catalog.create(*place[:2], name, fields, design)
        disposition = "WRITE_APPEND"
    elif not partition:
        partitions.refuse_other_design(there, design)
    given = {each["name"].lower(): each for each in fields}
    if partition:
        rows = f"SELECT {', '.join(_value(each, given) for each in there.fields)} FROM {physical}"
        partitions.put_partition(catalog, there, partition, rows, disposition)
        return
    match disposition:
        case "WRITE_EMPTY" if catalog.count(there):
            raise ApiError("duplicate", f"Already Exists: Table {there.full_name}")
        case "WRITE_TRUNCATE":
            catalog.put_rows(there, physical, fields)
            # https://cloud.google.com/bigquery/docs/reference/auditlogs: this keeps no policies.
            there.policies = []
        case _:
            _append(catalog, config, there.key, given, physical)


def _append(catalog: Catalog, config: Json, key: tuple[str, str, str], given: dict[str, Json], physical: str) -> None:
    table = catalog.table(*key)
    known = {each["name"].lower() for each in table.fields}
    more = [each for name, each in given.items() if name not in known]
    if more and "ALLOW_FIELD_ADDITION" not in (config.get("schemaUpdateOptions") or ()):
        names = ", ".join(str(each["name"]) for each in more)
        raise ApiError(
            "invalid", f"Provided Schema does not match Table {table.full_name}. Cannot add fields ({names})"
        )
    fields = [*table.fields, *more]
    joined = catalog.make_empty(fields, is_ingested=table.is_ingested)
    own = ", ".join(quoted(each["name"]) for each in table.fields)
    cursor = catalog.cursor()
    cursor.execute(f"INSERT INTO {joined} BY NAME SELECT {own} FROM {table.stored}")
    values = ", ".join(_value(each, given) for each in fields if each["name"].lower() in given)
    cursor.execute(f"INSERT INTO {joined} BY NAME SELECT {values} FROM {physical}")
    catalog.put_rows(table, joined, fields)


def _value(column: Json, given: dict[str, Json]) -> str:
    own = given.get(column["name"].lower())
    name = quoted(column["name"])
    return f"NULL AS {name}" if own is None else f"{quoted(own['name'])} AS {name}"
