"""JSON, in a string or in a JSON value."""

from __future__ import annotations

import re

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    call,
    case,
    cast,
    fail,
    once,
    text,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EMULATED = Verdict.EMULATED
_PAGE = pages.JSON
# Names and places, which both engines read alike.
_PATH = re.compile(r"\$(\.\w+|\[\d+\]|\.\"[^\"]+\")*")
# A whole value that is a number with zeros at its end, an exponent, or more digits than it keeps.
_NUMBERS = r"(^|[:\[,])\s*-?(\d+\.\d*0|\d+(\.\d+)?[eE][+-]?\d+|\d+\.\d{15,})\s*($|[,\]}])"
_OTHERWISE = "DuckDB writes a number of this JSON otherwise than BigQuery"
_CONTAINERS = ("OBJECT", "ARRAY")


def _path(c: Call) -> str | None:
    if not c.has(1):
        return "$"
    path = c.literal(1)
    return path if path is not None and _PATH.fullmatch(path) else None


_UNREAD = "with a path that is not written out, or has more than names and places"


def _is_spelt_otherwise(tree: exp.Expr) -> exp.Expr:
    """Whether numbers stand in a text that DuckDB writes in another way, such as `1.50`."""
    return call("REGEXP_MATCHES", cast(tree.copy(), "VARCHAR"), text(_NUMBERS))


def _is_valid(tree: exp.Expr) -> exp.Expr:
    """What is no JSON has no parts in BigQuery, and is an error in DuckDB."""
    return call("JSON_VALID", tree.copy())


@function(
    "JSON_VALUE, JSON_EXTRACT_SCALAR",
    _EMULATED,
    f"{_PAGE}json_value",
    "NULL where there is an object or an array",
    count=(1, 2),
)
def _value(c: Call) -> Said:
    path = _path(c)
    if path is None:
        return c.refuse(_UNREAD)
    return Said(once(c.tree(0), lambda document: _scalar_at(document, path)), "STRING")


def _scalar_at(document: exp.Expr, path: str) -> exp.Expr:
    kind = call("JSON_TYPE", document.copy(), text(path))
    scalar = exp.Not(this=exp.In(this=kind, expressions=[text(each) for each in _CONTAINERS]))
    value = call("JSON_EXTRACT_STRING", document, text(path))
    is_number = exp.EQ(this=kind.copy(), expression=text("DOUBLE"))
    return case(
        (exp.Not(this=_is_valid(document)), exp.null()),
        (exp.And(this=is_number, expression=_is_spelt_otherwise(document)), fail(_OTHERWISE)),
        (scalar, value),
    )


@function("JSON_QUERY, JSON_EXTRACT", _EMULATED, f"{_PAGE}json_query", "of a string it is a string", count=(1, 2))
def _query(c: Call) -> Said:
    path = _path(c)
    said = c.say(0)
    if path is None or said.kind == "JSON":
        return c.refuse(f"of JSON values, or {_UNREAD}")
    return Said(once(said.tree, lambda document: _part_at(document, path)), "STRING")


def _part_at(document: exp.Expr, path: str) -> exp.Expr:
    found = cast(call("JSON_EXTRACT", document, text(path)), "VARCHAR")
    kind = call("JSON_TYPE", document.copy(), text(path))
    holds_numbers = exp.In(this=kind, expressions=[text(each) for each in (*_CONTAINERS, "DOUBLE")])
    return case(
        (exp.Not(this=_is_valid(document)), exp.null()),
        (exp.And(this=holds_numbers, expression=_is_spelt_otherwise(document)), fail(_OTHERWISE)),
        (exp.NEQ(this=kind.copy(), expression=text("NULL")), found),
    )


@function(
    "JSON_VALUE_ARRAY, JSON_EXTRACT_STRING_ARRAY",
    _EMULATED,
    f"{_PAGE}json_value_array",
    "NULL where an element is an object or an array",
    count=(1, 2),
)
def _value_array(c: Call) -> Said:
    path = _path(c)
    if path is None:
        return c.refuse(_UNREAD)
    return Said(once(c.tree(0), lambda document: _scalars_at(document, path)), "ARRAY<STRING>")


def _scalars_at(document: exp.Expr, path: str) -> exp.Expr:
    is_array = exp.EQ(this=call("JSON_TYPE", document.copy(), text(path)), expression=text("ARRAY"))
    elements = cast(call("JSON_EXTRACT", document, text(path)), "JSON[]")
    kinds = call("JSON_TYPE", exp.column("e"))
    complex_ = exp.In(this=kinds, expressions=[text(each) for each in _CONTAINERS])
    strings = call("LIST_TRANSFORM", elements, _lambda(call("JSON_EXTRACT_STRING", exp.column("e"), text("$"))))
    any_complex = exp.GT(
        this=call("LEN", call("LIST_FILTER", elements.copy(), _lambda(complex_))), expression=exp.Literal.number(0)
    )
    otherwise = exp.And(this=is_array.copy(), expression=_is_spelt_otherwise(document))
    simple = exp.And(this=is_array, expression=exp.Not(this=exp.Paren(this=any_complex)))
    return case((exp.Not(this=_is_valid(document)), exp.null()), (otherwise, fail(_OTHERWISE)), (simple, strings))


@function("JSON_QUERY_ARRAY, JSON_EXTRACT_ARRAY", _EMULATED, f"{_PAGE}json_query_array", "of a string", count=(1, 2))
def _query_array(c: Call) -> Said:
    path, said = _path(c), c.say(0)
    if path is None or said.kind == "JSON":
        return c.refuse(f"of JSON values, or {_UNREAD}")
    return Said(once(said.tree, lambda document: _parts_at(document, path)), "ARRAY<STRING>")


def _parts_at(document: exp.Expr, path: str) -> exp.Expr:
    is_array = exp.EQ(this=call("JSON_TYPE", document.copy(), text(path)), expression=text("ARRAY"))
    elements = cast(call("JSON_EXTRACT", document, text(path)), "JSON[]")
    strings = call("LIST_TRANSFORM", elements, _lambda(cast(exp.column("e"), "VARCHAR")))
    otherwise = exp.And(this=is_array.copy(), expression=_is_spelt_otherwise(document))
    return case((exp.Not(this=_is_valid(document)), exp.null()), (otherwise, fail(_OTHERWISE)), (is_array, strings))


def _lambda(tree: exp.Expr) -> exp.Expr:
    return exp.Lambda(this=tree, expressions=[exp.to_identifier("e")])


@function(
    "TO_JSON_STRING",
    _EMULATED,
    f"{_PAGE}to_json_string",
    "of whole numbers, strings, booleans, dates, arrays and structs of them",
)
def _to_json_string(c: Call) -> Said:
    value = c.tree(0)
    unlike = call(
        "REGEXP_MATCHES", call("TYPEOF", value.copy()), text("TIME|DECIMAL|DOUBLE|FLOAT|BLOB|INTERVAL|HUGEINT")
    )
    refused = fail("TO_JSON_STRING writes values of this type otherwise than DuckDB")
    json = cast(call("TO_JSON", value), "VARCHAR")
    return Said(case((unlike, refused), default=call("COALESCE", json, text("null"))), "STRING")
