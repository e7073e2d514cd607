"""Times `sqlmat ls --json` as a whole process, with an empty cache and with a warm one.

`python benchmarks/load.py [TABLES ...]`, default 1000 and 10000. Prints minimum, median and maximum of five runs.
"""

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from generate import generate

RUNS = 5
SQLMAT = Path(sys.executable).with_name("sqlmat")


def time_ls(project: Path) -> float:
    """Seconds of one `sqlmat ls --json`."""
    start = time.perf_counter()
    subprocess.run([SQLMAT, "ls", "--json", project], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print one line for each size and state of the cache."""
    for tables in [int(arg) for arg in sys.argv[1:]] or [1000, 10000]:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / "sql"
            generate(project, tables)
            cold: list[float] = []
            warm: list[float] = []
            for _ in range(RUNS):
                shutil.rmtree(Path(folder) / ".sqlmat", ignore_errors=True)
                cold.append(time_ls(project))
                warm.append(time_ls(project))
            for name, seconds in (("cold", cold), ("warm", warm)):
                low, middle, high = min(seconds), statistics.median(seconds), max(seconds)
                print(f"{tables:6} tables, {name}: {low:.2f} {middle:.2f} {high:.2f} s (min, median, max)")


if __name__ == "__main__":
    main()
