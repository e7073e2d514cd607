"""Compares sqlmat with the bare statements, dbt, dagster-dbt and SQLMesh on this machine, all in one go.

`python benchmarks/compare.py --tables 1000 --rows 100000 --rounds 5` prints each figure as it comes, then tables of
medians and ratios, then the bars; `benchmarks/report.py` makes `docs/benchmarks.md` from the file that it writes. Each
peer has an environment of its own (`environments/`), made on first use.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from builds import PEERS, compare_builds, prove_checks
from generate import plan_tables, write_orders
from loading import compare_loading
from peers.base import Work
from peers.environments import pinned
from results import Results
from tables import bars_table, build_table, load_table, other_table
from waiting import compare_waiting

HERE = Path(__file__).parent
MEASURED = {"proof": ("proof",), "build": ("build", "again", "edited"), "waiting": ("waiting",), "load": ("load",)}
PARTS = tuple(MEASURED)
TOLD = ("dbt-core", "dbt-duckdb", "dagster", "dagster-dbt", "sqlmesh", "sqlglot", "duckdb")


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "load_at_start": os.getloadavg(),
    }


def versions() -> dict[str, dict[str, str]]:
    """What was compared."""
    own = {name: version(name) for name in ("sqlmat", "dagster", "dagster-postgres", "duckdb", "sqlglot")}
    peers = {
        name: {package: number for package, number in pinned(name).items() if package in TOLD}
        for name in ("dbt", "dagster-dbt", "sqlmesh")
    }
    return {"sqlmat": own, **peers}


def commit() -> str | None:
    """The commit that was measured; a `+` says that files were edited since."""
    git = ["git", "-C", str(HERE), "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def parse_arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [peer.name for peer in PEERS]
    parser.add_argument("--tables", type=int, default=1000)
    parser.add_argument("--rows", type=int, default=100_000, help="of the table that all others come from")
    parser.add_argument("--rounds", type=int, default=5, help="builds on a new warehouse, of each in turn")
    parser.add_argument("--again", type=int, default=1, help="times that each builds once more, and after an edit")
    parser.add_argument("--threads", type=int, default=4, help="tables built at a time")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="PEER", help=", ".join(names))
    parser.add_argument("--once", nargs="*", choices=names, default=[], metavar="PEER", help="in the first round alone")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--sizes", nargs="*", type=int, default=[100, 1000], help="of the projects that are loaded")
    parser.add_argument("--huge", action="store_true", help="load 10,000 files as well")
    parser.add_argument("--loads", type=int, default=3, help="times that each project is loaded")
    parser.add_argument("--folder", type=Path, help="where to work, on a disk; else a new temporary folder")
    parser.add_argument("--add", action="store_true", help="to what the output has; with --parts and none, show it")
    parser.add_argument("--output", type=Path, default=HERE / "results.json")
    return parser.parse_args()


def measure(asked: argparse.Namespace, folder: Path, results: Results) -> None:
    """All parts that were asked for."""

    def say(line: str) -> None:
        print(line, flush=True)

    orders = folder / "orders.duckdb"
    write_orders(orders, asked.rows)
    work = Work(plan_tables(asked.tables), orders, asked.threads)
    if "proof" in asked.parts:
        prove_checks(asked.only, work, folder / "proof", results, say)
    if "waiting" in asked.parts:
        compare_waiting(work, folder / "waiting", asked.loads, results, say)
    if "load" in asked.parts:
        sizes = [*asked.sizes, *([10000] if asked.huge else [])]
        compare_loading(sizes, asked.only, folder / "load", asked.loads, results, say)
    if "build" in asked.parts:
        rounds = dict.fromkeys(asked.only, asked.rounds) | dict.fromkeys(asked.once, 1)
        compare_builds(rounds, work, folder / "build", asked.again, results, say)


def main() -> int:
    """Measure and print; 1 where a bar is missed or a peer failed."""
    asked = parse_arguments()
    # So that whatever is cut short ends what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    head = {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "machine": machine(),
        "versions": versions(),
        "sizes": {name: getattr(asked, name) for name in ("tables", "rows", "rounds", "threads")},
    }
    kept = Results.read(asked.output).measures if asked.add and asked.output.exists() else []
    anew = {each for part in asked.parts for each in MEASURED[part]}
    results = Results(head, [each for each in kept if each.part not in anew], asked.output.resolve())
    if asked.folder is None:
        with tempfile.TemporaryDirectory(prefix="compare") as folder:
            measure(asked, Path(folder).resolve(), results)
    else:
        shutil.rmtree(asked.folder, ignore_errors=True)
        asked.folder.mkdir(parents=True)
        measure(asked, asked.folder.resolve(), results)
    for table in (build_table, other_table, load_table, bars_table):
        if told := table(results):
            print(f"\n{told}")
    missed = [bar for bar in results.bars() if bar.verdict == "FAIL"]
    return 1 if missed or any(each.error for each in results.measures) else 0


if __name__ == "__main__":
    sys.exit(main())
