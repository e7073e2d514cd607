"""Connections to Redshift, which speaks PostgreSQL's protocol and has few of its settings."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import conninfo

from sqlmat_assets.errors import TerminalWarehouseError, TransientWarehouseError, WarehouseError
from sqlmat_assets.warehouses.base import Pause
from sqlmat_assets.warehouses.postgres.connections import Answer, Connection, Place
from sqlmat_assets.warehouses.postgres.errors import explain_connecting, is_away, is_starting
from sqlmat_assets.warehouses.postgres.values import register
from sqlmat_assets.warehouses.redshift.sign_in import SignIn, find_credentials

_POLL_SECONDS = 0.2
# All digits of a number in its text, from which fingerprints are computed.
_SETTINGS = b"SET extra_float_digits TO 2"
# https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation-serializable-isolation-troubleshooting.html
_LONGEST = "character varying(65535)"
_CONFLICT = re.compile(
    r"\b1023\b|[Ss]erializable isolation violation|could not open relation with OID|was concurrently "
)


@dataclass(frozen=True, slots=True)
class Staging:
    """The folder in S3 through which rows of files get into a cluster and out of it.

    Args:
        bucket: Its bucket.
        prefix: The folder in it, without a slash at the end.
        iam_role: The role with which the cluster reads and writes there; None for the keys of the environment.
        region: Where the bucket is, where that is not where the cluster is.
        endpoint: Another S3 than Amazon's.
    """

    bucket: str
    prefix: str
    iam_role: str | None = None
    region: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class RedshiftPlace(Place):
    """A database of a cluster; without `sign_in`, the user and the password are in `conninfo`."""

    staging: Staging | None = None
    sign_in: SignIn | None = None


def is_conflict(error: WarehouseError) -> bool:
    """Whether somebody else has changed a table meanwhile, and another try may go well."""
    return _CONFLICT.search(error.message) is not None


class RedshiftConnection(Connection):
    """One connection, made when it is needed and again after it was lost outside of a transaction."""

    def connect(self, pause: Pause, *, is_again: bool = False) -> None:
        self._pause = pause
        deadline = time.monotonic() + self.place.wait.total_seconds()
        while self._raw is None or self._raw.closed:
            try:
                self._raw = _connect(self.place)
            except psycopg.Error as error:
                found = _explain(error, self.place.label)
                passes = isinstance(found, TransientWarehouseError) or is_away(found)
                waits = is_starting(found) or (is_again and passes)
                if not waits or time.monotonic() >= deadline:
                    raise found from error
                self._pause(_POLL_SECONDS)

    def send(self, text: str, values: Mapping[str, object] | None = None) -> Answer:
        try:
            answer = super().send(text, values)
            return Answer(
                tuple((name, _as_in_tables(kind)) for name, kind in answer.columns), answer.rows, answer.count
            )
        except TerminalWarehouseError as error:
            if is_conflict(error) or _is_made_meanwhile(error, text):
                raise TransientWarehouseError(error.message, error.statement) from error.__cause__
            raise


def is_gone(error: WarehouseError) -> bool:
    """Whether there is no table or view of the name."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.sqlstate == "42P01"


def is_taken(error: WarehouseError) -> bool:
    """Whether something is there that was to be made."""
    cause = error.__cause__
    return isinstance(cause, psycopg.Error) and cause.sqlstate in ("23505", "42P06", "42P07", "42710")


def _is_made_meanwhile(error: WarehouseError, text: str) -> bool:
    """Whether somebody else has just made what was to be made only where it is not there."""
    return is_taken(error) and " IF NOT EXISTS " in text.partition("(")[0]


def _as_in_tables(kind: str) -> str:
    """The type that a table has whose column is made of such a value."""
    return _LONGEST if kind in ("text", "character varying") else kind


def _connect(place: Place) -> psycopg.Connection[tuple[object, ...]]:
    sign_in = place.sign_in if isinstance(place, RedshiftPlace) else None
    told = place.conninfo
    if sign_in is not None:
        found = find_credentials(sign_in)
        told = conninfo.make_conninfo(told, user=found.user, password=found.password)
    raw = psycopg.connect(told, autocommit=True, prepare_threshold=None, client_encoding="UTF8")
    register(raw)
    raw.execute(_SETTINGS)
    return raw


def _explain(error: psycopg.Error, label: str) -> WarehouseError:
    found = explain_connecting(error, label)
    first = found.message.splitlines()[0]
    if first.endswith("does not exist"):
        return TerminalWarehouseError(f"{first}\n  hint: check the user and the database in the warehouse URL")
    return found
