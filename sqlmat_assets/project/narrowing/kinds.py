"""The types of columns, as far as a range of time has to know them."""

from __future__ import annotations

import re
from enum import StrEnum

_PRECISION = re.compile(r"\([0-9]+\)")


class Kind(StrEnum):
    """What a column holds. A zoned moment shows another date in another time zone."""

    DATE = "date"
    TIMESTAMP = "timestamp"
    ZONED = "zoned"


_KINDS = {
    "date": Kind.DATE,
    "datetime": Kind.TIMESTAMP,
    "timestamp": Kind.TIMESTAMP,
    "timestamp without time zone": Kind.TIMESTAMP,
    "timestamp with time zone": Kind.ZONED,
    "timestamptz": Kind.ZONED,
}
_NAMES = {Kind.DATE: "date", Kind.TIMESTAMP: "timestamp", Kind.ZONED: "timestamptz"}
_BIGQUERY = {Kind.DATE: "date", Kind.TIMESTAMP: "datetime", Kind.ZONED: "timestamp"}


def normal_type(written: str) -> str:
    """A type's name in one spelling, for comparing; without the precision of moments.

    Examples:
        >>> normal_type("TIMESTAMP(3)  WITHOUT TIME ZONE"), normal_type("DECIMAL(10, 2)")
        ('timestamp without time zone', 'decimal(10, 2)')
    """
    lower = " ".join(written.lower().split())
    return " ".join(_PRECISION.sub("", lower).split()) if lower.startswith("timestamp") else lower


def kind_of(type_: str | None, dialect: str) -> Kind | None:
    """What a type holds; None for other types, and where it is not known."""
    if type_ is None:
        return None
    normal = normal_type(type_)
    return Kind.ZONED if dialect == "bigquery" and normal == "timestamp" else _KINDS.get(normal)


def type_name(kind: Kind, dialect: str) -> str:
    """The type that holds this."""
    return (_BIGQUERY if dialect == "bigquery" else _NAMES)[kind]
