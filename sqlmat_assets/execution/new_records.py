"""What is noted of a table that was built, or found to be as a build would make it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Run
from sqlmat_assets.execution.records import Record
from sqlmat_assets.project.model import Model


def new_record(model: Model, context: Context, started_at: datetime) -> Record:
    """What is noted of new rows, whatever they are.

    Args:
        model: The table as it is built.
        context: The run, at whose present moment they are published.
        started_at: When work on the table began.
    """
    run, published_at = context.run, context.now()
    return Record(
        relation=model.relation,
        run=run.id,
        commit=run.commit,
        decided_at=run.decided_at,
        started_at=started_at,
        published_at=published_at,
        rows=0,
        code=model.sql,
        builds=1,
        mean_seconds=(published_at - started_at).total_seconds(),
        version=model.version,
        environment=None if context.environment is None else context.environment.name,
        has_edits=None if run.commit is None else run.has_edits,
        project=run.project,
    )


def confirmed(record: Record, model: Model, run: Run, started_at: datetime) -> Record:
    """What is noted of rows that stay, and are as up to date as new ones would be.

    Args:
        record: What was noted when they were published.
        model: The table.
        run: The run that has found it.
        started_at: When work on the table began.
    """
    return replace(
        record,
        run=run.id,
        put_back_at=None,
        unwanted=None,
        decided_at=run.decided_at,
        started_at=started_at,
        version=model.version,
        project=run.project,
    )
