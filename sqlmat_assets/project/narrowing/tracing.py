"""From an output column of a query back to the columns of tables, as far as a range can be taken."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import ErrorLevel

from sqlmat_assets.errors.partitions import Obstacle
from sqlmat_assets.project.narrowing import obstacles
from sqlmat_assets.project.narrowing.demands import hull
from sqlmat_assets.project.narrowing.equalities import equal_columns
from sqlmat_assets.project.narrowing.kinds import Kind, kind_of
from sqlmat_assets.project.narrowing.sources import NULL, Env, Reader, Source
from sqlmat_assets.project.narrowing.steps import Chain, before_all, result_kind
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange
from sqlmat_assets.project.references import Reference

_MOST_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Scan:
    """One reading of a table that can do with part of its rows.

    `item` is the table in the tree, `table` its name and place; `column` is the column as the query writes it, `name`
    the same folded; `demand` is what is asked of it, and `kind` what it holds, None where that is not known.
    """

    item: exp.Table
    table: Reference
    column: exp.Expr
    name: str
    demand: Range
    kind: Kind | None


@dataclass(slots=True)
class Traced:
    """What was found: the readings, and what stopped the others."""

    scans: list[Scan] = field(default_factory=list[Scan])
    obstacles: list[Obstacle] = field(default_factory=list[Obstacle])


class Tracer:
    """Takes a demand of the result to the tables it comes from.

    Args:
        reader: Looks up names.
        tree: The whole statement.
    """

    def __init__(self, reader: Reader, tree: exp.Expr) -> None:
        self._reader = reader
        self._tree = tree
        self.found = Traced()
        self._seen: set[int] = set()
        # For each CTE the readings that were reached, the column and the demand of each.
        self._asked: dict[int, list[tuple[Source, str, exp.Expr, Range]]] = {}

    def trace(self, name: str, demand: Range) -> Traced:
        """Follow the output column of this folded name."""
        column = exp.to_identifier(name, quoted=True)
        self._query(self._tree, name, column, demand, {})
        for asked in self._asked.values():
            readings = self._readings(asked[0][0])
            missing = next((table for table in readings if not any(table is each[0].item for each in asked)), None)
            if missing is not None:
                shown = missing.name
                self._stop(f"the reading of `{shown}`", missing)
        return self.found

    def _stop(self, clause: str, node: exp.Expr) -> None:
        self._add(Obstacle(clause, self._reader.line(node)))

    def _add(self, obstacle: Obstacle) -> None:
        if obstacle not in self.found.obstacles:
            self.found.obstacles.append(obstacle)

    # Queries

    def _query(self, query: exp.Expr, name: str, column: exp.Expr, demand: Range, env: Env) -> None:
        """Follow a column by its name; `column` is the same as it is written outside."""
        inner = self._reader.enter(query, env)
        if isinstance(query, exp.Subquery):
            stopped = obstacles.in_subquery(query, self._reader)
            if stopped is not None:
                self._add(stopped)
            else:
                self._query(query.this, name, column, demand, inner)
        elif isinstance(query, exp.SetOperation):
            self._set(query, name, demand, env)
        elif isinstance(query, exp.Select):
            self._select(query, self._item(query, name, inner), name, column, demand, inner)
        else:
            self._stop(f"the {query.key.upper()}", query)

    def _item(self, select: exp.Select, name: str, env: Env) -> exp.Expr | None:
        """The item that has the name, or the star that it must be in; None where that cannot be told."""
        items = [item for item in select.expressions if not item.is_star and self._reader.item_name(item) == name]
        stars = [item for item in select.expressions if item.is_star]
        if len(items) == 1 and not stars:
            return items[0]
        columns = self._reader.outputs(select, env)
        if columns is not None and len([each for each, _, _ in columns if each == name]) != 1:
            return None
        if items and columns is not None and len(items) == 1:
            return items[0]
        return stars[0] if len(stars) == 1 and not items else None

    def _set(self, query: exp.SetOperation, name: str, demand: Range, env: Env) -> None:
        reader = self._reader
        stopped = obstacles.in_set(query, reader)
        if stopped is not None:
            self._add(stopped)
            return
        outer = reader.enter(query, env)
        columns = reader.outputs(query, env)
        places = [index for index, (each, _, _) in enumerate(columns or []) if each == name]
        kind = query.key.upper()
        if query.args.get("by_name") or len(places) != 1:
            self._stop(f"the {kind}, of which the columns are not known,", query)
            return
        index = places[0]
        types = {reader.type_at(branch, index, outer) for branch in (query.this, query.expression)} - {NULL}
        if not self._are_compared_alike(types, demand):
            self._stop(f"the {kind} of columns that may differ in type", query)
            return
        for branch in (query.this, query.expression):
            self._at(branch, index, demand, outer)

    def _are_compared_alike(self, types: set[str | None], demand: Range) -> bool:
        """Whether each branch's own values compare with the demand as the values of the result do."""
        if len(types) < 2:
            return None not in types
        kinds = {kind_of(type_, self._reader.dialect) for type_ in types}
        return isinstance(demand, TimeRange) and kinds <= {Kind.DATE, Kind.TIMESTAMP}

    def _at(self, query: exp.Expr, index: int, demand: Range, env: Env) -> None:
        """Follow a column by its place, as a set operation does."""
        inner = self._reader.enter(query, env)
        if isinstance(query, exp.Subquery):
            stopped = obstacles.in_subquery(query, self._reader)
            if stopped is None:
                self._at(query.this, index, demand, inner)
            else:
                self._add(stopped)
            return
        columns = self._reader.outputs(query, env)
        if columns is None or index >= len(columns):
            self._stop("the *, of which the columns are not known,", query)
            return
        name, expression, source = columns[index]
        if isinstance(query, exp.SetOperation):
            self._set(query, name, demand, env)
        elif isinstance(query, exp.Select):
            item = expression
            if item is None:
                item = next((each for each in query.expressions if each.is_star), None)
            self._select(query, item, name, exp.to_identifier(name, quoted=True), demand, inner, source)

    def _select(
        self,
        select: exp.Select,
        item: exp.Expr | None,
        name: str,
        column: exp.Expr,
        demand: Range,
        env: Env,
        source: Source | None = None,
    ) -> None:
        reader = self._reader
        if item is None:
            self._stop("the SELECT, in which the column cannot be told,", select)
            return
        if item.is_star:
            chain = Chain(None)
            source = source or self._starred(select, item, name, env)
        else:
            chain = reader.chain(item)
            if chain.column is None:
                self._stop(_described(chain.stopped or item, reader.dialect), chain.stopped or item)
                return
            source = reader.resolve(chain.column, select, env)
            name, column = reader.fold(chain.column.this), chain.column.this
        if source is None:
            self._stop(f"`{column.name}`, of which the table cannot be told,", item)
            return
        stopped = obstacles.in_select(select, reader, self._same(chain, source, name, select, env))
        stopped = stopped or obstacles.before_source(select, source, reader)
        if stopped is not None:
            self._add(stopped)
            return
        inner = self._before(chain, source, name, demand)
        if inner is None:
            self._stop(f"`{column.name}`, of which the type is not known or depends on the time zone,", item)
            return
        self._descend(source, name, column, inner)
        for other, their in equal_columns(select, source, name, env, reader):
            if obstacles.before_source(select, other, reader) is None:
                self._descend(other, reader.fold(their), their, inner, is_asked=False)

    def _starred(self, select: exp.Select, star: exp.Expr, name: str, env: Env) -> Source | None:
        sources = self._reader.starred(select, star, env) or []
        if len(sources) == 1:
            return sources[0]
        having = [source for source in sources if source.types is not None and name in source.types]
        return having[0] if len(having) == 1 and all(each.types is not None for each in sources) else None

    def _same(self, chain: Chain, source: Source, name: str, select: exp.Select, env: Env):
        """Make a test of whether an expression is one of the chain's."""
        reader = self._reader
        nodes = [self._plain(node, select, env) for node in chain.nodes]

        def same(expression: exp.Expr) -> bool:
            if not nodes:
                return (
                    isinstance(expression, exp.Column)
                    and reader.resolve(expression, select, env) is source
                    and reader.fold(expression.this) == name
                )
            plain = self._plain(expression, select, env)
            return plain is not None and plain in nodes

        return same

    def _plain(self, expression: exp.Expr, select: exp.Select, env: Env) -> exp.Expr | None:
        """The expression with its columns in one spelling, for comparing; None where a column is not known."""
        reader = self._reader
        spelt: dict[int, exp.Expr] = {}
        for column in expression.find_all(exp.Column):
            source = reader.resolve(column, select, env)
            if source is None or not isinstance(column.this, exp.Identifier):
                return None
            spelt[id(column)] = exp.column(reader.fold(column.this), table=str(source.index), quoted=True)
        if isinstance(expression, exp.Column):
            return spelt[id(expression)]
        originals = list(expression.find_all(exp.Column))
        copy = expression.copy()
        for original, copied in zip(originals, list(copy.find_all(exp.Column)), strict=True):
            copied.replace(spelt[id(original)])
        return copy

    def _before(self, chain: Chain, source: Source, name: str, demand: Range) -> Range | None:
        """What is asked of the column so that the demand holds for the expression."""
        if not chain.steps:
            return demand
        reader = self._reader
        kind = kind_of(source.types.get(name) if source.types is not None else None, reader.dialect)
        if kind is None or isinstance(demand, ListRange):
            return None
        is_utc = reader.tables.is_utc
        if result_kind(chain.steps, kind, reader.dialect, is_utc=is_utc) is None:
            return None
        return before_all(chain.steps, demand)

    # Sources

    def _descend(self, source: Source, name: str, column: exp.Expr, demand: Range, *, is_asked: bool = True) -> None:
        if id(source.item) in self._seen:
            return
        self._seen.add(id(source.item))
        if source.cte is not None:
            self._cte(source, name, column, demand)
        elif source.query is not None and isinstance(source.item, exp.Subquery):
            stopped = obstacles.in_subquery(source.item, self._reader)
            if stopped is None:
                self._query(source.query, name, column, demand, source.env)
            else:
                self._add(stopped)
        elif source.table is not None and isinstance(source.item, exp.Table):
            self._table(source, source.item, source.table, name, column, demand)
        elif is_asked:
            alias = source.item.args.get("alias")
            has_names = isinstance(alias, exp.TableAlias) and bool(alias.columns)
            clause = (
                f"the column names behind `{source.item.alias}`"
                if has_names
                else _described(source.item, self._reader.dialect)
            )
            self._stop(clause, source.item)

    def _table(
        self, source: Source, item: exp.Table, table: Reference, name: str, column: exp.Expr, demand: Range
    ) -> None:
        stopped = obstacles.in_table(item, self._reader)
        long = None if item.alias else self._long_name(source.name)
        if stopped is not None:
            self._add(stopped)
        elif long is not None:
            self._stop(f"`{'.'.join(part.name for part in long.parts)}`, a column with the schema of its table,", long)
        else:
            type_ = source.types.get(name) if source.types is not None else None
            kind = kind_of(type_, self._reader.dialect)
            self.found.scans.append(Scan(item, table, column, name, demand, kind))

    def _long_name(self, table: str) -> exp.Column | None:
        """A column that would no longer be found once its table is a derived one."""
        for column in self._tree.find_all(exp.Column):
            if len(column.parts) > 2 and self._reader.fold(column.parts[-2]) == table:
                return column
        return None

    def _cte(self, source: Source, name: str, column: exp.Expr, demand: Range) -> None:
        cte = source.cte
        if cte is None:
            return
        stopped = obstacles.in_table(source.item, self._reader) if isinstance(source.item, exp.Table) else None
        if stopped is not None:
            self._add(stopped)
        elif cte.is_recursive:
            self._stop(f"the recursive `{cte.node.alias}`", cte.node.args["alias"])
        elif source.query is None:
            self._stop(f"the column names behind `{cte.node.alias}`", cte.node.args["alias"])
        else:
            asked = self._asked.setdefault(id(cte.node), [])
            asked.append((source, name, column, demand))
            if len(asked) == len(self._readings(source)):
                self._all_asked(source, asked)

    def _all_asked(self, source: Source, asked: list[tuple[Source, str, exp.Expr, Range]]) -> None:
        (_, name, column, demand), *others = asked
        for other, their_name, _, their_demand in others:
            both = hull(demand, their_demand) if their_name == name else None
            if both is None:
                self._stop(f"the reading of `{source.item.name}` by another column", other.item)
                return
            demand = both
        if source.query is not None:
            self._query(source.query, name, column, demand, source.env)

    def _readings(self, source: Source) -> list[exp.Table]:
        """Every place in the statement that may read the same CTE; those of its namesakes among them."""
        fold = self._reader.fold
        name = fold(source.item.this)
        return [
            table
            for table in self._tree.find_all(exp.Table)
            if len(table.parts) == 1 and isinstance(table.this, exp.Identifier) and fold(table.this) == name
        ]


def _described(node: exp.Expr, dialect: str) -> str:
    """What kind of thing the column comes from."""
    if isinstance(node, exp.Window):
        return "the window"
    if isinstance(node, exp.AggFunc):
        return "the aggregate"
    if isinstance(node, (exp.Subquery, exp.Select)):
        return "the subquery"
    if isinstance(node, exp.Lateral):
        return "the LATERAL"
    if isinstance(node, exp.Literal):
        return "a constant"
    if isinstance(node, (exp.Table, exp.Unnest)):
        return "what is no table"
    if isinstance(node, exp.Cast):
        return f"the cast to {node.args['to'].sql(dialect).lower()}"
    written = " ".join(node.sql(dialect, unsupported_level=ErrorLevel.IGNORE).split())
    return f"the expression `{written if len(written) <= _MOST_SHOWN else written[: _MOST_SHOWN - 1] + '…'}`"
