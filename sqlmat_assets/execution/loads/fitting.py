"""Which columns of a database go into which declared types without anything being lost on the way."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from enum import StrEnum

from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlmat_assets.connectors.databases import Kind, SourceColumn
from sqlmat_assets.errors import SourceError
from sqlmat_assets.errors import sources as wording
from sqlmat_assets.project.loads import LoadColumn
from sqlmat_assets.warehouses.base import Capabilities


class _Family(StrEnum):
    INTEGER = "integer"
    DECIMAL = "decimal"
    FLOAT = "float"
    BOOLEAN = "boolean"
    TEXT = "text"
    JSON = "json"
    NESTED = "nested"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    MOMENT = "moment"
    OTHER = "other"


_T = exp.DataType.Type
_FAMILIES = {
    **dict.fromkeys(exp.DataType.INTEGER_TYPES, _Family.INTEGER),
    **dict.fromkeys((_T.DECIMAL, _T.BIGDECIMAL, _T.MONEY), _Family.DECIMAL),
    **dict.fromkeys((_T.DOUBLE, _T.FLOAT), _Family.FLOAT),
    **dict.fromkeys(exp.DataType.TEXT_TYPES, _Family.TEXT),
    **dict.fromkeys((_T.JSON, _T.JSONB, _T.SUPER, _T.VARIANT), _Family.JSON),
    **dict.fromkeys((_T.ARRAY, _T.LIST, _T.STRUCT, _T.MAP), _Family.NESTED),
    **dict.fromkeys((_T.BINARY, _T.VARBINARY, _T.BLOB), _Family.BYTES),
    **dict.fromkeys((_T.DATE, _T.DATE32), _Family.DATE),
    _T.BOOLEAN: _Family.BOOLEAN,
    _T.TIME: _Family.TIME,
    **dict.fromkeys((_T.TIMESTAMP, _T.TIMESTAMPNTZ, _T.DATETIME), _Family.TIMESTAMP),
    **dict.fromkeys((_T.TIMESTAMPTZ, _T.TIMESTAMPLTZ), _Family.MOMENT),
}
# Values of other types are found out by the engine, which refuses those that it cannot read.
_FITS = {
    Kind.INTEGER: {_Family.INTEGER, _Family.DECIMAL, _Family.FLOAT, _Family.TEXT},
    Kind.DECIMAL: {_Family.DECIMAL, _Family.INTEGER, _Family.FLOAT, _Family.TEXT},
    Kind.FLOAT: {_Family.FLOAT, _Family.TEXT},
    Kind.BOOLEAN: {_Family.BOOLEAN, _Family.TEXT},
    Kind.TEXT: {_Family.TEXT, _Family.JSON, _Family.OTHER},
    Kind.JSON: {_Family.JSON, _Family.TEXT},
    Kind.ARRAY: {_Family.NESTED, _Family.JSON, _Family.TEXT},
    Kind.BYTES: {_Family.BYTES},
    Kind.DATE: {_Family.DATE, _Family.TEXT},
    Kind.TIME: {_Family.TIME, _Family.TEXT},
    Kind.TIMESTAMP: {_Family.TIMESTAMP, _Family.TEXT},
    Kind.MOMENT: {_Family.MOMENT, _Family.TEXT},
    Kind.OTHER: set[_Family](),
}
_HINTS = {
    Kind.MOMENT: "declare a type with a time zone, or choose the zone in a `query`",
    Kind.TIMESTAMP: "declare a type without a time zone, or say in a `query` which zone it is",
    Kind.ARRAY: "declare `json`, or take them apart in a `query`",
    Kind.DECIMAL: "declare as many digits behind the point, or round it in a `query`",
}
_HINT = "declare another type, or convert it in a `query`"


def match_columns(
    label: str,
    columns: Sequence[LoadColumn],
    types: Sequence[str],
    found: Sequence[SourceColumn],
    capabilities: Capabilities,
) -> tuple[SourceColumn, ...]:
    """The columns of a database for those that are declared.

    Args:
        label: The database.
        columns: What is declared.
        types: Their types as the engine calls them.
        found: What the database has.
        capabilities: Those of the engine.

    Raises:
        SourceError: One is missing, or does not go into its type.
    """
    matched: list[SourceColumn] = []
    for column, type_ in zip(columns, types, strict=True):
        source = _find(label, column.path[0] if column.path else column.name, found)
        error = _refuse(label, source, type_, capabilities)
        if error is not None:
            raise error
        matched.append(source)
    return tuple(matched)


def scale_of(type_: str, capabilities: Capabilities) -> int | None:
    """How many digits a declared type has behind the point; None where it is none of decimal or whole numbers."""
    family, kind = _family(type_, capabilities.dialect)
    if family is _Family.INTEGER:
        return 0
    if family is not _Family.DECIMAL or kind is None:
        return None
    sizes = [int(each.name) for each in kind.expressions if each.name.isdigit()]
    if sizes:
        return sizes[1] if len(sizes) > 1 else 0
    return capabilities.wide_decimal_scale if kind.this == _T.BIGDECIMAL else capabilities.decimal_scale


def _find(label: str, name: str, found: Sequence[SourceColumn]) -> SourceColumn:
    for each in found:
        if each.name == name:
            return each
    alike = [each for each in found if each.name.lower() == name.lower()]
    if len(alike) == 1:
        return alike[0]
    near = get_close_matches(name, [each.name for each in found], n=1)
    raise wording.no_such_column(label, name, near[0] if near else None)


def _refuse(label: str, source: SourceColumn, type_: str, capabilities: Capabilities) -> SourceError | None:
    if source.kind is Kind.OTHER:
        return wording.no_counterpart(label, source.name, source.type)
    family, _ = _family(type_, capabilities.dialect)
    fits = family in _FITS[source.kind] or (family is _Family.BOOLEAN and source.may_be_boolean)
    if family is _Family.NESTED and not capabilities.loads_arrays:
        fits = False
    scale = scale_of(type_, capabilities)
    if fits and not (source.scale is not None and scale is not None and source.scale > scale):
        return None
    hint = _HINTS.get(source.kind, _HINT)
    return wording.does_not_fit(label, source.name, source.type, source.kind.value, type_, hint)


def _family(type_: str, dialect: str) -> tuple[_Family, exp.DataType | None]:
    try:
        kind = exp.DataType.build(type_, dialect=dialect)
    except (SqlglotError, ValueError):
        return _Family.OTHER, None
    return _FAMILIES.get(kind.this, _Family.OTHER), kind
