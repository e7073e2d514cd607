"""Statements that make, change and drop tables, views and datasets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, cast

import duckdb
from sqlglot import exp

from sqlmat_assets_tests.bigquery import columns, functions, partitions, policies
from sqlmat_assets_tests.bigquery.catalog import DESIGN, Catalog, Kind, Table
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.dialect import to_duckdb
from sqlmat_assets_tests.bigquery.reading import Reading, explained
from sqlmat_assets_tests.bigquery.texts import Text, tokens_of
from sqlmat_assets_tests.bigquery.wire import Json, invalid, invalid_query

_OPTIONS = {
    "description": "description",
    "friendly_name": "friendlyName",
    "expiration_timestamp": "expirationTime",
    "require_partition_filter": "requirePartitionFilter",
}
_DAY_MS = 86_400_000
_TRUNCATED = re.compile(r"(?:date|timestamp|datetime)_trunc\((.+), *(year|month|day|hour)\)", re.IGNORECASE)
_OPTION_OF_COLUMN = re.compile(
    r"alter\s+table\s+(?:if\s+exists\s+)?(?P<table>\S+)\s+alter\s+column\s+`?(?P<column>\w+)`?\s+"
    r"set\s+options\s*\((?P<options>.*)\)",
    re.IGNORECASE | re.DOTALL,
)
_CLONE = re.compile(
    r"create\s+(?P<kind>snapshot\s+)?table\s+(?P<exists>if\s+not\s+exists\s+)?(?P<table>\S+)\s+(?:clone|copy)\s+"
    r"(?P<source>\S+)(?:\s+for\s+system_time\s+as\s+of\s+(?P<moment>.*))?",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Done:
    """What a statement has done: its type as statistics tell it, and the table."""

    statement_type: str
    operation: str = "CREATE"
    table: Table | None = None


class Definer:
    """Runs DDL for one job."""

    def __init__(self, catalog: Catalog, reading: Reading, cursor: duckdb.DuckDBPyConnection) -> None:
        self._catalog = catalog
        self._reading = reading
        self._cursor = cursor

    def run(self, tree: exp.Expr, text: Text) -> Done:
        match tree:
            case exp.Create():
                return self._create(tree, text)
            case exp.Drop():
                return self._drop(tree)
            case exp.Alter():
                return self._alter(tree)
            case _:
                raise invalid_query(f"Statement is not emulated: {text.sql[:60]}")

    def _create(self, tree: exp.Create, text: Text) -> Done:
        kind = str(tree.args["kind"]).upper()
        match kind:
            case "SCHEMA":
                return self._create_dataset(tree)
            case "TABLE" if any(isinstance(each, exp.TemporaryProperty) for each in _properties(tree)):
                return self._create_temporary(tree, text)
            case "TABLE":
                return self._create_table(tree, text)
            case "VIEW":
                return self._create_view(tree, text)
            case "FUNCTION":
                is_temporary = any(isinstance(each, exp.TemporaryProperty) for each in _properties(tree))
                resolve = partial(self._reading.resolve, text=text)
                functions.define(tree, self._cursor, resolve, is_temporary=is_temporary)
                return Done("CREATE_FUNCTION")
            case _:
                raise invalid_query(f"CREATE {kind} is not emulated")

    def _create_dataset(self, tree: exp.Create) -> Done:
        name = cast("exp.Table", tree.this)
        dataset = name.args["db"].name
        project = name.catalog or self._reading.project
        if not (tree.args.get("exists") and any(each.name == dataset for each in self._catalog.datasets(project))):
            self._catalog.create_dataset(project, dataset, {})
        return Done("CREATE_SCHEMA")

    def _create_table(self, tree: exp.Create, text: Text) -> Done:
        named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        project, dataset, name = self._reading.place(named)
        there = self._catalog.find(project, dataset, name)
        statement = "CREATE_TABLE_AS_SELECT" if tree.expression is not None else "CREATE_TABLE"
        if there is not None and tree.args.get("exists"):
            return Done(statement, "SKIP", there)
        options = self._options_of(tree)
        fields, physical = self._columns(tree, text)
        partitions.check_design(fields, options)
        if there is not None and tree.args.get("replace"):
            if there.kind != "TABLE":
                raise invalid(f"{there.full_name} is not allowed for this operation because it is a {there.kind}.")
            partitions.refuse_other_spec(there.options, options, (name, name))
            self._catalog.put_rows(there, physical or self._catalog.make_empty(fields), fields)
            there.options, there.policies = options, []
            return Done(statement, "REPLACE", there)
        made = self._catalog.create(project, dataset, name, fields, options, physical=physical)
        return Done(statement, "CREATE", made)

    def _columns(self, tree: exp.Create, text: Text) -> tuple[list[Json], str | None]:
        """The columns of a new table, and where its rows lie if they come from a query."""
        like = next((each for each in _properties(tree) if isinstance(each, exp.LikeProperty)), None)
        if like is not None:
            return list(self._reading.get(cast("exp.Table", like.this)).fields), None
        declared: list[Json] = []
        if isinstance(tree.this, exp.Schema):
            declared = [_declared(each) for each in tree.this.expressions if isinstance(each, exp.ColumnDef)]
        if tree.expression is None:
            return declared, None
        fields, physical = self.store(tree.expression, text)
        return (declared or fields), physical

    def store(self, query: exp.Expr, text: Text) -> tuple[list[Json], str]:
        """Have the rows of a query as those of a table that has no name yet."""
        _refuse_unnamed(query)
        try:
            sql = self._reading.translate(query, text)
            fields = self.describe(sql)
            seen = [each["name"].lower() for each in fields]
            double = next((name for name in seen if seen.count(name) > 1), None)
            if double is not None:
                raise invalid_query(
                    f"Duplicate column names in the result are not supported. Found duplicate(s): {double}"
                )
            physical = self._catalog.new_name()
            casts = ", ".join(
                f"CAST({quoted(each['name'])} AS {columns.duckdb_type(each)}) AS {quoted(each['name'])}"
                for each in fields
            )
            self._cursor.execute(f"CREATE TABLE {physical} AS SELECT {casts} FROM ({sql})")
        except duckdb.Error as error:
            raise explained(error, text) from error
        return fields, physical

    def describe(self, sql: str) -> list[Json]:
        """The columns that a query of DuckDB gives."""
        found = self._cursor.execute(f"DESCRIBE {sql}").fetchall()
        return [columns.field_from_duckdb(str(name), str(kind)) for name, kind, *_ in found]

    def _create_temporary(self, tree: exp.Create, text: Text) -> Done:
        named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        fields, physical = self._columns(tree, text)
        physical = physical or self._catalog.make_empty(fields)
        now = self._catalog.now()
        made = Table(self._reading.project, "_script", named.name, "TABLE", fields, physical, now, now)
        self._reading.temporary[named.name] = made
        return Done("CREATE_TABLE_AS_SELECT", "CREATE", made)

    def _create_view(self, tree: exp.Create, text: Text) -> Done:
        named = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
        project, dataset, name = self._reading.place(named)
        there = self._catalog.find(project, dataset, name)
        if there is not None and tree.args.get("exists"):
            return Done("CREATE_VIEW", "SKIP", there)
        if there is not None and there.kind != "VIEW" and tree.args.get("replace"):
            raise invalid(f"{there.full_name} is not allowed for this operation because it is a {there.kind}.")
        query = _behind_as(text.sql)
        _refuse_unnamed(tree.expression)
        try:
            fields = self.describe(self._reading.translate(tree.expression, text))
        except duckdb.Error as error:
            raise explained(error, text) from error
        options = {**self._options_of(tree), "view": {"query": query, "useLegacySql": False}}
        if there is not None and tree.args.get("replace"):
            there.fields, there.options = fields, options
            self._catalog.touch(there)
            return Done("CREATE_VIEW", "REPLACE", there)
        return Done("CREATE_VIEW", "CREATE", self._catalog.create(project, dataset, name, fields, options, kind="VIEW"))

    def _drop(self, tree: exp.Drop) -> Done:
        kind = str(tree.args["kind"]).upper()
        named = cast("exp.Table", tree.this or tree.args["tables"][0])
        if kind == "SCHEMA":
            project, dataset = named.catalog or self._reading.project, named.args["db"].name
            if tree.args.get("exists") and not any(one.name == dataset for one in self._catalog.datasets(project)):
                return Done("DROP_SCHEMA", "SKIP")
            self._catalog.drop_dataset(project, dataset, with_contents=bool(tree.args.get("cascade")))
            return Done("DROP_SCHEMA", "DROP")
        if len(named.parts) == 1 and named.name in self._reading.temporary:
            return Done("DROP_TABLE", "DROP", self._reading.temporary.pop(named.name))
        found = self._reading.find(named)
        if found is None:
            if tree.args.get("exists"):
                return Done(f"DROP_{kind}", "SKIP")
            found = self._reading.get(named)
        if (kind == "VIEW") != (found.kind == "VIEW"):
            raise invalid(
                f"{found.full_name} is not allowed for this operation because it is currently a {found.kind}."
            )
        self._catalog.drop(found)
        return Done(f"DROP_{kind}", "DROP", found)

    def _alter(self, tree: exp.Alter) -> Done:
        found = self._reading.get(cast("exp.Table", tree.this))
        kind = str(tree.args["kind"]).upper()
        if kind == "TABLE" and found.kind == "VIEW":
            raise invalid(f"{found.full_name} is not allowed for this operation because it is currently a VIEW.")
        for action in tree.args["actions"]:
            self._act(found, action, kind)
        return Done(f"ALTER_{kind}", "ALTER", found)

    def _act(self, table: Table, action: exp.Expr, kind: str) -> None:
        match action:
            case exp.AlterRename() if kind == "TABLE":
                if table.streamed:
                    raise invalid(f"Table {table.full_name} has data in its streaming buffer and cannot be renamed")
                self._catalog.rename(table, action.this.name)
            case exp.ColumnDef():
                self._add_column(table, _declared(action))
            case exp.Drop():
                name = (action.this or action.args["tables"][0]).name
                kept = [each for each in table.fields if each["name"].lower() != name.lower()]
                self._rebuild(table, kept, [quoted(each["name"]) for each in kept])
            case exp.RenameColumn():
                old, new = action.this.name, action.args["to"].name
                renamed = [{**each, "name": new} if each["name"] == old else each for each in table.fields]
                self._rebuild(table, renamed, [quoted(each["name"]) for each in table.fields])
            case exp.AlterColumn():
                self._retype(table, action)
            case exp.AlterSet():
                self.set_options(table, _pairs(action.expressions))
            case _:
                raise invalid_query(f"ALTER is not emulated: {action.sql('bigquery')}")

    def _add_column(self, table: Table, column: Json) -> None:
        if any(each["name"].lower() == column["name"].lower() for each in table.fields):
            raise invalid(f"Column already exists: {column['name']}")
        if column["mode"] == "REQUIRED":
            raise invalid(f"Adding a REQUIRED column {column['name']} to an existing table is not supported")
        values = [quoted(each["name"]) for each in table.fields]
        self._rebuild(table, [*table.fields, column], [*values, "NULL"])

    def _retype(self, table: Table, action: exp.AlterColumn) -> None:
        kind = action.args.get("dtype")
        if kind is None:
            raise invalid_query(f"ALTER COLUMN is not emulated: {action.sql('bigquery')}")
        name = action.this.name
        new = columns.field_of(name, kind)
        old = next((each for each in table.fields if each["name"] == name), None)
        wider = {"INTEGER": ("NUMERIC", "BIGNUMERIC", "FLOAT"), "NUMERIC": ("BIGNUMERIC", "FLOAT")}
        if old is None or (new["type"] != old["type"] and new["type"] not in wider.get(old["type"], ())):
            was = "nothing" if old is None else old["type"]
            raise invalid(f"ALTER TABLE ALTER COLUMN SET DATA TYPE requires that the existing column type ({was}) is "
                          f"assignable to the new type ({new['type']})")  # fmt: skip
        fields = [{**each, **new, "mode": each["mode"]} if each["name"] == name else each for each in table.fields]
        self._rebuild(table, fields, [quoted(each["name"]) for each in fields])

    def _rebuild(self, table: Table, fields: list[Json], values: list[str]) -> None:
        """Have the same rows with other columns."""
        physical = self._catalog.make_empty(fields, is_ingested=table.is_ingested)
        self._cursor.execute(f"INSERT INTO {physical} ({', '.join(quoted(f['name']) for f in fields)}) "
                             f"SELECT {', '.join(values)} FROM {table.stored}")  # fmt: skip
        self._catalog.put_rows(table, physical, fields)

    def set_options(self, table: Table, options: dict[str, exp.Expr]) -> None:
        found = self._told(options)
        days = found.pop("expirationMs", None)
        if days is not None:
            table.options["timePartitioning"] = {**table.options["timePartitioning"], "expirationMs": days}
        for key, value in found.items():
            if value is None:
                table.options.pop(key, None)
            else:
                table.options[key] = value
        self._catalog.touch(table)

    def command(self, text: Text) -> Done | None:
        """Do what sqlglot has no tree for; None where it is nothing of that."""
        for pattern, work in ((_OPTION_OF_COLUMN, self._option_of_column), (_CLONE, self._clone)):
            found = pattern.fullmatch(text.sql.strip())
            if found is not None:
                return work(found)
        done = policies.run(self._catalog, self._reading, text.sql)
        return None if done is None else Done(done[0], "ALTER", done[1])

    def _option_of_column(self, found: re.Match[str]) -> Done:
        table = self._reading.get(exp.to_table(found["table"], dialect="bigquery"))
        column = next((each for each in table.fields if each["name"] == found["column"]), None)
        if column is None:
            raise invalid(f"Column not found: {found['column']}")
        for option, value in _pairs_of(found["options"]).items():
            column[option] = value.name
        self._catalog.touch(table)
        return Done("ALTER_TABLE", "ALTER", table)

    def _clone(self, found: re.Match[str]) -> Done:
        source = self._reading.get(exp.to_table(found["source"], dialect="bigquery"))
        project, dataset, name = self._reading.place(exp.to_table(found["table"], dialect="bigquery"))
        if found["exists"] and self._catalog.find(project, dataset, name) is not None:
            return Done("CREATE_TABLE", "SKIP")
        physical, fields = source.stored, tuple(source.fields)
        if found["moment"]:
            value = Text(f"SELECT {found['moment']}").parse()
            (moment,) = self._cursor.execute(to_duckdb(value)).fetchall()[0]
            assert isinstance(moment, datetime)
            physical, fields = self._catalog.at(source, int(moment.timestamp() * 1000))
        copy = self._catalog.new_name()
        self._cursor.execute(f"CREATE TABLE {copy} AS FROM {physical}")
        kind: Kind = "SNAPSHOT" if found["kind"] else "TABLE"
        options = {key: value for key, value in source.options.items() if key in (*DESIGN, "description", "labels")}
        made = self._catalog.create(project, dataset, name, fields, options, physical=copy, kind=kind)
        return Done("CREATE_SNAPSHOT_TABLE" if found["kind"] else "CREATE_TABLE", "CREATE", made)

    def _options_of(self, tree: exp.Create) -> Json:
        """What a CREATE says besides columns."""
        found: Json = {}
        for each in _properties(tree):
            match each:
                case exp.PartitionedByProperty():
                    found |= _partitioning(each.this)
                case exp.Cluster():
                    found["clustering"] = {"fields": [one.name for one in each.expressions]}
                case exp.ClusterProperty():
                    found["clustering"] = {"fields": [one.name for one in each.expressions]}
                case _:
                    pass
        told = self._told(_pairs([each for each in _properties(tree) if type(each) is exp.Property]))
        days = told.pop("expirationMs", None)
        if days is not None:
            if "timePartitioning" not in found:
                raise invalid("partition_expiration_days is only allowed for tables partitioned by time")
            found["timePartitioning"]["expirationMs"] = days
        return found | {key: value for key, value in told.items() if value is not None}

    def _told(self, options: dict[str, exp.Expr]) -> Json:
        found: Json = {}
        for name, value in options.items():
            (given,) = self._cursor.execute(f"SELECT {to_duckdb(value.copy())}").fetchall()[0]
            match name:
                case "labels":
                    found["labels"] = {str(key): str(each) for key, each in _labels(value)}
                case "partition_expiration_days":
                    found["expirationMs"] = str(int(float(given) * _DAY_MS))
                case "expiration_timestamp":
                    found["expirationTime"] = None if given is None else str(int(given.timestamp() * 1000))
                case _ if name in _OPTIONS:
                    found[_OPTIONS[name]] = given
                case _:
                    raise invalid(f"Unknown option: {name}")
        return found


def _properties(tree: exp.Create) -> list[exp.Expr]:
    found = tree.args.get("properties")
    return [] if found is None else list(found.expressions)


def _pairs(expressions: list[exp.Expr]) -> dict[str, exp.Expr]:
    found: dict[str, exp.Expr] = {}
    for each in expressions:
        if isinstance(each, exp.Property):
            found[each.name.lower()] = each.args["value"]
        elif isinstance(each, exp.EQ):
            found[each.this.name.lower()] = each.expression
    return found


def _pairs_of(text: str) -> dict[str, exp.Expr]:
    tree = Text(f"ALTER TABLE t SET OPTIONS ({text})").parse()
    return _pairs(tree.args["actions"][0].expressions)


def _labels(value: exp.Expr) -> list[tuple[Any, Any]]:
    return [(one.expressions[0].name, one.expressions[1].name) for one in value.expressions]


def _declared(column: exp.ColumnDef) -> Json:
    kind = column.args["kind"]
    constraints = [each.args.get("kind") for each in column.args.get("constraints") or ()]
    required = any(isinstance(each, exp.NotNullColumnConstraint) for each in constraints)
    return columns.field_of(column.name, kind, is_required=required)


def _partitioning(by: exp.Expr) -> Json:
    text = by.sql("bigquery")
    found = _TRUNCATED.fullmatch(text)
    if found is not None:
        return {"timePartitioning": {"type": found[2].upper(), "field": found[1].strip("`")}}
    if text.upper().startswith("RANGE_BUCKET"):
        numbers = re.findall(r"-?\d+", text)
        bounds = dict(zip(("start", "end", "interval"), numbers[-3:], strict=True))
        name = re.sub(r"RANGE_BUCKET\(`?(\w+)`?.*", r"\1", text, flags=re.IGNORECASE)
        return {"rangePartitioning": {"field": name, "range": bounds}}
    if text.upper() == "_PARTITIONDATE":
        return {"timePartitioning": {"type": "DAY"}}
    column = next(iter(by.find_all(exp.Column)), None)
    name = column.name if column is not None else by.name
    return {"timePartitioning": {"type": "DAY", "field": name}}


def _refuse_unnamed(query: exp.Expr) -> None:
    """Columns of tables and views have names."""
    select = query.find(exp.Select) if not isinstance(query, exp.Select) else query
    while isinstance(query, exp.SetOperation):
        query = query.this
        select = query if isinstance(query, exp.Select) else select
    for place, each in enumerate(select.expressions if select is not None else (), 1):
        if not each.alias_or_name and not each.is_star and not isinstance(each, exp.Star):
            raise invalid_query(f"CREATE TABLE columns must be named, but column {place} has no name")


def _behind_as(sql: str) -> str:
    """The query of CREATE VIEW as it was written."""
    depth = 0
    for token in tokens_of(sql):
        depth += (token.text == "(") - (token.text == ")")
        if depth == 0 and token.text.upper() == "AS":
            return sql[token.end + 1 :].strip()
    raise invalid_query("Syntax error: Expected AS")
