"""Which module is behind a URL, and how the login of a connection gets there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sqlmat_assets.connectors.base import Store
from sqlmat_assets.connectors.databases import Database
from sqlmat_assets.errors import sources as wording

VARIABLE = "SQLMAT_CONNECTION_{name}"
"""The variable of the environment that has the URL of a connection."""


def variable_of(name: str) -> str:
    """The variable of the environment that has the URL of a connection.

    Examples:
        >>> variable_of("shop")
        'SQLMAT_CONNECTION_SHOP'
    """
    return VARIABLE.format(name=name.upper())


@dataclass(frozen=True, slots=True)
class Connectors:
    """Opens what tables are loaded from, each place once.

    Args:
        find_url: Gives the URL of a connection by its name; None where nothing says it.
    """

    find_url: Callable[[str], str | None] = lambda _: None
    _stores: dict[tuple[str, str | None], Store] = field(default_factory=dict[tuple[str, str | None], Store])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> Connectors:
        """Those of an environment."""
        return cls(lambda name: variables.get(variable_of(name)))

    def open_store(self, scheme: str | None, connection: str | None) -> Store:
        """The place with the files of a kind of URL.

        Args:
            scheme: What the URL begins with, in lower case; None for a path on this machine.
            connection: The name of a login; None for what the machine has.

        Raises:
            SourceError: Nothing says what the connection is, or there is no client for the place.
            UsageError: The URL of the connection is one of another place.
        """
        kind = "http" if scheme == "https" else scheme or ""
        with self._lock:
            if (kind, connection) not in self._stores:
                self._stores[kind, connection] = _open(kind, connection, self._url_of(connection))
            return self._stores[kind, connection]

    def open_database(self, connection: str) -> Database:
        """A database that tables are loaded from.

        Raises:
            SourceError: Nothing says what the connection is.
            UsageError: The URL of the connection is one of another place.
        """
        url = self._url_of(connection) or ""
        match url.partition("://")[0].lower():
            case "postgresql" | "postgres":
                from sqlmat_assets.connectors.postgres import PostgresSource

                return PostgresSource(url)
            case "mysql" | "mariadb":
                from sqlmat_assets.connectors.mysql import MySQLSource

                return MySQLSource(url)
            case _:
                raise wording.no_database(connection)

    def _url_of(self, connection: str | None) -> str | None:
        if connection is None:
            return None
        url = self.find_url(connection)
        if not url:
            raise wording.unknown_connection(connection, variable_of(connection))
        return url


def _open(kind: str, name: str | None, url: str | None) -> Store:
    """A module is imported where its place is asked for, as clients are large."""
    match kind:
        case "s3":
            from sqlmat_assets.connectors import s3

            return s3.S3Store(s3.S3Place() if name is None or url is None else s3.read_place(name, url))
        case "gs":
            from sqlmat_assets.connectors import gcs

            return gcs.GCSStore(gcs.GCSPlace() if name is None or url is None else gcs.read_place(name, url))
        case "http":
            from sqlmat_assets.connectors import http

            return http.HTTPStore(http.HTTPPlace() if name is None or url is None else http.read_place(name, url))
        case _:
            from sqlmat_assets.connectors.local import LocalFiles

            return LocalFiles()
