"""A file of checks to its statements, each with the checks that its columns are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from sqlmat_assets.errors import Problem, slips
from sqlmat_assets.errors import sql as wording
from sqlmat_assets.errors.modes import name_in_check
from sqlmat_assets.project.canonical import hash_syntax, hash_text
from sqlmat_assets.project.code_version import hash_parts
from sqlmat_assets.project.comments import lines_of, read_comments
from sqlmat_assets.project.model import CheckSpec, CheckValue
from sqlmat_assets.project.narrowing.markers import END, START
from sqlmat_assets.project.outputs import Item, final_select, is_star, output_name, select_items
from sqlmat_assets.project.parse import query_problems, select_problems
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Reference, find_references
from sqlmat_assets.project.single_scan import find_values
from sqlmat_assets.project.syntax import Statement, Syntax, read_syntax
from sqlmat_assets.project.varies import varies_by

_WARN = re.compile(r"warn(\s*:.*)?", re.IGNORECASE)
# `warning`, `warn if late`, and a word alone that is nearly `warn`.
_NEARLY_WARN = re.compile(r"warn(s|ings?)?\b.*|(wran|wrn|warm|worn|wanr|war)\s*:?", re.IGNORECASE)
_ON_RESULT = re.compile(r"on\s*[:=]\s*result", re.IGNORECASE)
_NEARLY_ON_RESULT = re.compile(
    r"on([\s:=_-]+)(the\s+)?(whole\s+)?(results?|rseult|reuslt|table|whole|target|published|all)", re.IGNORECASE
)
# What a query may name, and a check may not.
_NAMES = frozenset({START, END, "last_built"})
_NOT_ADMITTED = re.compile(r"[^A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class ParsedCheck:
    """One statement of a file of checks, as written; `reads` in the order of the text, offsets in the file.

    `varies` when its result may differ although no table that it reads does; `on_result` when it looks at the table as
    it would be, and not only at its new rows. `line` is that of the file in which it begins. `values` has one for each
    of its columns where it asks only one table, all of it.
    """

    sql: str
    specs: tuple[CheckSpec, ...]
    reads: tuple[Reference, ...] = ()
    varies: bool = False
    on_result: bool = False
    line: int = 1
    values: tuple[CheckValue, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedChecks:
    """All checks of a file; made of plain values only, so that it can be kept in a cache.

    `code` is a hash of what they mean, with their names and whether they block.
    """

    queries: tuple[ParsedCheck, ...] = ()
    problems: tuple[Problem, ...] = ()
    code: str = ""


def slug(title: str) -> str:
    """Give a check's name as Dagster admits it: letters, digits and `_` of ASCII.

    Examples:
        >>> slug("is it Paris?")
        'is_it_Paris'
    """
    return _NOT_ADMITTED.sub("_", title).strip("_")


def parse_checks(text: str, dialect: str, path: str) -> ParsedChecks:
    """Read a file of checks; nothing is raised.

    Args:
        text: The file.
        dialect: duckdb, postgres, redshift or bigquery.
        path: For the problems and the checks' places.
    """
    positions = Positions(text, path)
    syntax = read_syntax(text, dialect, positions)
    if syntax.problem is not None:
        return ParsedChecks((), (syntax.problem,), hash_text(text))
    queries: list[ParsedCheck] = []
    problems: list[Problem] = []
    taken: dict[str, CheckSpec] = {}
    before = 0
    for statement in syntax.statements:
        above = _lines_above(text, before, statement.start, dialect)
        is_blocking = not any(_WARN.fullmatch(line) for _, line in above)
        if is_blocking:
            near = [(offset, line) for offset, line in above if _NEARLY_WARN.fullmatch(line)]
            problems += (slips.near_warn(positions.place(offset), line) for offset, line in near)
        on_result = any(_ON_RESULT.fullmatch(line) for _, line in above)
        if not on_result:
            near = [(offset, line) for offset, line in above if _NEARLY_ON_RESULT.fullmatch(line)]
            problems += (slips.near_on_result(positions.place(offset), line) for offset, line in near)
        before = statement.end
        wrong = _statement_problems(statement, dialect, positions)
        tree = statement.tree
        if wrong or tree is None:
            problems += wrong
            continue
        specs = _read_specs(statement, text, dialect, positions, taken, problems, is_blocking=is_blocking)
        reads = tuple(find_references(tree, dialect, positions))
        varies = varies_by(Syntax((statement,)), reads, text, dialect) is not None
        line, _ = positions.at(statement.start)
        values = () if varies else find_values(statement, text)
        sql = text[statement.start : statement.end]
        queries.append(ParsedCheck(sql, specs, reads, varies, on_result, line, values))
    named = (part for query in queries for spec in query.specs for part in (spec.name, str(spec.is_blocking)))
    wide = (spec.name for query in queries if query.on_result for spec in query.specs)
    code = hash_parts([hash_syntax(syntax, text, dialect), *named, *wide])
    return ParsedChecks(tuple(queries), tuple(problems), code)


def _statement_problems(statement: Statement, dialect: str, positions: Positions) -> list[Problem]:
    if statement.problem is not None:
        return [statement.problem]
    if isinstance(statement.tree, exp.Command):
        return [wording.not_understood(positions.place(statement.start), statement.keyword)]
    found = [*select_problems(statement, positions), *query_problems(statement, dialect, positions)]
    for sign, name in pairwise(statement.tokens):
        if sign.token_type is TokenType.PARAMETER and name.text.lower() in _NAMES:
            found.append(name_in_check(positions.place(sign.start), f"{sign.text}{name.text}"))
    return found


def _lines_above(text: str, start: int, end: int, dialect: str) -> list[tuple[int, str]]:
    """Give the lines of the comments above a statement, behind the `;` of the one before, with their offsets."""
    comments = read_comments(text, start, end, dialect)
    behind = comments[-1].end if comments else start
    while (semicolon := text.find(";", behind, end)) >= 0:
        comments = read_comments(text, semicolon + 1, end, dialect)
        behind = comments[-1].end if comments else semicolon + 1
    return [line for comment in comments for line in lines_of(comment)]


def _read_specs(
    statement: Statement,
    text: str,
    dialect: str,
    positions: Positions,
    taken: dict[str, CheckSpec],
    problems: list[Problem],
    *,
    is_blocking: bool,
) -> tuple[CheckSpec, ...]:
    """Name a statement's columns; a name that is not good enough becomes a problem."""
    select = final_select(statement.tree) if statement.tree is not None else None
    projections = select.expressions if select is not None else []
    items: list[Item | None] = [*select_items(statement.tokens)]
    if len(items) != len(projections):
        items = [None] * len(projections)
    specs: list[CheckSpec] = []
    for projection, item in zip(projections, items, strict=True):
        start = statement.tokens[item.first].start if item else statement.start
        written = text[start : statement.tokens[item.last - 1].end + 1] if item else projection.sql(dialect)
        place = positions.place(start)
        title = "" if is_star(projection) else output_name(projection, dialect)
        name = slug(title)
        if is_star(projection):
            problems.append(wording.star_check(place))
        elif not title:
            problems.append(wording.unnamed_check(place, written))
        elif not name:
            problems.append(wording.nameless_check(place, title))
        elif name in taken:
            problems.append(wording.colliding_checks(place, title, name, taken[name].title, taken[name].line))
        else:
            spec = CheckSpec(name, title, is_blocking, place.path, place.line)
            taken[name] = spec
            specs.append(spec)
    return tuple(specs)
