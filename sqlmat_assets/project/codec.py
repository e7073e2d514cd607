"""Frozen values as JSON and back."""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

_Value = TypeVar("_Value")
_Decode = Callable[[Any], Any]


def encode(value: object) -> Any:
    """Give a value as JSON has it: dataclasses are lists of their fields, tuples are lists.

    Examples:
        >>> from sqlmat_assets.relation import Relation
        >>> encode((Relation("first", "cities"), 1))
        [['first', 'cities', None], 1]
    """
    if isinstance(value, tuple):
        return [encode(item) for item in value]  # pyright: ignore[reportUnknownVariableType] - of anything
    if is_dataclass(value):
        return [encode(getattr(value, name)) for name in _names(type(value))]
    return value


def decode(kind: type[_Value], row: Any) -> _Value:
    """Give back a dataclass from its list.

    Raises:
        TypeError: The list is none or has another count of fields.
        ValueError: A part of it has another count of items.
    """
    return _decoder(kind)(row)


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _decoder(kind: Any) -> _Decode:
    origin = get_origin(kind)
    if origin is tuple:
        return _tuple_decoder(get_args(kind))
    if origin in (Union, types.UnionType):
        inner = next(arg for arg in get_args(kind) if arg is not type(None))
        decode_inner = _decoder(inner)
        return lambda value: None if value is None else decode_inner(value)
    if is_dataclass(kind):
        return _dataclass_decoder(kind)
    return kind


def _tuple_decoder(args: tuple[Any, ...]) -> _Decode:
    if args[-1] is Ellipsis:
        each = _decoder(args[0])
        return lambda row: tuple(each(item) for item in row)
    decoders = [_decoder(arg) for arg in args]
    return lambda row: tuple(decode_one(item) for decode_one, item in zip(decoders, row, strict=True))


def _dataclass_decoder(kind: Any) -> _Decode:
    hints = get_type_hints(kind)
    decoders = [_decoder(hints[name]) for name in _names(kind)]
    return lambda row: kind(*[decode_one(item) for decode_one, item in zip(decoders, row, strict=True)])
