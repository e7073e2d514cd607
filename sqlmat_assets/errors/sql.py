"""The wording of everything that can be wrong inside a SQL file."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from sqlmat_assets.errors import Problem

_CORRECT = "correct the SQL here"
_STATE_DEPS = f"{_CORRECT}; if the engine does accept it, state on top what the query reads: `-- deps: schema.table`"
_STATED = "what it reads is taken from `-- deps:`; correct it if the engine refuses it too"
_KINDS = {"/*": "comment", "`": "quoted name", '"': "quoted name"}
_MAX_SHOWN = 60
_ONE_SELECT = "write a SELECT instead"

# What sqlglot says in the words of its own classes.
_MISSING = re.compile(r"Required keyword: '(?P<argument>\w+)' missing for <class '[\w.]*?(?P<node>\w+)'>")
_GOT_TOKEN = re.compile(r" but got <Token token_type: .*", re.DOTALL)
_UNEXPECTED = "Invalid expression / Unexpected token"
_EXPECTING = "Expecting "
_EXPECTED = "Expected "
_THE_END = "TokenType.SENTINEL"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file something stands; line and column count from 1."""

    path: str
    line: int
    column: int

    def problem(self, what: str, hint: str | None = None) -> Problem:
        """Say what is wrong here."""
        return Problem(self.path, self.line, self.column, what, hint)


def _shown(text: str) -> str:
    """Cut what people wrote to one short line that a terminal can show."""
    line = " ".join(text.split())
    line = line if len(line) <= _MAX_SHOWN else f"{line[: _MAX_SHOWN - 1]}…"
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in line)


# Statements


def syntax(place: Place, description: str, found: str) -> Problem:
    """Reword one of sqlglot's own errors.

    Args:
        place: Where the parser stopped.
        description: sqlglot's description.
        found: The text at which it stopped.
    """
    found = _shown(found)
    # What is missing at the end, or in brackets, is a slip. What is not expected may be what the parser does not know.
    hint = _CORRECT
    if _MISSING.search(description):
        what = f"something is missing after `{found}`"
    elif description == _UNEXPECTED:
        what, hint = f"`{found}` is not expected here", _STATE_DEPS
    elif description.startswith(_EXPECTING):
        what = f"`{description.removeprefix(_EXPECTING)}` is expected before `{found}`"
    elif description.startswith(_EXPECTED):
        expected = _GOT_TOKEN.sub("", description).removeprefix(_EXPECTED)
        what = f"expected {expected} {'after' if _THE_END in description else 'at'} `{found}`"
    else:
        plain = " ".join(description.split()).rstrip(".")
        what, hint = f"{plain[:1].lower()}{plain[1:]} at `{found}`", _STATE_DEPS
    return place.problem(what, hint)


def stated(problem: Problem) -> Problem:
    """What the parser says about a query whose tables a `-- deps:` line states."""
    return replace(problem, hint=_STATED, is_warning=True)


def unterminated(place: Place, opening: str) -> Problem:
    """A string, a quoted name or a comment goes on to the end of the file."""
    return place.problem(f"a {_KINDS.get(opening, 'string')} begins here and has no end", "close it")


def unreadable(place: Place, reason: str) -> Problem:
    """The parser broke on a statement without saying where."""
    return place.problem(f"the parser cannot read this statement: {reason}", _STATE_DEPS)


def too_deep(place: Place) -> Problem:
    """The parser would take the process down with it."""
    return place.problem(
        "this is nested too deep to be read", "move inner queries into common table expressions (WITH)"
    )


def not_understood(place: Place, keyword: str) -> Problem:
    """The parser passes a statement over without reading it."""
    return place.problem(
        f"`{_shown(keyword)}` is a statement that cannot be read, so what it reads is unknown", _ONE_SELECT
    )


def no_statement(path: str) -> Problem:
    """There are only comments, or nothing."""
    return Problem(path, 1, 1, "the file has no statement", "write a SELECT, or remove the file")


def not_a_select(place: Place, keyword: str) -> Problem:
    """A statement changes something instead of giving rows."""
    hint = _ONE_SELECT
    if keyword.upper() == "CREATE":
        # As in the file that has the columns of a processed table, whose script is missing.
        hint += "; a table that a Python script makes needs the script beside it, as in `cities.py`"
    return place.problem(f"`{_shown(keyword)}` is no SELECT", hint)


def second_statement(place: Place, keyword: str) -> Problem:
    """A file makes one table, so one statement is all it can have."""
    return place.problem(
        f"a second statement begins here with `{_shown(keyword)}`",
        "keep one SELECT in each file; put other tables into files of their own",
    )


def creates_elsewhere(place: Place, keyword: str, name: str) -> Problem:
    """A statement before the SELECT makes something that stays."""
    return place.problem(
        f"`{_shown(keyword)}` makes `{name}`, which would stay", "write CREATE TEMP, or give it a file of its own"
    )


def changes_elsewhere(place: Place, keyword: str, name: str) -> Problem:
    """A statement before the SELECT changes something that is not the file's own."""
    return place.problem(
        f"`{_shown(keyword)}` changes `{name}`, and a file makes one table and nothing else",
        "change only temporary tables that the file itself has made before",
    )


def writes_elsewhere(place: Place, target: str) -> Problem:
    """A `SELECT … INTO`."""
    return place.problem(f"the SELECT writes into `{target}`", "remove the INTO; the table is named after the file")


def no_columns(place: Place) -> Problem:
    """A bare `SELECT`."""
    return place.problem("this SELECT has no columns", "name the columns, or write `*`")


def empty_item(place: Place) -> Problem:
    """`SELECT a,, b`."""
    return place.problem("nothing stands before this comma", "remove the comma, or write what is missing")


def trailing_comma(place: Place) -> Problem:
    """`SELECT a, FROM t`, in engines that refuse it."""
    return place.problem("nothing stands after this comma", "remove the comma, or write what is missing")


def bad_deps(place: Place, text: str) -> Problem:
    """A `-- deps:` line names something else than tables."""
    return place.problem(f"`{text}` is no table", "write `schema.table`, with commas between several")


# Checks


def unnamed_check(place: Place, expression: str) -> Problem:
    """A check needs a name for people to know it by."""
    shown = _shown(expression)
    return place.problem(f"the check `{shown}` has no name", f"name it: `{shown} AS what_must_hold`")


def star_check(place: Place) -> Problem:
    """`SELECT *` in a file of checks."""
    return place.problem("`*` does not say which columns are checks", "write each check with a name of its own")


def nameless_check(place: Place, title: str) -> Problem:
    """Nothing of an alias is left in what Dagster admits."""
    return place.problem(
        f"the check `{title}` has no letter or digit in its name", "use letters, digits and `_` of the Latin alphabet"
    )


def colliding_checks(place: Place, title: str, slug: str, other: str, line: int) -> Problem:
    """Two checks of one table that Dagster would call the same."""
    known = f"both become `{slug}`" if title != other else f"both are called `{slug}`"
    return place.problem(f"the checks `{title}` and `{other}` (line {line}) collide: {known}", f"rename `{title}`")


# Why rows differ although no table does

UNREAD = "SQL that the parser does not know"
UNSEEDED = "a sample without a seed"


def varies(what: str, line: int) -> str:
    """Say what makes the rows differ, and where it is."""
    return f"{what} in line {line}"


def varying_call(name: str) -> str:
    """Name a function whose result differs."""
    return f"`{_shown(name)}()`"


def unknown_call(name: str) -> str:
    """Name a function of which nobody knows what it does."""
    return f"the unknown function `{_shown(name)}()`"


def varying_table(name: str) -> str:
    """Name a table whose rows differ."""
    return f"`{_shown(name)}`"


def varying_value(text: str) -> str:
    """Name a value that differs."""
    return f"`{_shown(text)}`"


def reads_itself(name: str) -> str:
    """Say that a table reads itself."""
    return f"`{_shown(name)}` itself"
