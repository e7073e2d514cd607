"""The fields of files that COPY loads: what a column takes, and the error code for what it does not.

https://docs.aws.amazon.com/redshift/latest/dg/r_Load_Error_Reference.html
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from dateutil import parser as dates

from sqlmat_assets_tests.redshift.options import Options

RANGES = {"smallint": 15, "integer": 31, "bigint": 63}
FORMATS = (
    ("YYYY", "%Y"),
    ("YY", "%y"),
    ("MONTH", "%B"),
    ("MON", "%b"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("HH24", "%H"),
    ("HH", "%H"),
    ("MI", "%M"),
    ("SS", "%S"),
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that is loaded.

    Attributes:
        length: Of a character type, in bytes.
    """

    name: str
    type: str
    length: int | None
    required: bool
    precision: int = 0
    scale: int = 0

    @property
    def is_text(self) -> bool:
        return self.type in {"character varying", "character"}


class BadField(Exception):  # noqa: N818 - what it is called in messages
    """A field that its column does not take."""

    def __init__(self, code: int, reason: str, column: Column | None = None, value: str = "") -> None:
        super().__init__(reason)
        self.code, self.reason, self.column, self.value = code, reason, column, value


def convert(column: Column, written: str, options: Options) -> str | None:
    """Return what PostgreSQL loads for a field, or None for NULL.

    Raises:
        BadField: The column does not take it.
    """
    value: str | None = written
    null = options.texts.get("null", "\\N")
    if (
        written == null
        or (written == "" and not column.is_text)
        or (written == "" and "emptyasnull" in options.words)
        or (written.strip() == "" and "blanksasnull" in options.words)
    ):
        value = None
    if value is None:
        if column.required:
            raise BadField(1213, "Missing data for not-null field", column, written)
        return None
    if "trimblanks" in options.words:
        value = value.rstrip()
    try:
        return _checked(column, value, options)
    except BadField as bad:
        bad.column, bad.value = column, written
        raise


def _checked(column: Column, value: str, options: Options) -> str:
    match column.type:
        case "smallint" | "integer" | "bigint":
            _integer(column, value)
        case "real" | "double precision":
            _number(value, 1208, "Invalid value for a floating point number")
        case "numeric":
            number = _number(value, 1209, "Invalid digit, Type: Decimal")
            if number is not None and abs(number) >= Decimal(10) ** (column.precision - column.scale):
                raise BadField(1204, "Numeric overflow")
        case "boolean":
            if value.strip().lower() not in {"t", "f", "true", "false", "1", "0", "y", "n", "yes", "no"}:
                raise BadField(1210, f"Unknown boolean format, Value '{value}'")
        case "date":
            return _date(value, options)
        case "timestamp without time zone" | "timestamp with time zone":
            return _timestamp(value, options)
        case "bytea":
            return _bytes(value)
        case _ if column.is_text:
            return _text(column, value, options)
        case _:
            return value
    return value


def _named(column: Column) -> str:
    return {"smallint": "Short", "integer": "Integer", "bigint": "Long"}[column.type]


def _integer(column: Column, value: str) -> None:
    if not re.fullmatch(r"\s*[+-]?\d+\s*", value):
        bad = re.search(r"[^\d+-]|(?<!^)[+-]", value.strip())
        raise BadField(
            1207,
            (
                f"Invalid digit, Value '{bad[0] if bad else ''}', Pos "
                f"{bad.start() if bad else 0}, Type: {_named(column)}"
            ),
        )
    if not -(2 ** RANGES[column.type]) <= int(value) < 2 ** RANGES[column.type]:
        raise BadField(1204, f"Overflow, Value '{value.strip()}', Type: {_named(column)}")


def _bytes(value: str) -> str:
    """Digits alone: https://docs.aws.amazon.com/redshift/latest/dg/copy-usage-varbyte.html."""
    if not re.fullmatch("([0-9A-Fa-f]{2})*", value):
        raise BadField(1224, "Invalid hexadecimal representation of VARBYTE")
    return f"\\x{value}"


def _number(value: str, code: int, reason: str) -> Decimal | None:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        raise BadField(code, reason) from None
    return number if number.is_finite() else None


def _date(value: str, options: Options) -> str:
    told = options.texts.get("dateformat", "YYYY-MM-DD")
    try:
        if told.lower() == "auto":
            return dates.parse(value).date().isoformat()
        return dt.datetime.strptime(value.strip()[:10], _python_format(told)).date().isoformat()  # noqa: DTZ007 - it has no zone
    except (ValueError, OverflowError):
        raise BadField(1205, "Invalid Date Format - length must be 10 or more") from None


def _timestamp(value: str, options: Options) -> str:
    told = options.texts.get("timeformat", "YYYY-MM-DD HH:MI:SS")
    try:
        match told.lower():
            case "epochsecs":
                return dt.datetime.fromtimestamp(float(value), dt.UTC).replace(tzinfo=None).isoformat(" ")
            case "epochmillisecs":
                return dt.datetime.fromtimestamp(int(value) / 1000, dt.UTC).replace(tzinfo=None).isoformat(" ")
            case "auto":
                return dates.parse(value).isoformat(" ")
            case "yyyy-mm-dd hh:mi:ss":
                return dt.datetime.fromisoformat(value.strip()).isoformat(" ")
            case _:
                return dt.datetime.strptime(value.strip(), _python_format(told)).isoformat(" ")  # noqa: DTZ007 - it has no zone
    except (ValueError, OverflowError):
        raise BadField(1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]") from None


def _python_format(told: str) -> str:
    for theirs, ours in FORMATS:
        told = re.sub(rf"(?<!%){theirs}", ours, told)
    return told


def _text(column: Column, value: str, options: Options) -> str:
    data = value.encode(errors="surrogateescape")
    try:
        data.decode()
    except UnicodeDecodeError as bad:
        if "acceptinvchars" not in options.words:
            shown = " ".join(f"{byte:x}" for byte in data[bad.start : bad.end])
            reason = f"String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex sequence: {shown} (error 3)"
            raise BadField(1220, reason) from None
        data = data.decode(errors="replace").replace("\ufffd", "?").encode()
    if column.type == "character" and any(byte > 127 for byte in data):
        raise BadField(1220, "Multibyte character not supported for CHAR (Hint: try using VARCHAR).")
    if column.length is not None and len(data) > column.length:
        if "truncatecolumns" not in options.words:
            raise BadField(1204, "String length exceeds DDL length")
        data = data[: column.length]
    return data.decode(errors="ignore")
