"""Syntax trees of the queries that compare two tables inside the engine.

They use what every engine has: unions, groups, inner joins by `=`. Two values are the same where the engine puts them
into one group, so NULL is NULL and NaN is NaN; 0.0 is -0.0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from sqlglot import exp
from sqlglot.errors import SqlglotError

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.row_statements import column_of
from sqlmat_assets.warehouses.statements import column, identifier, named, table

Column = tuple[str, str]
"""A name, and a type in the engine's own words."""

BEFORE, AFTER = "before", "after"
_REMOVED, _ADDED = "removed", "added"
_OF_KEY = "of_key"
_SURPLUS, _PAIRS = "surplus", "pairs"


class _Family(Enum):
    """Types whose values engines compare with each other."""

    NUMBER = auto()
    TEXT = auto()
    MOMENT = auto()
    ZONED = auto()


_FAMILIES = (
    (_Family.NUMBER, exp.DataType.NUMERIC_TYPES),
    (_Family.TEXT, exp.DataType.TEXT_TYPES),
    (_Family.ZONED, {exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ}),
    (
        _Family.MOMENT,
        {
            exp.DType.DATE,
            exp.DType.DATETIME,
            exp.DType.TIMESTAMP,
            exp.DType.TIMESTAMPNTZ,
            exp.DType.TIMESTAMP_S,
            exp.DType.TIMESTAMP_MS,
            exp.DType.TIMESTAMP_NS,
        },
    ),
)


@dataclass(frozen=True, slots=True)
class SharedColumn:
    """A column that both tables have, as each of them has it."""

    before: Column
    after: Column

    @property
    def is_retyped(self) -> bool:
        return self.before[1] != self.after[1]

    def values(self, dialect: str) -> tuple[exp.Expr, exp.Expr]:
        """The column on each side, as values that the engine can compare."""
        values = column(self.before[0]), column(self.after[0])
        if not self.is_retyped:
            return values
        families = _family(self.before[1], dialect), _family(self.after[1], dialect)
        match families:
            case (_Family.ZONED, _Family.MOMENT):
                return _in_utc(values[0]), values[1]
            case (_Family.MOMENT, _Family.ZONED):
                return values[0], _in_utc(values[1])
            case (one, other) if one is other and one is not None:
                return values
            case _:
                return _as_text(values[0]), _as_text(values[1])


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two tables and the columns that both have: those of the key, and the others.

    Args:
        before: The one table.
        after: The other.
        key: What tells which row of the one is which of the other.
        others: What may differ between them.
        dialect: The SQL of the engine.
    """

    before: Relation
    after: Relation
    key: tuple[SharedColumn, ...]
    others: tuple[SharedColumn, ...]
    dialect: str

    def count_keys(self) -> exp.Select:
        """One row, first of the one table, then of the other: rows, repeated keys, their rows, rows with a NULL key."""
        keys = _names(0, len(self.key))
        groups = self._groups(keys).subquery(identifier("keys"))
        is_null = exp.or_(*(exp.Is(this=column(name), expression=exp.Null()) for name in keys))
        counts: list[exp.Expr] = []
        for side in (BEFORE, AFTER):
            is_repeated = exp.GT(this=column(side), expression=_number(1))
            counts += [
                _total(column(side)),
                _total(_when(is_repeated, _number(1))),
                _total(_when(is_repeated.copy(), column(side))),
                _total(_when(is_null.copy(), column(side))),
            ]
        return exp.select(*(named(count, f"count_{n}") for n, count in enumerate(counts))).from_(groups)

    def count_changes(self) -> exp.Select:
        """One row: in how many keys both tables agree, in how many of those rows anything differs, and each column.

        Only for keys that no table has twice, and that are never NULL.
        """
        differs = [self._differs(name) for name in self._other_names]
        totals = [exp.Count(this=exp.Star()), _total(_when(_any(differs), _number(1)))]
        totals += [_total(_when(each.copy(), _number(1))) for each in differs]
        counted = [named(total, f"count_{n}") for n, total in enumerate(totals)]
        return self._joined(exp.select(*counted))

    def sample_changes(self, limit: int) -> exp.Select:
        """Some rows that differ: the key, then of each other column its values before and after, and if they differ.

        For keys as in `count_changes`.
        """
        differs = _any([self._differs(name) for name in self._other_names])
        query = self._joined(exp.select(*_numbered(self._both_values()))).where(differs)
        return query.order_by(*(column_of(BEFORE, name) for name in self._key_names)).limit(limit)

    def sample_only(self, side: str, limit: int) -> exp.Select:
        """Some rows of one table whose key the other does not have, and that each is there once."""
        other = AFTER if side == BEFORE else BEFORE
        same = [exp.EQ(this=column_of(other, name), expression=column_of(side, name)) for name in self._key_names]
        elsewhere = exp.select("1").from_(self._source(other, self._key_names)).where(*same)
        shown = [column_of(side, name) for name in self._names]
        query = exp.select(*_numbered([*shown, _number(1)])).from_(self._source(side, self._names))
        query = query.where(exp.Not(this=exp.Exists(this=elsewhere)))
        return query.order_by(*(column_of(side, name) for name in self._key_names)).limit(limit)

    def count_surplus(self) -> exp.Select:
        """One row: how many rows only one table has, how many pairs by key are among them, how often columns differ.

        For any key, and for none: then there are no pairs.
        """
        surplus = exp.select(_total(column(_REMOVED)), _total(column(_ADDED))).from_(identifier(_SURPLUS))
        if not self.key:
            return self._with_surplus(surplus)
        totals: list[exp.Expr] = [
            exp.select(_total(column(name))).from_(identifier(_SURPLUS)).subquery() for name in (_REMOVED, _ADDED)
        ]
        totals.append(exp.Count(this=exp.Star()))
        totals += [_total(_when(self._differs(name), _number(1))) for name in self._other_names]
        return self._with_surplus(self._paired(exp.select(*_numbered(totals))))

    def sample_pairs(self, limit: int) -> exp.Select:
        """As `sample_changes`, for any keys: some of the rows that are a pair by their key."""
        query = self._paired(exp.select(*_numbered(self._both_values())))
        order = [column_of(BEFORE, name) for name in self._key_names]
        return self._with_surplus(query.order_by(*order).limit(limit))

    def sample_surplus(self, side: str, limit: int) -> exp.Select:
        """Some rows that only one of the tables has, or has more often, and that are no pair; how often comes last."""
        times = _REMOVED if side == BEFORE else _ADDED
        shown = [*map(column, self._names), column(times)]
        has_some = exp.GT(this=column(times), expression=_number(0))
        if not self.key:
            query = exp.select(*_numbered(shown)).from_(identifier(_SURPLUS)).where(has_some)
            return self._with_surplus(query.order_by(*map(column, self._names)).limit(limit))
        of_key = [
            named(
                exp.Window(this=exp.Sum(this=column(name)), partition_by=[column(key) for key in self._key_names]),
                f"{name}_{_OF_KEY}",
            )
            for name in (_REMOVED, _ADDED)
        ]
        inner = exp.select(exp.Star(), *of_key).from_(identifier(_SURPLUS)).subquery(identifier("placed"))
        is_pair = _is_pair(f"{_REMOVED}_{_OF_KEY}", f"{_ADDED}_{_OF_KEY}")
        query = exp.select(*_numbered(shown)).from_(inner).where(has_some, exp.Not(this=exp.paren(is_pair)))
        return self._with_surplus(query.order_by(*map(column, self._names)).limit(limit))

    @property
    def _names(self) -> list[str]:
        return _names(0, len(self.key) + len(self.others))

    @property
    def _key_names(self) -> list[str]:
        return _names(0, len(self.key))

    @property
    def _other_names(self) -> list[str]:
        return _names(len(self.key), len(self.key) + len(self.others))

    def _values(self, side: str, names: Sequence[str]) -> list[exp.Expr]:
        """Columns of one table under names of their own, which no spelling and no word of the engine disturbs."""
        shared = dict(zip(self._names, (*self.key, *self.others), strict=True))
        return [named(shared[name].values(self.dialect)[side == AFTER], name) for name in names]

    def _source(self, side: str, names: Sequence[str]) -> exp.Expr:
        relation = self.before if side == BEFORE else self.after
        return exp.select(*self._values(side, names)).from_(table(relation)).subquery(identifier(side))

    def _joined(self, query: exp.Select) -> exp.Select:
        names = self._names
        same = [exp.EQ(this=column_of(BEFORE, name), expression=column_of(AFTER, name)) for name in self._key_names]
        return query.from_(self._source(BEFORE, names)).join(self._source(AFTER, names), on=exp.and_(*same))

    def _differs(self, name: str) -> exp.Expr:
        return _differ(column_of(BEFORE, name), column_of(AFTER, name))

    def _groups(self, names: Sequence[str]) -> exp.Select:
        """Each different row of some columns, and how often either table has it."""
        sides = [
            exp.select(
                *self._values(side, names),
                named(_number(int(side == BEFORE)), BEFORE),
                named(_number(int(side == AFTER)), AFTER),
            ).from_(table(relation))
            for side, relation in ((BEFORE, self.before), (AFTER, self.after))
        ]
        both = exp.union(*sides, distinct=False).subquery(identifier("both"))
        totals = [named(exp.Sum(this=column(side)), side) for side in (BEFORE, AFTER)]
        return exp.select(*map(column, names), *totals).from_(both).group_by(*map(column, names))

    def _surplus(self) -> exp.Select:
        """Each different row that one table has more often, and how much more often."""
        groups = self._groups(self._names).having(
            exp.NEQ(this=exp.Sum(this=column(BEFORE)), expression=exp.Sum(this=column(AFTER)))
        )
        totals = [
            named(_surplus_of(BEFORE, AFTER), _REMOVED),
            named(_surplus_of(AFTER, BEFORE), _ADDED),
        ]
        return exp.select(*map(column, self._names), *totals).from_(groups.subquery(identifier("differing")))

    def _with_surplus(self, query: exp.Select) -> exp.Select:
        return query.with_(identifier(_SURPLUS), self._surplus())

    def _paired(self, query: exp.Select) -> exp.Select:
        """A query on the pairs: of a key, each table has one row that the other has not."""
        keys = [*map(column, self._key_names)]
        is_one = [exp.EQ(this=exp.Sum(this=column(name)), expression=_number(1)) for name in (_REMOVED, _ADDED)]
        pairs = exp.select(*keys).from_(identifier(_SURPLUS)).group_by(*keys).having(*is_one)
        query = query.from_(pairs.subquery(identifier(_PAIRS)))
        for side, times in ((BEFORE, _REMOVED), (AFTER, _ADDED)):
            # NULL is a key as well here, and joined by one.
            same = [
                exp.NullSafeEQ(this=column_of(side, name), expression=column_of(_PAIRS, name))
                for name in self._key_names
            ]
            has_some = exp.GT(this=column_of(side, times), expression=_number(0))
            surplus = exp.alias_(exp.Table(this=identifier(_SURPLUS)), side, table=True, quoted=True)
            query = query.join(surplus, on=exp.and_(*same, has_some))
        return query

    def _both_values(self) -> list[exp.Expr]:
        shown: list[exp.Expr] = [column_of(BEFORE, name) for name in self._key_names]
        for name in self._other_names:
            shown += [column_of(BEFORE, name), column_of(AFTER, name), _when(self._differs(name), _number(1))]
        return shown


def _family(kind: str, dialect: str) -> _Family | None:
    try:
        parsed = exp.DataType.build(kind, dialect=dialect).this
    except (SqlglotError, ValueError):
        return None
    return next((family for family, types in _FAMILIES if parsed in types), None)


def _in_utc(value: exp.Expr) -> exp.Expr:
    return exp.AtTimeZone(this=value, zone=exp.Literal.string("UTC"))


def _as_text(value: exp.Expr) -> exp.Expr:
    return exp.Cast(this=value, to=exp.DataType(this=exp.DType.VARCHAR))


def _names(start: int, end: int) -> list[str]:
    return [f"c{number}" for number in range(start, end)]


def _numbered(values: Sequence[exp.Expr]) -> Iterator[exp.Expr]:
    """Values under names that no two of them share."""
    return (named(value, f"value_{number}") for number, value in enumerate(values))


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value)


def _when(condition: exp.Expr, value: exp.Expr) -> exp.Case:
    return exp.Case(ifs=[exp.If(this=condition, true=value)], default=_number(0))


def _total(value: exp.Expr) -> exp.Expr:
    return exp.Coalesce(this=exp.Sum(this=value), expressions=[_number(0)])


def _any(conditions: Sequence[exp.Expr]) -> exp.Expr:
    return exp.or_(*conditions) if conditions else exp.false()


def _differ(one: exp.Expr, other: exp.Expr) -> exp.Expr:
    """Two values are not the same: written so that it is never NULL, also where there is no `IS DISTINCT FROM`."""
    is_null = [exp.Is(this=each.copy(), expression=exp.Null()) for each in (one, other)]
    same = exp.or_(exp.EQ(this=one, expression=other), exp.and_(*is_null))
    return exp.EQ(this=_when(same, _number(1)), expression=_number(0))


def _surplus_of(one: str, other: str) -> exp.Expr:
    is_more = exp.GT(this=column(one), expression=column(other))
    return _when(is_more, exp.Sub(this=column(one), expression=column(other)))


def _is_pair(removed: str, added: str) -> exp.Expr:
    """Of a key, each table has one row that the other has not: it is one row, before and after."""
    return exp.and_(*(exp.EQ(this=column(name), expression=_number(1)) for name in (removed, added)))
