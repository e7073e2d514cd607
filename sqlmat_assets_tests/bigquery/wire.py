"""What goes over the wire: errors as Google's APIs tell them, and values as `getQueryResults` writes them."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

Json = dict[str, Any]

# https://cloud.google.com/bigquery/docs/error-messages
_STATUS = {
    "invalid": 400,
    "invalidQuery": 400,
    "resourcesExceeded": 400,
    "badRequest": 400,
    "bytesBilledLimitExceeded": 500,
    "accessDenied": 403,
    "rateLimitExceeded": 403,
    "quotaExceeded": 403,
    "notFound": 404,
    "duplicate": 409,
    "conditionNotMet": 412,
    "stopped": 499,
    "backendError": 503,
    "internalError": 500,
    "jobInternalError": 500,
    "jobRateLimitExceeded": 403,
    "notImplemented": 501,
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the text of a query something is."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"[{self.line}:{self.column}]"


class ApiError(Exception):
    """What a request, or a job, is refused with."""

    def __init__(self, reason: str, message: str, *, location: str | None = None, more: Sequence[Json] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.location = location
        self.more = list(more)

    @property
    def status(self) -> int:
        return _STATUS[self.reason]

    def detail(self) -> Json:
        """As it stands in `errors` of a response and in `status` of a job."""
        found: Json = {"reason": self.reason, "message": self.message}
        if self.location is not None:
            found["location"] = self.location
        return found

    def response(self) -> Json:
        return {"error": {"code": self.status, "message": self.message, "errors": [self.detail()]}}


def not_found(kind: str, name: str) -> ApiError:
    return ApiError("notFound", f"Not found: {kind} {name}")


def invalid(message: str) -> ApiError:
    return ApiError("invalid", message)


def invalid_query(message: str, place: Place | None = None) -> ApiError:
    told = message if place is None else f"{message} at {place}"
    return ApiError("invalidQuery", told, location="query")


def encode_rows(fields: Sequence[Json], rows: Sequence[Sequence[Any]]) -> list[Json]:
    """Rows of a result, each value as text."""
    return [{"f": [{"v": encode(value, each)} for value, each in zip(row, fields, strict=True)]} for row in rows]


def encode(value: Any, field: Json) -> Any:
    """A value of a column as it stands in a response."""
    if field.get("mode") == "REPEATED":
        one = {**field, "mode": "NULLABLE"}
        return [{"v": encode(each, one)} for each in value or ()]
    if value is None:
        return None
    if field["type"] in ("RECORD", "STRUCT"):
        given = list(value.values()) if isinstance(value, dict) else list(value)
        return {"f": [{"v": encode(each, own)} for each, own in zip(given, field["fields"], strict=True)]}
    return _encode_scalar(value, field["type"])


def _encode_scalar(value: Any, kind: str) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(bytes(value)).decode()
        case datetime() if kind == "TIMESTAMP":
            moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
            return str(round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(microseconds=1)))
        case datetime():
            return value.replace(tzinfo=None).isoformat()
        case date() | time():
            return value.isoformat()
        case Decimal():
            return _plain(value)
        case float():
            return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(value), repr(value))
        case timedelta():
            return _interval(value)
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _interval(value: timedelta) -> str:
    seconds = value.seconds
    return f"0-0 {value.days} {seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}"
