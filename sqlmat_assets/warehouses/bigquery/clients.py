"""Clients of BigQuery: one for each process and place, kept while anything is open."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from google.auth import exceptions as auth
from google.auth.credentials import AnonymousCredentials
from requests.adapters import HTTPAdapter

from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.warehouses.base import Pause
from sqlmat_assets.warehouses.bigquery.connection import Connection
from sqlmat_assets.warehouses.bigquery.facts import BIGQUERY
from sqlmat_assets.warehouses.bigquery.link import Link
from sqlmat_assets.warehouses.bigquery.url import BigQueryPlace

if TYPE_CHECKING:
    from google.cloud import bigquery

Connect = Callable[[], "AbstractContextManager[bigquery.Client]"]
"""Opens a client, as with the `BigQueryResource` of dagster-gcp."""


def _keep_connections(client: Any) -> None:
    """Have as many connections stay as are used at a time, for which the client has no option."""
    scheme = urlsplit(client._connection.API_BASE_URL).scheme  # noqa: SLF001
    client._http.mount(f"{scheme}://", HTTPAdapter(pool_maxsize=2 * BIGQUERY.estimates_at_once))  # noqa: SLF001


class _Shared:
    """A client that sessions have in common."""

    def __init__(self) -> None:
        self.users = 0
        self.stack = ExitStack()
        self.client: bigquery.Client | None = None


_guard = threading.Lock()
_shared: dict[tuple[BigQueryPlace, Connect | None], _Shared] = {}


@contextmanager
def open_link(place: BigQueryPlace, connect: Connect | None = None, pause: Pause = time.sleep) -> Generator[Link]:
    """A link to a project.

    Raises:
        TerminalWarehouseError: Google does not know who asks.
    """
    key = (place, connect)
    with _guard:
        shared = _shared.setdefault(key, _Shared())
        shared.users += 1
    try:
        with _guard:
            client = shared.client
            if client is None:
                client = shared.client = shared.stack.enter_context(_open(place, connect))
        yield Connection(client, place, pause)
    finally:
        with _guard:
            shared.users -= 1
            if shared.users == 0:
                _shared.pop(key, None)
                shared.stack.close()


@contextmanager
def _open(place: BigQueryPlace, connect: Connect | None) -> Generator[bigquery.Client]:
    from google.cloud import bigquery

    if connect is not None:
        with ExitStack() as stack:
            try:
                client = stack.enter_context(connect())
            except auth.DefaultCredentialsError as error:
                raise wording.no_credentials(place.label, str(error).splitlines()[0]) from error
            _keep_connections(client)
            yield client
        return
    try:
        if place.endpoint is None:
            client = bigquery.Client(project=place.project, location=place.location)
        else:
            client = bigquery.Client(
                project=place.project,
                location=place.location,
                credentials=AnonymousCredentials(),
                client_options={"api_endpoint": place.endpoint},
            )
    except auth.DefaultCredentialsError as error:
        raise wording.no_credentials(place.label, str(error).splitlines()[0]) from error
    _keep_connections(client)
    try:
        yield client
    finally:
        client.close()
