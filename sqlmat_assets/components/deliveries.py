"""Deliveries as Dagster records them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.data_version import CODE_VERSION_TAG, DATA_VERSION_TAG

from sqlmat_assets.components.events import (
    DECIDED_AT,
    told_why,
    translate_columns,
    translate_published_at,
    translate_seconds,
    translate_version,
)
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.errors import outcomes
from sqlmat_assets.execution.events import Delivered, Run
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.relation import Relation

DELIVERED = "delivered"
"""The metadata that says which publish of each table has arrived, for the sensor."""

# The page of an asset shows all metadata at once.
_MOST_LINKS = 20


def translate_delivered(
    event: Delivered, run: Run, version: CodeVersion | None = None
) -> dict[str, dg.MetadataValue[Any]]:
    """The metadata of a delivery.

    Args:
        event: What has arrived.
        run: What it was a part of.
        version: The code of the delivery.
    """
    texts = {
        "delivered to": event.shown,
        "outcome": outcomes.delivered() if event.is_new else outcomes.delivered_before(event.delivered_at),
        **dict(event.details),
        "run": run.id,
    }
    why = told_why(event.relation, run)
    metadata: dict[str, dg.MetadataValue[Any]] = {
        **({} if event.rows is None else {"dagster/row_count": dg.MetadataValue.int(event.rows)}),
        **{name: dg.MetadataValue.text(text) for name, text in texts.items()},
        **({} if why is None else {"why": dg.MetadataValue.text(why)}),
        **translate_seconds(event.seconds, event.phases),
        DECIDED_AT: dg.MetadataValue.timestamp(run.decided_at),
        **translate_published_at(event.delivered_at),
        DELIVERED: dg.MetadataValue.json(dict(event.inputs)),
        **translate_version(version),
    }
    if event.columns:
        metadata["dagster/column_schema"] = dg.MetadataValue.table_schema(translate_columns(event.columns))
    for name, url in event.links[:_MOST_LINKS]:
        metadata[f"link to {name.rpartition('/')[2]}"] = dg.MetadataValue.url(url)
    if event.links_until is not None:
        metadata["links good until"] = dg.MetadataValue.timestamp(event.links_until)
    return metadata


def translate_delivery_tags(event: Delivered, version: CodeVersion | None) -> dict[str, str]:
    """The versions of a delivery outside of a run, where nothing else tells Dagster of them."""
    tags = {DATA_VERSION_TAG: event.data_version}
    return tags if version is None else {**tags, CODE_VERSION_TAG: version.semantic}


def delivery_event(
    event: Delivered, run: Run, version: CodeVersion | None, read: Mapping[str, str]
) -> dg.AssetMaterialization:
    """A delivery outside of a run.

    Args:
        event: What has arrived.
        run: What it was a part of.
        version: The code of the delivery.
        read: The tags that say what was read.
    """
    return dg.AssetMaterialization(
        translate_key(event.relation),
        metadata=translate_delivered(event, run, version),
        tags=translate_delivery_tags(event, version) | dict(read),
    )


def read_delivered(metadata: Mapping[str, dg.MetadataValue[Any]]) -> dict[Relation, datetime]:
    """Which publish of each table has arrived, if the metadata tells."""
    value = metadata.get(DELIVERED)
    data = value.data if isinstance(value, dg.JsonMetadataValue) else None
    if not isinstance(data, dict):
        return {}
    return {Relation.of(str(name)): datetime.fromisoformat(str(at)) for name, at in data.items()}
