"""How a table stands at the moment, for somebody who waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sqlmat_assets.components.home import open_instance
from sqlmat_assets.connectors.graphql import ask
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.execution.records import find_records, key_of
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Pause, Warehouse

if TYPE_CHECKING:
    import dagster as dg

    from sqlmat_assets.components.automation.states import Ledger

_TABLE = """
query Table($key: AssetKeyInput!) {
  assetNodeOrError(assetKey: $key) {
    ... on AssetNode {
      description
      metadataEntries { label ... on TextMetadataEntry { text } }
      assetMaterializations(limit: 1) {
        timestamp
        metadataEntries {
          label
          ... on TimestampMetadataEntry { timestamp }
          ... on TableSchemaMetadataEntry { schema { columns { name type description } } }
        }
      }
    }
  }
  assetsLatestInfo(assetKeys: [$key]) {
    inProgressRunIds
    latestRun { id status endTime }
  }
}
"""
_FAILURE = """
query Failure($run: ID!) {
  logsForRun(runId: $run) {
    ... on EventConnection {
      events { ... on ExecutionStepFailureEvent { stepKey failureMetadata { description } error { message } } }
    }
  }
}
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """A table at one moment.

    `decided_at` is when its last successful build was decided, and `build` tells that from all others. `run` builds it
    now. `failures` are those since then, as far as that is known, and `reason` says why it failed last. `interval` and
    `calendar` say how old it may become; `descriptions` what is said of its columns, where no file is at hand. Nobody
    builds what is not known.
    """

    decided_at: datetime | None = None
    build: str | None = None
    run: str | None = None
    failures: int = 0
    reason: str | None = None
    interval: timedelta | None = None
    calendar: Calendar = field(default_factory=Calendar)
    descriptions: Mapping[str, str] = field(default_factory=dict[str, str])
    is_known: bool = True


class Watch(Protocol):
    """Something that knows how a table stands."""

    def look(self, relation: Relation) -> Seen:
        """How a table stands.

        Raises:
            SqlmatError: It cannot be asked.
        """
        ...

    def close(self) -> None:
        """Let go of what was opened to look."""
        ...


class InstanceWatch:
    """Asks the Dagster instance in a folder, without opening the warehouse.

    Args:
        home: The folder.
        project: The tables.
    """

    def __init__(self, home: Path, project: Project) -> None:
        self._home = home
        self._project = project
        self._opened: tuple[dg.DagsterInstance, Ledger] | None = None

    def look(self, relation: Relation) -> Seen:
        """How a table stands."""
        from sqlmat_assets.components.automation.reported import explain_attempt

        instance, ledger = self._open()
        state = ledger.read(instance).states.get(relation)
        failed = ledger.last_attempt(relation)
        reason = None if failed is None else explain_attempt(instance, failed, relation)
        build = ledger.build_of(relation)
        model = self._project.models.get(relation)
        return Seen(
            decided_at=None if state is None else state.decided_at,
            build=None if build is None else str(build.storage_id),
            run=None if state is None else state.run,
            failures=0 if state is None else state.failures,
            reason=reason,
            interval=None if model is None else model.effective_interval,
            calendar=Calendar() if model is None else model.settings.calendar,
            is_known=model is not None,
        )

    def close(self) -> None:
        """Let go of the instance."""
        if self._opened is not None:
            self._opened[0].dispose()
            self._opened = None

    def _open(self) -> tuple[dg.DagsterInstance, Ledger]:
        # Importing Dagster takes a second, which nobody has to wait for who only imports the client.
        from sqlmat_assets.components.automation.states import Ledger

        if self._opened is None:
            self._opened = open_instance(self._home), Ledger(self._project)
        return self._opened


class ServerWatch:
    """Asks Dagster's web server, wherever it is.

    Args:
        url: Of the server.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def look(self, relation: Relation) -> Seen:
        """How a table stands."""
        told = ask(self._url, _TABLE, {"key": {"path": list(relation.key)}})
        node = told["assetNodeOrError"] or {}
        settings = {each["label"]: each.get("text") for each in node.get("metadataEntries", ())}
        latest = next(iter(told["assetsLatestInfo"] or ()), {})
        running = latest.get("inProgressRunIds") or ()
        last_run = latest.get("latestRun") or {}
        materialized = next(iter(node.get("assetMaterializations") or ()), None)
        built_at = 0.0 if materialized is None else float(materialized["timestamp"]) / 1000
        # A build from the command line, which is no run, may have come since.
        has_failed = last_run.get("status") in ("FAILURE", "CANCELED") and (last_run.get("endTime") or 0.0) > built_at
        seen = {} if materialized is None else _materialized(materialized)
        return Seen(
            **seen,
            run=next(iter(running), None),
            failures=int(has_failed),
            reason=self._failure(str(last_run["id"])) if has_failed else None,
            interval=_interval(settings.get("interval")),
            calendar=Calendar(settings.get("schedule"), settings.get("timezone") or "UTC"),
            is_known=bool(node),
        )

    def close(self) -> None:
        """Nothing is held."""

    def _failure(self, run: str) -> str | None:
        told = ask(self._url, _FAILURE, {"run": run})["logsForRun"]
        for event in reversed(told.get("events", ())):
            described = (event.get("failureMetadata") or {}).get("description") or (event.get("error") or {}).get(
                "message"
            )
            if described:
                return str(described)
        return None


class RecordsWatch:
    """Asks the warehouse itself, where nobody else knows.

    Args:
        warehouse: The warehouse.
        project: The tables, if they are known.
        pause: Waits while somebody else has it.
    """

    def __init__(self, warehouse: Warehouse, project: Project | None, pause: Pause) -> None:
        self._warehouse = warehouse
        self._project = project
        self._pause = pause

    def look(self, relation: Relation) -> Seen:
        """How a table stands."""
        capabilities = self._warehouse.capabilities
        with self._warehouse.open_session(self._pause) as session:
            records = {key_of(record.relation, capabilities): record for record in find_records(session)}
        record = records.get(key_of(relation, capabilities))
        model = None if self._project is None else self._project.models.get(relation)
        return Seen(
            decided_at=None if record is None else record.decided_at,
            build=None if record is None else f"{record.builds} {record.run}",
            interval=None if model is None else model.effective_interval,
            calendar=Calendar() if model is None else model.settings.calendar,
            is_known=model is not None or self._project is None,
        )

    def close(self) -> None:
        """Nothing is held."""


def _materialized(last: Any) -> dict[str, Any]:
    """What a materialization tells: when it was decided, which it is, what is said of the columns."""
    entries = {each["label"]: each for each in last["metadataEntries"]}
    decided = entries.get("decided at", {}).get("timestamp")
    at = float(last["timestamp"]) / 1000 if decided is None else float(decided)
    columns = entries.get("dagster/column_schema", {}).get("schema", {}).get("columns", ())
    return {
        "decided_at": datetime.fromtimestamp(at, UTC),
        "build": str(last["timestamp"]),
        "descriptions": {each["name"]: each["description"] for each in columns if each.get("description")},
    }


def _interval(text: str | None) -> timedelta | None:
    try:
        return None if text is None else parse_interval(text)
    except TextError:
        return None
