"""Builds from the command line that failed: what they have left in the event log, where they have no runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg

from sqlmat_assets.components.automation.runs import Attempt, fetch_failure, read_version
from sqlmat_assets.components.events import ATTEMPT_TAG, FAILED
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.errors.catalogue import unfenced
from sqlmat_assets.relation import Relation

# A build that is looked for is one of the last.
_MOST_READ = 20


@dataclass(frozen=True, slots=True)
class _Reported:
    """An attempt, and its place in the log."""

    storage_id: int
    attempt: Attempt


class Reported:
    """The attempts of each table since it was built last, the latest first.

    Args:
        most: How many of a table are read.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: dict[Relation, tuple[_Reported, ...]] = {}

    @property
    def relations(self) -> Iterable[Relation]:
        """The tables that have some."""
        return self._found.keys()

    def of(self, relation: Relation) -> list[tuple[int, Attempt]]:
        """Those of a table, each with its place in the log."""
        return [(each.storage_id, each.attempt) for each in self._found.get(relation, ())]

    def read(self, instance: dg.DagsterInstance, relation: Relation, since: int) -> None:
        """Ask for those of a table behind a place in the log."""
        wanted = dg.AssetRecordsFilter(asset_key=translate_key(relation), after_storage_id=since)
        records = instance.fetch_observations(wanted, limit=self._most).records
        found = [each for record in records if (each := _read(record)) is not None]
        self.forget(relation)
        if found:
            self._found[relation] = tuple(found)

    def trim(self, relation: Relation, since: int, wiped_at: float) -> None:
        """Leave out what came before a place in the log, or before everything of the table was wiped in the UI."""
        left = [
            each
            for each in self._found.pop(relation, ())
            if each.storage_id > since and each.attempt.at.timestamp() > wiped_at
        ]
        if left:
            self._found[relation] = tuple(left)

    def forget(self, relation: Relation) -> None:
        """Know nothing of a table."""
        self._found.pop(relation, None)

    def clear(self) -> None:
        """Know nothing."""
        self._found.clear()


def explain_attempt(instance: dg.DagsterInstance, attempt: Attempt, relation: Relation) -> str | None:
    """Why an attempt has failed, with all that was said of it."""
    if attempt.run_id is None:
        told = _fetch_said(instance, attempt, relation)
    else:
        told = fetch_failure(instance, attempt.run_id, relation)
    return told or attempt.said or None


def _fetch_said(instance: dg.DagsterInstance, attempt: Attempt, relation: Relation) -> str | None:
    """All that a build from the command line has said; None where it is no longer there."""
    for record in instance.fetch_observations(translate_key(relation), limit=_MOST_READ).records:
        observed = record.asset_observation
        if observed is not None and observed.tags.get(ATTEMPT_TAG) == attempt.run:
            told = observed.metadata.get(FAILED)
            return unfenced(told.md_str or "") if isinstance(told, dg.MarkdownMetadataValue) else None
    return None


def _read(record: dg.EventLogRecord) -> _Reported | None:
    """What an observation tells of an attempt; None where it is another one."""
    observed = record.asset_observation
    if observed is None or ATTEMPT_TAG not in observed.tags:
        return None
    at = datetime.fromtimestamp(record.timestamp, UTC)
    said = observed.description or ""
    return _Reported(record.storage_id, Attempt(at, read_version(observed.metadata), observed.tags[ATTEMPT_TAG], said))
