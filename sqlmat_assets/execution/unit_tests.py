"""Unit tests: the query of a table on a few rows, in a database that is nowhere but in memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.errors import CancelledError, Problem, TerminalWarehouseError, WarehouseError
from sqlmat_assets.errors import unit_tests as wording
from sqlmat_assets.errors.sql import Place
from sqlmat_assets.execution.cancellation import Cancellation
from sqlmat_assets.execution.differences import Comparison, Differences, Row, compare, make_row
from sqlmat_assets.project.transpiling.pairs import can_translate
from sqlmat_assets.project.transpiling.types import spoken_type
from sqlmat_assets.project.unit_tests.cases import UnitCase
from sqlmat_assets.project.unit_tests.query import UnitQuery
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import case_files, statements
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.case_files import CaseFile
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets.warehouses.error_lines import find_pointed

LIMIT = 10_000
"""So many rows of a query are compared; more are never meant."""

_RESULT = Relation("_sqlmat", "result", "memory")
_EXPECTED = Relation("_sqlmat", "expected", "memory")
_LIKE = Relation("_sqlmat", "like", "memory")
_PATIENCE = timedelta(minutes=1)
_FLOATS = (exp.DType.FLOAT, exp.DType.DOUBLE)
# Where DuckDB found what it refuses, below its own words.
_LINE = re.compile(r"\n\nLINE (\d+): ")

Opener = Callable[[], AbstractContextManager[Session]]


class Verdict(StrEnum):
    """How a case ended; `NOT_RUN` is as bad as `FAILED`."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of one case.

    `said` is why it could not be run, or what is wrong with the columns. `rows` are the first that a query gave which
    gives far too many. `columns` are those that were compared.
    """

    case: UnitCase
    verdict: Verdict
    seconds: float = 0.0
    said: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    differences: Differences = field(default_factory=Differences)
    rows: tuple[Row, ...] = ()


def run_cases(
    cases: Iterable[UnitCase],
    root: Path,
    open_session: Opener,
    clock: Callable[[], float],
    patience: timedelta = _PATIENCE,
) -> Iterator[CaseResult]:
    """Run cases one after the other, and tell of each how it ended.

    Args:
        cases: Those to run.
        root: The project's folder.
        open_session: Gives an empty DuckDB.
        clock: Gives the time in seconds, from any moment on.
        patience: How long a query may take.
    """
    cases = tuple(cases)
    if not any(case.query is not None and not case.problems for case in cases):
        yield from map(_not_run, cases)
        return
    with open_session() as session:
        session.execute(statements.create_schema(_RESULT.schema))
        for case in cases:
            if case.query is None or case.problems:
                yield _not_run(case)
            else:
                yield _Run(case, case.query, root, session, clock, patience).result()


def _not_run(case: UnitCase) -> CaseResult:
    return CaseResult(case, Verdict.NOT_RUN, said=tuple(str(problem) for problem in case.problems))


class _Run:
    """One case that can be run."""

    def __init__(
        self,
        case: UnitCase,
        query: UnitQuery,
        root: Path,
        session: Session,
        clock: Callable[[], float],
        patience: timedelta,
    ) -> None:
        self._case = case
        self._query = query
        self._root = root
        self._session = session
        self._clock = clock
        self._patience = patience
        self._made: list[Relation] = []

    def result(self) -> CaseResult:
        began = self._clock()
        try:
            return self._result(began)
        except WarehouseError as error:
            # A message about a file begins with where that is.
            said = error.message.removeprefix(f"{self._root}/")
            return CaseResult(self._case, Verdict.NOT_RUN, self._clock() - began, (said,))
        except CancelledError:
            said = Problem(
                self._query.place.path, self._query.place.line, 0, wording.too_long(self._patience.total_seconds())
            )
            return CaseResult(self._case, Verdict.NOT_RUN, self._clock() - began, (str(said),))
        finally:
            # Every case finds nothing but its own tables. What was not made is not there.
            for relation in self._made:
                with suppress(WarehouseError):
                    self._session.execute(statements.drop_table(relation, if_exists=True))

    def _result(self, began: float) -> CaseResult:
        expected = CaseFile(self._root / self._case.expected, self._query.dialect, spell=self._spell)
        self._create(_EXPECTED, expected, expected.create_texts(_EXPECTED))
        for each in self._case.inputs:
            self._session.execute(statements.create_schema(each.relation.schema))
            if each.path is None:
                self._create(_LIKE, expected, expected.create_table(_LIKE))
                self._made.append(each.relation)
                self._session.execute(case_files.empty_like(each.relation, _LIKE))
            else:
                file = CaseFile(self._root / each.path, self._query.dialect, each.types, self._spell)
                self._create(each.relation, file, file.create_table(each.relation))
        self._write_result()
        found = [(name, case_files.type_of(kind)) for name, kind in self._session.fetch_columns(_RESULT)]
        said = tuple(_column_problems(expected, found))
        if said:
            return CaseResult(self._case, Verdict.FAILED, self._clock() - began, said)
        by_name = {DUCKDB.fold(name): (name, kind) for name, kind in found}
        columns = [by_name[DUCKDB.fold(column.name)] for column in expected.columns]
        return self._compared(expected, columns, began)

    def _spell(self, kind: str) -> str | None:
        """A type of the project in DuckDB's words, where there is one of its own for each of them."""
        return spoken_type(kind) if can_translate(self._query.dialect, DUCKDB.dialect) else None

    def _create(self, target: Relation, file: CaseFile, statement: exp.Expr) -> None:
        self._made.append(target)
        try:
            self._session.execute(statement)
        except TerminalWarehouseError as error:
            raise file.explain(error, self._session.fetch_rows) from error

    def _write_result(self) -> None:
        query = self._query
        self._session.execute(case_files.divide_integers(is_whole=query.has_integer_division))
        self._made.append(_RESULT)
        try:
            with Cancellation().watch(self._session, self._patience):
                self._session.execute(case_files.result_of(_RESULT, query.sql, query.rows, LIMIT + 1))
        except TerminalWarehouseError as error:
            said = str(_explained(query, error.message, error.statement or ""))
            raise TerminalWarehouseError(said, error.statement) from error

    def _compared(self, expected: CaseFile, columns: Sequence[tuple[str, exp.DataType]], began: float) -> CaseResult:
        kinds = [_comparison(kind) for _, kind in columns]
        names = tuple(name for name, _ in columns)
        found = [make_row(row, row, kinds) for row in self._fetch(case_files.texts_of(_RESULT, columns))]
        wanted = [(column.name, kind) for column, (_, kind) in zip(expected.columns, columns, strict=True)]
        rows = self._fetch(case_files.expected_of(_EXPECTED, wanted))
        lines = expected.lines()
        lines = lines if len(lines) == len(rows) else [0] * len(rows)
        width = len(names)
        lined = zip(rows, lines, strict=True)
        wished = [make_row(row[:width], row[width:], kinds, line) for row, line in lined]
        if len(found) > LIMIT:
            said = (wording.too_many_rows(LIMIT, len(wished)),)
            return CaseResult(self._case, Verdict.FAILED, self._clock() - began, said, names, rows=tuple(found[:LIMIT]))
        differences = compare(wished, found, kinds, is_ordered=self._query.is_ordered)
        verdict = Verdict.FAILED if differences else Verdict.PASSED
        return CaseResult(self._case, verdict, self._clock() - began, (), names, differences)

    def _fetch(self, query: exp.Expr) -> Sequence[tuple[str | None, ...]]:
        return self._session.fetch_rows(query).rows


def _column_problems(expected: CaseFile, found: Sequence[tuple[str, exp.DataType]]) -> Iterator[str]:
    """Compare the columns by their names, and their types where the file states some."""
    kinds = {DUCKDB.fold(name): kind for name, kind in found}
    wanted = {DUCKDB.fold(column.name) for column in expected.columns}
    missing = [column.name for column in expected.columns if DUCKDB.fold(column.name) not in kinds]
    if missing:
        yield wording.missing_columns(missing)
    unexpected = [name for name, _ in found if DUCKDB.fold(name) not in wanted]
    if unexpected:
        yield wording.unexpected_columns(unexpected)
    for column in expected.columns:
        kind = kinds.get(DUCKDB.fold(column.name))
        if column.type is not None and kind is not None:
            stated, is_ = column.type.sql("duckdb"), kind.sql("duckdb")
            if stated != is_:
                yield wording.wrong_type(column.name, stated, is_)


def _comparison(kind: exp.DataType) -> Comparison:
    if case_files.is_document(kind):
        return Comparison.JSON
    if kind.this in _FLOATS:
        return Comparison.FLOAT
    return Comparison.EXACT if kind.this in exp.DataType.NUMERIC_TYPES else Comparison.TEXT


def _explained(query: UnitQuery, message: str, statement: str) -> Problem:
    """What DuckDB says about a query, with the line of the file in which it is."""
    match = _LINE.search(message)
    if not query.is_verbatim:
        pointed = find_pointed(message, statement, query.sql)
        line = None if pointed is None else query.find_line(pointed)
        place = query.place if line is None else Place(query.place.path, line, 0)
        # What DuckDB shows below is in nobody's file.
        said = message if line is None or match is None else message[: match.start()]
        return wording.refused_transpiled(place, query.dialect, said)
    if match is None:
        return wording.refused(query.place, message)
    # The query begins on the second line of what was sent.
    line = query.place.line + int(match[1]) - 2
    return wording.refused(Place(query.place.path, line, 0), message[: match.start()])
