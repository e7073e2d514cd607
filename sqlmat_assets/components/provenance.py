"""What a table was built from, as Dagster compares it with what is there; without that it takes each for stale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.data_version import (
    DEFAULT_DATA_VERSION,
    NULL_EVENT_POINTER,
    extract_data_version_from_entry,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.event_api import EventLogRecord

from sqlmat_assets.components.translation import distinct_relations, translate_key
from sqlmat_assets.project.model import Model


@dataclass(frozen=True, slots=True)
class Input:
    """The state of a table that is read: its data version, and the place in the log of the event that tells it.

    One of which nothing is recorded is taken as being there, like a table that somebody else makes.
    """

    version: str = DEFAULT_DATA_VERSION.value
    storage_id: int | None = None


class Inputs:
    """The tables that are read, each as it is when it is first asked for or as it was told last.

    Args:
        instance: Where they are recorded.
    """

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self._instance = instance
        self._known: dict[dg.AssetKey, Input] = {}

    def tell(self, key: dg.AssetKey, record: EventLogRecord) -> None:
        """Note a new event of a table."""
        self._known[key] = _input(record)

    def tags(self, model: Model) -> dict[str, str]:
        """The tags of a materialization that say what was read, as Dagster writes them for a step of its own."""
        read = distinct_relations((*model.upstream, *model.sources))
        keys = [translate_key(relation) for relation in read if relation != model.relation]
        self._fetch([key for key in keys if key not in self._known])
        tags: dict[str, str] = {}
        for key in keys:
            found = self._known[key]
            tags[get_input_data_version_tag(key)] = found.version
            tags[get_input_event_pointer_tag(key)] = str(found.storage_id or NULL_EVENT_POINTER)
        return tags

    def _fetch(self, keys: Iterable[dg.AssetKey]) -> None:
        unknown = list(keys)
        if not unknown:
            return
        records = self._instance.get_asset_records(unknown)
        lasts = {each.asset_entry.asset_key: each.asset_entry.last_materialization_record for each in records}
        for key in unknown:
            last = lasts.get(key)
            if last is None and key in lasts:
                # Something else watches a table that it does not make.
                last = next(iter(self._instance.fetch_observations(key, limit=1).records), None)
            self._known[key] = Input() if last is None else _input(last)


def _input(record: EventLogRecord) -> Input:
    version = extract_data_version_from_entry(record.event_log_entry) or DEFAULT_DATA_VERSION
    return Input(version.value, record.storage_id)
