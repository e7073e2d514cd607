"""What the names in a SELECT stand for: its sources, and the columns that they are known to have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.tokenizer_core import Token

from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.narrowing.kinds import Kind, kind_of, normal_type, type_name
from sqlmat_assets.project.narrowing.steps import Chain, read_chain, result_kind
from sqlmat_assets.project.outputs import is_star, output_name
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, Reference, reference_of
from sqlmat_assets.relation import Relation

NULL = "null"
_PATHS = frozenset({"bigquery", "redshift"})
_LATERAL_ALIASES = frozenset({"duckdb", "redshift"})


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of the tables that a query reads, and of the session it runs in.

    `types` has for a table, by its folded name, all of its columns in their order, each with its type as the engine
    writes it; a table that is not in it is not known. `is_utc` when the session's time zone is UTC, in which no moment
    shifts to another day.
    """

    types: Mapping[Relation, Mapping[str, str]] = field(default_factory=dict[Relation, Mapping[str, str]])
    is_utc: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Cte:
    """A common table expression and the names that its query sees."""

    node: exp.CTE
    env: Mapping[str, Cte]
    is_recursive: bool


Env = Mapping[str, Cte]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """One item of a FROM: a table, a query (of a derived table or a CTE), or neither.

    `index` is its place, 0 for the first; `types` are its columns, folded, with their types, where all are known; a
    type that is not known is None.
    """

    index: int
    name: str
    item: exp.Expr
    table: Reference | None = None
    query: exp.Expr | None = None
    env: Env = field(default_factory=dict[str, Cte])
    cte: Cte | None = None
    types: Mapping[str, str | None] | None = None


class Reader:
    """Looks up names in one statement.

    Args:
        text: The statement's file.
        tokens: The statement's tokens.
        names: How names are told apart.
        tables: What is known of the tables.
    """

    def __init__(self, text: str, tokens: list[Token], names: Names, tables: Tables) -> None:
        self.text = text
        self.names = names
        self.dialect = names.dialect
        self.tables = tables
        self.positions = Positions(text)
        self._tokens = tokens
        self._token_at = {token.start: index for index, token in enumerate(tokens)}
        self._sources: dict[int, tuple[Source, ...]] = {}

    # Names

    def fold(self, identifier: exp.Expr) -> str:
        """The name of a column, an alias or a CTE, as it is compared."""
        is_quoted = isinstance(identifier, exp.Identifier) and bool(identifier.quoted)
        return self.fold_name(identifier.name, is_quoted=is_quoted)

    def fold_name(self, name: str, *, is_quoted: bool = True) -> str:
        """The same for a bare text."""
        return fold(name, self.dialect, is_quoted=is_quoted, is_alias=True)

    def line(self, node: exp.Expr) -> int:
        """The line in which an expression begins, as far as the tree knows it."""
        starts = [each.meta["start"] for each in node.walk() if isinstance(each.meta.get("start"), int)]
        return self.positions.at(min(starts))[0] if starts else 1

    def chain(self, expression: exp.Expr) -> Chain:
        """Take an expression apart into a column and the steps around it."""
        return read_chain(expression, self.dialect, self._token_at, self._tokens)

    # Scopes

    def enter(self, node: exp.Expr, env: Env) -> Env:
        """What is visible inside of a query, its own WITH included."""
        with_ = node.args.get("with_")
        if not isinstance(with_, exp.With):
            return env
        inner = dict(env)
        ctes = [cte for cte in with_.expressions if isinstance(cte, exp.CTE)]
        for index, cte in enumerate(ctes):
            # Under RECURSIVE a query may read itself and, in some engines, what stands behind it.
            visible = {self._cte_name(other) for other in ctes[index:]} if with_.args.get("recursive") else set()
            reads = {self.fold(table.this) for table in cte.this.find_all(exp.Table) if _is_bare(table)}
            inner[self._cte_name(cte)] = Cte(cte, dict(inner), bool(visible & reads))
        return inner

    def _cte_name(self, cte: exp.CTE) -> str:
        alias = cte.args.get("alias")
        return self.fold(alias.this) if isinstance(alias, exp.TableAlias) else ""

    def sources(self, select: exp.Select, env: Env) -> tuple[Source, ...]:
        """The items of the FROM, in order; `env` is what is visible inside of the SELECT."""
        if id(select) not in self._sources:
            items: list[exp.Expr] = []
            from_ = select.args.get("from_")
            if isinstance(from_, exp.From):
                items.append(from_.this)
            for key in ("joins", "laterals"):
                items += [join.this if key == "joins" else join for join in select.args.get(key) or []]
            found: list[Source] = []
            for index, item in enumerate(items):
                found.append(self._source(index, item, env, found))
            self._sources[id(select)] = tuple(found)
        return self._sources[id(select)]

    def _source(self, index: int, item: exp.Expr, env: Env, left: list[Source]) -> Source:
        alias = item.args.get("alias")
        name = self.fold(alias.this) if isinstance(alias, exp.TableAlias) and alias.this else ""
        if isinstance(alias, exp.TableAlias) and alias.columns:
            # Its columns have other names than those inside.
            return Source(index, name, item)
        if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Query):
            inner = self.enter(item, env)
            return Source(index, name, item, query=item.this, env=inner, types=self.output_types(item.this, inner))
        if not isinstance(item, exp.Table) or not isinstance(item.this, exp.Identifier) or item.args.get("joins"):
            return Source(index, name, item)
        name = name or self.fold(item.this)
        if _is_bare(item) and (cte := env.get(self.fold(item.this))) is not None:
            return self._read_cte(index, name, item, cte)
        first = item.parts[0]
        if self.dialect in _PATHS and len(item.parts) > 1 and self.fold(first) in {each.name for each in left}:
            return Source(index, name, item)
        table = reference_of(item, self.dialect, self.positions)
        relation = self.names.identity(table.parts, table.quoted)
        if relation is None:
            return Source(index, name, item)
        known = self.tables.types.get(relation)
        types = known and {self.fold_name(column): normal_type(type_) for column, type_ in known.items()}
        return Source(index, name, item, table=table, types=types)

    def _read_cte(self, index: int, name: str, item: exp.Table, cte: Cte) -> Source:
        alias = cte.node.args.get("alias")
        if cte.is_recursive or (isinstance(alias, exp.TableAlias) and alias.columns):
            return Source(index, name, item, cte=cte)
        query = cte.node.this
        types = self.output_types(query, cte.env)
        return Source(index, name, item, query=query, env=cte.env, cte=cte, types=types)

    # Columns

    def outputs(self, query: exp.Expr, env: Env) -> list[tuple[str, exp.Expr | None, Source | None]] | None:
        """The columns that a query gives back, in order; None where a star hides them.

        Returns:
            For each its folded name (empty where the engine makes one up) and either its expression or, where it
            comes out of a star, its source.
        """
        if isinstance(query, exp.Subquery):
            return self.outputs(query.this, self.enter(query, env))
        if isinstance(query, exp.SetOperation):
            return self.outputs(query.this, self.enter(query, env))
        if not isinstance(query, exp.Select):
            return None
        inner = self.enter(query, env)
        found: list[tuple[str, exp.Expr | None, Source | None]] = []
        for item in query.expressions:
            if not is_star(item):
                found.append((self.item_name(item), item, None))
                continue
            for source in self.starred(query, item, inner) or [None]:
                if source is None or source.types is None:
                    return None
                found += [(column, None, source) for column in source.types]
        return found

    def starred(self, select: exp.Select, item: exp.Expr, env: Env) -> list[Source] | None:
        """The sources that a plain `*` or `t.*` stands for; None for every other star."""
        sources = self.sources(select, env)
        star = item.this if isinstance(item, exp.Column) else item
        if not isinstance(star, exp.Star) or any(star.args.values()):
            return None
        if isinstance(item, exp.Column):
            if len(item.parts) != 2:
                return None
            named = [source for source in sources if source.name == self.fold(item.parts[0])]
            return named if len(named) == 1 else None
        joins = select.args.get("joins") or []
        # A merged column stands once for two, and one side of a semi-join is not shown.
        is_merged = any(j.args.get("using") or j.method or j.kind in ("SEMI", "ANTI") for j in joins)
        return None if is_merged and len(sources) > 1 else list(sources)

    def item_name(self, item: exp.Expr) -> str:
        """The folded name of an item of a SELECT list."""
        name = output_name(item, self.dialect)
        return self.fold_name(name) if name else ""

    def output_types(self, query: exp.Expr, env: Env) -> Mapping[str, str | None] | None:
        """The columns that a query gives back with their types; None where a star hides them or two are alike."""
        columns = self.outputs(query, env)
        if columns is None or len({name for name, _, _ in columns}) < len(columns):
            return None
        return {name: self.type_at(query, index, env) for index, (name, _, _) in enumerate(columns)}

    def type_at(self, query: exp.Expr, index: int, env: Env) -> str | None:
        """The type of one of a query's columns, counted from 0; `null` where it is always NULL."""
        inner = self.enter(query, env)
        if isinstance(query, exp.Subquery):
            return self.type_at(query.this, index, inner)
        if isinstance(query, exp.SetOperation):
            if query.args.get("by_name"):
                return None
            return self._common({self.type_at(branch, index, inner) for branch in (query.this, query.expression)})
        columns = self.outputs(query, env)
        if not isinstance(query, exp.Select) or columns is None or index >= len(columns):
            return None
        name, expression, source = columns[index]
        if expression is not None:
            return self._type_of(expression, query, inner)
        return source.types.get(name) if source is not None and source.types is not None else None

    def _common(self, types: set[str | None]) -> str | None:
        """What a set operation makes of types that differ: of dates and moments without a zone, moments."""
        types -= {NULL}
        if len(types) < 2:
            return next(iter(types), NULL)
        kinds = {kind_of(type_, self.dialect) for type_ in types}
        return type_name(Kind.TIMESTAMP, self.dialect) if kinds <= {Kind.DATE, Kind.TIMESTAMP} else None

    def _type_of(self, expression: exp.Expr, select: exp.Select, env: Env) -> str | None:
        bare = expression.unalias()
        if isinstance(bare, exp.Null):
            return NULL
        if isinstance(bare, exp.Cast) and isinstance(bare.args.get("to"), exp.DataType):
            return normal_type(bare.args["to"].sql(self.dialect))
        chain = self.chain(expression)
        source = None if chain.column is None else self.resolve(chain.column, select, env)
        if chain.column is None or source is None or source.types is None:
            return None
        type_ = source.types.get(self.fold(chain.column.this))
        if not chain.steps:
            return type_
        kind = kind_of(type_, self.dialect)
        result = kind and result_kind(chain.steps, kind, self.dialect, is_utc=True)
        return None if result is None else type_name(result, self.dialect)

    def resolve(self, column: exp.Column, select: exp.Select, env: Env) -> Source | None:
        """The source that a column is of; None where that cannot be told."""
        sources = self.sources(select, env)
        if len(column.parts) == 2:
            named = [source for source in sources if source.name == self.fold(column.parts[0])]
            return named[0] if len(named) == 1 else None
        if len(column.parts) != 1:
            return None
        name = self.fold(column.this)
        if self._is_merged(name, select):
            return self._left_of_using(name, sources, select)
        having = [source for source in sources if source.types is not None and name in source.types]
        if len(having) == 1:
            # Were it in another source as well, no engine would take the query.
            return having[0]
        unknown = [source for source in sources if source.types is None]
        if having or len(unknown) != 1 or self._is_alias(name, column, select):
            return None
        return unknown[0]

    def _is_alias(self, name: str, column: exp.Column, select: exp.Select) -> bool:
        """Whether the name may be that of another item of the same SELECT list."""
        if self.dialect not in _LATERAL_ALIASES:
            return False
        aliased = [item for item in select.expressions if isinstance(item, exp.Alias) and self.item_name(item) == name]
        # No item can read itself by its alias.
        return any(not any(column is each for each in item.find_all(exp.Column)) for item in aliased)

    def _left_of_using(self, name: str, sources: tuple[Source, ...], select: exp.Select) -> Source | None:
        """The source whose column a USING shows; None where it may show the other one."""
        joins: list[exp.Join] = select.args.get("joins") or []
        if any(join.side not in ("", "LEFT") or join.method or join.kind not in ("", "INNER") for join in joins):
            return None
        using = [i for i, j in enumerate(joins) if name in {self.fold(part) for part in j.args.get("using") or []}]
        left = sources[: using[0] + 1]
        if len(left) == 1:
            return left[0]
        having = [source for source in left if source.types is not None and name in source.types]
        return having[0] if len(having) == 1 else None

    def _is_merged(self, name: str, select: exp.Select) -> bool:
        joins = select.args.get("joins") or []
        return any(
            join.method == "NATURAL" or name in {self.fold(part) for part in join.args.get("using") or []}
            for join in joins
        )


def _is_bare(table: exp.Table) -> bool:
    return len(table.parts) == 1
