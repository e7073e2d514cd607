"""Rows of CSV and JSON as a load job reads them: which values it takes for which types, and what it says of others.

https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-csv#data_types
https://cloud.google.com/bigquery/docs/loading-data-cloud-storage-json#data_types
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlmat_assets_tests.bigquery.wire import Json

_DATE = r"\d{4}-\d{1,2}-\d{1,2}"
_CLOCK = r"\d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d{1,6})?)?"
_ZONE = r"(?: ?UTC|Z|[+-]\d{1,2}(?::?\d{2})?)"
_FORMS = {
    "INTEGER": re.compile(r"[+-]?\d+"),
    "NUMERIC": re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"),
    "DATE": re.compile(_DATE),
    "TIME": re.compile(_CLOCK),
    "DATETIME": re.compile(rf"{_DATE}(?:[T ]{_CLOCK})?"),
    "TIMESTAMP": re.compile(rf"{_DATE}(?:[T ]{_CLOCK})?{_ZONE}?"),
}
_FORMS["BIGNUMERIC"] = _FORMS["NUMERIC"]
_SECONDS = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BOOLS = {
    name: value for value, names in ((True, "1 true t yes y"), (False, "0 false f no n")) for name in names.split()
}
_IN_SQL = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_MOST_TOLD = 5


@dataclass
class Read:
    """The rows of some files, by the names of the columns, and what is said of those that were left out."""

    rows: list[Json] = field(default_factory=list)
    bad: list[Json] = field(default_factory=list)

    @property
    def told(self) -> list[Json]:
        return self.bad[:_MOST_TOLD]


@dataclass(frozen=True)
class BadError(Exception):
    """A row that cannot be read."""

    said: str


def read_csv(config: Json, files: Sequence[tuple[str, bytes]], fields: Sequence[Json]) -> Read:
    """Read files, each with its URL."""
    found = Read()
    delimiter = str(config.get("fieldDelimiter") or ",").encode()[:1]
    quote = str(config.get("quote", '"')).encode()[:1]
    for url, content in files:
        lines = _split(content, delimiter, quote)
        for _ in range(int(config.get("skipLeadingRows") or 0)):
            next(lines, None)
        for place, values in lines:
            try:
                found.rows.append(_row_of_csv(config, values, fields, place))
            except BadError as error:
                found.bad.append(_told(error.said, url))
    return found


def read_json(config: Json, files: Sequence[tuple[str, bytes]], fields: Sequence[Json]) -> Read:
    """The same of objects of JSON, each in a line of its own."""
    found = Read()
    for url, content in files:
        place = 0
        for line in content.splitlines(keepends=True):
            try:
                if line.strip():
                    found.rows.append(_row_of_json(config, line, fields))
            except BadError as error:
                found.bad.append(_told(f"JSON parsing error in row starting at position {place}: {error.said}", url))
            place += len(line)
    return found


def _told(said: str, url: str) -> Json:
    where = {"location": url} if url else {}
    return {"reason": "invalid", **where, "message": f"Error while reading data, error message: {said} File: {url}"}


def _split(content: bytes, delimiter: bytes, quote: bytes) -> Iterator[tuple[int, list[tuple[str, bool]]]]:
    """The lines of CSV: where each begins, and its values, each with whether it stands in quotes."""
    place, start = 0, 0
    values: list[tuple[str, bool]] = []
    while place < len(content):
        is_quoted = bool(quote) and content[place : place + 1] == quote
        if is_quoted:
            value, place = _in_quotes(content, place + 1, quote)
        else:
            end = place
            while end < len(content) and content[end : end + 1] not in (delimiter, b"\n", b"\r"):
                end += 1
            value, place = content[place:end], end
        values.append((value.decode("utf-8", errors="replace"), is_quoted))
        if content[place : place + 1] == delimiter:
            place += 1
            if place == len(content):
                values.append(("", False))
                yield start, values
            continue
        place += 2 if content[place : place + 2] == b"\r\n" else 1
        if values != [("", False)]:
            yield start, values
        values, start = [], place


def _in_quotes(content: bytes, place: int, quote: bytes) -> tuple[bytes, int]:
    value = b""
    while place < len(content):
        end = content.find(quote, place)
        if end < 0:
            return value + content[place:], len(content)
        value += content[place:end]
        if content[end + 1 : end + 2] != quote:
            return value, end + 1
        value, place = value + quote, end + 2
    return value, place


def _row_of_csv(config: Json, values: Sequence[tuple[str, bool]], fields: Sequence[Json], place: int) -> Json:
    if len(values) > len(fields) and not config.get("ignoreUnknownValues"):
        raise BadError(
            f"Too many values in line. Found {len(values)} column(s) while expected {len(fields)}. "
            f"Line starts at position: {place}."
        )
    if len(values) < len(fields) and not config.get("allowJaggedRows"):
        raise BadError(
            f"CSV table references column position {len(values)}, but line contains only {len(values)} columns. "
            f"Line starts at position: {place}."
        )
    row: Json = {}
    for at, (column, (text, is_quoted)) in enumerate(zip(fields, values, strict=False)):
        name = column["name"]
        try:
            row[name] = None if _is_null(config, text, is_quoted, column) else convert(text, column)
        except ValueError:
            kind = _IN_SQL.get(column["type"], column["type"])
            said = f"Could not parse '{text}' as {kind} for field {name} (position {at}) starting at location {place} "
            raise BadError(f"{said} with message 'Unable to parse'") from None
        if row[name] is None and column.get("mode") == "REQUIRED":
            raise BadError(
                f"Required column value for column index: {at} is missing in row starting at position: {place}"
            )
    return row


def _is_null(config: Json, text: str, is_quoted: bool, column: Json) -> bool:
    """Whether a value is none.

    By `nullMarker`, which is an empty one unless something is said, an empty text in quotes is a text; by `nullMarkers`
    an empty one is none, whatever the type of the column.
    """
    markers = config.get("nullMarkers")
    if markers is not None:
        return text in markers
    is_text = column["type"] in ("STRING", "BYTES")
    marker = config.get("nullMarker", "")
    return text == marker and not (is_quoted and is_text and not marker)


def _row_of_json(config: Json, line: bytes, fields: Sequence[Json]) -> Json:
    try:
        given = json.loads(line.decode("utf-8", errors="replace"))
    except ValueError:
        raise BadError("Parser terminated before end of string") from None
    if not isinstance(given, dict):
        raise BadError("Value encountered without start of object.")
    return _object(config, given, fields, "")


def _object(config: Json, given: Json, fields: Sequence[Json], path: str) -> Json:
    own = {each["name"].lower(): each for each in fields}
    row: Json = {}
    for key, value in given.items():
        column = own.get(key.lower())
        if column is None:
            if config.get("ignoreUnknownValues"):
                continue
            raise BadError(f"No such field: {path}{key}.")
        row[column["name"]] = _json_value(config, value, column, path)
    for each in fields:
        if each.get("mode") == "REQUIRED" and row.get(each["name"]) is None:
            raise BadError(f"Missing required field: {path}{each['name']}.")
    return row


def _json_value(config: Json, value: Any, column: Json, path: str) -> Any:
    name = f"{path}{column['name']}"
    if column.get("mode") == "REPEATED":
        if not isinstance(value, list):
            raise BadError(f"Only optional fields can be set to NULL. Field: {name}; Value: {value}")
        return [_json_value(config, each, {**column, "mode": "NULLABLE"}, path) for each in value]
    if value is None:
        return None
    kind = column["type"]
    if kind == "RECORD":
        if not isinstance(value, dict):
            raise BadError(f"Nonrecord value for a record field. Field: {name}; Value: {json.dumps(value)}")
        return _object(config, value, column["fields"], f"{name}.")
    if kind == "JSON":
        return json.dumps(value)
    if isinstance(value, dict | list):
        what = (
            "Array specified for non-repeated field"
            if isinstance(value, list)
            else "JSON object specified for non-record field"
        )
        raise BadError(f"{what}: {name}.")
    if kind == "STRING" and not isinstance(value, str):
        raise BadError(f"Could not convert value to string. Field: {name}; Value: {json.dumps(value)}")
    try:
        return convert(value if isinstance(value, str) else json.dumps(value), column)
    except ValueError:
        told = {"INTEGER": "integer", "FLOAT": "float", "BOOLEAN": "boolean"}.get(kind, kind.lower())
        raise BadError(f"Could not convert value to {told}. Field: {name}; Value: {value}") from None


def convert(text: str, column: Json) -> Any:
    """A value of a column, as a text that DuckDB takes for its type.

    Raises:
        ValueError: It is none.
    """
    kind = column["type"]
    if kind in ("STRING", "GEOGRAPHY"):
        return text
    own = _CONVERTED.get(kind)
    if own is not None:
        return own(text)
    text = text.strip()
    if kind == "TIMESTAMP" and _SECONDS.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC).isoformat(sep=" ")
    if not _FORMS[kind].fullmatch(text):
        raise ValueError(text)
    if kind == "INTEGER" and not -(1 << 63) <= int(text) < 1 << 63:
        raise ValueError(text)
    if kind == "TIMESTAMP":
        text = re.sub(r" ?UTC$|Z$", "+00", text)
        return text if re.search(r"[+-]\d{1,2}(?::?\d{2})?$", text[10:]) else f"{text}+00"
    return text


def _boolean(text: str) -> bool:
    try:
        return _BOOLS[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


def _bytes(text: str) -> str:
    try:
        found = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(text) from None
    return "".join(f"\\x{each:02X}" for each in found)


def _json(text: str) -> str:
    return json.dumps(json.loads(text))


def _float(text: str) -> str:
    return str(float(text))


_CONVERTED: dict[str, Callable[[str], Any]] = {"BOOLEAN": _boolean, "BYTES": _bytes, "JSON": _json, "FLOAT": _float}
