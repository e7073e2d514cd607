"""Queries of several statements: variables, temporary tables and functions, and at the end the SELECT that uses them.

https://cloud.google.com/bigquery/docs/multi-statement-queries
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from sqlglot import exp

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import sql as wording
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.syntax import Statement, read_spans

# Of the engines with sessions each could; but none other has the statements in one request, and for them alone.
_DIALECTS = frozenset({"bigquery"})
_CHANGES = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.TruncateTable, exp.Drop, exp.Alter)


def takes_several(dialect: str) -> bool:
    """Whether a query may have statements before its SELECT."""
    return dialect in _DIALECTS


def split_query(text: str, dialect: str) -> tuple[str, str]:
    r"""Cut a query into what stands before its last statement, to the letter, and that statement.

    Examples:
        >>> split_query("declare n int64;\nselect n", "bigquery")
        ('declare n int64;\n', 'select n')
        >>> split_query("select ';' as a", "bigquery")
        ('', "select ';' as a")
    """
    if dialect not in _DIALECTS or ";" not in text:
        return "", text
    spans = read_spans(text, dialect)
    start = spans[-1][0] if len(spans) > 1 else 0
    return text[:start], text[start:]


def leading_problems(statements: Sequence[Statement], positions: Positions) -> Iterator[Problem]:
    """Say what of the statements before the last one would be left in the warehouse, or is not used.

    Args:
        statements: All of them, each of which was understood.
        positions: For the places.
    """
    made: set[str] = set()
    for before, after in pairwise(statements):
        place, tree = positions.place(before.start), before.tree
        match tree:
            case exp.Declare() | exp.Set():
                continue
            case exp.Create() if _is_temporary(tree):
                made.add(_name(tree))
            case exp.Create():
                yield wording.creates_elsewhere(place, before.keyword, _name(tree))
            case _ if isinstance(tree, _CHANGES):
                if _name(tree) not in made:
                    yield wording.changes_elsewhere(place, before.keyword, _name(tree))
            case _:
                yield wording.second_statement(positions.place(after.start), after.keyword)
                return


def _is_temporary(tree: exp.Create) -> bool:
    properties = tree.args.get("properties")
    named = properties.expressions if isinstance(properties, exp.Properties) else ()
    return any(isinstance(each, exp.TemporaryProperty) for each in named)


def _name(tree: exp.Expr) -> str:
    """The table or function that a statement makes or changes, as BigQuery tells temporary ones apart."""
    target = tree.this if isinstance(tree.this, exp.Expr) else next(iter(tree.args.get("tables") or ()), None)
    if isinstance(tree, exp.TruncateTable):
        target = tree.expressions[0]
    found = None if target is None else target.find(exp.Table)
    return "" if found is None else ".".join(part.name for part in found.parts)
