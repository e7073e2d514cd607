"""Writes `docs/benchmarks.md` and its charts from what `compare.py` has measured.

`python benchmarks/report.py [FILE]`, by default `benchmarks/results.json`; `page.md` is the text around the figures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from peers.environments import environment
from results import Results, figure_of
from tables import bars_table, build_table, load_table, other_table

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
OWN = ("sqlmat", "dagster-sqlite", "dagster-postgres", "definitions")
FLOOR = ("bare",)

TEXT = (HERE / "page.md").read_text()


def main() -> None:
    """Write the page and draw its charts."""
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "results.json"
    results = Results.read(source)
    folder = PAGE.with_suffix("")
    folder.mkdir(exist_ok=True)
    charts = [chart for chart in (builds_chart(results, folder), loading_chart(results, folder)) if chart["bars"]]
    python = environment("plots") / "python"
    subprocess.run([python, HERE / "plot.py"], input=json.dumps(charts), text=True, check=True)
    PAGE.write_text(page(results))
    print(PAGE)


def page(results: Results) -> str:
    """The page as Markdown."""
    sizes, machine, versions = (results.head[key] for key in ("sizes", "machine", "versions"))
    listed = [
        f"- {name}: " + ", ".join(f"{package} {number}" for package, number in found.items())
        for name, found in versions.items()
    ]
    commit = f", commit {results.head['commit']}" if results.head["commit"] else ""
    rounds = sizes["rounds"]
    return TEXT.format(
        **sizes | {"rounds": f"{rounds} rounds" if rounds > 1 else "one round"},
        command="python benchmarks/compare.py --tables {tables} --rows {rows} --rounds {rounds}".format(**sizes),
        machine=f"{results.head['begun'][:10]}{commit}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gb']} GB, {machine['system']}, Python {machine['python']}.",
        versions="\n".join(listed),
        note=note(results),
        proof=proof(results),
        builds=build_table(results),
        others=other_table(results),
        loads=load_table(results),
        bars=bars_table(results),
        sqlmesh=versions["sqlmesh"]["sqlmesh"],
        sqlmesh_duckdb=versions["sqlmesh"]["duckdb"],
    )


def note(results: Results) -> str:
    """What a reader has to know about the machine when it had other work to do."""
    loads = [measure.load for measure in results.measures if measure.load is not None]
    cores = results.head["machine"]["cores"]
    # What is measured loads the machine as well; beyond twice its processors, something else does.
    if not loads or max(loads) <= 2 * cores:
        return ""
    return (
        f"**The machine was busy with other work**: its load average was {min(loads):.1f} to {max(loads):.1f} on "
        f"{cores} cores.\nSeconds are too high; ratios of neighbours and CPU seconds say more than they do.\n\n"
    )


def proof(results: Results) -> str:
    """Which of those that are compared were seen to refuse a bad table."""
    labels = {measure.label for measure in results.measures if measure.part == "proof"}
    wrong = {measure.label for measure in results.measures if measure.part == "proof" and measure.error}
    if not labels:
        return "That each refuses a bad table was not tried this time."
    took = f", but for {', '.join(sorted(wrong))}" if wrong else ""
    return f"Before that, each has refused a table with a NULL and one with a value twice{took}."


def chart_bars(results: Results, part: str, whats: list[str]) -> list[dict[str, Any]]:
    """A bar for each that came to a figure."""
    labels = results.whats(part)
    bars: list[dict[str, Any]] = []
    for what in whats:
        values = [value for measure in results.of(part, what) if (value := figure_of(measure, "seconds")) is not None]
        middle = results.median(part, what)
        if middle is None:
            continue
        kind = "own" if what.startswith(OWN) else "floor" if what.startswith(FLOOR) else "other"
        spread = {"least": min(values), "most": max(values)}
        bars.append({"label": labels[what], "value": middle, "kind": kind, **spread})
    return bars


def builds_chart(results: Results, folder: Path) -> dict[str, Any]:
    sizes = results.head["sizes"]
    title = f"{sizes['tables']:,} tables with two checks each, on a new warehouse"
    bars = sorted(chart_bars(results, "build", list(results.whats("build"))), key=lambda bar: bar["value"])
    return {"title": title, "unit": "seconds", "bars": bars, "file": str(folder / "builds.svg")}


def loading_chart(results: Results, folder: Path) -> dict[str, Any]:
    whats = [what for what in results.whats("load") if "-1000-" in f"{what}-"]
    bars = chart_bars(results, "load", whats)
    return {
        "title": "Loading a project of 1,000 tables",
        "unit": "seconds",
        "bars": bars,
        "file": str(folder / "loading.svg"),
    }


if __name__ == "__main__":
    main()
