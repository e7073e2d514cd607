"""One op per table: it builds the table, or runs its checks alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any, cast

import dagster as dg
from dagster._core.storage.tags import PRIORITY_TAG, RETRY_NUMBER_TAG

from sqlmat_assets.components.events import (
    Lineage,
    translate_data_version,
    translate_discarded,
    translate_ended,
    translate_evaluation,
    translate_kept,
    translate_partition,
    translate_partition_rows,
    translate_result,
    translate_seconds,
    translate_version,
)
from sqlmat_assets.components.lineage import trace_columns
from sqlmat_assets.components.mappings import Mappings
from sqlmat_assets.components.op_names import op_name
from sqlmat_assets.components.origin import Origin
from sqlmat_assets.components.partition_checks import checked_partitions, evaluate_partitions
from sqlmat_assets.components.partitions import read_piece, recorded_keys
from sqlmat_assets.components.provenance import Inputs
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.translation import ENV_TAG, check_output, translate_checks, translate_key, translate_model
from sqlmat_assets.components.undone import PutBack, code_tags, data_version_of, put_back_event, translate_put_back
from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets.errors import SqlmatError, TransientWarehouseError
from sqlmat_assets.errors import failures as wording
from sqlmat_assets.errors.failures import holds_now
from sqlmat_assets.errors.processors import printed_by
from sqlmat_assets.errors.undo import left_alone as told_left_alone
from sqlmat_assets.execution.audit import audit_published
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import (
    Checked,
    CheckResult,
    Discarded,
    LeftAlone,
    Printed,
    Published,
    Run,
    Unchanged,
)
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.speaking import written_sql
from sqlmat_assets.project.deliveries import Delivery
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.project.reasons import Reasons
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse

DECIDED_AT_TAG = "sqlmat/decided_at"
"""A run's tag: the ISO moment at which it was decided that its tables are due."""

WHY_TAG = "sqlmat/why"
"""A run's tag: why each of its tables is built, as `Reasons` write it; a run that a person asked for has none."""

_TABLE = "table"
# Rows pass through the warehouse; Dagster only learns what comes first and what was made.
ORDER = dg.In(dg.Nothing)
MAYBE = dg.Out(dg.Nothing, is_required=False)

# Dagster reads the annotation of `context` from the function, so this module keeps annotations as objects. The plain
# op context is the one that serves both a table's build and a run of its checks alone.
Compute = Callable[[dg.OpExecutionContext, object], Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Site:
    """What all tables of a project share while they are built.

    `columns_of` has the columns that their files tell, `weights` how many tables depend on each, near or far, and
    `mappings` which partitions of what they read their own need. Without an `environment` production is built.
    `views` have the SQL of the tables that are views. `identity` tells the project from others in the warehouse.
    `tables` are all whose files have no problems. `deliveries` are all of the project, whose secrets are in the
    resource `secrets_key`. `connectors` open the places that tables are loaded from.
    """

    root: Path
    names: Names
    origin: Origin | None
    resource_key: str
    columns_of: Mapping[Relation, tuple[str, ...]]
    weights: Mapping[Relation, int]
    mappings: Mapping[Relation, Mappings] = field(default_factory=dict[Relation, Mappings])
    environment: Environment | None = None
    views: Mapping[Relation, str] = field(default_factory=dict[Relation, str])
    identity: str | None = None
    deliveries: Mapping[Relation, Delivery] = field(default_factory=dict[Relation, Delivery])
    secrets_key: str = "secrets"
    tables: Sequence[Model] = ()
    prices: Prices = field(default_factory=Prices)
    connectors: Connectors = field(default_factory=Connectors)


def build_asset(
    model: Model, site: Site, without: Sequence[Relation] = (), held_by: Relation | None = None
) -> dg.AssetsDefinition:
    """A table as an asset with its checks.

    Its op is an ordinary one: any executor runs it. It is put together by hand because the decorators derive
    names of inputs and outputs from keys, where `a_b.c` and `a.b_c` become one input and one of them is lost.
    """
    spec = translate_model(
        model,
        root=site.root,
        origin=site.origin,
        without=without,
        held_by=held_by,
        mappings=site.mappings.get(model.relation),
        environment=site.environment,
    )
    checks = {check_output(check.name): check for check in translate_checks(model)}
    reads = {op_name(Relation(*schema_and_name(dep.asset_key))): dep.asset_key for dep in spec.deps}
    refusal = _refusal(model, held_by)
    op = dg.OpDefinition(
        name=op_name(model.relation),
        ins=dict.fromkeys(reads, ORDER),
        outs=dict.fromkeys((_TABLE, *checks), MAYBE),
        compute_fn=_compute(model, site) if refusal is None else refuse(refusal),
        required_resource_keys={site.resource_key} if refusal is None else set(),
        # Of the steps that are ready, the one that most tables wait for goes first.
        tags={PRIORITY_TAG: str(site.weights.get(model.relation, 0))},
    )
    return dg.AssetsDefinition(
        node_def=op,
        keys_by_input_name=reads,
        keys_by_output_name={_TABLE: spec.key},
        specs=[spec],
        check_specs_by_output_name=checks,
        can_subset=True,
        backfill_policy=None if spec.partitions_def is None else _backfill_policy(model),
    )


def _backfill_policy(model: Model) -> dg.BackfillPolicy:
    """Any number of partitions that lie next to each other are one statement, unless the table asks for several."""
    per_run = model.settings.partitions_per_run
    return dg.BackfillPolicy.single_run() if per_run is None else dg.BackfillPolicy.multi_run(per_run)


def _compute(model: Model, site: Site) -> Compute:
    def compute(context: dg.OpExecutionContext, _inputs: object) -> Iterator[Any]:
        resource = cast(WarehouseResource, getattr(context.resources, site.resource_key))
        run = read_run(context, site, resource)
        work = Context(
            warehouse=open_resource(resource),
            names=site.names,
            run=run,
            now=lambda: datetime.now(UTC),
            root=site.root,
            cancellation=resource.cancellation,
            state=resource.state,
            environment=site.environment,
            views=site.views,
            prices=site.prices,
            # What a person builds is what he has chosen; the service is there for all of them.
            others=() if run.reasons is None else site.tables,
            connectors=site.connectors,
        )
        if site.environment is not None and ENV_TAG not in context.run.tags:
            context.instance.add_run_tags(context.run.run_id, {ENV_TAG: site.environment.name})
        if context.selected_asset_keys:
            yield from _materialize(model, work, site, context)
        else:
            only = {key.name for key in context.selected_asset_check_keys}
            yield from (translate_result(model.relation, r) for r in _audit(model, work, only))

    return compute


def open_resource(resource: WarehouseResource) -> Warehouse:
    """The warehouse of a step.

    Raises:
        Failure: Its URL names none that is known.
    """
    try:
        return resource.open()
    except SqlmatError as error:
        raise dg.Failure(str(error), allow_retries=False) from error


def _refusal(model: Model, held_by: Relation | None) -> str | None:
    """Why a table is not built, if it is not."""
    held = holds_now(str(model.relation), is_built=None)
    if model.is_quarantined:
        errors = [problem for problem in model.problems if not problem.is_warning]
        return wording.quarantined(str(model.relation), errors, held)
    return None if held_by is None else wording.held_by(str(model.relation), str(held_by), held)


def refuse(refusal: str) -> Compute:
    """What the op of a table does that is not to be built."""

    def compute(context: dg.OpExecutionContext, _inputs: object) -> Iterator[Any]:  # noqa: ARG001 - the signature of every op
        raise dg.Failure(refusal, allow_retries=False)
        yield  # it has to be a generator, like every other

    return compute


def _materialize(model: Model, work: Context, site: Site, context: dg.OpExecutionContext) -> Iterator[Any]:
    results: tuple[CheckResult, ...] = ()
    piece = read_piece(context, model.settings.partition_by)
    with closing(materialize(model, work, piece)) as events:
        for event in events:
            match event:
                case Checked():
                    results = event.results
                case Printed():
                    context.log.info(printed_by(event.script, event.text, is_cut=event.is_cut))
                case Published() | Unchanged():
                    lineage = trace_columns(model, site.columns_of, work)
                    yield from _tell_partitions(model, event, work.run, context)
                    keys = checked_partitions(recorded_keys(context), results)
                    yield _ended(model, event, results, work, lineage, tells_checks=not keys)
                    if keys:
                        selected = {key.name for key in context.selected_asset_check_keys}
                        yield from evaluate_partitions(model.relation, results, keys, selected, context.instance)
                    if isinstance(event, Unchanged) and event.statement is None:
                        yield from _still_holding(model, work)
                case LeftAlone():
                    yield from _leave_alone(model, event, work, context)
                case Discarded():
                    keys = checked_partitions(recorded_keys(context), event.results) or (None,)
                    for key, result in product(keys, event.results):
                        yield translate_evaluation(model.relation, result, partition=key, together=len(keys))
                    raise _failure(model, event)
                case _:
                    pass


def _still_holding(model: Model, work: Context) -> Iterator[dg.AssetCheckResult]:
    """The checks of rows that stay as they are.

    Those that block held for these rows, or the rows would not be there. Without a result here, Dagster would show each
    of them as one that has failed to run.
    """
    yield from (translate_kept(model.relation, spec) for spec in model.check_specs if spec.is_blocking)
    warnings = {spec.name for spec in model.check_specs if not spec.is_blocking}
    if warnings:
        yield from (translate_result(model.relation, result) for result in _audit(model, work, warnings))


def _leave_alone(
    model: Model, event: LeftAlone, work: Context, context: dg.OpExecutionContext
) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckEvaluation]:
    """Record the rows that a person has put back, as `sqlmat undo` does: it may have been stopped before it could."""
    at = event.record.put_back_at or work.run.decided_at
    context.log.warning(told_left_alone(str(event.relation), at))
    done = PutBack(event.record, event.columns, at, event.replaced_at)
    if recorded_keys(context):
        # Dagster would take the partitions that the run names for built. Who reads the table waits for the next run.
        context.instance.report_runless_asset_event(put_back_event(model, done, work.environment))
        return
    yield dg.MaterializeResult(
        asset_key=translate_key(event.relation),
        metadata=translate_put_back(event.relation, done, work.environment),
        data_version=dg.DataVersion(data_version_of(event.record)),
        tags=code_tags(event.record),
    )
    # As evaluations, which keep nobody from reading the rows: what is checked is what the file says now.
    only = {key.name for key in context.selected_asset_check_keys}
    yield from (translate_evaluation(event.relation, result) for result in _audit(model, work, only))


def _audit(model: Model, work: Context, only: set[str]) -> Sequence[CheckResult]:
    try:
        return audit_published(model, work, only).results
    except SqlmatError as error:
        raise dg.Failure(str(error), allow_retries=isinstance(error, TransientWarehouseError)) from error


def _ended(
    model: Model,
    event: Published | Unchanged,
    results: Sequence[CheckResult],
    work: Context,
    lineage: Lineage,
    *,
    tells_checks: bool,
) -> dg.MaterializeResult[Any]:
    return dg.MaterializeResult(
        asset_key=translate_key(event.relation),
        metadata=translate_ended(
            event, results, work.run, lineage, model.version, work.environment, written_sql(model, work)
        ),
        data_version=translate_data_version(event, work.run),
        # Behind the materialization, so that they are tied to the rows that they looked at.
        check_results=[translate_result(event.relation, result) for result in results if tells_checks],
    )


def _tell_partitions(
    model: Model, event: Published | Unchanged, run: Run, context: dg.OpExecutionContext
) -> Iterator[dg.AssetMaterialization]:
    """Record each partition with its own rows.

    Dagster records the partitions that a run names by itself, and takes what is to be told of each beforehand. Of those
    that a table has built because the run named none, or whose job has no partitions, it knows nothing.
    """
    if not event.partitions:
        return
    named, read = set(recorded_keys(context)), Inputs(context.instance).tags(model)
    step = context.get_step_execution_context()
    for partition in event.partitions:
        if partition.key in named:
            metadata = translate_partition_rows(partition)
            step.add_asset_metadata(metadata, translate_key(event.relation), partition_key=partition.key)
        else:
            yield translate_partition(event, partition, run, model.version, read)


def _failure(model: Model, event: Discarded) -> dg.Failure:
    # The table has been tried again where that could help; a check that failed would fail again.
    metadata = {**translate_version(model.version), **translate_seconds(event.seconds, event.phases)}
    return dg.Failure(translate_discarded(event), metadata, allow_retries=False)


def read_run(context: dg.OpExecutionContext, site: Site, resource: WarehouseResource) -> Run:
    """The run that a step belongs to."""
    # A run that a person executes again has the tags of the first one, and was decided now.
    tags = {} if context.run.parent_run_id else context.run.tags
    decided, why = tags.get(DECIDED_AT_TAG), tags.get(WHY_TAG)
    return Run(
        context.run.run_id[:8],
        datetime.fromisoformat(decided)
        if decided
        else resource.started(lambda: _started(context)) or datetime.now(UTC),
        None if site.origin is None else site.origin.commit,
        None if why is None else Reasons.parse(why),
        has_edits=site.origin is not None and site.origin.has_edits,
        named=frozenset() if _is_retried_by_dagster(context.run) else None,
        project=site.identity,
    )


def _is_retried_by_dagster(run: dg.DagsterRun) -> bool:
    """Whether a run is one of the service that Dagster has started again by itself: no person has asked for it."""
    return RETRY_NUMBER_TAG in run.tags and WHY_TAG in run.tags


def _started(context: dg.OpExecutionContext) -> datetime | None:
    record = context.instance.get_run_record_by_id(context.run.run_id)
    return None if record is None or record.start_time is None else datetime.fromtimestamp(record.start_time, UTC)


def schema_and_name(key: dg.AssetKey) -> tuple[str, str, str | None]:
    """The parts of the name of a table by its key."""
    *catalog, schema, name = key.path
    return schema, name, catalog[0] if catalog else None
