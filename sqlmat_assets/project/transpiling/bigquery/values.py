"""Literals, columns, fields of structs, elements of arrays, subqueries as values."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.clauses import quoted
from sqlmat_assets.project.transpiling.bigquery.queries import say_query, say_star
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    Translator,
    brackets,
    call,
    case,
    cast,
    construct,
    fail,
    number,
    once,
    says,
    text,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED

_INT = construct("a whole number", _EXACT, f"{pages.LEXICAL}integer_literals", "DuckDB's have 32 bits; cast to BIGINT")
_FLOAT = construct(
    "a number with a point",
    _EXACT,
    f"{pages.LEXICAL}floating_point_literals",
    "DuckDB's are DECIMAL; written `1.5e0`",
)
_STRING = construct("a string", _EXACT, f"{pages.LEXICAL}string_and_bytes_literals")
_BYTES = construct("bytes", _EMULATED, f"{pages.LEXICAL}string_and_bytes_literals", "`b'…'` without escapes")
_BOOLEAN = construct("TRUE, FALSE", _EXACT, f"{pages.TYPES}boolean_type")
_NULL = construct("NULL", _EXACT, f"{pages.LEXICAL}case_sensitivity")
_COLUMN = construct("a column", _EXACT, f"{pages.QUERIES}select_expression")
_FIELD = construct("a field of a struct", _EXACT, f"{pages.OPERATORS}field_access_operator")
_STRUCT = construct("STRUCT(…)", _EMULATED, f"{pages.TYPES}constructing_a_struct", "every field needs a name")
_ARRAY = construct("[…]", _EXACT, f"{pages.TYPES}constructing_an_array")
_ARRAY_OF = construct(
    "ARRAY<T>[…]", _EMULATED, f"{pages.TYPES}constructing_an_array", "of types that are no arrays and structs"
)
_ARRAY_QUERY = construct("ARRAY(SELECT …)", _EXACT, f"{pages.ARRAYS}array")
_ELEMENT = construct(
    "array[OFFSET(n)], array[ORDINAL(n)]",
    _EMULATED,
    f"{pages.OPERATORS}array_subscript_operator",
    "outside of the array is an error",
)
_SAFE_ELEMENT = construct(
    "array[SAFE_OFFSET(n)], array[SAFE_ORDINAL(n)]", _EMULATED, f"{pages.OPERATORS}array_subscript_operator"
)
_EXISTS = construct("EXISTS", _EXACT, f"{pages.OPERATORS}exists_operator")
_FILLED = frozenset({"partition_start", "partition_end", "last_built"})
_PSEUDO = frozenset({"_partitiontime", "_partitiondate", "_table_suffix", "_file_name", "_change_type"})


@says(exp.Literal)
def _literal(t: Translator, node: exp.Literal) -> Said:
    if node.is_string:
        t.use(_STRING, node)
        return Said(node.copy(), "STRING")
    if node.name.lower().startswith("0x"):
        return t.refuse(node, "a hexadecimal number")
    if node.name.isdecimal():
        t.use(_INT, node)
        return Said(cast(exp.Literal.number(node.name), "BIGINT"), "INT64")
    t.use(_FLOAT, node)
    written = node.name if "e" in node.name.lower() else f"{node.name}e0"
    return Said(exp.Literal.number(written), "FLOAT64")


@says(exp.RawString)
def _raw_string(t: Translator, node: exp.RawString) -> Said:
    t.use(_STRING, node)
    return Said(text(node.name), "STRING")


@says(exp.ByteString)
def _bytes(t: Translator, node: exp.ByteString) -> Said:
    if "\\" in node.name:
        return t.refuse(node, "escapes in bytes")
    t.use(_BYTES, node)
    return Said(call("ENCODE", text(node.name)), "BYTES")


@says(exp.Boolean)
def _boolean(t: Translator, node: exp.Boolean) -> Said:
    t.use(_BOOLEAN, node)
    return Said(node.copy(), "BOOL")


@says(exp.Null)
def _null(t: Translator, node: exp.Null) -> Said:
    t.use(_NULL, node)
    return Said(exp.null())


@says(exp.Parameter)
def _parameter(t: Translator, node: exp.Parameter) -> Said:
    """A name that a build puts a moment in the place of; what is sent has none."""
    if node.name.lower() not in _FILLED:
        return t.refuse(node, f"the parameter @{node.name}")
    return Said(node.copy())


@says(exp.Paren)
def _paren(t: Translator, node: exp.Paren) -> Said:
    said = t.say(node.this)
    return Said(exp.Paren(this=said.tree), said.kind, said.like)


@says(exp.Alias)
def _alias(t: Translator, node: exp.Alias) -> Said:
    return t.refuse(node, "an alias here")


@says(exp.Column)
def _column(t: Translator, node: exp.Column) -> Said:
    parts = node.parts
    if isinstance(node.this, exp.Star):
        star = say_star(t, node.this)
        return Said(exp.column(star, *(quoted(part) for part in reversed(parts[:-1]))))
    if node.name.lower() in _PSEUDO:
        return t.refuse(node, f"the pseudo column {node.name.upper()}")
    t.use(_COLUMN if len(parts) == 1 else _FIELD, node)
    kind = t.kind_of_column([part.name for part in parts])
    return Said(exp.column(*(quoted(part) for part in reversed(parts))), kind)


@says(exp.Dot)
def _dot(t: Translator, node: exp.Dot) -> Said:
    field = node.expression
    if not isinstance(field, exp.Identifier):
        names: list[str] = []
        before: exp.Expr = node.this
        while isinstance(before, exp.Dot):
            names.insert(0, before.expression.name)
            before = before.this
        names.insert(0, before.name)
        name = field.name.partition("$")[2] or field.name
        return t.refuse(node, f"the function {'.'.join([*names, name])}")
    t.use(_FIELD, node)
    return Said(call("STRUCT_EXTRACT", t.tree(node.this), text(field.name)))


@says(exp.Struct)
def _struct(t: Translator, node: exp.Struct) -> Said:
    t.use(_STRUCT, node)
    fields: list[exp.Expr] = []
    for each in node.expressions:
        name = _field_name(each)
        if name is None:
            return t.refuse(node, "STRUCT with a field without a name")
        fields.append(exp.PropertyEQ(this=quoted(name), expression=t.tree(_field_value(each))))
    return Said(call("STRUCT_PACK", *fields), "STRUCT")


def _field_value(node: exp.Expr) -> exp.Expr:
    return node.expression if isinstance(node, exp.PropertyEQ) else node


def _field_name(node: exp.Expr) -> exp.Expr | None:
    if isinstance(node, exp.PropertyEQ):
        return node.this
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Identifier):
        return node.this
    return node.expression if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier) else None


@says(exp.Array)
def _array(t: Translator, node: exp.Array) -> Said:
    if len(node.expressions) == 1 and isinstance(node.expressions[0], exp.Query):
        t.use(_ARRAY_QUERY, node)
        return Said(exp.Anonymous(this="ARRAY", expressions=[say_query(t, node.expressions[0])]), "ARRAY")
    t.use(_ARRAY, node)
    said = [t.say(each) for each in _named_like_the_first(node.expressions)]
    if not said:
        # BigQuery takes the elements of `[]` for INT64.
        return Said(cast(exp.Array(expressions=[]), "BIGINT[]"), "ARRAY<INT64>")
    kinds = {each.kind for each in said}
    kind = f"ARRAY<{kinds.pop()}>" if len(kinds) == 1 and None not in kinds else "ARRAY"
    return Said(exp.Array(expressions=[each.tree for each in said]), kind)


def _named_like_the_first(nodes: Sequence[exp.Expr]) -> list[exp.Expr]:
    """Give the fields of structs the names that those of the first one have."""
    first = nodes[0] if nodes else None
    if not isinstance(first, exp.Struct):
        return list(nodes)
    names = [_field_name(each) for each in first.expressions]
    found: list[exp.Expr] = []
    for node in nodes:
        fields = node.expressions if isinstance(node, exp.Struct) else []
        if node is first or None in names or len(fields) != len(names):
            found.append(node)
            continue
        named = [
            exp.PropertyEQ(this=name.copy(), expression=_field_value(each).copy())
            for name, each in zip(names, fields, strict=True)
            if name is not None
        ]
        found.append(exp.Struct(expressions=named))
    return found


def typed_array(t: Translator, node: exp.Cast, element: str, kind: str) -> Said:
    """Say `ARRAY<T>[…]`; `element` is DuckDB's word for T."""
    t.use(_ARRAY_OF, node)
    trees = [t.tree(each) for each in node.this.expressions]
    return Said(cast(exp.Array(expressions=trees), f"{element}[]"), kind)


@says(exp.Bracket)
def _bracket(t: Translator, node: exp.Bracket) -> Said:
    base = node.args.get("offset")
    if base is None or len(node.expressions) != 1:
        return t.refuse(node, "[…] without OFFSET or ORDINAL")
    is_safe = bool(node.args.get("safe"))
    t.use(_SAFE_ELEMENT if is_safe else _ELEMENT, node)
    array, place = t.say(node.this), node.expressions[0]
    if isinstance(place, exp.Literal) and place.name.isdecimal():
        index: exp.Expr = number(int(place.name) + 1 - int(base))
        outside: list[exp.Expr] = [] if int(place.name) >= int(base) else [exp.true()]
    else:
        at = t.tree(place)
        index = at if base else exp.Add(this=brackets(at), expression=number(1))
        # DuckDB counts from the end where a place is negative.
        outside = [exp.LT(this=brackets(at.copy()), expression=number(int(base)))]
    kind = array.kind[6:-1] if array.kind is not None and array.kind.startswith("ARRAY<") else None

    def extract(whole: exp.Expr) -> exp.Expr:
        found = call("LIST_EXTRACT", whole, index)
        if is_safe:
            return case((outside[0], exp.null()), default=found) if outside else found
        beyond = exp.GT(this=index.copy(), expression=call("LEN", whole.copy()))
        wrong = exp.Or(this=outside[0], expression=beyond) if outside else beyond
        return case((wrong, fail("array index is out of bounds")), default=found)

    return Said(extract(array.tree) if is_safe else once(array.tree, extract, "array"), kind)


@says(exp.Exists)
def _exists(t: Translator, node: exp.Exists) -> Said:
    t.only(node, "this")
    t.use(_EXISTS, node)
    inner = node.this.this if isinstance(node.this, exp.Subquery) else node.this
    return Said(exp.Exists(this=say_query(t, inner)), "BOOL")
