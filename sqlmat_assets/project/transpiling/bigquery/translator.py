"""Walks a query of BigQuery and says it in DuckDB's SQL, node by node; what nobody has a word for is unsupported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlglot import exp

from sqlmat_assets.project.transpiling.verdicts import Construct, Finding, Verdict

START = "start"
"""Under this name the parser says where a node begins in the text."""

CONSTRUCTS: dict[str, Construct] = {}
"""Everything that is known, by its name."""


@dataclass(frozen=True, slots=True)
class Said:
    """An expression in DuckDB's SQL. `kind` is its type in BigQuery, None where only the engine will know it.

    `like` is a shorter expression of the same type, where there is one.
    """

    tree: exp.Expr
    kind: str | None = None
    like: exp.Expr | None = None

    @property
    def sample(self) -> exp.Expr:
        """An expression of the same type, for what asks for nothing else."""
        return (self.tree if self.like is None else self.like).copy()


_Handler = Callable[["Translator", Any], Said]
HANDLERS: dict[type[exp.Expr], _Handler] = {}
"""What says each kind of node."""

Kinds = dict[str, str]
"""The types of columns, by their names in small letters, as far as they are known."""

OverWindow = Callable[[exp.Expr], exp.Expr]


def construct(name: str, verdict: Verdict, page: str, note: str = "") -> Construct:
    """Enter a form of SQL into the list."""
    CONSTRUCTS[name] = found = Construct(name, verdict, page, note)
    return found


def says(*types: type[exp.Expr]) -> Callable[[_Handler], _Handler]:
    """Make a function the one that says these kinds of nodes."""

    def register(handler: _Handler) -> _Handler:
        HANDLERS.update(dict.fromkeys(types, handler))
        return handler

    return register


@dataclass(slots=True)
class Translator:
    """One query on its way.

    `over` is there while the function of a window is said, and puts a call into that window. `scopes` have what is
    known of the columns of what each SELECT reads, the innermost last; `ctes` those of CTEs; `outputs` those of the
    query that was said last. With `is_top` the columns of a subquery that comes next are those of the table.
    """

    findings: list[Finding] = field(default_factory=list[Finding])
    over: OverWindow | None = None
    scopes: list[dict[str, Kinds]] = field(default_factory=list[dict[str, Kinds]])
    ctes: dict[str, Kinds] = field(default_factory=dict[str, Kinds])
    outputs: Kinds = field(default_factory=dict[str, str])
    is_top: bool = False

    def inside(self, over: OverWindow | None = None) -> Translator:
        """The same query, in a window or out of one."""
        return Translator(self.findings, over, self.scopes, self.ctes)

    def kind_of_column(self, parts: Sequence[str]) -> str | None:
        """The type of a column, where a query around it, or a CTE, tells."""
        names = [part.lower() for part in parts]
        if len(names) == 1 and self.scopes:
            found = {kinds[names[0]] for kinds in self.scopes[-1].values() if names[0] in kinds}
            return found.pop() if len(found) == 1 else None
        if len(names) == 2:
            for scope in reversed(self.scopes):
                if names[0] in scope:
                    return scope[names[0]].get(names[1])
        return None

    def say(self, node: exp.Expr) -> Said:
        """Say a node and all in it."""
        handler = HANDLERS.get(type(node))
        if handler is None:
            return self.refuse(node, name_of(node))
        said = handler(self, node)
        if _is_too_long(said.tree):
            return self.refuse(node, "a query that becomes too long")
        if node.meta and START in node.meta:
            # So that an error of the engine can be told where it is in the file.
            said.tree.meta.setdefault(START, node.meta[START])
        return said

    def tree(self, node: exp.Expr) -> exp.Expr:
        """Say a node whose type does not matter."""
        return self.say(node).tree

    def use(self, known: Construct, node: exp.Expr, name: str | None = None) -> None:
        """Note that a construct stands here, by this name of it where it has several."""
        self.findings.append(Finding(name or known.name, known.verdict, start_of(node), construct=known.name))

    def refuse(self, node: exp.Expr, name: str, why: str | None = None) -> Said:
        """Note that something cannot be said, and go on with the rest."""
        self.findings.append(Finding(name, Verdict.UNSUPPORTED, start_of(node), why))
        return Said(exp.null())

    def only(self, node: exp.Expr, *known: str) -> bool:
        """Whether a node has no other parts than these; refuses the others."""
        others = [key for key, value in node.args.items() if value and key not in known]
        for key in others:
            value: Any = node.args[key]
            part = value[0] if isinstance(value, list) and value else value
            place = part if isinstance(part, exp.Expr) else node
            self.refuse(place if start_of(place) else node, _PARTS.get(key, key.rstrip("_").upper()))
        return not others


def _is_too_long(tree: exp.Expr) -> bool:
    """Whether it has come to many nodes: what is written twice inside of what is written twice grows fast."""
    return next(islice(tree.walk(), _MOST_NODES, None), None) is not None


_MOST_NODES = 20_000
_PARTS: Mapping[str, str] = {
    "hint": "a hint",
    "into": "INTO",
    "laterals": "LATERAL",
    "match": "MATCH_RECOGNIZE",
    "sample": "TABLESAMPLE",
    "version": "FOR SYSTEM_TIME AS OF",
    "when": "FOR SYSTEM_TIME AS OF",
    "only": "ONLY",
    "by_name": "BY NAME",
    "on": "CORRESPONDING BY",
    "side": "an outer set operation",
    "settings": "SETTINGS",
    "format": "FORMAT in a cast",
}


def start_of(node: exp.Expr) -> int:
    """Where a node begins in the text; 0 where nothing in it tells."""
    known = [found.meta[START] for found in node.walk() if found.meta and START in found.meta]
    return min(known, default=0)


def name_of(node: exp.Expr) -> str:
    """What people call a node, for a message."""
    written = node.meta.get("bigquery_name")
    if isinstance(written, str):
        return written.upper()
    if isinstance(node, exp.Func):
        return str(node.this).upper() if isinstance(node, exp.Anonymous) else node.sql_name()
    return _NAMES.get(type(node), node.key.upper())


_NAMES: Mapping[type[exp.Expr], str] = {
    exp.Parameter: "a query parameter",
    exp.SessionParameter: "a system variable",
    exp.Command: "a statement that is no query",
    exp.Lambda: "a lambda",
    exp.Collate: "COLLATE",
    exp.AtTimeZone: "AT TIME ZONE",
    exp.Any: "LIKE ANY",
    exp.All: "LIKE ALL",
    exp.Tuple: "a tuple",
    exp.SafeFunc: "SAFE.",
}


def call(name: str, *arguments: exp.Expr) -> exp.Expr:
    """A call of a function of DuckDB, which is generated as it is written here."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def cast(tree: exp.Expr, to: str) -> exp.Expr:
    """A cast to a type of DuckDB."""
    return exp.Cast(this=tree, to=exp.DataType.build(to, dialect="duckdb"))


def try_cast(tree: exp.Expr, to: str) -> exp.Expr:
    """A cast that gives NULL where it cannot."""
    return exp.TryCast(this=tree, to=exp.DataType.build(to, dialect="duckdb"))


def text(value: str) -> exp.Expr:
    """A string."""
    return exp.Literal.string(value)


def number(value: int) -> exp.Expr:
    """A whole number without a type of its own."""
    return exp.Literal.number(value)


def case(*branches: tuple[exp.Expr, exp.Expr], default: exp.Expr | None = None) -> exp.Expr:
    """`CASE WHEN … THEN … ELSE … END`."""
    ifs = [exp.If(this=condition, true=value) for condition, value in branches]
    return exp.Case(ifs=ifs, default=default)


def brackets(tree: exp.Expr) -> exp.Expr:
    """A tree that may stand beside any operator."""
    is_compound = isinstance(tree, (exp.Binary, exp.Unary, exp.Between, exp.In)) and not isinstance(tree, exp.Paren)
    return exp.Paren(this=tree) if is_compound else tree


def type_of(tree: exp.Expr) -> exp.Expr:
    """The name of a type, which DuckDB knows before it reads a row."""
    return call("TYPEOF", tree.copy())


def is_type(tree: exp.Expr, *names: str) -> exp.Expr:
    """Whether a value is of one of these types of DuckDB."""
    asked = type_of(tree)
    if len(names) == 1:
        return exp.EQ(this=asked, expression=text(names[0]))
    return exp.In(this=asked, expressions=[text(name) for name in names])


def is_decimal(tree: exp.Expr) -> exp.Expr:
    """Whether a value is a NUMERIC."""
    return exp.Like(this=type_of(tree), expression=text("DECIMAL%"))


def fail(message: str) -> exp.Expr:
    """End the query with a message."""
    return call("ERROR", text(message))


def by_type(choose: exp.Expr, first: exp.Expr, second: exp.Expr) -> exp.Expr:
    """The first value or the second, by a condition on types alone; the two may be of different types.

    DuckDB decides it while it binds the query, so that the result has the type of the one that is taken. Both may be
    computed, so neither may fail.
    """
    fields = [
        exp.PropertyEQ(this=exp.to_identifier("a"), expression=first),
        exp.PropertyEQ(this=exp.to_identifier("b"), expression=second),
    ]
    key = case((choose, text("a")), default=text("b"))
    return call("STRUCT_EXTRACT", call("STRUCT_PACK", *fields), key)


def once(tree: exp.Expr, build: Callable[[exp.Expr], exp.Expr], name: str = "value") -> exp.Expr:
    """An expression in which a value stands several times, and is computed and written once.

    Args:
        tree: The value.
        build: Makes the expression.
        name: Tells it from other values that stand in the same expression.
    """
    if next(islice(tree.walk(), _FEW_NODES, None), None) is None:
        return build(tree)
    # No column of a table is called so.
    bound = exp.to_identifier(f"sqlmat_{name}", quoted=True)
    made = exp.Lambda(this=build(exp.column(bound.copy())), expressions=[bound])
    return call("LIST_EXTRACT", call("LIST_TRANSFORM", exp.Array(expressions=[tree]), made), number(1))


# A column, a literal, or a cast of one.
_FEW_NODES = 6


def trees(said: Sequence[Said]) -> list[exp.Expr]:
    """The trees alone."""
    return [each.tree for each in said]
