"""Draws bars: `plot.py` with matplotlib, and a list of charts as JSON on standard input; `report.py` starts it."""

from __future__ import annotations

import json
import sys
from typing import Any

import matplotlib as mpl

mpl.use("svg")
# The same figures give the same file.
mpl.rcParams["svg.hashsalt"] = "sqlmat"
mpl.rcParams["font.family"] = "sans-serif"

import matplotlib.pyplot as plt  # noqa: E402 - after the choice of what it draws with

OWN, OTHER, FLOOR = "#2a7f62", "#9aa5b1", "#d9b44a"


def draw(chart: dict[str, Any]) -> None:
    """Write one chart of horizontal bars with their least and greatest figure."""
    bars = chart["bars"][::-1]
    figure, axes = plt.subplots(figsize=(8, 0.9 + 0.38 * len(bars)))
    places = range(len(bars))
    values = [bar["value"] for bar in bars]
    spread = [[bar["value"] - bar["least"] for bar in bars], [bar["most"] - bar["value"] for bar in bars]]
    colours = [{"own": OWN, "floor": FLOOR}.get(bar["kind"], OTHER) for bar in bars]
    axes.barh(places, values, color=colours, xerr=spread, error_kw={"lw": 1, "capsize": 2, "ecolor": "#444444"})
    for place, bar in zip(places, bars, strict=True):
        axes.text(bar["most"], place, f"  {bar['value']:.3g}", va="center", fontsize=9)
    axes.set_yticks(places, [bar["label"] for bar in bars], fontsize=9)
    axes.set_xlim(0, max(bar["most"] for bar in bars) * 1.12)
    axes.set_xlabel(chart["unit"], fontsize=9)
    axes.set_title(chart["title"], fontsize=10, loc="left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.tight_layout()
    figure.savefig(chart["file"], metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        draw(each)
