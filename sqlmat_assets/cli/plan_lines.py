"""How a plan looks: what a build does and why by groups, and one line for what asks for nothing."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from sqlmat_assets.cli.plan_costs import PlanCosts
from sqlmat_assets.errors import outlooks as wording
from sqlmat_assets.errors.partitions import prevented
from sqlmat_assets.execution.foresee import Outlook

# What a pipe gets, so that a plan in a mail or a pull request can be read.
_WIDTH = 80
# A longer name pushes its own line only.
_WIDEST_NAME = 32
_SHOWN = ("new", "changed", "due", "asked", "grants", "unknown", "put back", "held", "problems")
_NOT_BUILT = ("put back", "held", "problems")


def plan_lines(told: Sequence[tuple[Outlook, str]], *, is_verbose: bool, costs: PlanCosts) -> Iterator[str]:
    """Write a plan as lines, fitted to the terminal, or to 80 columns in a pipe.

    Args:
        told: Each table, upstream first, with its group.
        is_verbose: Whether also what asks for nothing is shown table by table.
        costs: What the tables cost.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
    resting = Counter(group for _, group in told if group not in _SHOWN)
    groups = (*_SHOWN, *resting) if is_verbose else _SHOWN
    is_first = True
    for group in groups:
        outlooks = [outlook for outlook, its in told if its == group]
        if not outlooks:
            continue
        if not is_first:
            yield ""
        is_first = False
        yield click.style(_fitted(wording.heading(group, len(outlooks)), width, 0), bold=True)
        name_width = min(_WIDEST_NAME, max(len(str(outlook.model.relation)) for outlook in outlooks))
        for outlook in outlooks:
            yield _fitted(
                f"{str(outlook.model.relation).ljust(name_width)}  {_what(outlook, group)}".rstrip(), width, 2
            )
            notes = [*_notes(outlook, group), *(() if group in _NOT_BUILT else costs.notes(outlook.model))]
            for note in notes:
                yield _fitted(note, width, 4)
    if is_first and told:
        yield wording.nothing_due()
    if resting and not is_verbose:
        if not is_first:
            yield ""
        yield _fitted(wording.resting(resting), width, 0)


def _what(outlook: Outlook, group: str) -> str:
    if outlook.put_back_at is not None:
        return wording.put_back(str(outlook.model.relation), outlook.put_back_at)
    if group in _NOT_BUILT:
        return ""
    if outlook.what == "partitions":
        return wording.builds_partitions(len(outlook.partitions), outlook.stretches)
    if outlook.what == "view":
        return wording.builds_view()
    if outlook.model.delivery is not None:
        return wording.delivers(str(outlook.model.upstream[0]), outlook.model.delivery.shown)
    return wording.builds_all() if outlook.what == "all rows" else wording.builds_batch(outlook.model.settings.mode)


def _notes(outlook: Outlook, group: str) -> Iterator[str]:
    settings = outlook.model.settings
    if outlook.changes_grants and group not in ("held", "problems"):
        yield wording.grants(outlook.grants_to, outlook.revokes_from)
    if group in _NOT_BUILT:
        return
    if group == "changed" and (
        outlook.what not in ("all rows", "view", "delivery") or settings.mode not in ("replace", "view")
    ):
        yield wording.rebuilds() if settings.on_change == "rebuild" else wording.keeps_rows()
    if group != "new" and outlook.missing is not None:
        yield wording.missing(len(outlook.missing), outlook.gaps)
    narrowed = outlook.narrowed
    if narrowed is None:
        return
    if narrowed.is_marked:
        yield wording.marked()
    for table in narrowed.tables:
        yield wording.narrows(str(table.relation), table.column)
    for obstacle in narrowed.obstacles:
        if outlook.read_in_full:
            yield prevented(outlook.read_in_full, obstacle)


def _fitted(line: str, width: int, indent: int) -> str:
    return textwrap.fill(
        line,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
        # The gap between the columns.
        replace_whitespace=False,
    )
