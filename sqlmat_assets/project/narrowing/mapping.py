"""Which partitions of the tables that it reads a partition of a table needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlglot import exp

from sqlmat_assets.project.narrowing import obstacles
from sqlmat_assets.project.narrowing.markers import END, HIDDEN, find_markers, hide_markers
from sqlmat_assets.project.narrowing.narrow import narrow
from sqlmat_assets.project.narrowing.sources import Env, Reader, Source, Tables
from sqlmat_assets.project.narrowing.steps import read_interval
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.project.partitions.spec import Partitioning, TimePartitioning
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, find_references
from sqlmat_assets.project.syntax import read_syntax
from sqlmat_assets.relation import Relation

_NONE = timedelta(0)
_DAY = timedelta(days=1)
# The shortest that there are: an offset that is one too long reads too much, one too short reads too little.
_SHORTEST = {Grain.HOUR: timedelta(hours=1), Grain.DAY: _DAY, Grain.WEEK: 7 * _DAY, Grain.MONTH: 28 * _DAY}
# So many neighbours in time show whether the distance is the same for all: days of a week, months of a year.
_PROBES = 14


@dataclass(frozen=True, slots=True)
class Window:
    """How much more than its own time a partition reads of a table: `before` its start, `after` its end."""

    before: timedelta = _NONE
    after: timedelta = _NONE

    def hull(self, other: Window) -> Window:
        """What holds both."""
        return Window(max(self.before, other.before), max(self.after, other.after))

    def offsets(self, grain: Grain) -> tuple[int, int]:
        """The same in whole partitions of the reader: `start_offset` and `end_offset` of Dagster's mapping of windows.

        Examples:
            >>> [Window(before=timedelta(days=7)).offsets(grain) for grain in (Grain.DAY, Grain.MONTH)]
            [(-7, 0), (-1, 0)]
        """
        return -_ceil(self.before, _SHORTEST[grain]), _ceil(self.after, _SHORTEST[grain])

    def reads(self, range_: TimeRange, upstream: TimePartitioning) -> TimeRange | None:
        """The partitions of the other table that a range of the reader's needs; None where there are none.

        Args:
            range_: Some of the reader's partitions.
            upstream: The other table's partitions, of any grain.
        """
        start = max(upstream.grain.floor(range_.start - self.before), upstream.start)
        end = upstream.grain.ceil(range_.end + self.after)
        if upstream.end is not None:
            end = min(end, upstream.end)
        return TimeRange(start, end) if start < end else None


def _ceil(length: timedelta, unit: timedelta) -> int:
    return -(-length // unit)


def windows(
    sql: str, names: Names, own: Partitioning, upstream: Mapping[Relation, Partitioning | None], tables: Tables
) -> dict[Relation, Window | None]:
    """Derive from a query what each of its partitions reads.

    Args:
        sql: The query of a partitioned table.
        names: How names are told apart.
        own: The table's partitions.
        upstream: The partitions of the tables that it reads, by their folded names; None for one without.
        tables: What is known of their columns.

    Returns:
        For each table the window; None where all of the table is read, or where nothing else can be derived.
    """
    found: dict[Relation, Window | None] = dict.fromkeys(upstream)
    if not isinstance(own, TimePartitioning):
        return found
    timed = {name: parts for name, parts in upstream.items() if isinstance(parts, TimePartitioning)}
    is_marked = any(marker.is_known for marker in find_markers(sql, names.dialect))
    readings = _marked(sql, names, timed, tables) if is_marked else _narrowed(sql, names, own, timed, tables)
    return found | readings


# A query that is narrowed


def _narrowed(
    sql: str, names: Names, own: TimePartitioning, upstream: Mapping[Relation, TimePartitioning], tables: Tables
) -> dict[Relation, Window | None]:
    """Compare what is asked of the tables with the range, for a few partitions."""
    count = {relation: _count(sql, names, relation) for relation in upstream}
    probes: dict[Relation, set[Window | None]] = {relation: set() for relation in upstream}
    start = own.start
    for _ in range(_PROBES):
        range_ = TimeRange(start, own.grain.step(start))
        start = range_.end
        narrowed = narrow(sql, names, own, range_, tables).tables
        for relation, parts in upstream.items():
            mine = [each for each in narrowed if each.relation == relation]
            is_all = len(mine) < count[relation] or any(each.column != _folded(parts, names) for each in mine)
            asked = [each.demand for each in mine if isinstance(each.demand, TimeRange)]
            probes[relation].add(None if is_all else _around(range_, asked))
    # Where it is not the same for all, it is a unit that the partitions are not made of.
    return {relation: next(iter(found)) if len(found) == 1 else None for relation, found in probes.items()}


def _around(range_: TimeRange, asked: list[TimeRange]) -> Window:
    window = Window()
    for each in asked:
        window = window.hull(Window(max(range_.start - each.start, _NONE), max(each.end - range_.end, _NONE)))
    return window


def _count(sql: str, names: Names, relation: Relation) -> int:
    """How often a table is read."""
    trees = [statement.tree for statement in read_syntax(sql, names.dialect, Positions(sql)).statements]
    return sum(
        names.identity(reference.parts, reference.quoted) == relation
        for tree in trees
        if tree is not None
        for reference in find_references(tree, names.dialect, Positions(sql))
    )


def _folded(parts: Partitioning, names: Names) -> str:
    return Reader("", [], names, Tables()).fold_name(parts.column)


# A query that names the bounds


def _marked(
    sql: str, names: Names, upstream: Mapping[Relation, TimePartitioning], tables: Tables
) -> dict[Relation, Window | None]:
    """Look for conditions that compare a table's partitioned column with the bounds."""
    text = hide_markers(sql, names.dialect)
    statements = read_syntax(text, names.dialect, Positions(text)).statements
    tree = statements[0].tree if len(statements) == 1 else None
    found: dict[Relation, Window | None] = dict.fromkeys(upstream)
    if tree is None:
        return found
    reader = Reader(text, statements[0].tokens, names, tables)
    readings: dict[Relation, list[Window | None]] = {relation: [] for relation in upstream}
    for select, env in _selects(tree, reader, {}):
        for source in reader.sources(select, env):
            relation = None if source.table is None else names.identity(source.table.parts, source.table.quoted)
            if relation is not None and relation in upstream:
                readings[relation].append(_window(reader, select, env, source, _folded(upstream[relation], names)))
    for relation, each in readings.items():
        windows = [window for window in each if window is not None]
        if each and len(windows) == len(each) == _count(text, names, relation):
            whole = windows[0]
            for window in windows[1:]:
                whole = whole.hull(window)
            found[relation] = whole
    return found


def _selects(node: exp.Expr, reader: Reader, env: Env) -> Iterator[tuple[exp.Select, Env]]:
    """Every SELECT with the names that it sees."""
    inner = reader.enter(node, env)
    if isinstance(node, exp.Select):
        yield node, inner
    for key, value in node.args.items():
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, exp.Expr):
                continue
            if key == "with_":
                for cte in child.expressions:
                    own = inner.get(reader.fold(cte.args["alias"].this)) if cte.args.get("alias") else None
                    yield from _selects(cte.this, reader, own.env if own is not None else inner)
            else:
                yield from _selects(child, reader, inner)


def _window(reader: Reader, select: exp.Select, env: Env, source: Source, column: str) -> Window | None:
    """What the conditions of one SELECT leave of a table; None where they do not bound it on both sides."""
    if obstacles.before_source(select, source, reader) is not None:
        return None
    lowest: list[timedelta] = []
    highest: list[timedelta] = []
    for comparison in _comparisons(select):
        mine, bound = comparison.this, comparison.expression
        is_mine = isinstance(mine, exp.Column) and reader.fold(mine.this) == column
        if not is_mine or reader.resolve(mine, select, env) is not source:
            continue
        shift = _shift(bound)
        if shift is None:
            continue
        if isinstance(comparison, (exp.GTE, exp.GT, exp.EQ)):
            lowest.append(max(-shift, _NONE))
        if isinstance(comparison, (exp.LTE, exp.LT, exp.EQ)):
            # What begins at the end belongs to the next partition.
            is_included = isinstance(comparison, exp.LTE) and HIDDEN.get(_marker(bound) or "") == END
            highest.append(max(shift, _NONE) + (timedelta.resolution if is_included else _NONE))
    return Window(min(lowest), min(highest)) if lowest and highest else None


_REVERSED = {exp.GT: exp.LT, exp.LT: exp.GT, exp.GTE: exp.LTE, exp.LTE: exp.GTE, exp.EQ: exp.EQ}


def _comparisons(select: exp.Select) -> Iterator[exp.Binary]:
    """What must hold for every row, the column on the left."""
    joins = select.args.get("joins") or []
    inner = [join for join in joins if not join.side and join.kind in ("", "INNER") and not join.method]
    conditions = [join.args["on"] for join in inner if join.args.get("on")]
    if select.args.get("where"):
        conditions.append(select.args["where"].this)
    for condition in conditions:
        for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            bare = part.unnest()
            if isinstance(bare, exp.Between):
                yield exp.GTE(this=bare.this, expression=bare.args["low"])
                yield exp.LTE(this=bare.this, expression=bare.args["high"])
            elif isinstance(bare, tuple(_REVERSED)):
                yield bare
                yield _REVERSED[type(bare)](this=bare.expression, expression=bare.this)


def _shift(bound: exp.Expr) -> timedelta | None:
    """How far a bound is from the one that it names; None where it names none, or the distance is not fixed."""
    bare = bound.unnest()
    if _marker(bare) is not None and isinstance(bare, exp.Column):
        return _NONE
    if not isinstance(bare, (exp.Add, exp.Sub)):
        return None
    inner = _shift(bare.this)
    by = read_interval(bare.expression)
    if by is None and isinstance(bare.expression, exp.Literal) and not bare.expression.is_string:
        # A date less seven is a week earlier.
        by = int(bare.expression.name) * _DAY if bare.expression.name.isdecimal() else None
    if inner is None or by is None:
        return None
    return inner - by if isinstance(bare, exp.Sub) else inner + by


def _marker(bound: exp.Expr) -> str | None:
    for column in bound.find_all(exp.Column):
        if column.name in HIDDEN:
            return column.name
    return None
