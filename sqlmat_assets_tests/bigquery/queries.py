"""Queries: one statement, or a script of several."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import duckdb
from sqlglot import exp

from sqlmat_assets_tests.bigquery import columns, sizes
from sqlmat_assets_tests.bigquery.catalog import Catalog, Table
from sqlmat_assets_tests.bigquery.columns import quoted
from sqlmat_assets_tests.bigquery.ddl import Definer
from sqlmat_assets_tests.bigquery.dialect import to_duckdb
from sqlmat_assets_tests.bigquery.reading import Reading, explained
from sqlmat_assets_tests.bigquery.refusals import refuse
from sqlmat_assets_tests.bigquery.texts import Text, split
from sqlmat_assets_tests.bigquery.transactions import Mutations, Transaction
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid, invalid_query

_BEGIN = re.compile(r"begin(\s+transaction)?", re.IGNORECASE)
_COMMIT = re.compile(r"commit(\s+transaction)?", re.IGNORECASE)
_ROLLBACK = re.compile(r"rollback(\s+transaction)?", re.IGNORECASE)
_ASSERT = re.compile(r"assert\b(?P<condition>.*?)(?:\bas\s+(?P<said>'(?:[^'\\]|\\.)*'))?", re.IGNORECASE | re.DOTALL)
_DECLARE = re.compile(
    r"declare\s+(?P<name>\w+)\s*(?P<type>[\w<>]+)?\s*(?:default\s+(?P<value>.*))?", re.IGNORECASE | re.DOTALL
)
_SET = re.compile(r"set\s+(?P<name>\w+)\s*=\s*(?P<value>.*)", re.IGNORECASE | re.DOTALL)
# What nobody may change rows of, and what nobody travels back to.
_HIDDEN = "_"
# Which type a column of INSERT takes without a cast.
_FITS = {
    "INTEGER": ("FLOAT", "NUMERIC", "BIGNUMERIC"),
    "NUMERIC": ("BIGNUMERIC", "FLOAT"),
    "DATE": ("DATETIME", "TIMESTAMP"),
    "STRING": ("DATE", "DATETIME", "TIMESTAMP", "TIME", "BYTES", "JSON"),
}


@dataclass(slots=True)
class Outcome:
    """What a statement came to."""

    statement_type: str
    fields: list[Json] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    affected: int | None = None
    inserted: int | None = None
    deleted: int | None = None
    updated: int | None = None
    table: Table | None = None
    operation: str | None = None
    read: list[Table] = field(default_factory=list)
    processed: int = 0


class Runner:
    """Runs the statements of one job."""

    def __init__(
        self, catalog: Catalog, mutations: Mutations, reading: Reading, begins: Callable[[str], None] = lambda _: None
    ) -> None:
        self.catalog = catalog
        self.reading = reading
        self.cursor = catalog.cursor()
        self._mutations = mutations
        self._definer = Definer(catalog, reading, self.cursor)
        self._transaction: Transaction | None = None
        self._begins = begins

    def run(self, query: str) -> list[Outcome]:
        """All statements; the outcome of each."""
        texts = split(query)
        if not texts:
            raise invalid_query("Syntax error: Unexpected end of script")
        outcomes: list[Outcome] = []
        try:
            for text in texts:
                self._begins(text.sql)
                outcome = self._run(text)
                if outcome is not None:
                    outcomes.append(outcome)
        finally:
            if self._transaction is not None:
                # A script that ends inside a transaction rolls it back.
                self._end(is_committed=False)
        return outcomes[-1:] if _is_no_script(outcomes) else outcomes

    def explain(self, query: str) -> Outcome:
        """What a dry run tells: the columns and the bytes of the first statement that reads anything."""
        texts = split(query)
        if not texts:
            raise invalid_query("Syntax error: Unexpected end of script")
        found, functions = Outcome("SCRIPT"), 0
        for text in texts:
            if _DECLARE.fullmatch(text.sql.strip()) or _SET.fullmatch(text.sql.strip()):
                self._control(text)
                continue
            controls = (_BEGIN, _COMMIT, _ROLLBACK, _ASSERT)
            if text.is_beyond_trees or any(pattern.fullmatch(text.sql) for pattern in controls):
                continue
            tree = text.parse()
            refuse(text, tree)
            if isinstance(tree, exp.Create) and _is_temporary(tree):
                if str(tree.args["kind"]).upper() != "FUNCTION":
                    # https://cloud.google.com/bigquery/docs/multi-statement-queries#dry_run_a_multi-statement_query
                    raise invalid_query("Dry run of CREATE TEMP TABLE is not supported", text.place(1, 1))
                self._definer.run(tree, text)
                functions += 1
                continue
            body = self._body(tree)
            if body is None:
                continue
            counted = body.copy()
            try:
                sql = self.reading.translate(body, text)
                fields = self._definer.describe(sql) if isinstance(tree, exp.Query) else []
                if isinstance(tree, exp.Create):
                    self._definer.describe(sql)
            except duckdb.Error as error:
                raise explained(error, text) from error
            read = list(self.reading.read.values())
            kind = _statement_type(tree)
            processed = sizes.of_query(self.catalog, counted, read)
            found = Outcome(kind, fields, read=read, processed=processed) if len(texts) == functions + 1 else found
            found.processed, found.read = processed, read
        return found

    def _body(self, tree: exp.Expr) -> exp.Expr | None:
        """What of a statement reads tables."""
        match tree:
            case exp.Query():
                return tree
            case exp.Create() | exp.Insert():
                return tree.expression if isinstance(tree.expression, exp.Query) else None
            case exp.Update() | exp.Delete() | exp.Merge():
                self.reading.get(_target_of(tree))
                return None
            case _:
                return None

    def _run(self, text: Text) -> Outcome | None:
        if self._control(text):
            return None
        if text.is_beyond_trees:
            self._refuse_definition(text)
            done = self._definer.command(text)
            if done is None:
                raise invalid_query(f"Statement is not emulated: {text.sql[:60]}")
            return Outcome(done.statement_type, table=done.table, operation=done.operation)
        tree = text.parse()
        refuse(text, tree)
        match tree:
            case exp.Query():
                return self._select(tree, text)
            case exp.Insert() | exp.Update() | exp.Delete() | exp.Merge() | exp.TruncateTable():
                return self._change(tree, text)
            case exp.Transaction() | exp.Commit() | exp.Rollback():
                raise invalid_query(f"Syntax error: {text.sql}")
            case _:
                return self._define(tree, text)

    def _control(self, text: Text) -> bool:
        """Do what a script says about itself, and tell whether that is all of the statement."""
        sql = text.sql.strip()
        if _BEGIN.fullmatch(sql):
            if self._transaction is not None:
                raise invalid_query("Transactions cannot be nested")
            self._transaction = self._mutations.begin()
            self.cursor.execute("BEGIN TRANSACTION")
        elif _COMMIT.fullmatch(sql) or _ROLLBACK.fullmatch(sql):
            if self._transaction is None:
                raise invalid_query("No transaction in progress")
            self._end(is_committed=bool(_COMMIT.fullmatch(sql)))
        elif (found := _ASSERT.fullmatch(sql)) is not None:
            self._assert(found, text)
        elif (found := _DECLARE.fullmatch(sql) or _SET.fullmatch(sql)) is not None:
            value = None if found["value"] is None else self._value(found["value"])
            self.reading.variables[found["name"].lower()] = value
        else:
            return False
        return True

    def _value(self, expression: str) -> Any:
        text = Text(f"SELECT {expression}")
        return self._select(text.parse(), text).rows[0][0]

    def _assert(self, found: re.Match[str], text: Text) -> None:
        if self._value(found["condition"]) is not True:
            said = found["said"][1:-1].replace("\\'", "'") if found["said"] else "Assertion failed"
            raise invalid_query(said, text.place(1, 1))

    def _end(self, *, is_committed: bool) -> None:
        transaction, self._transaction = self._transaction, None
        assert transaction is not None
        try:
            if is_committed:
                moved = next((t for t, physical in transaction.touched.values() if t.physical != physical), None)
                if moved is not None:
                    is_committed = False
                    raise ApiError(
                        "invalidQuery",
                        f"Transaction is aborted due to concurrent update against table {moved.full_name}.",
                        location="query",
                    )
                self.cursor.execute("COMMIT")
                for table, _ in transaction.touched.values():
                    self.catalog.touch(table, rows=True)
            else:
                self.cursor.execute("ROLLBACK")
        except duckdb.Error as error:
            is_committed = False
            raise explained(error, Text("COMMIT")) from error
        finally:
            if not is_committed:
                _give_up(self.cursor)
            self._mutations.end(transaction, is_committed=is_committed)

    def _select(self, tree: exp.Expr, text: Text) -> Outcome:
        counted = tree.copy()
        read = set(self.reading.read)
        try:
            sql = self.reading.translate(tree, text)
            fields = self._definer.describe(sql)
            rows = self.cursor.execute(sql).fetchall()
        except duckdb.Error as error:
            raise explained(error, text) from error
        names = [name for name in self.reading.read if name not in read]
        tables = [self.reading.read[name] for name in names]
        named = _named(fields)
        return Outcome("SELECT", named, rows, read=tables, processed=sizes.of_query(self.catalog, counted, tables))

    def _define(self, tree: exp.Expr, text: Text) -> Outcome:
        if not (isinstance(tree, exp.Create) and _is_temporary(tree)):
            self._refuse_definition(text)
        body = self._body(tree)
        counted = None if body is None else body.copy()
        done = self._definer.run(tree, text)
        if done.table is not None:
            self._mutations.note(done.table.key)
        read = list(self.reading.read.values())
        processed = 0 if counted is None else sizes.of_query(self.catalog, counted, read)
        return Outcome(done.statement_type, table=done.table, operation=done.operation, read=read, processed=processed)

    def _refuse_definition(self, text: Text) -> None:
        if self._transaction is not None:
            raise invalid_query(
                "DDL statements are not supported in a transaction, except for those that create or drop temporary "
                "tables or temporary functions",
                text.place(1, 1),
            )

    def _change(self, tree: exp.Expr, text: Text) -> Outcome:
        table = self.reading.get(_target_of(tree))
        if table.kind != "TABLE":
            raise invalid(
                f"{table.full_name} is not allowed for this operation because it is currently a {table.kind}."
            )
        is_insert = isinstance(tree, exp.Insert)
        if self._transaction is None:
            if is_insert:
                return self._send(tree, table, text)
            with self._mutations.alone(table):
                return self._send(tree, table, text)
        if not is_insert:
            self._mutations.claim(self._transaction, table)
        self._transaction.touched.setdefault(table.key, (table, table.stored))
        return self._send(tree, table, text)

    def _send(self, tree: exp.Expr, table: Table, text: Text) -> Outcome:
        if not table.dataset.startswith(_HIDDEN):
            self.catalog.remember(table)
        counted = tree.copy()
        try:
            match tree:
                case exp.Insert():
                    sql = self._insert(tree, table, text)
                case exp.TruncateTable():
                    sql = f"DELETE FROM {table.stored}"
                case _:
                    sql = self._changing(cast("exp.Update | exp.Delete | exp.Merge", tree), table, text)
            (affected,) = self.cursor.execute(sql).fetchall()[0]
        except duckdb.Error as error:
            raise explained(error, text) from error
        if self._transaction is None:
            self.catalog.touch(table, rows=True)
        read = [*self.reading.read.values(), table]
        processed = sizes.of_query(self.catalog, counted, read) if not isinstance(tree, exp.TruncateTable) else 0
        kind = _statement_type(tree)
        found = Outcome(kind, affected=int(affected), table=table, read=read, processed=processed)
        match tree:
            case exp.Insert():
                found.inserted = found.affected
            case exp.Update():
                found.updated = found.affected
            case exp.Delete():
                found.deleted = found.affected
            case _:
                pass
        return found

    def _insert(self, tree: exp.Insert, table: Table, text: Text) -> str:
        given = [each.name for each in tree.this.expressions] if isinstance(tree.this, exp.Schema) else []
        known = {each["name"].lower(): each for each in table.fields}
        for name in given:
            if name.lower() not in known:
                raise invalid_query(f"Column {name} is not present in table {table.full_name}", text.find(name))
        targets = [known[name.lower()] for name in given] if given else list(table.fields)
        source = tree.expression
        self.reading.resolve(source, text)
        sql = to_duckdb(source)
        if isinstance(source, exp.Query):
            self._check_types(self._definer.describe(sql), targets, table)
        return f"INSERT INTO {table.stored} ({', '.join(quoted(each['name']) for each in targets)}) {sql}"

    def _check_types(self, given: Sequence[Json], targets: Sequence[Json], table: Table) -> None:
        if len(given) != len(targets):
            raise invalid_query(f"Inserted row has wrong column count; Has {len(given)}, expected {len(targets)}")
        for place, (one, target) in enumerate(zip(given, targets, strict=True), 1):
            fits = columns.is_same_type(one, target) or target["type"] in _FITS.get(one["type"], ())
            # Of a NULL that nobody has cast, the type is not known.
            if not fits and one["type"] != "INTEGER":
                raise invalid_query(
                    f"Query column {place} has type {columns.sql_type(one)} which cannot be inserted into column "
                    f"{target['name']}, which has type {columns.sql_type(target)} of {table.full_name}"
                )

    def _changing(self, tree: exp.Update | exp.Delete | exp.Merge, table: Table, text: Text) -> str:
        target = cast("exp.Table", tree.this)
        alias = target.alias or table.name
        self.reading.resolve(tree, text)
        for column in tree.find_all(exp.Column):
            if column.args.get("db") is not None:
                column.set("db", None)
        named = exp.Table(
            this=exp.Identifier(this=table.stored, quoted=False),
            alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True)),
        )
        tree.set("this", named)
        return to_duckdb(tree)


def _target_of(tree: exp.Expr) -> exp.Table:
    if isinstance(tree, exp.TruncateTable):
        return cast("exp.Table", tree.expressions[0])
    return cast("exp.Table", tree.this.this if isinstance(tree.this, exp.Schema) else tree.this)


def _statement_type(tree: exp.Expr) -> str:
    match tree:
        case exp.Query():
            return "SELECT"
        case exp.Create():
            kind = str(tree.args["kind"]).upper()
            return f"CREATE_{kind}_AS_SELECT" if kind == "TABLE" and tree.expression is not None else f"CREATE_{kind}"
        case exp.TruncateTable():
            return "TRUNCATE_TABLE"
        case _:
            return type(tree).__name__.upper()


def _is_temporary(tree: exp.Create) -> bool:
    properties = tree.args.get("properties")
    return properties is not None and properties.find(exp.TemporaryProperty) is not None


def _is_no_script(outcomes: Sequence[Outcome]) -> bool:
    """Whether it is a SELECT with nothing before it but functions of its own."""
    kinds = [each.statement_type for each in outcomes]
    return kinds[-1:] == ["SELECT"] and all(kind == "CREATE_FUNCTION" for kind in kinds[:-1])


def _named(fields: Sequence[Json]) -> list[Json]:
    """Columns without a name are told as `f0_`, `f1_`."""
    found: list[Json] = []
    for place, each in enumerate(fields):
        plain = re.fullmatch(r"[A-Za-z_]\w*", each["name"], re.ASCII) or not each["name"].isascii()
        found.append(each if plain else {**each, "name": f"f{place}_"})
    return found


def _give_up(cursor: duckdb.DuckDBPyConnection) -> None:
    try:
        cursor.execute("ROLLBACK")
    except duckdb.Error:
        return
