"""Times and weighs the definitions that each Dagster process loads, above a Dagster that has none.

`python benchmarks/definitions.py [TABLES ...]`, default 1000. Prints minimum, median and maximum of five processes with
a warm cache: the seconds from a project folder to a repository, and the memory that the process has more than one
that loads a single asset.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from generate import generate

RUNS = 5
# Each in a process of its own; the collection before the weighing is what a long-running server comes to as well.
PROBE = """
import gc, time
import dagster as dg
from dagster._core.remote_representation.external_data import RepositorySnap
{imported}
start = time.perf_counter()
repository = {definitions}.get_repository_def()
RepositorySnap.from_def(repository)
seconds = time.perf_counter() - start
gc.collect()
memory = next(line for line in open("/proc/self/status") if line.startswith("VmRSS:"))
print(seconds, int(memory.split()[1]) / 1024)
"""
BARE = PROBE.format(imported="", definitions="dg.Definitions(assets=[dg.AssetSpec('one')])")
LOADED = PROBE.format(
    imported="from sqlmat_assets.defs.deployment import build_deployment", definitions="build_deployment()"
)


def probe(script: str, project: Path) -> tuple[float, float]:
    """Seconds and MB of one process."""
    environment = {**os.environ, "SQLMAT_PROJECT": str(project)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, check=True, capture_output=True, text=True)
    seconds, memory = done.stdout.split()
    return float(seconds), float(memory)


def show(name: str, unit: str, values: list[float]) -> None:
    low, middle, high = min(values), statistics.median(values), max(values)
    print(f"{name}: {low:.2f} {middle:.2f} {high:.2f} {unit} (min, median, max)")


def main() -> None:
    """Print two lines for each size."""
    for tables in [int(arg) for arg in sys.argv[1:]] or [1000]:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / "sql"
            generate(project, tables)
            probe(LOADED, project)
            bare = [probe(BARE, project) for _ in range(RUNS)]
            loaded = [probe(LOADED, project) for _ in range(RUNS)]
        show(f"{tables:6} tables, definitions", "s", [seconds for seconds, _ in loaded])
        above = statistics.median(memory for _, memory in bare)
        show(f"{tables:6} tables, above {above:.0f} MB of bare Dagster", "MB", [memory - above for _, memory in loaded])


if __name__ == "__main__":
    main()
