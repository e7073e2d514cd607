"""The warehouse as a Dagster resource."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

import dagster as dg
from pydantic import PrivateAttr

from sqlmat_assets.execution.cancellation import Cancellation
from sqlmat_assets.execution.state import RunState
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse


class WarehouseResource(dg.ConfigurableResource["WarehouseResource"]):
    """The database that tables are built in.

    Nothing is connected by loading definitions, nor by the UI and the daemon: a step opens it. Dagster makes one
    of these for each run in a process; what belongs to the run and not to one of its tables is kept here.

    Args:
        url: Such as `duckdb:///folder/warehouse.duckdb`.
    """

    url: str

    _cancellation: Cancellation = PrivateAttr(default_factory=Cancellation)
    _state: RunState = PrivateAttr(default_factory=RunState)
    _started: datetime | None = PrivateAttr(default=None)

    def open(self) -> Warehouse:
        """The warehouse; its sessions are opened by who needs them.

        Raises:
            UsageError: The URL names no warehouse that is known.
        """
        return open_warehouse(self.url)

    @property
    def cancellation(self) -> Cancellation:
        """Ends what this run has running in the warehouse."""
        return self._cancellation

    @property
    def state(self) -> RunState:
        """What this run has learned of the warehouse."""
        return self._state

    def started(self, find: Callable[[], datetime | None]) -> datetime | None:
        """When this run began, which is found once for all of its tables."""
        if self._started is None:
            self._started = find()
        return self._started

    def cancel(self) -> None:
        """End the running statements of this run, from any thread."""
        self._cancellation.cancel()


class FindsSecrets(Protocol):
    """What has the values that deliveries name and no file holds; a project may bring one that asks a vault."""

    def find(self, name: str) -> str | None:
        """The value of a name; None where there is none."""
        ...


class Variables:
    """The variables of the process that delivers."""

    def find(self, name: str) -> str | None:
        """The value of a variable; None where it is not set."""
        return dg.EnvVar(name).get_value()


SECRETS = dg.ResourceDefinition(
    resource_fn=lambda _: Variables(), description="What deliveries name and no file holds: variables of the process."
)
"""The one that all folders of a project share."""


def hide_url(url: str) -> dg.ResourceDefinition:
    """A warehouse whose URL is no configuration: that is shown in the UI, and a URL may hold a password."""
    return dg.ResourceDefinition(
        resource_fn=lambda _: WarehouseResource(url=url), description="The database that tables are built in."
    )
