"""Every error of sqlmat: the tree. The wording is in the modules beside it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a project's files.

    `path` is relative to the project folder, `line` and `column` count from 1 (0: the whole file). A problem
    that `is_warning` is shown and stops nothing.
    """

    path: str
    line: int
    column: int
    what: str
    hint: str | None = None
    is_warning: bool = False

    def __str__(self) -> str:
        place = ":".join([self.path, *(str(n) for n in (self.line, self.column) if n)])
        head = f"{place}: {'warning: ' if self.is_warning else ''}{self.what}"
        return f"{head}\n  hint: {self.hint}" if self.hint else head


class SqlmatError(Exception):
    """What every error of sqlmat is."""


class UsageError(SqlmatError):
    """The command line or a configuration value asks for something that cannot be."""


class ProjectError(SqlmatError):
    """The project has problems; carries all of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class MaterializeError(SqlmatError):
    """A table could not be built; the message says what its target holds now."""


class CheckFailedError(MaterializeError):
    """A blocking check did not hold, so the table was not replaced."""


class BreakingViewsError(MaterializeError):
    """Views could not be read any more; `views` has the schema and the name of each, the nearest first."""

    def __init__(self, message: str, views: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(message)
        self.views = tuple(views)


class WarehouseError(MaterializeError):
    """The engine refused a statement.

    Args:
        message: The driver's own words, unedited but for secrets.
        statement: The whole statement, or None when connecting failed.
    """

    def __init__(self, message: str, statement: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.statement = statement


class TransientWarehouseError(WarehouseError):
    """Worth another try: a lock, a conflict, a lost connection."""


class LostCommitError(TransientWarehouseError):
    """The connection ended before the answer to a COMMIT came, and the engine cannot be asked what became of it."""


class UnknownOutcomeError(WarehouseError):
    """Nobody can tell whether a transaction was committed: neither its answer came, nor does the engine answer now."""


class TerminalWarehouseError(WarehouseError):
    """Trying again changes nothing: wrong SQL, missing rights, full disk."""


class SourceError(MaterializeError):
    """What a table is loaded from cannot be read: an object is missing, a server refuses, bytes are missing."""


class TransientSourceError(SourceError):
    """Worth another try: a server is busy, a connection was lost."""


class ConnectorError(MaterializeError):
    """A system outside of the warehouse does not do what was asked."""


class TransientConnectorError(ConnectorError):
    """Worth another try: it was not reached, is busy, or says to come again, `after` so many seconds."""

    def __init__(self, message: str, after: float = 0.0) -> None:
        super().__init__(message)
        self.after = after


class TerminalConnectorError(ConnectorError):
    """Trying again changes nothing: wrong address, missing rights, a request that it does not take."""


class BadRowError(TerminalWarehouseError):
    """A value in a file is none of its column's type; `row` counts from 1."""

    def __init__(self, message: str, row: int, column: str, value: str, type_: str) -> None:
        super().__init__(message)
        self.row = row
        self.column = column
        self.value = value
        self.type = type_


class CancelledError(MaterializeError):
    """The query was cancelled: by a person, or because its time limit passed."""
