"""BigQuery by way of the `BigQueryResource` of dagster-gcp, which a Dagster project has already."""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from dagster_gcp import BigQueryResource

from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse

# Of all resources in this process: the client is made with a variable of the environment set.
_making = threading.Lock()


class BigQueryWarehouseResource(WarehouseResource):
    """A project of BigQuery that tables are built in, with the login that Dagster has for it.

    Args:
        bigquery: The resource; who it is, and which project pays for queries.
        url: Such as `bigquery://project?location=EU&priority=batch`; else the project and location of the resource.
    """

    bigquery: BigQueryResource
    url: str = ""

    def open(self) -> Warehouse:
        return open_warehouse(self.url or self._url(), self._connect)

    def _url(self) -> str:
        project, location = self.bigquery.project, self.bigquery.location
        if not project:
            raise wording.resource_names_no_project()
        options = urlencode({"location": location}) if location else ""
        return f"bigquery://{project}{options and '?'}{options}"

    @contextmanager
    def _connect(self) -> Generator[Any]:
        """A client of its own for the sessions that are open at a time.

        `get_client` sets `GOOGLE_APPLICATION_CREDENTIALS` for as long as its block lasts, for all threads, and refuses
        when it is set. The key is read when the client is made, so that the block ends there.
        """
        with _making:
            try:
                with self.bigquery.get_client() as client:
                    pass
            except ValueError:
                # It repeats what it could not read, which is a key.
                raise wording.unreadable_credentials() from None
        try:
            yield client
        finally:
            client.close()
