"""What happened to a table, as Dagster records it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.data_version import CODE_VERSION_TAG, DATA_VERSION_TAG

from sqlmat_assets.components.translation import translate_key, translate_place
from sqlmat_assets.errors import outcomes
from sqlmat_assets.errors.catalogue import blocked, fenced, shortened
from sqlmat_assets.errors.samples import sample_lines
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import (
    CheckResult,
    Column,
    Discarded,
    Phase,
    Published,
    PublishedPartition,
    Run,
    Sample,
    Unchanged,
)
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import CheckSpec
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.billing import Usage

CODE_VERSION = "code version"
"""The metadata that says which code made, or failed to make, the rows of a table: a `CodeVersion` as text."""

FAILED = "failed"
"""What was said of a build from the command line that failed."""

ATTEMPT_TAG = "sqlmat/failed_run"
"""The tag of an observation that tells of an attempt to build the table, outside of a run of Dagster's: its run."""

DECIDED_AT = "decided at"
"""The metadata that says from when the age of a materialization counts."""

PUBLISHED_AT = "published at"
"""The metadata that says when the rows of a table were put in place, and when a delivery has arrived last."""

# What the page of a run shows in one line beside its other columns.
_WIDTH = 100

Lineage = Mapping[str, Sequence[tuple[Relation, str]]]
"""Which columns of which tables each column comes from."""


def translate_ended(
    ended: Published | Unchanged,
    results: Sequence[CheckResult],
    run: Run,
    lineage: Lineage | None = None,
    version: CodeVersion | None = None,
    environment: Environment | None = None,
    written: str | None = None,
) -> dict[str, dg.MetadataValue]:
    """The metadata of a materialization.

    Args:
        ended: What readers see now.
        results: The checks that were run before.
        run: What it was a part of; says when it was decided, from which the age of the table counts.
        lineage: Where its columns come from; None where that could not be told.
        version: The code that made its rows; None where that is not known.
        environment: Where it is; None for production.
        written: The SQL of the file, where what was sent is another.
    """
    metadata: dict[str, dg.MetadataValue] = {
        **_rows(ended),
        **_texts(translate_place(ended.relation, environment)),
        "dagster/column_schema": dg.MetadataValue.table_schema(translate_columns(ended.columns)),
        "outcome": dg.MetadataValue.text(_outcome(ended)),
        **translate_seconds(ended.seconds, ended.phases),
        **_usage(ended.usage),
        **_snapshot(ended),
        **_left_out(ended),
        DECIDED_AT: dg.MetadataValue.timestamp(run.decided_at),
        "started at": dg.MetadataValue.timestamp(ended.started_at),
        "run": dg.MetadataValue.text(run.id),
        **translate_version(version),
        **translate_commit(run),
        **translate_published_at(ended.published_at),
    }
    why = told_why(ended.relation, run)
    if why is not None:
        metadata["why"] = dg.MetadataValue.text(why)
    if ended.statement is not None:
        metadata["sql"] = dg.MetadataValue.md(fenced(shortened(ended.statement), "sql"))
        if written:
            metadata["sql of the file"] = dg.MetadataValue.md(fenced(shortened(written), "sql"))
    saved = _saved(ended)
    if saved is not None:
        metadata["saved"] = dg.MetadataValue.text(saved)
    if lineage:
        metadata["dagster/column_lineage"] = dg.MetadataValue.column_lineage(_lineage(lineage))
    if results:
        metadata["checks"] = dg.MetadataValue.table(
            [
                dg.TableRecord({"check": r.name, "passed": r.passed, "rows": r.rows, "failed rows": r.failed_rows})
                for r in results
            ],
            dg.TableSchema(
                [
                    dg.TableColumn("check"),
                    dg.TableColumn("passed", "bool"),
                    dg.TableColumn("rows", "int"),
                    dg.TableColumn("failed rows", "int"),
                ]
            ),
        )
    return metadata


def translate_partition(
    ended: Published | Unchanged,
    partition: PublishedPartition,
    run: Run,
    version: CodeVersion | None = None,
    read: Mapping[str, str] | None = None,
) -> dg.AssetMaterialization:
    """One partition of several, where the table as a whole has a materialization that tells the rest.

    Args:
        ended: The build.
        partition: The partition.
        run: What it was a part of.
        version: The code that made its rows; None where that is not known.
        read: The tags that say what was read.
    """
    metadata = {
        **translate_partition_rows(partition),
        DECIDED_AT: dg.MetadataValue.timestamp(run.decided_at),
        "run": dg.MetadataValue.text(run.id),
        **translate_version(version),
    }
    return dg.AssetMaterialization(
        translate_key(ended.relation),
        partition=partition.key,
        metadata=metadata,
        tags=translate_version_tags(ended, run, version) | dict(read or {}),
    )


def translate_partition_rows(partition: PublishedPartition) -> dict[str, dg.MetadataValue]:
    """The metadata that differs from one partition to another."""
    return {"dagster/partition_row_count": dg.MetadataValue.int(partition.rows)}


def translate_seconds(seconds: float, phases: Iterable[Phase]) -> dict[str, dg.MetadataValue]:
    """How long the work took, all of it and each part, as numbers: the UI draws each of them over time."""
    told = {"seconds": seconds, **{f"seconds ({phase.name})": phase.seconds for phase in phases}}
    return {key: dg.MetadataValue.float(round(value, 3)) for key, value in told.items()}


def translate_commit(run: Run) -> dict[str, dg.MetadataValue]:
    """What the project folder was: its commit, and whether it was edited since."""
    if run.commit is None:
        return {}
    return _texts({"commit": run.commit, **({"uncommitted edits": outcomes.uncommitted()} if run.has_edits else {})})


def translate_published_at(moment: datetime | None) -> dict[str, dg.MetadataValue]:
    """The metadata that tells the rows from those before and after them; the sensor reads it back."""
    return {} if moment is None else {PUBLISHED_AT: dg.MetadataValue.timestamp(moment)}


def translate_version(version: CodeVersion | None) -> dict[str, dg.MetadataValue]:
    """The metadata that says which code was built, or failed to be; the sensor reads it back."""
    return {} if version is None else {CODE_VERSION: dg.MetadataValue.text(str(version))}


def read_decided_at(metadata: Mapping[str, dg.MetadataValue[Any]]) -> datetime | None:
    """When a build was decided, if its metadata tells."""
    return _moment(metadata.get(DECIDED_AT))


def read_published_at(metadata: Mapping[str, dg.MetadataValue[Any]]) -> datetime | None:
    """When rows were put in place, or have arrived, if the metadata tells."""
    return _moment(metadata.get(PUBLISHED_AT))


def _moment(value: dg.MetadataValue[Any] | None) -> datetime | None:
    return datetime.fromtimestamp(value.value, UTC) if isinstance(value, dg.TimestampMetadataValue) else None


def translate_data_version(ended: Published | Unchanged, run: Run) -> dg.DataVersion:
    """The version of the rows; of rows that were compared with no others, that of their run."""
    return dg.DataVersion(ended.data_version or run.id)


def translate_version_tags(
    ended: Published | Unchanged, run: Run, version: CodeVersion | None = None
) -> dict[str, str]:
    """The versions of a materialization outside of a run, where nothing else tells Dagster of them."""
    tags = {DATA_VERSION_TAG: translate_data_version(ended, run).value}
    return tags if version is None else {**tags, CODE_VERSION_TAG: version.semantic}


def translate_check_metadata(result: CheckResult) -> dict[str, dg.MetadataValue]:
    """The metadata of a check's outcome: how many rows failed, which, and the SQL that says so."""
    metadata: dict[str, dg.MetadataValue] = {
        "rows": dg.MetadataValue.int(result.rows),
        "failed rows": dg.MetadataValue.int(result.failed_rows),
        "seconds": dg.MetadataValue.float(round(result.seconds, 3)),
        "sql": dg.MetadataValue.md(fenced(result.sql, "sql")),
    }
    if result.sent is not None:
        metadata["sql"] = dg.MetadataValue.md(fenced(result.sent, "sql"))
        metadata["sql of the file"] = dg.MetadataValue.md(fenced(result.sql, "sql"))
    if result.sample is not None and result.sample.columns:
        metadata["offending rows"] = _sample(result.sample)
    return metadata


def translate_result(relation: Relation, result: CheckResult) -> dg.AssetCheckResult:
    """A check's outcome, to be yielded inside a step behind the materialization that it belongs to."""
    return dg.AssetCheckResult(
        passed=result.passed,
        asset_key=translate_key(relation),
        check_name=result.name,
        severity=_severity(result),
        description=result.message or None,
        metadata=translate_check_metadata(result),
    )


def translate_kept(relation: Relation, spec: CheckSpec) -> dg.AssetCheckResult:
    """The outcome of a check that was not run again, because it held for the rows that stay."""
    return dg.AssetCheckResult(
        passed=True,
        asset_key=translate_key(relation),
        check_name=spec.name,
        severity=dg.AssetCheckSeverity.ERROR,
        description=outcomes.still_holds(),
    )


def translate_evaluation(
    relation: Relation,
    result: CheckResult,
    target: AssetCheckEvaluationTargetMaterializationData | None = None,
    partition: str | None = None,
    together: int = 1,
) -> dg.AssetCheckEvaluation:
    """A check's outcome that belongs to `target`, or to no materialization at all.

    A table that was not replaced has no materialization that its rows could belong to, and the last one is not it.

    Args:
        relation: The table.
        result: The outcome.
        target: The materialization.
        partition: The partition that was looked at; None for the table.
        together: With how many partitions, itself among them, it was looked at.
    """
    metadata = translate_check_metadata(result)
    if together > 1:
        metadata["looked at"] = dg.MetadataValue.text(outcomes.looked_at(together))
    return dg.AssetCheckEvaluation(
        asset_key=translate_key(relation),
        check_name=result.name,
        passed=result.passed,
        metadata=metadata,
        target_materialization_data=target,
        severity=_severity(result),
        description=result.message or None,
        blocking=result.is_blocking,
        partition=partition,
    )


def translate_discarded(discarded: Discarded) -> str:
    """Why a table was not replaced: what went wrong, what it holds now, some of the offending rows."""
    failed = [(r, r.sample) for r in discarded.results if r.is_blocking and not r.passed]
    samples = [
        (result.name, sample_lines(sample.columns, sample.rows, result.failed_rows, _WIDTH))
        for result, sample in failed
        if sample is not None and sample.rows
    ]
    return blocked(str(discarded.error), samples)


def translate_columns(columns: Iterable[Column]) -> dg.TableSchema:
    """The columns of a table as Dagster shows them."""
    return dg.TableSchema([dg.TableColumn(column.name, column.type, column.description) for column in columns])


def _texts(values: Mapping[str, str]) -> dict[str, dg.MetadataValue]:
    return {name: dg.MetadataValue.text(value) for name, value in values.items()}


def _rows(ended: Published | Unchanged) -> dict[str, dg.MetadataValue]:
    if not ended.partitions:
        # Of a view nobody has counted them.
        return {} if ended.rows is None else {"dagster/row_count": dg.MetadataValue.int(ended.rows)}
    # Those of the table are not known when some of its partitions are built.
    keys = [partition.key for partition in ended.partitions]
    return {
        **({} if ended.rows is None else {"rows": dg.MetadataValue.int(ended.rows)}),
        "partitions": dg.MetadataValue.text(outcomes.partitions(keys)),
    }


def _snapshot(ended: Published | Unchanged) -> dict[str, dg.MetadataValue]:
    """Numbers, which the UI draws over time; nothing of a table without snapshots."""
    if ended.snapshot is None:
        return {}
    taken = {} if ended.snapshot.rows is None else {"snapshot rows": dg.MetadataValue.int(ended.snapshot.rows)}
    return {**taken, "removed snapshot rows": dg.MetadataValue.int(ended.snapshot.removed_rows)}


def _left_out(ended: Published | Unchanged) -> dict[str, dg.MetadataValue]:
    """How many rows of files could not be read, and the first of them; nothing where all could."""
    if ended.left_out is None:
        return {}
    first = "\n".join(ended.left_out.first)
    return {
        "rows left out": dg.MetadataValue.int(ended.left_out.count),
        "first rows left out": dg.MetadataValue.md(fenced(first, "text")),
    }


def _outcome(ended: Published | Unchanged) -> str:
    if ended.rows is None:
        return outcomes.new_view() if isinstance(ended, Published) else outcomes.same_view()
    if isinstance(ended, Published):
        return outcomes.new_rows()
    return outcomes.nothing_new() if ended.statement is None else outcomes.same_rows(ended.rows)


def _usage(usage: Usage | None) -> dict[str, dg.MetadataValue]:
    """What the engine says that the build took."""
    if usage is None:
        return {}
    return {
        "seconds (queued)": dg.MetadataValue.float(round(usage.queued_seconds, 3)),
        "scanned bytes": dg.MetadataValue.int(usage.scanned_bytes),
        **({} if usage.billed_bytes is None else {"billed bytes": dg.MetadataValue.int(usage.billed_bytes)}),
        **({} if usage.slot_seconds is None else {"slot seconds": dg.MetadataValue.float(usage.slot_seconds)}),
        **({} if usage.usd is None else {"USD": dg.MetadataValue.float(usage.usd)}),
    }


def _saved(ended: Published | Unchanged) -> str | None:
    if isinstance(ended, Published):
        return None
    if ended.statement is not None:
        return outcomes.saved_swap()
    return None if ended.saved_seconds is None else outcomes.about(ended.saved_seconds)


def told_why(relation: Relation, run: Run) -> str | None:
    """Why a table is built, or delivered, where that is known."""
    if run.reasons is None:
        return outcomes.asked_for()
    reason = run.reasons.reason(relation)
    return None if reason is None else reason.value


def _severity(result: CheckResult) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if result.is_blocking else dg.AssetCheckSeverity.WARN


def _lineage(lineage: Lineage) -> dg.TableColumnLineage:
    return dg.TableColumnLineage(
        {
            column: [dg.TableColumnDep(asset_key=translate_key(relation), column_name=name) for relation, name in deps]
            for column, deps in lineage.items()
        }
    )


def _sample(sample: Sample) -> dg.MetadataValue:
    # One field per column: of two columns with one name the second would hide the first.
    names = [
        name if sample.columns.index(name) == place else f"{name} ({place + 1})"
        for place, name in enumerate(sample.columns)
    ]
    records = [dg.TableRecord(dict(zip(names, row, strict=True))) for row in sample.rows]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in names]))
