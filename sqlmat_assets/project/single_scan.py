"""Checks that ask nothing but their own table, row by row or as a whole: one scan of it can answer all of them."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.tokenizer_core import TokenType

from sqlmat_assets.project.model import CheckValue
from sqlmat_assets.project.outputs import select_items
from sqlmat_assets.project.syntax import Statement

# What gives other rows than those of the table, means something else beside other columns, or may be an aggregate that
# the parser does not know.
_NOT_ALONE = (
    exp.Query,
    exp.UDTF,
    exp.Explode,
    exp.Window,
    exp.Anonymous,
    exp.AnonymousAggFunc,
    exp.Columns,
    exp.Parameter,
    exp.Placeholder,
    exp.Dot,
)


def find_values(statement: Statement, text: str) -> tuple[CheckValue, ...]:
    """Give what each column of a check is computed from, as written.

    Returns:
        Nothing where the statement is more than `SELECT … FROM table`, or where a column of it may mean something else
        beside the columns of other checks.
    """
    tree = statement.tree
    if not isinstance(tree, exp.Select) or not _is_plain(tree):
        return ()
    items = select_items(statement.tokens)
    if len(items) != len(tree.expressions):
        return ()
    names = {each.alias.lower() for each in tree.expressions if isinstance(each, exp.Alias)}
    values: list[CheckValue] = []
    for item, projection in zip(items, tree.expressions, strict=True):
        last = item.last
        if isinstance(projection, exp.Alias):
            if statement.tokens[last - 1].text != projection.alias:
                return ()
            last -= 1
            if statement.tokens[last - 1].token_type is TokenType.ALIAS:
                last -= 1
        value = projection.unalias()
        if last <= item.first or not _stands_alone(value, names):
            return ()
        written = text[statement.tokens[item.first].start : statement.tokens[last - 1].end + 1]
        values.append(CheckValue(written, is_aggregate=value.find(exp.AggFunc) is not None))
    return tuple(values)


def _is_plain(tree: exp.Select) -> bool:
    if any(value for part, value in tree.args.items() if part not in ("expressions", "from_")):
        return False
    source = tree.args.get("from_")
    table = source.this if isinstance(source, exp.From) else None
    # `FROM first.cities_*` is not the table alone, whatever it finds today.
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier) or "*" in table.name:
        return False
    return not any(value for part, value in table.args.items() if part not in ("this", "db", "catalog"))


def _stands_alone(value: exp.Expr, names: set[str]) -> bool:
    for node in value.walk():
        if isinstance(node, _NOT_ALONE):
            return False
        if isinstance(node, exp.Star) and not isinstance(node.parent, exp.Count):
            return False
        if isinstance(node, exp.Column) and (node.table or node.name.lower() in names):
            return False
    return True
