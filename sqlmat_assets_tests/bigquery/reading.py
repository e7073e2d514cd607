"""What a statement reads: names of tables become those under which their rows lie, and GoogleSQL becomes DuckDB's."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from sqlmat_assets_tests.bigquery import functions, information_schema, partitions
from sqlmat_assets_tests.bigquery.catalog import INGESTED, Catalog, Table
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.dialect import to_duckdb
from sqlmat_assets_tests.bigquery.texts import Text
from sqlmat_assets_tests.bigquery.wire import ApiError, invalid, invalid_query, not_found

_PSEUDO = ("_PARTITIONTIME", "_PARTITIONDATE")
_MOST_VIEWS = 16


@dataclass(slots=True)
class Reading:
    """Where names are looked up while a job runs; `read` are the tables that it has come upon."""

    catalog: Catalog
    project: str
    default: str | None = None
    temporary: dict[str, Table] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    read: dict[tuple[str, str, str], Table] = field(default_factory=dict)

    def place(self, table: exp.Table) -> tuple[str, str, str]:
        """Project, dataset and name that a table is written with."""
        parts = [part.name for part in table.parts]
        if len(parts) == 1 and "." in parts[0]:
            parts = parts[0].split(".")
        if len(parts) == 1:
            if self.default is None:
                raise invalid(f'Table "{parts[0]}" must be qualified with a dataset (e.g. dataset.table).')
            return self.project, self.default, parts[0]
        return (self.project, parts[0], parts[1]) if len(parts) == 2 else (parts[0], parts[1], ".".join(parts[2:]))

    def find(self, table: exp.Table) -> Table | None:
        """The table or view of a name that may not be there."""
        parts = table.parts
        if len(parts) == 1 and parts[0].name in self.temporary:
            return self.temporary[parts[0].name]
        return self.catalog.find(*self.place(table))

    def get(self, table: exp.Table) -> Table:
        parts = table.parts
        if len(parts) == 1 and parts[0].name in self.temporary:
            return self.temporary[parts[0].name]
        return self.catalog.table(*self.place(table))

    def translate(self, tree: exp.Expr, text: Text, *, depth: int = 0) -> str:
        """The statement for DuckDB; the tree is changed."""
        self.resolve(tree, text, depth=depth)
        return to_duckdb(tree)

    def resolve(self, tree: exp.Expr, text: Text, *, depth: int = 0) -> None:
        """Put what each name stands for into the tree."""
        if depth > _MOST_VIEWS:
            raise invalid("Too many nested views")
        functions.put_calls(tree, self.catalog)
        mentions = {each.name.upper() for each in tree.find_all(exp.Column)}
        for each in list(tree.find_all(exp.Values)):
            if not isinstance(each.parent, exp.Insert | exp.When):
                raise invalid_query("Syntax error: Unexpected keyword VALUES", text.find("VALUES"))
        self._put_values(tree)
        for table in list(tree.find_all(exp.Table)):
            if isinstance(table.this, exp.Func) or _is_cte(table) or _is_array(table):
                continue
            if isinstance(table.parent, exp.Insert | exp.Update | exp.Delete | exp.Merge | exp.Schema) and (
                table.arg_key == "this"
            ):
                continue
            self._put_table(table, mentions, depth)

    def _put_values(self, tree: exp.Expr) -> None:
        for parameter in list(tree.find_all(exp.Parameter)):
            if parameter.name in self.parameters:
                parameter.replace(literal_of(self.parameters[parameter.name]))
        if self.variables:
            for column in list(tree.find_all(exp.Column)):
                if not column.table and column.name.lower() in self.variables:
                    column.replace(literal_of(self.variables[column.name.lower()]))

    def _put_table(self, table: exp.Table, mentions: set[str], depth: int) -> None:
        alias = table.alias or table.name
        parts = [part.name for part in table.parts]
        source = self._special(table, ".".join(parts))
        if source is None:
            found = self.get(table)
            self.read[found.key] = found
            is_view = found.kind == "VIEW"
            source = self._view(found, depth) if is_view else self._rows(found, table, mentions)
        replaced = exp.Subquery(this=source, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        for part in ("joins", "sample", "pivots"):
            if table.args.get(part):
                replaced.set(part, table.args[part])
        for column in _columns_of(table):
            # Behind the name of the table stands what is inside of a value.
            if column.args.get("db") is not None and column.parts[0].name != alias:
                column.set("db", None)
                column.set("catalog", None)
        table.replace(replaced)

    def _special(self, table: exp.Table, name: str) -> exp.Expr | None:
        """What is no table of its own: system views, partitions, all tables whose names begin alike."""
        upper = name.upper()
        if "INFORMATION_SCHEMA." in upper or upper.endswith("__TABLES__"):
            return information_schema.query(self.catalog, self.project, name)
        if "$" in name:
            project, dataset, whole = self.place(table)
            base, _, partition = whole.partition("$")
            found = self.catalog.table(project, dataset, base)
            self.read[found.key] = found
            condition = partitions.condition(found, partition)
            return sqlglot.parse_one(f"SELECT * FROM {found.stored} WHERE {condition}", read="duckdb")
        if name.endswith("*"):
            return self._wildcard(table)
        return None

    def _wildcard(self, table: exp.Table) -> exp.Expr:
        project, dataset, name = self.place(table)
        prefix = name[:-1]
        found = [each for each in self.catalog.tables(project, dataset) if each.name.startswith(prefix)]
        if not found:
            raise not_found("Table", f"{project}:{dataset}.{name} does not match any table")
        for each in found:
            self.read[each.key] = each
        selects = [
            f"SELECT *, {exp.Literal.string(each.name[len(prefix) :]).sql('duckdb')} AS _TABLE_SUFFIX "
            f"FROM {each.stored}"
            for each in found
        ]
        return sqlglot.parse_one(" UNION ALL BY NAME ".join(selects), read="duckdb")

    def _view(self, view: Table, depth: int) -> exp.Expr:
        text = Text(view.options["view"]["query"])
        tree = text.parse()
        inner = Reading(self.catalog, view.project, view.dataset, read=self.read)
        try:
            inner.resolve(tree, text, depth=depth + 1)
        except ApiError as error:
            raise ApiError(
                error.reason, f"{error.message}; failed to parse view '{view.dataset}.{view.name}'"
            ) from None
        return tree

    def _rows(self, table: Table, node: exp.Table, mentions: set[str]) -> exp.Expr:
        physical = table.stored
        version = node.args.get("version")
        if version is not None:
            physical, _ = self.catalog.at(table, self._moment(version))
        if table.options.get("requirePartitionFilter") and table.options.get("timePartitioning"):
            partitions.require_filter(table, node)
        query = exp.select("*").from_(exp.Table(this=exp.Identifier(this=physical, quoted=False)))
        if not table.is_ingested:
            return query
        if mentions.intersection(_PSEUDO):
            return query.select(exp.cast(exp.column(INGESTED), "DATE").as_("_PARTITIONDATE"))
        return sqlglot.parse_one(f"SELECT * EXCLUDE ({INGESTED}) FROM {physical}", read="duckdb")

    def _moment(self, version: exp.Expr) -> int:
        asked = f"SELECT CAST(({to_duckdb(version.expression.copy())}) AS TIMESTAMP WITH TIME ZONE)"
        (found,) = self.catalog.cursor().execute(asked).fetchall()[0]
        assert isinstance(found, datetime)
        return int(found.timestamp() * 1000)


def literal_of(value: Any) -> exp.Expr:
    """A value of a variable or parameter, in SQL."""
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.true() if value else exp.false()
        case int() | float():
            return exp.Literal.number(value)
        case list():
            return exp.Array(expressions=[literal_of(each) for each in value])
        case _:
            return exp.Literal.string(str(value))


def explained(error: duckdb.Error, text: Text) -> ApiError:
    """What BigQuery would say of what DuckDB refuses."""
    said = str(error)
    for pattern, tell in _SAYINGS:
        found = pattern.search(said)
        if found is not None:
            return tell(found, text)
    if isinstance(error, duckdb.InterruptException):
        return ApiError("stopped", "Job execution was cancelled: User requested cancellation")
    return invalid_query(said.splitlines()[0])


def _unrecognized(found: re.Match[str], text: Text) -> ApiError:
    return invalid_query(f"Unrecognized name: {found[1]}", text.find(found[1]))


def _no_function(found: re.Match[str], text: Text) -> ApiError:
    return invalid_query(f"Function not found: {found[1]}", text.find(found[1]))


def _bad_value(found: re.Match[str], _text: Text) -> ApiError:
    kinds = {"INT32": "int64", "INT64": "int64", "DOUBLE": "double", "FLOAT": "double", "BOOL": "bool"}
    return invalid_query(f"Bad {kinds.get(found[2], found[2].lower())} value: {found[1]}")


def _null(found: re.Match[str], _text: Text) -> ApiError:
    return invalid_query(f"Required field {found[1]} cannot be null")


_SAYINGS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], Text], ApiError]], ...] = (
    (re.compile(r'Referenced column "([^"]+)" not found'), _unrecognized),
    (re.compile(r'does not have a column named "([^"]+)"'), _unrecognized),
    (re.compile(r'Values list ".*" does not have a column named "([^"]+)"'), _unrecognized),
    (re.compile(r'Referenced table "([^"]+)" not found'), _unrecognized),
    (re.compile(r"Function with name (\w+) does not exist"), _no_function),
    (re.compile(r"Could not convert string '(.*)' to (\w+)"), _bad_value),
    (re.compile(r"NOT NULL constraint failed: (?:.*\.)?(\w+)"), _null),
    (
        re.compile(r"Invalid Input Error: (division by zero.*)"),
        lambda found, _: invalid_query(found[1].strip()),
    ),
    (
        re.compile(r"Invalid Input Error: sqlmat-error:(.*)", re.DOTALL),
        lambda found, _: invalid_query(found[1].strip()),
    ),
    (
        re.compile(r"Conflict on|write-write conflict|cannot (?:update|delete) a table that has been altered"),
        lambda _found, _text: ApiError(
            "invalidQuery", "Transaction is aborted due to concurrent update", location="query"
        ),
    ),
)


def _is_cte(table: exp.Table) -> bool:
    """Whether a name is that of a WITH around it; BigQuery takes these without regard to case."""
    if len(table.parts) > 1:
        return False
    node: exp.Expr | None = table
    while node is not None:
        with_ = node.args.get("with_")
        if isinstance(with_, exp.With):
            named = [each for each in with_.expressions if each.alias.lower() == table.name.lower()]
            inside = table.find_ancestor(exp.CTE)
            if named and not (inside is not None and inside is named[0] and not with_.recursive):
                return True
        node = node.parent
    return False


def _is_array(table: exp.Table) -> bool:
    """Whether it is a column of a table to its left: `FROM d.t AS t, t.items`."""
    if not isinstance(table.parent, exp.Join) or len(table.parts) < 2:
        return False
    select = table.find_ancestor(exp.Select)
    if select is None:
        return False
    first = table.parts[0].name.lower()
    sources = [select.args.get("from_"), *(select.args.get("joins") or ())]
    names = {each.this.alias_or_name.lower() for each in sources if each is not None}
    return first in names and not table.meta.get("quoted_table")


def _columns_of(table: exp.Table) -> Iterator[exp.Column]:
    select = table.find_ancestor(exp.Select, exp.Update, exp.Delete, exp.Merge)
    if select is not None:
        yield from select.find_all(exp.Column)


def physical_name(table: Table) -> str:
    return quoted(table.stored)
