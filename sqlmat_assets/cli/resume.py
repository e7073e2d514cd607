"""Which runs have worked on the same request, so that a build of many partitions can be taken up again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from sqlmat_assets.cli.patience import Patience
from sqlmat_assets.cli.pieces import count_partitions
from sqlmat_assets.errors.asking import going_on
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.finished import leave_out_finished
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation

_MOST_KEPT = 50


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for: which partitions of which tables, and where."""

    warehouse: str
    tables: tuple[Relation, ...]
    partitions: tuple[str, ...]

    @property
    def key(self) -> str:
        return json.dumps([self.warehouse, sorted(map(str, self.tables)), self.partitions])


class Requests:
    """The requests that did not come to their end, with their runs, in a small file.

    Only the runs are noted here. What they have finished stands in the warehouse.

    Args:
        file: Where they are kept; a file that cannot be read counts as an empty one.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def runs(self, request: Request) -> tuple[str, ...]:
        """The runs that worked on a request before; none when it was never begun, or came to its end."""
        return tuple(self._read().get(request.key, ()))

    def begin(self, request: Request, runs: Iterable[str]) -> None:
        """Note whose work on a request counts."""
        known = self._read()
        known.pop(request.key, None)
        self._write({**known, request.key: [*runs]})

    def forget(self, request: Request) -> None:
        """Note that a request came to its end."""
        known = self._read()
        if known.pop(request.key, None) is not None:
            self._write(known)

    def _read(self) -> dict[str, Sequence[str]]:
        known: Any
        try:
            known = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        try:
            return {str(key): [str(run) for run in runs] for key, runs in known.items()}
        except (AttributeError, TypeError):
            return {}

    def _write(self, known: dict[str, Sequence[str]]) -> None:
        kept = dict(list(known.items())[-_MOST_KEPT:])
        self._file.parent.mkdir(parents=True, exist_ok=True)
        aside = self._file.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(kept), encoding="utf-8")
        aside.replace(self._file)


def take_up(
    project: Project,
    wanted: Mapping[Relation, Piece],
    context: Context,
    request: Request,
    requests: Requests,
    *,
    is_again: bool,
) -> dict[Relation, Piece]:
    """Leave out what earlier runs of the same request have built, say so, and note this run.

    Args:
        project: All tables.
        wanted: What the request comes to.
        context: This run.
        request: What was asked for.
        requests: Where runs are noted.
        is_again: Whether everything is built, whatever is there.

    Raises:
        WarehouseError: The warehouse cannot be opened.
    """
    runs = () if is_again else requests.runs(request)
    patience = Patience(context.warehouse.label)
    left = leave_out_finished(project, wanted, runs, context, patience) if runs else dict(wanted)
    partitions = count_partitions(project, wanted) - count_partitions(project, left)
    tables = sum(piece == WHOLE for relation, piece in wanted.items() if relation not in left)
    if partitions or tables:
        click.echo(going_on(partitions, tables), err=True)
    requests.begin(request, (*runs, context.run.id))
    return left
