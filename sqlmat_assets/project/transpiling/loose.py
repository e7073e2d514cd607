"""The SQL of an engine of which no list is kept: what sqlglot makes of it, but for what it does not know.

It is good enough for the few rows of a unit test, which a person looks at, and not for tables.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ErrorLevel, SqlglotError

from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.syntax import read_syntax
from sqlmat_assets.project.transpiling.translation import Translated
from sqlmat_assets.project.transpiling.verdicts import Finding, Verdict

_UNREAD = "a query that is not understood"


def transpile_loosely(sql: str, dialect: str, spoken: str) -> Translated:
    """Say a query as sqlglot says it; what it does not know is unsupported.

    Args:
        sql: One query.
        dialect: How it is written.
        spoken: The dialect of the engine.
    """
    statement = next(iter(read_syntax(sql, dialect, Positions(sql)).statements), None)
    tree = None if statement is None else statement.tree
    if statement is None or tree is None:
        return _refused(_UNREAD, 0, "the parser does not know it")
    for function in tree.find_all(exp.Anonymous, exp.AnonymousAggFunc, exp.Command):
        at = next((token.start for token in statement.tokens if token.text.lower() == function.name.lower()), 0)
        return _refused(f"the function {function.name.upper()}", at)
    try:
        said = tree.sql(spoken, pretty=True, unsupported_level=ErrorLevel.RAISE)
    except SqlglotError as error:
        return _refused("something in the query", 0, " ".join(str(error).split()))
    return Translated(said)


def has_integer_division(dialect: str) -> bool:
    """Whether the quotient of two integers is one."""
    return bool(Dialect.get_or_raise(dialect).TYPED_DIVISION)


def _refused(name: str, start: int, why: str | None = None) -> Translated:
    return Translated(None, (Finding(name, Verdict.UNSUPPORTED, start, why),))
