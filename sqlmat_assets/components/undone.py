"""What `sqlmat undo` did, written into the Dagster instance, so that the service does not undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmat_assets.components.home import open_instance, root_cause
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import Column
from sqlmat_assets.execution.records import Record
from sqlmat_assets.execution.undo import Undone
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.relation import Relation

if TYPE_CHECKING:
    import dagster as dg

UNDONE_AT = "undone at"
"""The metadata that says when a person has put a version back."""

HELD_CODE = "held code version"
"""The metadata that says which code made what a person does not want: nothing builds it until that is another one."""


@dataclass(frozen=True, slots=True)
class PutBack:
    """A table of which a version was put back: what is there, and when what went had been published, if that is known.

    The service does not build a table whose record says that it was put back.
    """

    restored: Record
    columns: Sequence[Column]
    at: datetime
    replaced_at: datetime | None = None


def report_put_back(
    home: Path, project: Project, done: Sequence[PutBack], environment: Environment | None
) -> str | None:
    """Report each table as materialized with the rows that it has now.

    Args:
        home: The folder of the instance; made when there is none.
        project: Tables without a file in it are left out: the instance has nothing to show them by.
        done: What was put back.
        environment: Where; None for production.

    Returns:
        Why it could not be done; None when all is well.
    """
    fold = project.names.fold
    places = {fold(_place(model, environment)): model for model in project}
    try:
        instance = open_instance(home)
        try:
            for each in done:
                model = places.get(fold(each.restored.relation))
                if model is not None:
                    instance.report_runless_asset_event(put_back_event(model, each, environment))
        finally:
            instance.dispose()
    except Exception as error:  # noqa: BLE001 - a storage can fail in any way, and the table is put back
        return root_cause(error)
    return None


def tell_untold(
    instance: dg.DagsterInstance, project: Project, found: Sequence[Undone], environment: Environment | None
) -> None:
    """Report what a person has put back, where whoever did was ended before he could.

    Args:
        instance: What is told.
        project: The tables that it can be told of.
        found: What the warehouse has; it is what is true.
        environment: Where; None for production.
    """
    fold = project.names.fold
    places = {fold(_place(model, environment)): model for model in project}
    for each in found:
        model = places.get(fold(each.record.relation))
        if model is not None and _is_untold(instance, model.relation, each):
            replaced_at = None if each.replaced is None else each.replaced.published_at
            done = PutBack(each.record, each.columns, each.at, replaced_at)
            instance.report_runless_asset_event(put_back_event(model, done, environment))


def _is_untold(instance: dg.DagsterInstance, relation: Relation, undone: Undone) -> bool:
    if undone.record.put_back_at is not None:
        return not is_told(instance, relation, undone.at)
    # Nobody holds this table, so only that the instance believes in what is gone says that it was not told.
    known = _last_metadata(instance, relation)
    run = None if known is None else known.get("run")
    return undone.replaced is not None and run is not None and run.value == undone.replaced.run


def read_undone_at(metadata: Mapping[str, dg.MetadataValue[Any]]) -> datetime | None:
    """When a person has put a table back that is to be left alone, if the metadata tells."""
    import dagster as dg

    value = metadata.get(UNDONE_AT)
    is_held = HELD_CODE in metadata
    return (
        datetime.fromtimestamp(value.value, UTC) if is_held and isinstance(value, dg.TimestampMetadataValue) else None
    )


def is_told(instance: dg.DagsterInstance, relation: Relation, at: datetime) -> bool:
    """Whether the last that an instance knows of a table is that it was put back at that moment."""
    known = _last_metadata(instance, relation)
    told = None if known is None else read_undone_at(known)
    return told is not None and abs(told - at) < timedelta(milliseconds=1)


def _last_metadata(instance: dg.DagsterInstance, relation: Relation) -> Mapping[str, dg.MetadataValue[Any]] | None:
    from sqlmat_assets.components.translation import translate_key

    event = instance.get_latest_materialization_event(translate_key(relation))
    return None if event is None or event.asset_materialization is None else event.asset_materialization.metadata


def read_held_code(metadata: Mapping[str, dg.MetadataValue[Any]]) -> CodeVersion | None:
    """The code that is not to be built, if the metadata tells."""
    value = metadata.get(HELD_CODE)
    return None if value is None else CodeVersion.parse(str(value.value))


def translate_put_back(
    relation: Relation, done: PutBack, environment: Environment | None
) -> dict[str, dg.MetadataValue[Any]]:
    """The metadata of a materialization with rows that were put back.

    Args:
        relation: The table, as the project has it.
        done: What was put back.
        environment: Where; None for production.
    """
    import dagster as dg

    from sqlmat_assets.components.events import (
        DECIDED_AT,
        translate_columns,
        translate_published_at,
        translate_version,
    )
    from sqlmat_assets.components.translation import translate_place
    from sqlmat_assets.errors import outcomes
    from sqlmat_assets.errors import undo as wording

    record = done.restored
    rows = {} if record.rows is None else {"dagster/row_count": dg.MetadataValue.int(record.rows)}
    texts = {
        **translate_place(relation, environment),
        "outcome": wording.outcome(done.replaced_at),
        "run": record.run,
        **({} if record.commit is None else {"commit": record.commit}),
        **({"uncommitted edits": outcomes.uncommitted()} if record.has_edits else {}),
        # Without a version, of files with problems, any that they have later is another one.
        **({} if record.put_back_at is None else {HELD_CODE: str(record.unwanted or "none")}),
    }
    return {
        **rows,
        **{name: dg.MetadataValue.text(value) for name, value in texts.items()},
        "dagster/column_schema": dg.MetadataValue.table_schema(translate_columns(done.columns)),
        DECIDED_AT: dg.MetadataValue.timestamp(record.decided_at),
        "started at": dg.MetadataValue.timestamp(record.started_at),
        UNDONE_AT: dg.MetadataValue.timestamp(done.at),
        **translate_published_at(record.published_at),
        **translate_version(record.version),
    }


def data_version_of(record: Record) -> str:
    """The version of rows that were put back."""
    return record.data_version or record.run


def code_tags(record: Record) -> dict[str, str]:
    """The tag that tells Dagster which code made rows that were put back; it is not the one that the table has now."""
    from dagster._core.definitions.data_version import CODE_VERSION_TAG

    return {} if record.version is None else {CODE_VERSION_TAG: record.version.semantic}


def put_back_event(model: Model, done: PutBack, environment: Environment | None) -> dg.AssetMaterialization:
    """A materialization outside of a run, with rows that were put back."""
    import dagster as dg
    from dagster._core.definitions.data_version import DATA_VERSION_TAG

    from sqlmat_assets.components.translation import translate_key

    tags = {DATA_VERSION_TAG: data_version_of(done.restored), **code_tags(done.restored)}
    metadata = translate_put_back(model.relation, done, environment)
    return dg.AssetMaterialization(translate_key(model.relation), metadata=metadata, tags=tags)


def _place(model: Model, environment: Environment | None) -> Relation:
    return model.relation if environment is None else environment.relation(model.relation)
