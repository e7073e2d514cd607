"""The results of checks by partition, where a run is about few enough of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from sqlmat_assets.components.events import translate_evaluation
from sqlmat_assets.components.translation import check_output, translate_key
from sqlmat_assets.execution.events import CheckResult
from sqlmat_assets.relation import Relation

# Each costs about nine milliseconds of SQLite.
_MOST_EVALUATIONS = 100


def checked_partitions(keys: Sequence[str], results: Sequence[CheckResult]) -> tuple[str, ...]:
    """The partitions of a run of which each gets the results of the checks; none where they are too many.

    Dagster plans each check for each partition of a run. What nobody tells of such a plan is shown as skipped.
    """
    return tuple(keys) if len(keys) * len(results) <= _MOST_EVALUATIONS else ()


def evaluate_partitions(
    relation: Relation,
    results: Sequence[CheckResult],
    keys: Sequence[str],
    selected: Collection[str],
    instance: dg.DagsterInstance,
) -> Iterator[Any]:
    """Tell of each partition that the checks looked at it, behind the materializations of all of them.

    Args:
        relation: The table.
        results: The checks, which looked at the partitions together.
        keys: The partitions.
        selected: The checks that the run was asked for, which are outputs of its step.
        instance: Where the materializations are.
    """
    wanted = dg.AssetRecordsFilter(asset_key=translate_key(relation), asset_partitions=list(keys))
    stored = instance.fetch_materializations(wanted, limit=len(keys)).records
    targets = {
        record.partition_key: AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.event_log_entry.run_id, timestamp=record.timestamp
        )
        for record in stored
    }
    for result in results:
        if result.name in selected:
            # What waits for the check waits for this, and not for its evaluations.
            yield dg.Output(None, output_name=check_output(result.name))
        for key in keys:
            yield translate_evaluation(relation, result, targets.get(key), key, together=len(keys))
