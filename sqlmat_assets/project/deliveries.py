"""Where a table goes after each publish: what its `*.deliver.yaml` says."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlmat_assets.errors import Problem
from sqlmat_assets.relation import Relation

_BETWEEN = "__deliver__"
_REFERENCE = re.compile(r"\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")


class Place(StrEnum):
    """What kind of place rows are delivered to, by the name under which Dagster has a picture of it."""

    FOLDER = "file"
    S3 = "s3"
    GCS = "gcs"
    SHEETS = "googlesheets"
    POSTGRES = "postgres"
    HTTP = "http"


@dataclass(frozen=True, slots=True)
class Files:
    """Files of rows in a folder on this machine, in S3 or in Cloud Storage.

    With `is_one`, `to` is the name of one file that is replaced; else it is a folder that gets a folder for each
    delivery, of which the last `keep` stay, and a file that says which is the newest. `rows_per_file` is None for one
    file. Whoever is shown a link may read a file for `link_seconds`; there are no links where it is None.
    """

    to: str
    format: str
    compression: str
    is_one: bool = False
    header: bool = True
    delimiter: str = ","
    rows_per_file: int | None = None
    keep: int = 7
    link_seconds: int | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """A spreadsheet of Google Sheets that gets a tab for each delivery, of which the last `keep` stay."""

    spreadsheet: str
    keep: int = 7
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class OtherTable:
    """A table in a PostgreSQL database; `adopt` replaces one that something else has made."""

    url: str
    table: str
    adopt: bool = False


@dataclass(frozen=True, slots=True)
class Notice:
    """An HTTP call that says that there are new rows.

    `secret` signs it. `files_of` is another delivery of the table, whose files it names.
    """

    url: str
    secret: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    files_of: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery of a table: one of the four says to where.

    Texts in it may hold `{{ env.NAME }}`, which stands for a value that is in no file. `shown` is where it goes, for
    people; `line` is where it begins in its file.
    """

    name: str
    place: Place
    shown: str
    line: int
    files: Files | None = None
    sheet: Sheet | None = None
    other_table: OtherTable | None = None
    notice: Notice | None = None
    interval_seconds: int | None = None
    description: str | None = None

    @property
    def meaning(self) -> str:
        """What makes another delivery of it when it changes."""
        return repr((self.place, self.files, self.sheet, self.other_table, self.notice))


@dataclass(frozen=True, slots=True)
class WrittenDelivery:
    """One entry of a file: its name, what it says as far as it can be read, and what is wrong with it."""

    name: str
    line: int
    column: int
    delivery: Delivery | None = None
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedDeliveries:
    """What a `*.deliver.yaml` says; `problems` are those that belong to no entry."""

    entries: tuple[WrittenDelivery, ...] = ()
    problems: tuple[Problem, ...] = ()


def delivery_of(table: Relation, name: str) -> Relation:
    """Under which name a delivery of a table stands among the tables.

    Examples:
        >>> str(delivery_of(Relation("first", "cities"), "bucket"))
        'first.cities__deliver__bucket'
    """
    return Relation(table.schema, f"{table.name}{_BETWEEN}{name}")


def has_references(text: str) -> bool:
    """Whether a value that is in no file belongs into a text."""
    return _REFERENCE.search(text) is not None


def is_reference(text: str) -> bool:
    """Whether a text is nothing but a value that is in no file.

    Examples:
        >>> is_reference("{{ env.TOKEN }}"), is_reference("Bearer {{ env.TOKEN }}")
        (True, False)
    """
    return _REFERENCE.fullmatch(text) is not None


def without_references(text: str) -> str:
    """What is left of a text when the values that are in no file are taken out."""
    return _REFERENCE.sub("", text)


def fill_references(text: str, find: Callable[[str], str]) -> str:
    """Put values into a text.

    Args:
        text: With `{{ env.NAME }}` in it.
        find: Gives the value of a name.

    Examples:
        >>> fill_references("s3://{{ env.BUCKET }}/cities", {"BUCKET": "exports"}.__getitem__)
        's3://exports/cities'
    """
    return _REFERENCE.sub(lambda match: find(match[1]), text)
