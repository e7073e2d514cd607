"""Calls of functions: which are known, and what each becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.clauses import say_order
from sqlmat_assets.project.transpiling.bigquery.translator import (
    OverWindow,
    Said,
    Translator,
    call,
    construct,
    name_of,
    says,
)
from sqlmat_assets.project.transpiling.raw import function_name
from sqlmat_assets.project.transpiling.verdicts import Construct, Verdict

_SAFE = construct(
    "SAFE.f(…)",
    Verdict.EMULATED,
    pages.SAFE,
    "where its arguments are columns and literals: DuckDB's TRY would hide their errors as well",
)
_OVER = construct("f(…) OVER (…)", Verdict.EXACT, f"{pages.WINDOWS}syntax")
_FRAME = construct("ROWS, RANGE", Verdict.EXACT, f"{pages.WINDOWS}def_window_frame")


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was written; `name` in capitals. `window` puts it into the window that stands behind it."""

    t: Translator
    node: exp.Expr
    name: str
    window: OverWindow | None = None

    @property
    def arguments(self) -> Sequence[exp.Expr]:
        return self.node.expressions

    @property
    def count(self) -> int:
        return len(self.node.expressions)

    def say(self, index: int) -> Said:
        """An argument."""
        return self.t.say(self.arguments[index])

    def tree(self, index: int) -> exp.Expr:
        """An argument whose type does not matter."""
        return self.say(index).tree

    def has(self, index: int) -> bool:
        """Whether there is such an argument."""
        return index < self.count

    def literal(self, index: int) -> str | None:
        """The text of an argument that is a string written out."""
        node = self.arguments[index] if self.has(index) else None
        is_text = (isinstance(node, exp.Literal) and node.is_string) or isinstance(node, exp.RawString)
        return node.name if node is not None and is_text else None

    def part(self, index: int) -> str | None:
        """The part of a date that an argument names, in capitals, such as `WEEK(MONDAY)`."""
        node = self.arguments[index] if self.has(index) else None
        if isinstance(node, exp.WeekStart):
            return f"WEEK({node.name.upper()})"
        return node.name.upper() if isinstance(node, exp.Var) else None

    def refuse(self, what: str) -> Said:
        """Say that the function is known, and this way of calling it is not."""
        return self.t.refuse(self.node, f"{self.name} {what}")

    def over(self, tree: exp.Expr) -> exp.Expr:
        """Put an aggregate, or a function of windows, into the window that stands behind it, if one does."""
        return tree if self.window is None else self.window(tree)


Build = Callable[[Call], Said]


@dataclass(frozen=True, slots=True)
class Function:
    """A known function. `most` arguments at most; `is_windowed` where OVER may follow."""

    known: Construct
    build: Build
    least: int
    most: int
    is_windowed: bool = False


FUNCTIONS: dict[str, Function] = {}


def function(
    name: str, verdict: Verdict, page: str, note: str = "", *, count: tuple[int, int] = (1, 1), windowed: bool = False
) -> Callable[[Build], Build]:
    """Enter a function into the list.

    Args:
        name: Its names, with commas between them.
        verdict: How well it can be said.
        page: The vendor's.
        note: What to know.
        count: How many arguments it takes, at least and at most.
        windowed: Whether OVER may follow.
    """
    known = construct(name, verdict, page, note)

    def register(build: Build) -> Build:
        for each in name.split(", "):
            FUNCTIONS[each] = Function(known, build, *count, windowed)
        return build

    return register


def same(name: str, page: str, kind: str | None, to: str | None = None, count: tuple[int, int] = (1, 1)) -> None:
    """Enter a function of which DuckDB has the same, by this name or by another."""

    def build(c: Call) -> Said:
        return Said(call(to or c.name, *(c.tree(index) for index in range(c.count))), kind)

    function(name, Verdict.EXACT, page, count=count)(build)


@says(exp.Anonymous)
def _anonymous(t: Translator, node: exp.Anonymous) -> Said:
    name = function_name(node)
    found = FUNCTIONS.get(name or "")
    if name is None or found is None:
        return t.refuse(node, f"the function {name or name_of(node)}")
    if t.over is not None and not found.is_windowed:
        return t.refuse(node, f"{name} … OVER")
    # What the function takes stands in no window.
    c = Call(t.inside(), node, name, t.over)
    if not found.least <= c.count <= found.most:
        return c.refuse(f"with {c.count} argument{'' if c.count == 1 else 's'}")
    t.use(found.known, node, name)
    return found.build(c)


@says(exp.SafeFunc)
def _safe(t: Translator, node: exp.SafeFunc) -> Said:
    inner = node.this
    if function_name(inner) is None:
        return t.refuse(node, "SAFE.")
    t.use(_SAFE, inner)
    is_plain = all(isinstance(each, _PLAIN) or _is_interval(each) for each in inner.expressions)
    if not is_plain:
        return t.refuse(inner, f"SAFE.{function_name(inner)} of an expression")
    said = t.say(inner)
    # What stands for an error of the function is NULL; TRY is for those of DuckDB itself.
    holder = exp.Paren(this=said.tree)
    for each in list(holder.find_all(exp.Anonymous)):
        if each.name == "ERROR":
            each.replace(exp.null())
    tree = holder.this
    return Said(call("TRY", tree), said.kind)


@says(exp.NetFunc)
def _net(t: Translator, node: exp.NetFunc) -> Said:
    return t.refuse(node, f"the function NET.{function_name(node.this) or name_of(node.this)}")


_PLAIN = (exp.Column, exp.Literal, exp.RawString, exp.Boolean, exp.Null, exp.Var, exp.Neg, exp.WeekStart)


def _is_interval(node: exp.Expr) -> bool:
    return isinstance(node, exp.Interval) and isinstance(node.this, _PLAIN)


@says(exp.Window)
def _window(t: Translator, node: exp.Window) -> Said:
    t.only(node, "this", "partition_by", "order", "spec", "alias", "over")
    if node.args.get("over") is None:
        return Said(_definition(t, node))
    if t.over is not None:
        return t.refuse(node, "a window inside of a window")
    t.use(_OVER, node)
    definition = _definition(t, node)

    def over(tree: exp.Expr) -> exp.Expr:
        made = definition.copy()
        made.set("this", tree)
        made.set("over", "OVER")
        return made

    return t.inside(over).say(node.this)


def _definition(t: Translator, node: exp.Window) -> exp.Expr:
    made = exp.Window()
    if isinstance(node.this, exp.Identifier):
        made.set("this", exp.to_identifier(node.this.name, quoted=True))
    if alias := node.args.get("alias"):
        made.set("alias", exp.to_identifier(alias.name, quoted=True))
    if partition_by := node.args.get("partition_by"):
        made.set("partition_by", [t.tree(each) for each in partition_by])
    if order := node.args.get("order"):
        made.set("order", say_order(t, order, {}))
    if spec := node.args.get("spec"):
        made.set("spec", _frame(t, spec))
    return made


def _frame(t: Translator, node: exp.Expr) -> exp.Expr:
    t.only(node, "kind", "start", "start_side", "end", "end_side")
    t.use(_FRAME, node)
    made = exp.WindowSpec(kind=node.args.get("kind"))
    for key in ("start", "end"):
        bound = node.args.get(key)
        if isinstance(bound, exp.Expr) and not isinstance(bound, exp.Literal):
            t.refuse(node, "a frame with an expression")
        made.set(key, bound.copy() if isinstance(bound, exp.Expr) else bound)
        made.set(f"{key}_side", node.args.get(f"{key}_side"))
    return made


def known_functions() -> frozenset[str]:
    """The names of all functions that are known."""
    return frozenset(FUNCTIONS)
