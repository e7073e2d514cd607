"""The results as tables of Markdown, for the terminal and for the page."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from results import Results

BESIDE = (("bare", "bare"), ("dbt", "dbt"), ("dagster-dbt", "dagster-dbt"))


def render(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows under a head, padded so that a terminal shows columns too."""
    cells = [list(head), *map(list, rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def number(value: float | None, unit: str = "") -> str:
    """A figure with about three digits."""
    if value is None:
        return ""
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"
    return f"{text}{unit}"


def first_line(error: str) -> str:
    """The most telling line of an error, for a cell."""
    lines = [line.strip() for line in error.splitlines() if line.strip()]
    return ("failed: " + (lines[-1] if len(lines) > 1 else lines[0]))[:100].replace("|", "/")


def ratio(found: Sequence[float]) -> str:
    """The middle of the ratios of neighbours, with the least and the greatest."""
    if not found:
        return ""
    middle = number(statistics.median(found))
    return middle if len(found) == 1 else f"{middle} ({number(min(found))} to {number(max(found))})"


def build_table(results: Results) -> str:
    """Builds on a new warehouse."""
    rows: list[list[str]] = []
    for what, label in results.whats("build").items():
        middle = results.median("build", what)
        errors = results.errors("build", what)
        if middle is None:
            rows.append([label, first_line(errors[0]), "", "", "", "", "", "", ""])
            continue
        loads = [measure.load or 0 for measure in results.of("build", what)]
        one = results.of("build", what)[0].details
        failed = f" ({len(errors)} failed)" if errors else ""
        rows.append(
            [
                label + failed,
                number(middle),
                number(results.median("build", what, "cpu_seconds")),
                number(results.median("build", what, "memory")),
                *(ratio(results.ratios("build", what, other)) if what != other else "1" for other, _ in BESIDE),
                f"{one['tables']:,} / {one['rows']:,} / {one['checks']:,}",
                f"{min(loads):.1f} to {max(loads):.1f}",
            ]
        )
    beside = [f"x {label}" for _, label in BESIDE]
    head = ["build on a new warehouse", "s", "CPU s", "MB", *beside, "tables / rows / checks", "load average"]
    return render(head, rows) if rows else ""


def other_table(results: Results) -> str:
    """Builds again, after an edit, and tables that wait."""
    names = {"again": "again, nothing changed", "edited": "one query edited", "waiting": "waiting"}
    rows: list[list[str]] = []
    for part, told in names.items():
        for what, label in results.whats(part).items():
            errors = results.errors(part, what)
            middle = results.median(part, what)
            if middle is None:
                rows.append([told, label, first_line(errors[0]), "", "", ""])
                continue
            run = results.median(part, what, "run")
            seconds = number(middle) if run is None or part != "waiting" else f"{number(run)} of {number(middle)}"
            cpu, memory = (number(results.median(part, what, each)) for each in ("cpu_seconds", "memory"))
            built = results.median(part, what, "built")
            rows.append([told, label, seconds, cpu, memory, "" if built is None else f"{built:,.0f}"])
    return render(["", "", "s", "CPU s", "MB", "built"], rows) if rows else ""


def load_table(results: Results) -> str:
    """Loading a project."""
    rows: list[list[str]] = []
    for what, label in results.whats("load").items():
        middle = results.median("load", what)
        if middle is None:
            rows.append([label, first_line(results.errors("load", what)[0]), "", ""])
            continue
        cpu, memory = (number(results.median("load", what, each)) for each in ("cpu_seconds", "memory"))
        rows.append([label, number(middle), cpu, memory])
    return render(["loading", "s", "CPU s", "MB"], rows) if rows else ""


def bars_table(results: Results) -> str:
    """What sqlmat is held to."""
    rows: list[list[str]] = []
    for bar in results.bars():
        found = number(bar.value, f" {bar.unit}" if bar.unit != "x" else " x")
        if bar.least is not None and bar.most is not None and bar.least != bar.most:
            found += f" ({number(bar.least)} to {number(bar.most)})"
        sign = "<" if bar.is_strict else "≤"
        rows.append([bar.text, f"{sign} {bar.limit:g} {bar.unit}", found, bar.verdict])
    return render(["bar", "held to", "found", ""], rows)
