"""One file of SQL to what it reads, what it gives back and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.tokenizer_core import Token, TokenType

from sqlmat_assets.errors import Problem, slips
from sqlmat_assets.errors import sql as wording
from sqlmat_assets.project.canonical import hash_syntax
from sqlmat_assets.project.comments import Header, HeaderLine, read_header
from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.model import ColumnDoc, Model
from sqlmat_assets.project.multi_statement import leading_problems, takes_several
from sqlmat_assets.project.output_problems import output_problems
from sqlmat_assets.project.outputs import final_select, read_outputs
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Reference, find_references
from sqlmat_assets.project.repairs import mark_legacy
from sqlmat_assets.project.syntax import Statement, Syntax, read_spans, read_syntax
from sqlmat_assets.project.varies import varies_by

_QUERIES = (exp.Query, exp.Values, exp.Pivot)
_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge)
_BEFORE_NOTHING = frozenset({TokenType.COMMA, TokenType.SELECT, TokenType.L_PAREN, TokenType.DISTINCT})
_AFTER_LISTS = frozenset({TokenType.FROM, TokenType.R_PAREN})
# DuckDB and BigQuery allow a comma behind the last column.
_STRICT_COMMAS = frozenset({"postgres", "redshift"})


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """What one file of SQL says; made of plain values only, so that it can be kept in a cache.

    `reads` are all places in the order of the text, readings of the table itself and of system views among them.
    `columns` are the outputs with a name, in order; `has_star` when there are outputs beside them. `code` is a hash of
    what the SQL means; `varies` is why its rows may differ although no table that it reads does. `statement` is where
    the query begins and ends.
    """

    reads: tuple[Reference, ...] = ()
    columns: tuple[ColumnDoc, ...] = ()
    has_star: bool = False
    header: tuple[HeaderLine, ...] = ()
    problems: tuple[Problem, ...] = ()
    code: str = ""
    varies: str | None = None
    statement: tuple[int, int] | None = None


def parse_query(text: str, dialect: str, path: str) -> ParsedQuery:
    """Read one file that holds a SELECT; nothing is raised.

    Args:
        text: The file.
        dialect: duckdb, postgres, redshift or bigquery.
        path: For the problems.
    """
    positions = Positions(text, path)
    header = read_header(text, dialect)
    stated, problems = read_deps(header, positions)
    syntax = read_syntax(text, dialect, positions)
    code = hash_syntax(syntax, text, dialect)
    unread = list(_unread(syntax, positions))
    if unread:
        problems += map(wording.stated, unread) if header.deps else unread
        varies = varies_by(syntax, stated, text, dialect)
        span = _span(syntax, dialect)
        return ParsedQuery(tuple(stated), (), True, header.lines, tuple(problems), code, varies, span)
    problems += _shape_problems(syntax, dialect, positions)
    reads = [*stated, *references_of(syntax, dialect, positions)]
    columns: tuple[ColumnDoc, ...] = ()
    has_star = True
    if len(syntax.statements) == 1 or (syntax.statements and takes_several(dialect)):
        columns, has_star = read_outputs(syntax.statements[-1], text, dialect)
        if not any(not problem.is_warning for problem in problems):
            problems += output_problems(syntax.statements[-1], text, dialect, positions)
    varies = varies_by(syntax, reads, text, dialect)
    span = _span(syntax, dialect)
    return ParsedQuery(tuple(reads), columns, has_star, header.lines, tuple(problems), code, varies, span)


def _span(syntax: Syntax, dialect: str) -> tuple[int, int] | None:
    """Where that begins and ends which is sent: one statement, or all of them where an engine takes several."""
    return _whole([(statement.start, statement.end) for statement in syntax.statements], dialect)


def _whole(spans: Sequence[tuple[int, int]], dialect: str) -> tuple[int, int] | None:
    return (spans[0][0], spans[-1 if takes_several(dialect) else 0][1]) if spans else None


def statement_text(model: Model) -> str:
    """Give the query of a table's SQL exactly as written, without what surrounds it: comments, `;`.

    A text that cannot be cut into words comes back whole. One in BigQuery's legacy dialect is marked as such.
    """
    span = model.statement or _whole(read_spans(model.sql, model.dialect), model.dialect)
    start, end = span or (0, len(model.sql))
    return mark_legacy(model.sql[start:end], model.sql, model.dialect)


def statement_line(text: str, dialect: str) -> int:
    r"""Give the line in which a file's first statement begins.

    Examples:
        >>> statement_line("-- All cities.\nselect 1", "duckdb")
        2
    """
    start, _ = next(iter(read_spans(text, dialect)), (0, 0))
    return Positions(text).at(start)[0]


def read_deps(header: Header, positions: Positions) -> tuple[list[Reference], list[Problem]]:
    """Read the tables that `-- deps:` lines state."""
    reads: list[Reference] = []
    problems: list[Problem] = []
    for name, start in header.deps or ():
        bare = name.strip('`"')
        parts = tuple(bare.split("."))
        if len(parts) not in (2, 3) or not all(parts) or any(map(str.isspace, bare)):
            problems.append(wording.bad_deps(positions.place(start), name))
            continue
        line, column = positions.at(start)
        end = start + len(name)
        reads.append(Reference(parts, (False,) * len(parts), bare.endswith("*"), line, column, start, end))
    return reads, problems


def references_of(syntax: Syntax, dialect: str, positions: Positions) -> Iterator[Reference]:
    """Yield what all statements of a text read, without what earlier ones made."""
    made: set[tuple[str, ...]] = set()
    for statement in syntax.statements:
        if statement.tree is None:
            continue
        for reference in find_references(statement.tree, dialect, positions):
            if _folded(reference.parts, reference.quoted, dialect) not in made:
                yield reference
        target = _target(statement.tree)
        if target is not None:
            parts = [part for part in target.parts if isinstance(part, exp.Identifier)]
            made.add(_folded(tuple(part.name for part in parts), tuple(bool(part.quoted) for part in parts), dialect))


def _folded(parts: tuple[str, ...], quoted: tuple[bool, ...], dialect: str) -> tuple[str, ...]:
    # A temporary table's name folds as an alias does, being no dataset's.
    is_alias = len(parts) == 1
    return tuple(
        fold(part, dialect, is_quoted=is_quoted, is_alias=is_alias)
        for part, is_quoted in zip(parts, quoted, strict=True)
    )


def _target(tree: exp.Expr) -> exp.Table | None:
    select = final_select(tree)
    node = select.args.get("into") if select is not None else tree
    if not isinstance(node, (exp.Create, exp.Into)):
        return None
    return node.this.find(exp.Table) if isinstance(node.this, exp.Expr) else None


def _unread(syntax: Syntax, positions: Positions) -> Iterator[Problem]:
    if syntax.problem is not None:
        yield syntax.problem
    for statement in syntax.statements:
        if statement.problem is not None:
            yield statement.problem
        elif isinstance(statement.tree, exp.Command):
            yield wording.not_understood(positions.place(statement.start), statement.keyword)


def _shape_problems(syntax: Syntax, dialect: str, positions: Positions) -> list[Problem]:
    """Find what sqlglot lets pass and no engine does, and what is no single SELECT."""
    if not syntax.statements:
        return [wording.no_statement(positions.place(0).path)]
    problems = [problem for statement in syntax.statements for problem in query_problems(statement, dialect, positions)]
    first, *others = syntax.statements
    if others and takes_several(dialect):
        return [
            *leading_problems(syntax.statements, positions),
            *select_problems(others[-1], positions),
            *problems,
        ]
    if others:
        second = others[0]
        return [wording.second_statement(positions.place(second.start), second.keyword), *problems]
    return [*select_problems(first, positions), *problems]


def select_problems(statement: Statement, positions: Positions) -> Iterator[Problem]:
    """Say why a statement is no plain SELECT."""
    place = positions.place(statement.start)
    tree = statement.tree
    if not isinstance(tree, _QUERIES):
        if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query):
            yield slips.create_table_as(place)
            return
        # Behind a WITH the tree knows better what it is.
        is_hidden = statement.keyword == "WITH"
        yield wording.not_a_select(place, tree.key.upper() if tree is not None and is_hidden else statement.keyword)
        return
    select = final_select(tree)
    into = select.args.get("into") if select is not None else None
    if isinstance(into, exp.Into):
        yield wording.writes_elsewhere(place, into.this.sql() if isinstance(into.this, exp.Expr) else "")
    with_ = tree.args.get("with_")
    for cte in with_.expressions if isinstance(with_, exp.With) else ():
        if isinstance(cte.this, _CHANGES):
            yield wording.not_a_select(place, cte.this.key.upper())


def query_problems(statement: Statement, dialect: str, positions: Positions) -> Iterator[Problem]:
    """Find missing items of lists, which sqlglot skips."""
    before: TokenType | None = None
    tokens = statement.tokens
    is_strict = dialect in _STRICT_COMMAS
    for index, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.COMMA and before in _BEFORE_NOTHING:
            yield wording.empty_item(positions.place(token.start))
        elif kind in _AFTER_LISTS and before is TokenType.COMMA and is_strict:
            yield wording.trailing_comma(positions.place(tokens[index - 1].start))
        elif kind is TokenType.SELECT and _is_bare(tokens, index + 1):
            yield wording.no_columns(positions.place(token.start))
        before = kind
    if before is TokenType.COMMA and is_strict:
        yield wording.trailing_comma(positions.place(tokens[-1].start))


def _is_bare(tokens: list[Token], index: int) -> bool:
    while index < len(tokens) and tokens[index].token_type in (TokenType.DISTINCT, TokenType.ALL):
        index += 1
    return index == len(tokens) or tokens[index].token_type in (TokenType.FROM, TokenType.R_PAREN)
