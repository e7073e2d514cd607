"""Which parentheses of a statement surely change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from sqlglot.tokenizer_core import Token, TokenType

# Where an expression begins anew, and where one ends.
_OPENS = frozenset(
    {
        TokenType.SELECT,
        TokenType.WHERE,
        TokenType.HAVING,
        TokenType.QUALIFY,
        TokenType.ON,
        TokenType.CASE,
        TokenType.WHEN,
        TokenType.THEN,
        TokenType.ELSE,
    }
)
_CLOSES = frozenset(
    {
        TokenType.COMMA,
        TokenType.R_PAREN,
        TokenType.ALIAS,
        TokenType.FROM,
        TokenType.WHERE,
        TokenType.GROUP_BY,
        TokenType.HAVING,
        TokenType.QUALIFY,
        TokenType.ORDER_BY,
        TokenType.LIMIT,
        TokenType.UNION,
        TokenType.WHEN,
        TokenType.THEN,
        TokenType.ELSE,
        TokenType.END,
        TokenType.JOIN,
        TokenType.LEFT,
        TokenType.RIGHT,
        TokenType.FULL,
        TokenType.INNER,
        TokenType.CROSS,
    }
)
_CLAUSES = frozenset(
    {
        TokenType.SELECT,
        TokenType.FROM,
        TokenType.JOIN,
        TokenType.ON,
        TokenType.WHERE,
        TokenType.GROUP_BY,
        TokenType.HAVING,
        TokenType.QUALIFY,
        TokenType.ORDER_BY,
        TokenType.LIMIT,
        TokenType.WINDOW,
        TokenType.WITH,
    }
)
# On the order of these all four engines and sqlglot agree, and on little else: `||`, `^`, `%`, NOT, IS, LIKE differ.
_BINDING = {
    TokenType.OR: 1,
    TokenType.AND: 2,
    TokenType.EQ: 4,
    TokenType.NEQ: 4,
    TokenType.LT: 4,
    TokenType.LTE: 4,
    TokenType.GT: 4,
    TokenType.GTE: 4,
    TokenType.PLUS: 5,
    TokenType.DASH: 5,
    TokenType.STAR: 6,
    TokenType.SLASH: 6,
}
# Everything else binds tighter than AND, and nobody knows how tight.
_OTHERS = 3
_COMPARES = 4
_TIGHTEST = 9
_WORDS = frozenset({TokenType.VAR, TokenType.IDENTIFIER})
_OPERANDS = _WORDS | {TokenType.NUMBER, TokenType.STRING, TokenType.NULL, TokenType.TRUE, TokenType.FALSE}
# Beside these a name, a literal or a call needs no parentheses of its own.
_OPERATORS_BEFORE = frozenset({TokenType.NOT, TokenType.LIKE, TokenType.ILIKE, TokenType.DPIPE, TokenType.BETWEEN})
_OPERATORS_AFTER = frozenset(
    {
        TokenType.NOT,
        TokenType.LIKE,
        TokenType.ILIKE,
        TokenType.DPIPE,
        TokenType.BETWEEN,
        TokenType.IN,
        TokenType.IS,
        TokenType.DCOLON,
        TokenType.AND,
        TokenType.LT,
        TokenType.GT,
    }
)
# What an expression may hold besides; anything else is left as it is written.
_INSIDE = frozenset(
    {
        TokenType.NOT,
        TokenType.LIKE,
        TokenType.ILIKE,
        TokenType.DPIPE,
        TokenType.BETWEEN,
        TokenType.IN,
        TokenType.IS,
        TokenType.DCOLON,
        TokenType.CASE,
        TokenType.WHEN,
        TokenType.THEN,
        TokenType.ELSE,
        TokenType.END,
        TokenType.MOD,
    }
)
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE})


class _Kind(Enum):
    """What a pair of brackets is for."""

    CALL = auto()
    GROUP = auto()
    OTHER = auto()


@dataclass(slots=True)
class _Level:
    """What is inside of one pair, as far as it was read; `binding` is that of the loosest operator in it."""

    start: int
    kind: _Kind
    clause: TokenType | None = None
    binding: int = _TIGHTEST
    betweens: int = 0
    is_plain: bool = True
    is_empty: bool = True
    after_operand: bool = False


def redundant_brackets(tokens: Sequence[Token]) -> frozenset[int]:
    """Give the places of the tokens that are needless parentheses.

    Those around a whole item, condition or argument, around a name, a literal or a call, doubled ones, and those that
    only say what binds tighter among OR, AND, comparisons and the four operations. Where there is a doubt
    they are not needless.
    """
    return _Reading(tokens).read()


class _Reading:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._levels = [_Level(-1, _Kind.OTHER)]
        self._bindings: dict[int, int] = {}
        self._pairs: dict[int, int] = {}
        self._found: set[int] = set()

    def read(self) -> frozenset[int]:
        for index, token in enumerate(self._tokens):
            if token.token_type in _OPENING:
                self._levels.append(_Level(index, self._kind(index)))
            elif token.token_type in _CLOSING:
                if len(self._levels) == 1:
                    return frozenset()
                self._close(self._levels.pop(), index)
            else:
                self._add(self._levels[-1], index)
        if len(self._levels) > 1:
            return frozenset()
        self._add_outermost()
        return frozenset(self._found)

    def _add_outermost(self) -> None:
        """Add those around the whole statement."""
        start, end = 0, len(self._tokens) - 1
        while start < end and self._pairs.get(start) == end:
            self._found |= {start, end}
            start, end = start + 1, end - 1

    def _type(self, index: int) -> TokenType | None:
        return self._tokens[index].token_type if 0 <= index < len(self._tokens) else None

    def _kind(self, index: int) -> _Kind:
        if self._type(index) is not TokenType.L_PAREN:
            return _Kind.OTHER
        if self._type(index - 1) in _WORDS:
            return _Kind.CALL
        level = self._levels[-1]
        is_grouping = index - 1 in self._bindings or self._is_slot_before(index, level)
        return _Kind.GROUP if is_grouping or self._type(index - 1) in _OPERATORS_BEFORE else _Kind.OTHER

    def _add(self, level: _Level, index: int) -> None:
        kind = self._tokens[index].token_type
        level.is_empty = False
        if kind in _CLAUSES:
            level.clause = kind
        if kind in _BINDING and level.after_operand:
            if kind is TokenType.AND and level.betweens:
                level.betweens -= 1
                level.binding = min(level.binding, _OTHERS)
            else:
                self._bindings[index] = _BINDING[kind]
                level.binding = min(level.binding, _BINDING[kind])
            level.after_operand = False
        elif kind in _OPERANDS or self._type(index - 1) is TokenType.DCOLON:
            level.is_plain = level.is_plain and not level.after_operand
            level.after_operand = True
        elif kind is TokenType.DOT:
            level.is_plain = level.is_plain and level.after_operand
            level.after_operand = False
        else:
            level.betweens += kind is TokenType.BETWEEN
            # A sign before a number or a name, and every word in between.
            level.is_plain = level.is_plain and (kind in _INSIDE or kind is TokenType.DASH)
            level.binding = min(level.binding, _OTHERS)
            level.after_operand = kind is TokenType.END

    def _close(self, inner: _Level, end: int) -> None:
        outer = self._levels[-1]
        self._pairs[inner.start] = end
        is_call = inner.kind is _Kind.CALL
        if self._is_needless(inner, outer, end):
            self._found |= {inner.start, end}
            outer.binding = min(outer.binding, inner.binding)
        elif not is_call:
            outer.is_plain = outer.is_plain and not outer.after_operand
        outer.is_empty = False
        outer.after_operand = True

    def _is_needless(self, inner: _Level, outer: _Level, end: int) -> bool:
        """Whether what stands around a pair leaves its inside together without it."""
        is_list = inner.is_empty or not inner.is_plain or inner.clause is not None
        if inner.kind is not _Kind.GROUP or is_list or not inner.after_operand:
            return False
        return self._allows_before(inner, outer) and self._allows_after(inner, outer, end)

    def _allows_before(self, inner: _Level, outer: _Level) -> bool:
        before = inner.start - 1
        if before in self._bindings:
            return inner.binding > self._bindings[before]
        if self._is_slot_before(inner.start, outer):
            return True
        return inner.binding == _TIGHTEST

    def _is_slot_before(self, start: int, outer: _Level) -> bool:
        before = self._type(start - 1)
        if before in _OPENS:
            # `DISTINCT ON (a)` needs them.
            return before is not TokenType.ON or self._type(start - 2) is not TokenType.DISTINCT
        if before is TokenType.COMMA:
            is_argument = outer.clause is None and outer.kind is _Kind.CALL
            return outer.clause is TokenType.SELECT or is_argument
        if before is TokenType.L_PAREN:
            return outer.clause is None and outer.kind is not _Kind.OTHER
        return False

    def _allows_after(self, inner: _Level, outer: _Level, end: int) -> bool:
        after = self._type(end + 1)
        if after is None or after in _CLOSES:
            return True
        is_between = after is TokenType.AND and outer.betweens > 0
        # `<<` comes as two.
        is_one = self._type(end + 2) not in _BINDING
        if after in _BINDING and is_one and not is_between:
            binding = _BINDING[after]
            # Comparisons do not chain alike everywhere.
            return inner.binding > binding or (inner.binding == binding and binding != _COMPARES)
        if after in _WORDS and outer.clause is TokenType.SELECT:
            behind = self._type(end + 2)
            return behind is None or behind in _CLOSES
        return inner.binding == _TIGHTEST and after in _OPERATORS_AFTER
