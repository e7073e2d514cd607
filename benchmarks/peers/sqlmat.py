"""sqlmat: a build from the command line, and a run of the same assets in Dagster."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from generate import write_sqlmat

from peers.base import FailedError, Ran, Work, copy_warehouse, run
from peers.postgres import Server

HERE = Path(__file__).parents[1]
SQLMAT = Path(sys.executable).with_name("sqlmat")
WORKER = Path(__file__).with_name("dagster_run.py")
EVENT_LOG = {"module": "sqlmat_assets.components.event_log", "class": "EventLog", "config": {}}
POSTGRES = {"module": "sqlmat_assets.components.postgres_storage", "class": "PostgresStorage"}
HOME = {"telemetry": {"enabled": False}, "python_logs": {"python_log_level": "WARNING"}}
"""The settings of every Dagster instance here; `sqlmat dev` writes the same, and for its own the event log above."""


def new_home(home: Path, python: str | Path, variables: Mapping[str, str], more: Mapping[str, object]) -> None:
    """Make an instance with its databases, so that no run has to."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump({**HOME, **more}))
    script = "import dagster as dg\nwith dg.DagsterInstance.get() as i: i.get_runs_count(); i.all_asset_keys()"
    run([python, "-c", script], home, {**variables, "DAGSTER_HOME": str(home)})


def told_by(ran: Ran) -> dict[str, Any]:
    """What `dagster_run.py` printed last."""
    return json.loads(next(line for line in reversed(ran.output.splitlines()) if line.startswith("{")))


class SqlmatBuild:
    """`sqlmat build --no-record`."""

    name = "sqlmat"
    label = "sqlmat build --no-record"
    options: tuple[str, ...] = ("--no-record",)

    def __init__(self, work: Work, folder: Path) -> None:
        self._work, self._folder = work, folder
        self.warehouse = folder / "warehouse.duckdb"
        self.project = folder / "sql"
        self._told: dict[str, Any] = {}

    def prepare(self) -> None:
        write_sqlmat(self.project, list(self._work.tables))
        run([SQLMAT, "ls", "--json", self.project], self._folder)

    def reset(self) -> None:
        copy_warehouse(self._work, self.warehouse)

    def build(self) -> Ran:
        return self.build_some()

    def build_some(self, *options: str) -> Ran:
        """Build what the options select."""
        command = [SQLMAT, "build", self.project, "--json", "--threads", str(self._work.threads), *self.options]
        ran = run([*command, "--warehouse", f"duckdb:///{self.warehouse}", *options], self._folder, self.variables())
        self._told = json.loads(ran.output[ran.output.index("{") : ran.output.rindex("}") + 1])
        return ran

    def checks(self) -> int:
        return sum(check["passed"] for table in self._told["tables"] for check in table["checks"])

    def variables(self) -> dict[str, str]:
        """Where the instance is that a build records in."""
        return {"DAGSTER_HOME": str(self._folder / "home")}

    def outcomes(self) -> list[str]:
        """What became of each table of the last build."""
        return [table["outcome"] for table in self._told["tables"]]


class SqlmatRecorded(SqlmatBuild):
    """`sqlmat build`, which tells a Dagster instance what it built, without a run; the event log is in SQLite."""

    name = "sqlmat-recorded"
    label = "sqlmat build"
    options = ()

    def reset(self) -> None:
        super().reset()
        new_home(self._folder / "home", sys.executable, self.variables(), {"event_log_storage": EVENT_LOG})


class SqlmatDagster:
    """A Dagster run of all assets with sqlmat's executor; the event log is in SQLite."""

    name = "dagster-sqlite"
    label = "sqlmat in Dagster, SQLite"

    def __init__(self, work: Work, folder: Path) -> None:
        self._work, self._folder = work, folder
        self.warehouse = folder / "warehouse.duckdb"
        self.home = folder / "home"
        self._told: dict[str, Any] = {}

    def variables(self) -> dict[str, str]:
        """What the processes are told of the project."""
        return {
            "SQLMAT_PROJECT": str(self._folder / "sql"),
            "SQLMAT_WAREHOUSE": f"duckdb:///{self.warehouse}",
            "DAGSTER_HOME": str(self.home),
            "PYTHONPATH": str(HERE.parent),
        }

    def storage(self) -> dict[str, object]:
        """Where the instance keeps what it knows: SQLite in its folder, as `sqlmat dev` writes it."""
        return {"event_log_storage": EVENT_LOG}

    def prepare(self) -> None:
        write_sqlmat(self._folder / "sql", list(self._work.tables))
        run([SQLMAT, "ls", "--json", self._folder / "sql"], self._folder)

    def reset(self) -> None:
        copy_warehouse(self._work, self.warehouse)
        new_home(self.home, sys.executable, self.variables(), self.storage())

    def build(self) -> Ran:
        return self.build_at_once(self._work.threads)

    def build_at_once(self, threads: int) -> Ran:
        """Run all, so many steps at a time."""
        config = json.dumps({"execution": {"config": {"max_concurrent": threads}}})
        ran = run([sys.executable, WORKER, "sqlmat_assets.definitions", config], self._folder, self.variables())
        self._told = told_by(ran)
        if self._told["tables"] != len(self._work.tables):
            raise FailedError(f"the run recorded {self._told['tables']} tables of {len(self._work.tables)}")
        return ran

    def checks(self) -> int:
        return int(self._told["checks"])

    def parts(self) -> dict[str, float]:
        """Seconds of the last run by part."""
        return {part: float(self._told[part]) for part in ("import", "load", "run")}


class SqlmatPostgres(SqlmatDagster):
    """The same run where the instance keeps all it knows in PostgreSQL, as `deploy/dagster.yaml` has it."""

    name = "dagster-postgres"
    label = "sqlmat in Dagster, PostgreSQL"

    def __init__(self, work: Work, folder: Path) -> None:
        super().__init__(work, folder)
        self._server: Server | None = None

    def storage(self) -> dict[str, object]:
        assert self._server is not None
        return {"storage": {"custom": {**POSTGRES, "config": {"postgres_url": self._server.new_database()}}}}

    def prepare(self) -> None:
        super().prepare()
        self._server = Server()
        self._server.start()

    def close(self) -> None:
        """Stop the server."""
        if self._server is not None:
            self._server.stop()
