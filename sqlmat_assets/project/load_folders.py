"""Folders whose names have an order: numbers, days and hours in the path of files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlmat_assets.project.loads import PLACEHOLDER

_DAY, _HOUR = "%Y-%m-%d", "%Y-%m-%d/%H"


class FolderKind(StrEnum):
    """What the names of folders are."""

    NUMBER = "number"
    DAY = "day"
    HOUR = "hour"


KINDS = tuple(kind.value for kind in FolderKind)


@dataclass(frozen=True, slots=True)
class Folders:
    """A placeholder for folders in a pattern: `{number}`, `{day}`, `{hour}`, or `{day:%Y/%m/%d}`.

    `before` and `behind` are the pattern around it.
    """

    kind: FolderKind
    before: str
    behind: str
    form: str | None = None

    @property
    def type(self) -> str:
        """The type of the column that the folder is put into."""
        return {FolderKind.NUMBER: "BIGINT", FolderKind.DAY: "DATE", FolderKind.HOUR: "TIMESTAMP"}[self.kind]

    @property
    def forms(self) -> tuple[str | None, ...]:
        """How the names may be written; a day without hours is one of hours, too."""
        if self.kind is FolderKind.NUMBER:
            return (None,)
        if self.form is not None:
            return (self.form,)
        return (_DAY,) if self.kind is FolderKind.DAY else (_HOUR, _DAY)

    def read(self, name: str) -> str | None:
        """What the name of a folder says, as a text that sorts as it does; None where it is none of these.

        Examples:
            >>> numbers = Folders(FolderKind.NUMBER, "ev/", "/*.csv")
            >>> sorted(("10", "2", "1"), key=numbers.read), numbers.read("x")
            (['1', '2', '10'], None)
            >>> Folders(FolderKind.HOUR, "ev/", "/*.csv").read("2019-03-01/07")
            '2019-03-01 07:00:00'
        """
        if self.kind is FolderKind.NUMBER:
            return name.zfill(19) if re.fullmatch(r"[0-9]{1,18}", name) else None
        for form in self.forms:
            moment = _parse(name, form or "")
            if moment is not None:
                return f"{moment:%Y-%m-%d}" if self.kind is FolderKind.DAY else f"{moment:%Y-%m-%d %H:%M:%S}"
        return None

    def bound(self, written: str, *, is_last: bool) -> str | None:
        """The first or the last folder as it is written in `from` or `to`, in the same way; None where it is none.

        Examples:
            >>> hours = Folders(FolderKind.HOUR, "ev/", "/*.csv")
            >>> hours.bound("2019-03-01", is_last=True), hours.bound("2019-03-01/07", is_last=True)
            ('2019-03-01 23:00:00', '2019-03-01 07:00:00')
        """
        if self.kind is FolderKind.NUMBER:
            return self.read(written)
        day = _parse(written, _DAY)
        if self.kind is FolderKind.DAY:
            return None if day is None else f"{day:%Y-%m-%d}"
        hour = _parse(written.replace("T", "/").replace(" ", "/"), _HOUR)
        if day is not None:
            hour = day + timedelta(hours=23) if is_last else day
        return None if hour is None else f"{hour:%Y-%m-%d %H:%M:%S}"


def find_folders(files: str) -> Folders | None:
    """The placeholder for folders in a pattern; None where there is none."""
    for match in PLACEHOLDER.finditer(files):
        kind, _, form = match[1].partition(":")
        if kind in KINDS:
            return Folders(FolderKind(kind), files[: match.start()], files[match.end() :], form or None)
    return None


def _parse(text: str, form: str) -> datetime | None:
    try:
        moment = datetime.strptime(text, form)  # noqa: DTZ007 - it names a folder, and no moment of a zone
    except ValueError:
        return None
    # Without this `2019-3-1` would be a day, and two folders one.
    return moment if moment.strftime(form) == text else None
