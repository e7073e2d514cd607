"""Times a Dagster run by where its instance keeps the events: processor time of the run, and of the PostgreSQL server.

`python benchmarks/storages.py [--tables 100] [--rounds 3]`. Each run is a process of its own, as a daemon starts it:
its start, loading the definitions, and eight steps at a time. The server is one of this machine, on a socket and
without passwords, so that connecting to it costs the least it can.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from generate import generate, write_orders
from peers.postgres import Server

HERE = Path(__file__).resolve().parent
ROWS = 100_000
SQLITE = {"module": "sqlmat_assets.components.event_log", "class": "EventLog", "config": {}}
POSTGRES = {"module": "sqlmat_assets.components.postgres_storage", "class": "PostgresStorage"}
KINDS = ("SQLite, files kept open", "PostgreSQL, Dagster's storage", "PostgreSQL, connections kept")


def settings(kind: str, server: Server) -> dict[str, object]:
    """What `dagster.yaml` says of the storage."""
    if kind == KINDS[0]:
        return {"event_log_storage": SQLITE}
    place = {"postgres_url": server.new_database()}
    return {"storage": {"postgres": place} if kind == KINDS[1] else {"custom": {**POSTGRES, "config": place}}}


def own_time(stat: Path, children: bool) -> float:
    """Processor seconds of a process, with those of its children that have ended if asked."""
    fields = stat.read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if children else 13])) / os.sysconf("SC_CLK_TCK")


def server_time(pid: int) -> float:
    """Processor seconds of a server and of all that it has started."""
    total = own_time(Path(f"/proc/{pid}/stat"), children=True)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if stat.read_text().rpartition(")")[2].split()[1] == str(pid):
                total += own_time(stat, children=False)
        except OSError:
            continue
    return total


def build(kind: str, server: Server, folder: Path) -> tuple[float, float, float]:
    """One run: its processor time, that of the server, and the seconds of the run alone."""
    folder.mkdir()
    write_orders(folder / "warehouse.duckdb", ROWS)
    quiet = {"telemetry": {"enabled": False}, "python_logs": {"python_log_level": "WARNING"}}
    (folder / "dagster.yaml").write_text(json.dumps({**quiet, **settings(kind, server)}))
    variables = {
        **os.environ,
        "DAGSTER_HOME": str(folder),
        "SQLMAT_PROJECT": str(folder.parent / "sql"),
        "SQLMAT_WAREHOUSE": f"duckdb:///{folder / 'warehouse.duckdb'}",
        "PYTHONPATH": str(HERE.parent),
    }
    command = [sys.executable, str(HERE / "peers" / "dagster_run.py"), "sqlmat_assets.definitions"]
    before, server_before = resource.getrusage(resource.RUSAGE_CHILDREN), server_time(server.pid)
    done = subprocess.run(command, env=variables, cwd=folder, capture_output=True, text=True, check=False)
    after, server_after = resource.getrusage(resource.RUSAGE_CHILDREN), server_time(server.pid)
    if done.returncode:
        sys.exit(f"{kind}: {done.stdout}{done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, server_after - server_before, float(json.loads(done.stdout.splitlines()[-1])["run"])


def main() -> None:
    """Print a line for each storage."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    found: dict[str, list[tuple[float, float, float]]] = {kind: [] for kind in KINDS}
    server = Server()
    try:
        server.start()
        with tempfile.TemporaryDirectory() as folder:
            generate(Path(folder) / "sql", asked.tables)
            for turn in range(asked.rounds):
                for number, kind in enumerate(KINDS):
                    found[kind].append(build(kind, server, Path(folder) / f"{turn}-{number}"))
    finally:
        server.stop()
    for kind, runs in found.items():
        used, served, seconds = (statistics.median(values) for values in zip(*runs, strict=True))
        each = ", ".join(f"{mine + theirs:.1f}" for mine, theirs, _ in runs)
        print(f"{kind}: {used:.1f} s + server {served:.1f} s, the run {seconds:.1f} s (sums: {each})")


if __name__ == "__main__":
    main()
