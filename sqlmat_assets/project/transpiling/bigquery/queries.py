"""SELECT and what combines SELECTs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.clauses import (
    aliases_of,
    is_star,
    name_of_column,
    quoted,
    say_end,
    say_group,
    spell_out,
    spell_out_in_aggregates,
)
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Kinds,
    Said,
    Translator,
    call,
    cast,
    construct,
    says,
)
from sqlmat_assets.project.transpiling.verdicts import Construct, Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED

_SELECT = construct("SELECT", _EXACT, f"{pages.QUERIES}select_list")
_DISTINCT = construct("SELECT DISTINCT", _EXACT, f"{pages.QUERIES}select_distinct")
_AS_STRUCT = construct("SELECT AS STRUCT", _EMULATED, f"{pages.QUERIES}select_as_struct", "inside of `ARRAY(…)`")
_STAR = construct("SELECT *", _EXACT, f"{pages.QUERIES}select_all")
_STAR_USING = construct(
    "SELECT * behind USING",
    _EMULATED,
    f"{pages.QUERIES}select_all",
    "the columns of USING come first, as in BigQuery",
)
_EXCEPT = construct("SELECT * EXCEPT", _EXACT, f"{pages.QUERIES}select_except")
_REPLACE = construct("SELECT * REPLACE", _EXACT, f"{pages.QUERIES}select_replace")
_WITH = construct("WITH", _EXACT, f"{pages.QUERIES}with_clause")
_RECURSIVE = construct("WITH RECURSIVE", _EXACT, f"{pages.QUERIES}recursive_cte")
_WHERE = construct("WHERE", _EXACT, f"{pages.QUERIES}where_clause")
_HAVING = construct("HAVING", _EXACT, f"{pages.QUERIES}having_clause")
_QUALIFY = construct("QUALIFY", _EXACT, f"{pages.QUERIES}qualify_clause")
_WINDOW = construct("WINDOW", _EXACT, f"{pages.QUERIES}window_clause")
_UNION = construct("UNION ALL, UNION DISTINCT", _EXACT, f"{pages.QUERIES}union")
_INTERSECT = construct("INTERSECT DISTINCT", _EXACT, f"{pages.QUERIES}intersect")
_EXCEPT_SET = construct("EXCEPT DISTINCT", _EXACT, f"{pages.QUERIES}except")
_UNNAMED = construct("a column without a name", _EMULATED, f"{pages.QUERIES}implicit_aliases", "is called `f0_`")


_SELECT_PARTS = (
    *("with_", "kind", "expressions", "distinct", "from_", "joins", "where", "group", "having", "qualify", "windows"),
    *("order", "limit", "offset"),
)
_SETS_OF_ROWS: Mapping[type[exp.Expr], Construct] = {
    exp.Union: _UNION,
    exp.Intersect: _INTERSECT,
    exp.Except: _EXCEPT_SET,
}
_SET_PARTS = ("with_", "this", "expression", "distinct", "order", "limit", "offset")

KIND = "sqlmat_kind"
"""Under this name a column that was said has its type in BigQuery."""


def say_query(t: Translator, node: exp.Expr, *, is_top: bool = False) -> exp.Expr:
    """Say a SELECT, or what combines some.

    Args:
        t: Who says it.
        node: The query.
        is_top: Whether its columns are those of a table.
    """
    if isinstance(node, exp.Select):
        return _select(t, node, is_top=is_top)
    if isinstance(node, exp.SetOperation):
        return _set_operation(t, node, is_top=is_top)
    if isinstance(node, exp.Subquery) and not node.alias and not node.args.get("pivots"):
        return _in_brackets(t, node, is_top=is_top)
    return t.tree(node)


@says(exp.Select, exp.Union, exp.Intersect, exp.Except)
def _query(t: Translator, node: exp.Expr) -> Said:
    return Said(say_query(t, node))


def _in_brackets(t: Translator, node: exp.Subquery, *, is_top: bool) -> exp.Expr:
    t.only(node, "this", "order", "limit", "offset", "with_")
    said = exp.Subquery(this=say_query(t, node.this, is_top=is_top))
    say_end(t, node, said, {})
    return said


def _set_operation(t: Translator, node: exp.SetOperation, *, is_top: bool) -> exp.Expr:
    t.only(node, *_SET_PARTS)
    known = _SETS_OF_ROWS[type(node)]
    is_distinct = bool(node.args.get("distinct"))
    if not isinstance(node, exp.Union) and not is_distinct:
        t.refuse(node, f"{node.key.upper()} ALL")
    t.use(known, node)
    with_, around = _with(t, node), dict(t.ctes)
    said = type(node)(this=say_query(t, node.this, is_top=is_top), distinct=is_distinct)
    first = dict(t.outputs)
    said.set("expression", say_query(t, node.args["expression"], is_top=is_top))
    said.set("with_", with_)
    say_end(t, node, said, {})
    t.ctes = around if with_ is None else t.ctes
    # Columns go by their places; of the same name in both they are at the same one as a rule, but need not be.
    t.outputs = first if list(first) == list(t.outputs) and first == t.outputs else {}
    return said


def _select(t: Translator, node: exp.Select, *, is_top: bool) -> exp.Expr:
    t.only(node, *_SELECT_PARTS)
    t.use(_SELECT, node)
    said = exp.Select(expressions=[])
    around = dict(t.ctes)
    said.set("with_", _with(t, node))
    t.scopes.append({})
    _from(t, node, said, is_top=is_top)
    aliases = aliases_of(node)
    _distinct(t, node, said)
    columns = _columns(t, node, is_top=is_top)
    if node.args.get("kind"):
        columns = _as_struct(t, node, columns)
    said.set("expressions", columns)
    if where := node.args.get("where"):
        t.use(_WHERE, where)
        said.set("where", exp.Where(this=t.tree(where.this)))
    if group := node.args.get("group"):
        said.set("group", say_group(t, group, aliases))
    for key, known, made in (("having", _HAVING, exp.Having), ("qualify", _QUALIFY, exp.Qualify)):
        if clause := node.args.get(key):
            t.use(known, clause)
            spell = spell_out_in_aggregates if key == "having" else spell_out
            said.set(key, made(this=t.tree(spell(t, clause.this, aliases))))
    if windows := node.args.get("windows"):
        t.use(_WINDOW, windows[0])
        said.set("windows", [t.tree(window) for window in windows])
    say_end(t, node, said, aliases)
    t.outputs = _outputs(t, node, said)
    t.scopes.pop()
    t.ctes = around
    return said


def _outputs(t: Translator, node: exp.Select, said: exp.Select) -> Kinds:
    """The types of the columns, as far as they are known."""
    found: Kinds = {}
    for each in node.expressions:
        if isinstance(each, exp.Star):
            hidden = {name.name.lower() for name in each.args.get("except_") or ()}
            hidden |= {changed.alias.lower() for changed in each.args.get("replace") or ()}
            for kinds in t.scopes[-1].values():
                found |= {name: kind for name, kind in kinds.items() if name not in hidden}
    for each in said.expressions:
        kind = each.meta.get(KIND)
        if each.alias_or_name and isinstance(kind, str):
            found[each.alias_or_name.lower()] = kind
        else:
            found.pop(each.alias_or_name.lower(), None)
    return found


def _from(t: Translator, node: exp.Select, said: exp.Select, *, is_top: bool) -> None:
    if from_ := node.args.get("from_"):
        # `SELECT * FROM (…)` has the columns of the query inside.
        t.is_top = (
            is_top and not node.args.get("joins") and all(isinstance(each, exp.Star) for each in node.expressions)
        )
        said.set("from_", exp.From(this=t.tree(from_.this)))
        t.is_top = False
    if joins := node.args.get("joins"):
        said.set("joins", [t.tree(join) for join in joins])


def _with(t: Translator, node: exp.Expr) -> exp.Expr | None:
    with_ = node.args.get("with_")
    if not isinstance(with_, exp.With):
        return None
    t.only(with_, "expressions", "recursive")
    is_recursive = bool(with_.args.get("recursive"))
    t.use(_RECURSIVE if is_recursive else _WITH, with_)
    ctes: list[exp.Expr] = []
    for cte in with_.expressions:
        t.only(cte, "this", "alias")
        name = cte.args["alias"].this
        alias = exp.TableAlias(this=quoted(name))
        if cte.args["alias"].args.get("columns"):
            t.refuse(cte, "names of columns behind the name of a CTE")
        ctes.append(exp.CTE(this=say_query(t, cte.this), alias=alias))
        # What a recursive one gives may be wider than what it begins with.
        t.ctes[name.name.lower()] = {} if is_recursive else dict(t.outputs)
    return exp.With(expressions=ctes, recursive=is_recursive)


def _distinct(t: Translator, node: exp.Select, said: exp.Select) -> None:
    distinct = node.args.get("distinct")
    if distinct is None:
        return
    if distinct.args.get("on"):
        t.refuse(node, "DISTINCT ON")
    t.use(_DISTINCT, node)
    said.set("distinct", exp.Distinct())


def _columns(t: Translator, node: exp.Select, *, is_top: bool) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    unnamed = 0
    is_struct = bool(node.args.get("kind"))
    for each in node.expressions:
        if isinstance(each, exp.Star):
            found += _star(t, each, node)
            continue
        said = t.say(each.this if isinstance(each, exp.Alias) else each)
        tree = said.tree
        name = each.args["alias"] if isinstance(each, exp.Alias) else name_of_column(each)
        if is_star(each):
            found.append(tree)
            continue
        if isinstance(tree, exp.Null) and not isinstance(node.parent, exp.SetOperation):
            # Without a type of its own it is an INT64.
            tree = cast(tree, "BIGINT")
        if is_top:
            tree = _of_table(tree, said.kind)
        if name is None and is_top and not is_struct:
            t.use(_UNNAMED, each)
            name = exp.to_identifier(f"f{unnamed}_")
            unnamed += 1
        is_called_so = isinstance(tree, exp.Column) and name is not None and tree.name == name.name
        found.append(tree if name is None or is_called_so else exp.Alias(this=tree, alias=quoted(name)))
        found[-1].meta[KIND] = said.kind
    return found


def _of_table(tree: exp.Expr, kind: str | None) -> exp.Expr:
    """A value as a table of BigQuery holds it: an array in it is never NULL."""
    if kind is not None and kind.startswith("ARRAY") and not isinstance(tree, exp.Array):
        return call("COALESCE", tree, exp.Array(expressions=[]))
    return tree


def _star(t: Translator, node: exp.Star, select: exp.Select) -> list[exp.Expr]:
    star = say_star(t, node)
    using = columns_of_using(select)
    if not using:
        return [star]
    t.use(_STAR_USING, node)
    hidden = {name.name.lower() for name in node.args.get("except_") or ()}
    changed = {each.alias.lower() for each in star.args.get("replace") or ()}
    if hidden & set(using) or changed & set(using):
        t.refuse(node, "`* EXCEPT` or `* REPLACE` of a column of USING")
    names = [exp.to_identifier(name, quoted=True) for name in using]
    star.set("except_", [*(star.args.get("except_") or []), *names])
    return [*(exp.column(name.copy()) for name in names), star]


def say_star(t: Translator, node: exp.Star) -> exp.Star:
    """Say `*` with what is left out or replaced."""
    t.only(node, "except_", "replace")
    t.use(_STAR, node)
    left_out, replaced = node.args.get("except_"), node.args.get("replace")
    said = exp.Star()
    if left_out:
        t.use(_EXCEPT, node)
        said.set("except_", [quoted(name) for name in left_out])
    if replaced:
        t.use(_REPLACE, node)
        said.set("replace", [exp.Alias(this=t.tree(each.this), alias=quoted(each.args["alias"])) for each in replaced])
    return said


def columns_of_using(select: exp.Select) -> list[str]:
    """The columns by which tables are joined with USING, those of the last join first."""
    found: dict[str, None] = {}
    for join in reversed(select.args.get("joins") or []):
        for name in join.args.get("using") or ():
            found.setdefault(name.name.lower())
    return list(found)


def _as_struct(t: Translator, node: exp.Select, columns: Sequence[exp.Expr]) -> list[exp.Expr]:
    kind = str(node.args["kind"]).upper()
    if kind != "STRUCT" or not isinstance(node.parent, exp.Array):
        t.refuse(node, f"SELECT AS {kind}" if kind == "VALUE" else "SELECT AS STRUCT outside of ARRAY(…)")
        return list(columns)
    t.use(_AS_STRUCT, node)
    if not all(column.alias_or_name for column in columns):
        t.refuse(node, "SELECT AS STRUCT of columns without a name")
        return list(columns)
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(column.alias_or_name, quoted=True), expression=column.unalias())
        for column in columns
    ]
    return [call("STRUCT_PACK", *fields)]
