"""What a materialization needs beside the table itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlmat_assets.connectors.base import Openers
from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets.execution.cancellation import Cancellation
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.processor.workshop import LocalWorkshop, Workshop
from sqlmat_assets.execution.retries import Retries
from sqlmat_assets.execution.secrets import Secrets
from sqlmat_assets.execution.state import RunState
from sqlmat_assets.project.deliveries import Delivery
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse


@dataclass(frozen=True, slots=True)
class Context:
    """Where and when tables are built; one for all tables of a run, from any of its threads.

    `now` returns aware moments; `root` is the project's folder. `cancellation` ends the run from another thread.
    `state` is what the run has learned of the warehouse. Without an `environment` it is production that is built.
    `workshop` runs the scripts of tables. `views` has the SQL of the tables of the project that are views. `others` are
    tables whose grants are settled with the first table of the run, whether or not they are built in it. `secrets` has
    the values that no file may hold; `deliveries` are all of the project. `connectors` open the places that tables are
    loaded from.
    """

    warehouse: Warehouse
    names: Names
    run: Run
    now: Callable[[], datetime]
    root: Path
    retries: Retries = field(default_factory=Retries)
    sleep: Callable[[float], None] = time.sleep
    cancellation: Cancellation = field(default_factory=Cancellation)
    state: RunState = field(default_factory=RunState)
    environment: Environment | None = None
    views: Mapping[Relation, str] = field(default_factory=dict[Relation, str])
    workshop: Workshop = field(default_factory=LocalWorkshop)
    secrets: Secrets = field(default_factory=Secrets)
    deliveries: Mapping[Relation, Delivery] = field(default_factory=dict[Relation, Delivery])
    others: Sequence[Model] = ()
    prices: Prices = field(default_factory=Prices)
    connectors: Openers = field(default_factory=Connectors)

    @property
    def own(self) -> Path:
        """The folder that sqlmat keeps beside the project's."""
        return self.root.absolute().parent / ".sqlmat"

    def tags(self, relation: Relation, owner: Sequence[str]) -> dict[str, str]:
        """What statements that build a table are labelled with, where the engine has labels."""
        return {"asset": str(relation), **({"owner": owner[0]} if owner else {}), "run": self.run.id}

    @property
    def spoken(self) -> str:
        """The dialect of the engine, in which everything is sent."""
        return self.warehouse.capabilities.dialect

    @property
    def is_transpiled(self) -> bool:
        """Whether the SQL of the project is not that of the engine."""
        return self.names.dialect != self.spoken

    def renew_lease(self) -> None:
        """Let other runs know that this one is alive.

        Raises:
            WarehouseError: The warehouse cannot be reached.
            CancelledError: The end of the run was asked for.
        """
        with self.warehouse.open_session(self.cancellation.pause) as session:
            self.state.renew_lease(session, self.run, self.now())

    def seconds_since(self, moment: datetime) -> float:
        """How long ago a moment was."""
        return (self.now() - moment).total_seconds()
