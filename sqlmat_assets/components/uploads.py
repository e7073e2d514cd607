"""Uploading a data file: the table is built from it, and it takes its place in the project when the checks hold."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from pathlib import Path

from sqlmat_assets.components.origin import find_identity, find_origin
from sqlmat_assets.components.record import Recorder
from sqlmat_assets.errors import ProjectError
from sqlmat_assets.errors import client as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Discarded, Run
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.upload import project_with, take_place
from sqlmat_assets.project.model import Kind, Project
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse

ENDINGS = (".csv", ".parquet", ".ndjson")
"""Those of data files."""


def upload_file(project: Project, warehouse: Warehouse, home: Path | None, relation: Relation, file: Path) -> None:
    """Build a table from a file, and then put the file into the project.

    Args:
        project: The project.
        warehouse: Where its tables are built.
        home: The Dagster instance that is to know of it; None for none.
        relation: The table.
        file: The file.

    Raises:
        UsageError: The rows of the table come from something else, or the file is no data file.
        ProjectError: There would be problems in the project with this file in it.
        MaterializeError: A check has failed, or the warehouse refuses; nothing has changed.
    """
    place = _find_place(project, relation, file)
    with project_with(project.root, place, file) as changed:
        model = changed.models[relation]
        if model.is_quarantined:
            raise ProjectError(problem for problem in model.problems if not problem.is_warning)
        origin = find_origin(project.root)
        run = Run(
            uuid.uuid4().hex[:8],
            datetime.now(UTC),
            origin and origin.commit,
            has_edits=origin is not None,
            project=find_identity(project.root),
        )
        context = Context(
            warehouse=warehouse,
            names=changed.names,
            run=run,
            now=lambda: datetime.now(UTC),
            root=changed.root,
            views=changed.views,
        )
        recorder = None if home is None else Recorder(home, changed, context)
        failed: Discarded | None = None
        for event in materialize(model, context):
            if recorder is not None:
                recorder.take(event)
            failed = event if isinstance(event, Discarded) else failed
        if failed is None:
            take_place(project.root, place, file)
        if recorder is not None:
            recorder.finish(lambda _: None)
        if failed is not None:
            raise failed.error


def _find_place(project: Project, relation: Relation, file: Path) -> str:
    """Where the file belongs in the project.

    Raises:
        UsageError: It cannot be there.
    """
    if not file.is_file():
        raise wording.no_file(str(file))
    ending = next((each for each in ENDINGS if file.name.lower().endswith(each)), None)
    if ending is None:
        raise wording.no_data_file(str(file), ENDINGS)
    model = project.models.get(relation)
    if model is None:
        return f"{relation.schema}/{relation.name}{ending}"
    if model.kind is not Kind.DATA:
        raise wording.made_otherwise(str(relation), model.path, model.kind.value)
    if not model.path.lower().endswith(ending):
        raise wording.other_ending(str(relation), model.path, Path(model.path).suffix)
    return model.path
