"""What the errors of Google's client mean: whether another try may go well, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests.exceptions
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from sqlmat_assets.errors import (
    CancelledError,
    MaterializeError,
    TerminalWarehouseError,
    TransientWarehouseError,
    WarehouseError,
)
from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.errors.failures import cancelled

# https://cloud.google.com/bigquery/docs/error-messages
PASSING = frozenset(
    {
        "rateLimitExceeded",
        "jobRateLimitExceeded",
        "backendError",
        "jobBackendError",
        "internalError",
        "jobInternalError",
    }
)
# Of some the client knows nothing but the status.
_PASSING_TYPES = (
    google.TooManyRequests,
    google.InternalServerError,
    google.BadGateway,
    google.ServiceUnavailable,
    google.GatewayTimeout,
)
LOST = (
    requests.exceptions.ConnectionError,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.Timeout,
    auth.TransportError,
    ConnectionError,
    google.RetryError,
)
# https://cloud.google.com/bigquery/docs/transactions#transaction_concurrency
_CONFLICT = re.compile(r"due to concurrent update|[Cc]ould not serialize access")
MEANWHILE = "sqlmat: changed meanwhile"
# https://cloud.google.com/bigquery/docs/error-messages and .../loading-data-cloud-storage#limitations
_OUT_OF_REACH = re.compile(
    r"Access Denied: (?:File|BigQuery BigQuery: Permission denied while (?:globbing|opening|accessing))"
    r"|storage\.objects\.\w+ (?:access|permission)"
    r"|Cannot read (?:and write )?in(?: different)? locations?"
)
_PREFIX = "Error while reading data, error message: "
_FILE = re.compile(r";?\s*File:\s*(gs://\S+?)\.?$")
# Some entries only count the others.
_SUMMARY = re.compile(r"too many errors, giving up")
_VALUE = re.compile(r"Could not parse '(?P<value>.*)' as \w+ for field (?P<column>\S+)", re.DOTALL)
_OF_JSON = re.compile(r"Field: (?P<column>\S+); Value: (?P<value>.*)", re.DOTALL)
_HINTS = {
    "accessDenied": "hint: give the account of sqlmat the roles `BigQuery Job User` and `BigQuery Data Editor`",
}


@dataclass(frozen=True, slots=True)
class Refused:
    """What BigQuery says of a row of an object that it cannot read."""

    url: str
    said: str
    column: str = ""
    value: str = ""


class RefusedRowsError(TerminalWarehouseError):
    """A load job met rows that it cannot read, and more than it may leave out; `rows` are the first of them."""

    def __init__(self, message: str, statement: str | None, rows: Sequence[Refused]) -> None:
        super().__init__(message, statement)
        self.rows = tuple(rows)


def refused_by(errors: Sequence[Mapping[str, Any]] | None) -> tuple[Refused, ...]:
    """The rows that the errors of a load job are about.

    Examples:
        >>> said = "Error while reading data, error message: No number. Field: id; Value: x"
        >>> refused_by([{"message": said, "location": "gs://b/k"}])
        (Refused(url='gs://b/k', said='No number', column='id', value='x'),)
    """
    found: list[Refused] = []
    for each in errors or ():
        said, location = str(each.get("message") or ""), str(each.get("location") or "")
        file = _FILE.search(said)
        url = location if location.startswith("gs://") else "" if file is None else file[1]
        if not url or not said.startswith(_PREFIX) or _SUMMARY.search(said):
            continue
        said = _FILE.sub("", said.removeprefix(_PREFIX)).strip()
        told = _VALUE.search(said) or _OF_JSON.search(said)
        if told is None:
            row = Refused(url, said)
        else:
            row = Refused(url, _OF_JSON.sub("", said).strip(" ."), told["column"], told["value"])
        if row not in found:
            found.append(row)
    return tuple(found)


def is_out_of_reach(error: WarehouseError) -> bool:
    """Whether BigQuery may not read or write a bucket, or that is in another region."""
    return _OUT_OF_REACH.search(error.message) is not None


def reason_of(error: Exception) -> str:
    """The word that BigQuery has for what went wrong; empty where there is none."""
    for each in getattr(error, "errors", None) or ():
        if isinstance(each, dict) and each.get("reason"):
            return str(each["reason"])
    return ""


def said_by(error: Exception) -> str:
    """The words of BigQuery, without what the client adds to them."""
    for each in getattr(error, "errors", None) or ():
        if isinstance(each, dict) and each.get("message"):
            return str(each["message"])
    return str(getattr(error, "message", None) or error)


def passes(error: Exception) -> bool:
    """Whether the same request may go well a little later."""
    reason = reason_of(error)
    if reason:
        return reason in PASSING
    return isinstance(error, _PASSING_TYPES)


def is_conflict(error: Exception) -> bool:
    """Whether somebody else has changed the table meanwhile."""
    return _CONFLICT.search(said_by(error)) is not None


def translate(error: Exception, statement: str | None, label: str, rows: Sequence[Refused] = ()) -> MaterializeError:
    """What BigQuery says, as an error of ours; `rows` are those that a load job cannot read."""
    if isinstance(error, auth.DefaultCredentialsError | auth.RefreshError):
        return wording.no_credentials(label, str(error).splitlines()[0])
    if isinstance(error, LOST):
        return wording.connection_lost(label, _short(error), statement)
    said, reason = said_by(error), reason_of(error)
    if reason == "stopped":
        return CancelledError(cancelled())
    if MEANWHILE in said:
        return wording.changed_meanwhile(statement)
    if passes(error) or is_conflict(error):
        return TransientWarehouseError(said, statement)
    if rows:
        return RefusedRowsError(f"{said}\n  {rows[0].url}: {rows[0].said}", statement, rows)
    hint = _HINTS.get(reason)
    return TerminalWarehouseError(said if hint is None else f"{said}\n  {hint}", statement)


def _short(error: Exception) -> str:
    """One line without the addresses of objects in memory."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"<[^<>]* at 0x[0-9a-f]+>: ?", "", first)
