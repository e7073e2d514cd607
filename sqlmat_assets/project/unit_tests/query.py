"""The query of a table as a unit test runs it: on DuckDB, with every value that a build would put into it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlglot import exp

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import unit_tests as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.errors.sql import Place
from sqlmat_assets.project.last_built import FAR_PAST, fill_last_built, reads_last_built
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.narrowing.demands import predicate
from sqlmat_assets.project.narrowing.markers import fill_markers, find_markers
from sqlmat_assets.project.narrowing.narrow import output_column
from sqlmat_assets.project.parse import parse_query
from sqlmat_assets.project.partitions.ranges import Range, TimeRange
from sqlmat_assets.project.partitions.spec import ListPartitioning
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, Reference
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.project.syntax import read_syntax
from sqlmat_assets.project.transpiling.loose import has_integer_division, transpile_loosely
from sqlmat_assets.project.transpiling.pairs import can_translate
from sqlmat_assets.project.transpiling.translation import find_source, translate
from sqlmat_assets.project.unit_tests.clock import calls_clock, stop_clock
from sqlmat_assets.project.unit_tests.conf import LAST_BUILT, NOW, PARTITION, CaseSettings
from sqlmat_assets.relation import Relation

DUCKDB = "duckdb"
# What DuckDB calls the database that a test runs in.
_CATALOG = "memory"
# Schema and table; a catalog stands before them.
_WRITTEN_PARTS = 2


@dataclass(frozen=True, slots=True)
class UnitQuery:
    """A query in DuckDB's SQL.

    `sql` is to the letter what stands in the file from `place` on where it `is_verbatim`, but for names and values;
    otherwise it was transpiled from `dialect`, and `written` is what it was. `rows` is the condition on its output that
    a partition makes.
    """

    sql: str
    place: Place
    dialect: str
    is_ordered: bool = False
    rows: exp.Expr | None = None
    has_integer_division: bool = False
    written: str = ""

    @property
    def is_verbatim(self) -> bool:
        return self.dialect == DUCKDB

    def find_line(self, offset: int) -> int | None:
        """Find the line of the file that a place of `sql` comes from; None where that is not known."""
        if not can_translate(self.dialect, DUCKDB):
            return None
        source = find_source(self.written, _names_here(self.dialect), DUCKDB, offset)
        return None if source is None else self.place.line + Positions(self.written).at(source)[0] - 1


@dataclass(frozen=True, slots=True)
class ReadQuery:
    """The query of a table with what it reads, None where that is not known.

    `query` is None where `problems` keep it from being tested.
    """

    reads: tuple[Reference, ...] | None = None
    query: UnitQuery | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def stand_in(relation: Relation) -> Relation:
    """The table of a test that takes the place of one in a warehouse."""
    schema = relation.schema if relation.catalog is None else f"{relation.catalog}.{relation.schema}"
    return Relation(schema, relation.name, _CATALOG)


def read_unit_query(
    model: Model, names: Names, path: str, settings: CaseSettings, folder: str, known: Iterable[Relation]
) -> ReadQuery:
    """Read the query of a table for one case.

    Args:
        model: The table.
        names: How names are told apart.
        path: The file of the query.
        settings: Those of the case.
        folder: The case, for the messages.
        known: Every table that the query reads.
    """
    text = model.sql
    parsed = parse_query(text, names.dialect, path)
    broken = tuple(problem for problem in parsed.problems if not problem.is_warning)
    if broken:
        return ReadQuery(problems=broken)
    positions = Positions(text, path)
    problems = [wording.wildcard(positions.place(read.start), str(read)) for read in parsed.reads if read.is_wildcard]
    start, end = parsed.statement or (0, len(text))
    place = positions.place(start)
    problems += _setting_problems(text, model, names, settings, folder, positions)
    range_, refused = _range(model, settings)
    problems += refused
    if problems:
        return ReadQuery(parsed.reads, None, tuple(problems))
    sql = text[start:end]
    if isinstance(range_, TimeRange):
        sql = fill_markers(sql, names.dialect, range_, None)
    sql = fill_last_built(sql, names.dialect, settings.last_built or FAR_PAST)
    if settings.now is not None:
        sql = stop_clock(sql, names.dialect, settings.now)
    notes = tuple(_notes(text, names.dialect, settings, folder, path)) if parsed.varies else ()
    renamed = [each for each in known if names.dialect != DUCKDB or _is_long(each, parsed.reads, names)]
    sql = rewrite(sql, names, {each: stand_in(each) for each in renamed})
    query = UnitQuery(sql, place, names.dialect, _is_ordered(sql, names.dialect))
    if range_ is not None and model.settings.partition_by is not None:
        try:
            name = output_column(text, names, model.settings.partition_by)
        except TextError as error:
            return ReadQuery(parsed.reads, None, (_at(error, settings.places[PARTITION]),))
        column = exp.column(exp.to_identifier(name, quoted=True))
        query = replace(query, rows=predicate(column, range_, None, DUCKDB))
    if query.is_verbatim:
        return ReadQuery(parsed.reads, query, (), notes)
    transpiled, refused = _transpile(query)
    return ReadQuery(parsed.reads, transpiled, refused, notes)


def _is_long(relation: Relation, reads: Iterable[Reference], names: Names) -> bool:
    """Whether a query names a table together with its catalog, which a test does not have."""
    folded = names.fold(relation)
    return any(len(read.parts) > _WRITTEN_PARTS and names.identity(read.parts, read.quoted) == folded for read in reads)


def _setting_problems(
    text: str, model: Model, names: Names, settings: CaseSettings, folder: str, positions: Positions
) -> Iterator[Problem]:
    """Find values that are missing, and those that nothing asks for."""
    if settings.partition is None:
        for marker in find_markers(text, names.dialect):
            if marker.is_known:
                yield wording.no_partition(positions.place(marker.start), text[marker.start : marker.end], folder)
    elif model.settings.partition_by is None:
        yield _at(wording.not_partitioned(), settings.places[PARTITION])
    if settings.last_built is not None and not reads_last_built(text, names.dialect):
        yield _at(wording.idle_setting(LAST_BUILT, "does not name `@last_built`"), settings.places[LAST_BUILT])
    if settings.now is not None and not calls_clock(text, names.dialect):
        yield _at(wording.idle_setting(NOW, "asks for no time"), settings.places[NOW])


def _range(model: Model, settings: CaseSettings) -> tuple[Range | None, tuple[Problem, ...]]:
    partitioning = model.settings.partition_by
    if partitioning is None or settings.partition is None:
        return None, ()
    try:
        if isinstance(partitioning, ListPartitioning):
            return partitioning.parse_range(settings.partition), ()
        # An open end would go on to today, and give other rows tomorrow.
        return partitioning.parse_range(settings.partition, partitioning.start - timedelta(days=1)), ()
    except TextError as error:
        return None, (_at(error, settings.places[PARTITION]),)


def _notes(text: str, dialect: str, settings: CaseSettings, folder: str, path: str) -> Iterator[str]:
    """Say why the rows may be others tomorrow."""
    if settings.now is not None:
        text = stop_clock(text, dialect, settings.now)
    varies = parse_query(text, dialect, path).varies
    if varies is not None:
        is_clock = settings.now is None and calls_clock(text, dialect)
        yield wording.clock_runs(varies, folder) if is_clock else wording.may_vary(varies)


def _is_ordered(sql: str, dialect: str) -> bool:
    statements = read_syntax(sql, dialect, Positions(sql)).statements
    node: object = statements[0].tree if statements else None
    while isinstance(node, exp.Subquery):
        if node.args.get("order"):
            return True
        node = node.this
    return isinstance(node, exp.Query) and bool(node.args.get("order"))


def _names_here(dialect: str) -> Names:
    """How names are told apart in the database of a test, in which its tables are known by the name of that."""
    return Names(dialect, _CATALOG)


def _transpile(query: UnitQuery) -> tuple[UnitQuery | None, tuple[Problem, ...]]:
    """Say the query in DuckDB's SQL, or why that cannot be."""
    is_listed = can_translate(query.dialect, DUCKDB)
    if is_listed:
        translated = translate(query.sql, _names_here(query.dialect), DUCKDB)
    else:
        translated = transpile_loosely(query.sql, query.dialect, DUCKDB)
    if translated.sql is None:
        positions = Positions(query.sql)
        places = (
            Place(query.place.path, query.place.line + positions.at(each.start)[0] - 1, 0)
            for each in translated.refused
        )
        found = zip(places, translated.refused, strict=False)
        return None, tuple(wording.unsupported(place, query.dialect, each.name, each.why) for place, each in found)
    # Where the quotient of integers is one, DuckDB has to be told; what is listed says it itself.
    divides = not is_listed and has_integer_division(query.dialect)
    return replace(query, sql=translated.sql, written=query.sql, has_integer_division=divides), ()


def _at(error: TextError, place: Place) -> Problem:
    return error.at(place.path, place.line, place.column)
