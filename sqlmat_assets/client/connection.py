"""The warehouse, and who knows when its tables are built, asked with patience."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from sqlmat_assets.client.patience import POLL_SECONDS, Patience, Timeout
from sqlmat_assets.components.watching import InstanceWatch, RecordsWatch, Seen, ServerWatch, Watch
from sqlmat_assets.errors import TransientWarehouseError
from sqlmat_assets.errors import client as wording
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Pause, Session, Warehouse
from sqlmat_assets.warehouses.config import is_there, open_warehouse

_Answer = TypeVar("_Answer")


class Connection:
    """A warehouse, and who knows when its tables are built."""

    def __init__(
        self, url: str, project: Project | None, dagster: str | Path | None, tell: Callable[[str], None]
    ) -> None:
        self._url = url
        self.project = project
        self.dagster = dagster
        self.tell = tell

    @property
    def warehouse(self) -> Warehouse:
        """The warehouse."""
        return open_warehouse(self._url)

    def look(self, relation: Relation, timeout: Timeout = None) -> Seen:
        """How a table stands.

        Raises:
            SqlmatError: Nobody can be asked.
        """
        with closing(self.watch(Patience(timeout))) as watch:
            return watch.look(relation)

    def describe(self, relation: Relation) -> Mapping[str, str]:
        """What is said of the columns of a table: by its file, else by the web server."""
        model = None if self.project is None else self.project.models.get(relation)
        if model is not None:
            return {column.name: column.description for column in model.columns if column.description is not None}
        return self.look(relation).descriptions if isinstance(self.dagster, str) else {}

    def watch(self, patience: Patience) -> Watch:
        """Who knows how the tables stand; to be closed."""
        match self.dagster:
            case str():
                return ServerWatch(self.dagster)
            case Path() if self.project is not None:
                return InstanceWatch(self.dagster, self.project)
            case _:
                return RecordsWatch(self.warehouse, self.project, self._pause(patience))

    def read(self, ask: Callable[[Session], _Answer], timeout: Timeout) -> _Answer:
        """Ask the warehouse something, and wait while somebody else has it to himself.

        Raises:
            UsageError: There is no warehouse.
            WaitTimeoutError: It could not be had in time.
        """
        warehouse = self.warehouse
        if not is_there(self._url):
            raise wording.nothing_there(warehouse.label)
        patience = Patience(timeout)
        pause = self._pause(patience)
        while True:
            try:
                with warehouse.open_session(pause) as session:
                    return ask(session)
            except TransientWarehouseError as error:
                if patience.is_over:
                    raise wording.still_held(warehouse.label, patience.timeout) from error
                pause(POLL_SECONDS)

    def _pause(self, patience: Patience) -> Pause:
        """Wait while somebody else has the warehouse; it is said once."""
        label = self.warehouse.label
        untold = iter([wording.waits_for_warehouse(label)])

        def pause(seconds: float) -> None:
            if patience.is_over:
                raise wording.still_held(label, patience.timeout)
            for word in untold:
                self.tell(word)
            patience.pause(seconds)

        return pause
