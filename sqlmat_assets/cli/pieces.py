"""From the options of a build to what of each table is built."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import click

from sqlmat_assets.errors import asking
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.partitions.asked import Asked, ask, single_ranges, unite
from sqlmat_assets.relation import Relation


def ask_project(project: Project, selected: Sequence[Relation], texts: Sequence[str], now: datetime) -> Asked:
    """The partitions that people name with `--partition`, for the selected tables.

    Raises:
        UsageError: No selected table has such a partition.
    """
    found = {relation: project.models[relation].settings.partition_by for relation in selected}
    tables = {relation: parts for relation, parts in found.items() if parts is not None}
    if not tables:
        raise asking.nothing_partitioned()
    try:
        return ask(texts, tables, now)
    except TextError as error:
        raise asking.no_such_partition(error.what, error.hint) from error


def choose_pieces(
    project: Project, selected: Sequence[Relation], texts: Sequence[str], now: datetime, *, is_full_refresh: bool
) -> dict[Relation, Piece]:
    """What is built of which table, in the order of the selection.

    Raises:
        UsageError: No selected table has such a partition.
    """
    if not texts:
        return dict.fromkeys(selected, Piece(is_full_refresh=is_full_refresh))
    asked = ask_project(project, selected, texts, now)
    if asked.outside:
        click.echo(asking.left_alone(asked.outside), err=True)
    return {
        relation: Piece(asked.ranges[relation]) if relation in asked.ranges else WHOLE
        for relation in selected
        if relation not in asked.outside
    }


def divide(project: Project, pieces: Mapping[Relation, Piece], size: int | None) -> dict[Relation, tuple[Piece, ...]]:
    """Divide what is built into pieces of so many partitions, or into none."""
    return {relation: tuple(_divide(project.models[relation], piece, size)) for relation, piece in pieces.items()}


def _divide(model: Model, piece: Piece, size: int | None) -> Iterator[Piece]:
    partitioning = model.settings.partition_by
    if size is None or piece.ranges is None or partitioning is None:
        yield piece
        return
    every = list(single_ranges(piece.ranges, partitioning).values())
    for start in range(0, len(every), size):
        yield replace(piece, ranges=unite(every[start : start + size], partitioning))


def count_partitions(project: Project, pieces: Mapping[Relation, Piece]) -> int:
    """How many partitions some pieces have together."""
    count = 0
    for relation, piece in pieces.items():
        partitioning = project.models[relation].settings.partition_by
        if piece.ranges is not None and partitioning is not None:
            count += len(single_ranges(piece.ranges, partitioning))
    return count
