"""What `sqlmat undo` did, written into the Dagster instance, so that the service does not undo it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlmat_assets.components.home import open_instance, root_cause
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.records import Record
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
    """A table of which a version was put back: the record of what went, and the record and columns of what is there.

    The service does not build a table that `is_held`.
    """

    gone: Record
    restored: Record
    columns: Sequence[tuple[str, str]]
    at: datetime
    is_held: bool


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
                    instance.report_runless_asset_event(_event(model, each, environment))
        finally:
            instance.dispose()
    except Exception as error:  # noqa: BLE001 - a storage can fail in any way, and the table is put back
        return root_cause(error)
    return None


def read_undone_at(metadata: Mapping[str, dg.MetadataValue[Any]]) -> datetime | None:
    """When a person has put a table back that is to be left alone, if the metadata tells."""
    import dagster as dg

    value = metadata.get(UNDONE_AT)
    is_held = HELD_CODE in metadata
    return (
        datetime.fromtimestamp(value.value, UTC) if is_held and isinstance(value, dg.TimestampMetadataValue) else None
    )


def read_held_code(metadata: Mapping[str, dg.MetadataValue[Any]]) -> CodeVersion | None:
    """The code that is not to be built, if the metadata tells."""
    value = metadata.get(HELD_CODE)
    return None if value is None else CodeVersion.parse(str(value.value))


def _place(model: Model, environment: Environment | None) -> Relation:
    return model.relation if environment is None else environment.relation(model.relation)


def _event(model: Model, done: PutBack, environment: Environment | None) -> dg.AssetMaterialization:
    import dagster as dg
    from dagster._core.definitions.data_version import CODE_VERSION_TAG, DATA_VERSION_TAG

    from sqlmat_assets.components.events import DECIDED_AT, translate_columns, translate_version
    from sqlmat_assets.components.translation import translate_key, translate_place
    from sqlmat_assets.errors import undo as wording
    from sqlmat_assets.execution.events import Column

    record = done.restored
    rows = {} if record.rows is None else {"dagster/row_count": dg.MetadataValue.int(record.rows)}
    texts = {
        **translate_place(model.relation, environment),
        "outcome": wording.outcome(done.gone.published_at),
        "run": record.run,
        **({} if record.commit is None else {"commit": record.commit}),
        # Without a version, of files with problems, any that they have later is another one.
        **({HELD_CODE: str(model.version or "none")} if done.is_held else {}),
    }
    metadata = {
        **rows,
        **{name: dg.MetadataValue.text(value) for name, value in texts.items()},
        "dagster/column_schema": dg.MetadataValue.table_schema(
            translate_columns(Column(name, kind) for name, kind in done.columns)
        ),
        DECIDED_AT: dg.MetadataValue.timestamp(record.decided_at),
        "started at": dg.MetadataValue.timestamp(record.started_at),
        UNDONE_AT: dg.MetadataValue.timestamp(done.at),
        **translate_version(record.version),
    }
    tags = {DATA_VERSION_TAG: record.data_version or record.run}
    if record.version is not None:
        tags[CODE_VERSION_TAG] = record.version.semantic
    return dg.AssetMaterialization(translate_key(model.relation), metadata=metadata, tags=tags)
