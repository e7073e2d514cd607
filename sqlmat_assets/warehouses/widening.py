"""Types that hold all values of two others, so that none of them loses anything."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

_TYPE = exp.DataType.Type
_SIGNED = {_TYPE.TINYINT: 8, _TYPE.SMALLINT: 16, _TYPE.INT: 32, _TYPE.BIGINT: 64, _TYPE.INT128: 128}
_UNSIGNED = {_TYPE.UTINYINT: 8, _TYPE.USMALLINT: 16, _TYPE.UINT: 32, _TYPE.UBIGINT: 64, _TYPE.UINT128: 128}
# So many bits of a whole number each of them holds exactly.
_FLOATS = {_TYPE.FLOAT: 24, _TYPE.DOUBLE: 53}
_TEXTS = frozenset({_TYPE.TEXT, _TYPE.VARCHAR, _TYPE.NVARCHAR})
_MOST_DIGITS = 38


def wider(one: str, other: str, dialect: str) -> str | None:
    """The type that holds every value of two types exactly: one of them, or another number; None where there is none.

    Args:
        one: A type in the engine's own words.
        other: Another.
        dialect: The engine's.

    Examples:
        >>> wider("INTEGER", "BIGINT", "duckdb"), wider("DOUBLE", "INTEGER", "duckdb")
        ('BIGINT', 'DOUBLE')
        >>> wider("DECIMAL(10,2)", "DECIMAL(9,4)", "duckdb"), wider("BIGINT", "UBIGINT", "duckdb")
        ('DECIMAL(12, 4)', 'INT128')
        >>> wider("BIGINT", "DOUBLE", "duckdb"), wider("VARCHAR", "INTEGER", "duckdb")
        (None, None)
        >>> wider("character varying(20)", "character varying(10)", "redshift")
        'character varying(20)'
    """
    if one == other:
        return one
    first, second = _read(one, dialect), _read(other, dialect)
    if first is None or second is None:
        return None
    if _holds(first, second):
        return one
    if _holds(second, first):
        return other
    both = _wider_number(first, second)
    return None if both is None else both.sql(dialect)


def longer_text(one: str, other: str, dialect: str) -> str | None:
    """The other type, where both are texts and it has room for more than the one.

    Examples:
        >>> longer_text("character varying(5)", "character varying(20)", "redshift")
        'character varying(20)'
        >>> longer_text("character varying(5)", "character varying(3)", "redshift")
        >>> longer_text("character(3)", "character varying(20)", "redshift")
    """
    types = _read(one, dialect), _read(other, dialect)
    if types[0] is None or types[1] is None or not {types[0].this, types[1].this} <= _TEXTS:
        return None
    return None if _holds(types[0], types[1]) else other


def are_alike(one: str, other: str, dialect: str) -> bool:
    """Whether two types are the same but for the length of a text, and for sizes that only one of them tells.

    Examples:
        >>> are_alike("character varying(5)", "character varying(65535)", "redshift")
        True
        >>> are_alike("numeric(38,2)", "numeric", "redshift"), are_alike("numeric(9,2)", "numeric(9,3)", "redshift")
        (True, False)
        >>> are_alike("character(3)", "character varying(3)", "redshift")
        False
    """
    if one == other:
        return True
    types = _read(one, dialect), _read(other, dialect)
    if types[0] is None or types[1] is None or types[0].this != types[1].this:
        return False
    sizes = _sizes(types[0]), _sizes(types[1])
    return types[0].this in _TEXTS or sizes[0] == sizes[1] or not all(sizes)


def _read(type_: str, dialect: str) -> exp.DataType | None:
    try:
        return exp.DataType.build(type_, dialect=dialect)
    except SqlglotError:
        return None


def _holds(wide: exp.DataType, narrow: exp.DataType) -> bool:
    if wide.this in _TEXTS and narrow.this in _TEXTS:
        longest, length = _sizes(wide), _sizes(narrow)
        return not longest or (bool(length) and longest[0] >= length[0])
    if wide.this in _FLOATS:
        if narrow.this in _FLOATS:
            return _FLOATS[wide.this] >= _FLOATS[narrow.this]
        bits = _bits(narrow)
        return bits is not None and bits <= _FLOATS[wide.this]
    digits, own = _digits(narrow), _digits(wide)
    if wide.this == _TYPE.DECIMAL:
        return digits is not None and own is not None and own[0] >= digits[0] and own[1] >= digits[1]
    return _holds_whole(wide, narrow)


def _holds_whole(wide: exp.DataType, narrow: exp.DataType) -> bool:
    if narrow.this in _UNSIGNED:
        if wide.this in _SIGNED:
            return _SIGNED[wide.this] > _UNSIGNED[narrow.this]
        return _UNSIGNED.get(wide.this, 0) >= _UNSIGNED[narrow.this]
    return narrow.this in _SIGNED and _SIGNED.get(wide.this, 0) >= _SIGNED[narrow.this]


def _wider_number(one: exp.DataType, other: exp.DataType) -> exp.DataType | None:
    if {one.this, other.this} <= _SIGNED.keys() | _UNSIGNED.keys():
        fitting = (exp.DataType(this=kind) for kind in _SIGNED)
        return next((wide for wide in fitting if _holds_whole(wide, one) and _holds_whole(wide, other)), None)
    digits = _digits(one), _digits(other)
    if digits[0] is None or digits[1] is None:
        return None
    whole, scale = max(digits[0][0], digits[1][0]), max(digits[0][1], digits[1][1])
    if whole + scale > _MOST_DIGITS:
        return None
    return exp.DataType(
        this=_TYPE.DECIMAL,
        expressions=[exp.DataTypeParam(this=exp.Literal.number(number)) for number in (whole + scale, scale)],
    )


def _bits(type_: exp.DataType) -> int | None:
    """How many bits the greatest whole number of a type has, or of a decimal one without a fraction."""
    return _SIGNED.get(type_.this, _UNSIGNED.get(type_.this))


def _digits(type_: exp.DataType) -> tuple[int, int] | None:
    """How many digits a number may have before and behind the point; None of others, and where it is not said."""
    bits = _bits(type_)
    if bits is not None:
        return len(str(2 ** (bits - (type_.this in _SIGNED)))), 0
    sizes = _sizes(type_) if type_.this == _TYPE.DECIMAL else ()
    return (sizes[0] - sizes[1], sizes[1]) if len(sizes) == 2 else None


def _sizes(type_: exp.DataType) -> tuple[int, ...]:
    """The numbers in the brackets of a type."""
    return tuple(int(each.name) for each in type_.expressions if each.name.isdigit())
