"""The keys of a delivery, by the kind of place that it goes to, and what their values can be."""

from __future__ import annotations

import re
from abc import abstractmethod
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.deliveries import (
    Delivery,
    Files,
    Notice,
    OtherTable,
    Place,
    Sheet,
    has_references,
    without_references,
)
from sqlmat_assets.project.intervals import parse_interval

_COMPRESSIONS = {"csv": ("none", "gzip", "zstd"), "parquet": ("snappy", "gzip", "zstd", "none")}
# The first ending that fits wins.
_ENDINGS: dict[str, tuple[str, str | None]] = {
    ".csv": ("csv", "none"),
    ".csv.gz": ("csv", "gzip"),
    ".csv.zst": ("csv", "zstd"),
    ".parquet": ("parquet", None),
}
_LONGEST_LINKS = 7 * 24 * 3600
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_SHEETS = re.compile(r"https://docs\.google\.com/spreadsheets/")
_SPREADSHEET = re.compile(
    r"https://docs\.google\.com/spreadsheets/d/([A-Za-z0-9_-]+|\{\{\s*env\.\w+\s*\}\})(?:[/?#].*)?"
)


def _seconds(value: object) -> int:
    return int(parse_interval(str(value)).total_seconds())


def _link_seconds(value: object) -> int:
    seconds = _seconds(value)
    if seconds > _LONGEST_LINKS:
        raise wording.long_links(str(value))
    return seconds


def _text(value: str) -> str:
    left = without_references(value)
    if "{{" in left or "}}" in left:
        raise wording.no_reference(left[left.find("{{") :] if "{{" in left else left)
    return value


def _secret(key: str) -> AfterValidator:
    def check(value: str) -> str:
        if not has_references(value):
            raise KeyRefused("headers", wording.plain_secret(key))
        return value

    return AfterValidator(check)


_Text = Annotated[str, Field(min_length=1), AfterValidator(_text)]
_Count = Annotated[int, Field(ge=1)]


class KeyRefused(ValueError):  # noqa: N818 - what is refused is the name
    """What several keys say together is wrong; `key` is the one to mend."""

    def __init__(self, key: str, error: TextError) -> None:
        super().__init__(str(error))
        self.key = key
        self.error = error


class _Entry(BaseModel):
    """The keys that every delivery has."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    kind: ClassVar[str]

    to: _Text = Field(examples=["exports/cities.csv"])
    interval: Annotated[int, BeforeValidator(_seconds)] | None = Field(default=None, examples=["24h"])

    @abstractmethod
    def delivery(self, name: str, line: int, description: str | None) -> Delivery:
        """The value that the keys come to."""


class FilesEntry(_Entry):
    """Files in a folder, S3 or Cloud Storage."""

    kind = "a delivery of files"

    format: str | None = Field(default=None, examples=["csv"])
    compression: str | None = Field(default=None, examples=["gzip"])
    header: bool | None = Field(default=None, examples=["false"])
    delimiter: str | None = Field(default=None, examples=['";"'])
    rows_per_file: _Count | None = Field(default=None, examples=["1000000"])
    keep: _Count | None = Field(default=None, examples=["7"])
    links: Annotated[int, BeforeValidator(_link_seconds)] | None = Field(default=None, examples=["4h"])
    endpoint: _Text | None = Field(default=None, examples=["https://s3.example.com"])

    @model_validator(mode="after")
    def _fits(self) -> FilesEntry:
        is_one, form, _ = self._form()
        if self.format is not None and self.format not in _COMPRESSIONS:
            raise KeyRefused("format", wording.not_one_of("format", _COMPRESSIONS))
        if is_one and self.format not in (None, form):
            raise KeyRefused("format", wording.other_format(self.to, "format", self.format or ""))
        self._check_compression()
        for key in ("rows_per_file", "keep") if is_one else ():
            if getattr(self, key) is not None:
                raise KeyRefused(key, wording.only_folders(key, self.to))
        if form == "parquet" and (self.header is not None or self.delimiter is not None):
            key = "header" if self.header is not None else "delimiter"
            raise KeyRefused(key, wording.only_csv(key))
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise KeyRefused("delimiter", wording.one_character("delimiter"))
        place = place_of(self.to)
        if place is Place.FOLDER and self.links is not None:
            raise KeyRefused("links", wording.no_links_here(self.to))
        if place is not Place.FOLDER and not urlsplit(self.to).netloc:
            raise KeyRefused("to", wording.no_bucket(self.to))
        return self

    def _check_compression(self) -> None:
        is_one, form, by_ending = self._form()
        if self.compression is None:
            return
        if self.compression not in _COMPRESSIONS[form]:
            raise KeyRefused("compression", wording.not_compressed_so(form, self.compression, _COMPRESSIONS[form]))
        if is_one and by_ending is not None and self.compression != by_ending:
            raise KeyRefused("compression", wording.other_format(self.to, "compression", self.compression))

    def _form(self) -> tuple[bool, str, str | None]:
        """Whether `to` is one file, the format, and the compression that its ending says."""
        for ending, (form, compression) in _ENDINGS.items():
            if self.to.lower().endswith(ending):
                return True, form, compression
        return False, self.format if self.format in _COMPRESSIONS else "parquet", None

    def delivery(self, name: str, line: int, description: str | None) -> Delivery:
        is_one, form, by_ending = self._form()
        files = Files(
            self.to,
            form,
            self.compression or by_ending or ("gzip" if form == "csv" else "snappy"),
            is_one=is_one,
            header=self.header is not False,
            delimiter=self.delimiter or ",",
            rows_per_file=self.rows_per_file,
            keep=self.keep or 7,
            link_seconds=self.links,
            endpoint=self.endpoint,
        )
        place = place_of(self.to)
        shown = self.to if place is Place.FOLDER else self.to.rstrip("/")
        return Delivery(name, place, shown, line, files, interval_seconds=self.interval, description=description)


class SheetEntry(_Entry):
    """A tab of a Google spreadsheet."""

    kind = "a delivery to a spreadsheet"

    keep: _Count = Field(default=7, examples=["7"])
    endpoint: _Text | None = Field(default=None, examples=["https://sheets.googleapis.com"])

    @model_validator(mode="after")
    def _fits(self) -> SheetEntry:
        if _SPREADSHEET.fullmatch(self.to) is None:
            raise KeyRefused("to", wording.no_spreadsheet(self.to))
        return self

    def delivery(self, name: str, line: int, description: str | None) -> Delivery:
        found = _SPREADSHEET.fullmatch(self.to)
        spreadsheet = "" if found is None else found[1]
        sheet = Sheet(spreadsheet, self.keep, self.endpoint)
        shown = f"https://docs.google.com/spreadsheets/d/{spreadsheet}"
        return Delivery(
            name, Place.SHEETS, shown, line, sheet=sheet, interval_seconds=self.interval, description=description
        )


class OtherTableEntry(_Entry):
    """A table in a PostgreSQL database."""

    kind = "a delivery to a database"

    table: _Text = Field(examples=["public.cities"])
    adopt: bool = Field(default=False, examples=["true"])

    @model_validator(mode="after")
    def _fits(self) -> OtherTableEntry:
        parts = urlsplit(self.to)
        if not parts.netloc or not parts.path.strip("/"):
            raise KeyRefused("to", wording.no_database(self.to))
        password = parts.netloc.rpartition("@")[0].partition(":")[2]
        if password and not has_references(password):
            raise KeyRefused("to", wording.plain_secret("to"))
        schema, _, name = self.table.partition(".")
        if not schema or not name or "." in name:
            raise KeyRefused("table", wording.not_a_table(self.table))
        return self

    def delivery(self, name: str, line: int, description: str | None) -> Delivery:
        parts = urlsplit(self.to)
        shown = f"{self.table} of postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
        other = OtherTable(self.to, self.table, self.adopt)
        return Delivery(
            name,
            Place.POSTGRES,
            shown,
            line,
            other_table=other,
            interval_seconds=self.interval,
            description=description,
        )


class NoticeEntry(_Entry):
    """An HTTP call."""

    kind = "a notification"

    secret: Annotated[_Text, _secret("secret")] | None = Field(default=None, examples=['"{{ env.PARTNER_SECRET }}"'])
    headers: dict[str, _Text] = Field(
        default_factory=dict[str, str], examples=['{Authorization: "Bearer {{ env.TOKEN }}"}']
    )
    files_of: str | None = Field(default=None, examples=["bucket"])

    @model_validator(mode="after")
    def _fits(self) -> NoticeEntry:
        if not urlsplit(self.to).netloc:
            raise KeyRefused("to", wording.no_host(self.to))
        if "@" in urlsplit(self.to).netloc:
            raise KeyRefused("to", wording.plain_secret("to"))
        for key, value in self.headers.items():
            if key.lower() in ("authorization", "cookie", "x-api-key") and not has_references(value):
                raise KeyRefused("headers", wording.plain_secret(key))
        return self

    def delivery(self, name: str, line: int, description: str | None) -> Delivery:
        notice = Notice(self.to, self.secret, tuple(sorted(self.headers.items())), self.files_of)
        # What follows the host may be all that keeps others from calling it.
        parts = urlsplit(self.to)
        shown = f"{parts.scheme}://{parts.netloc}"
        return Delivery(
            name, Place.HTTP, shown, line, notice=notice, interval_seconds=self.interval, description=description
        )


def place_of(to: str) -> Place:
    """What kind of place an address is.

    Raises:
        TextError: It is none that is known.
    """
    found = _SCHEME.match(to)
    if found is None:
        return Place.FOLDER
    if _SHEETS.match(to):
        return Place.SHEETS
    place = {
        "s3": Place.S3,
        "gs": Place.GCS,
        "postgresql": Place.POSTGRES,
        "postgres": Place.POSTGRES,
        "http": Place.HTTP,
        "https": Place.HTTP,
    }.get(found[1].lower())
    if place is None:
        raise wording.unknown_scheme(to)
    return place


ENTRIES: dict[Place, type[FilesEntry | SheetEntry | OtherTableEntry | NoticeEntry]] = {
    Place.FOLDER: FilesEntry,
    Place.S3: FilesEntry,
    Place.GCS: FilesEntry,
    Place.SHEETS: SheetEntry,
    Place.POSTGRES: OtherTableEntry,
    Place.HTTP: NoticeEntry,
}
"""The keys that a delivery to each kind of place has."""
