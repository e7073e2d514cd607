"""What the errors of Google's client mean: whether another try may go well, and what to do."""

from __future__ import annotations

import re

import requests.exceptions
from google.api_core import exceptions as google
from google.auth import exceptions as auth

from sqlmat_assets.errors import CancelledError, MaterializeError, TerminalWarehouseError, TransientWarehouseError
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
_HINTS = {
    "accessDenied": "hint: give the account of sqlmat the roles `BigQuery Job User` and `BigQuery Data Editor`",
}


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


def translate(error: Exception, statement: str | None, label: str) -> MaterializeError:
    """What BigQuery says, as an error of ours."""
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
    hint = _HINTS.get(reason)
    return TerminalWarehouseError(said if hint is None else f"{said}\n  {hint}", statement)


def _short(error: Exception) -> str:
    """One line without the addresses of objects in memory."""
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return re.sub(r"<[^<>]* at 0x[0-9a-f]+>: ?", "", first)
