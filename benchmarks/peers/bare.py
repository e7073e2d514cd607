"""The bare statements: what a table needs and nothing more, in one process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from peers.base import Ran, Work, copy_warehouse, run, write_files

WORKER = Path(__file__).with_name("bare_statements.py")


class Bare:
    """A list of statements, in the order in which tables read each other, with as many threads as the others."""

    name = "bare"
    label = "bare statements"

    def __init__(self, work: Work, folder: Path) -> None:
        self._work, self._folder = work, folder
        self.warehouse = folder / "warehouse.duckdb"
        self._told: dict[str, int] = {}

    def prepare(self) -> None:
        tables = [{"name": t.name, "query": t.query(), "reads": t.reads} for t in self._work.tables]
        write_files(self._folder, {"tables.json": json.dumps(tables)})

    def reset(self) -> None:
        copy_warehouse(self._work, self.warehouse)

    def build(self) -> Ran:
        command = [sys.executable, WORKER, self.warehouse, self._folder / "tables.json", str(self._work.threads)]
        ran = run(command, self._folder)
        self._told = json.loads(ran.output.splitlines()[-1])
        return ran

    def checks(self) -> int:
        return self._told["checks"]
