"""One op per delivery."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import dagster as dg

from sqlmat_assets.components.assets import (
    MAYBE,
    ORDER,
    Compute,
    Site,
    open_resource,
    read_run,
    refuse,
    schema_and_name,
)
from sqlmat_assets.components.deliveries import translate_delivered
from sqlmat_assets.components.events import translate_discarded, translate_seconds, translate_version
from sqlmat_assets.components.op_names import op_name
from sqlmat_assets.components.resources import FindsSecrets, WarehouseResource
from sqlmat_assets.components.translation import translate_key, translate_model
from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.deliveries.deliver import deliver
from sqlmat_assets.execution.events import Delivered, Discarded, Run
from sqlmat_assets.execution.secrets import Secrets
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation

_DELIVERY = "delivery"

# Dagster reads the annotation of `context` from the function, so this module keeps annotations as objects.


def build_delivery(model: Model, site: Site, held_by: Relation | None = None) -> dg.AssetsDefinition:
    """A delivery as an asset behind that of its table."""
    spec = translate_model(model, root=site.root, origin=site.origin, held_by=held_by)
    reads = {op_name(Relation(*schema_and_name(dep.asset_key))): dep.asset_key for dep in spec.deps}
    refusal = _refusal(model, held_by)
    op = dg.OpDefinition(
        name=op_name(model.relation),
        ins=dict.fromkeys(reads, ORDER),
        outs={_DELIVERY: MAYBE},
        compute_fn=_compute(model, site) if refusal is None else refuse(refusal),
        required_resource_keys={site.resource_key, site.secrets_key} if refusal is None else set(),
    )
    return dg.AssetsDefinition(
        node_def=op,
        keys_by_input_name=reads,
        keys_by_output_name={_DELIVERY: spec.key},
        specs=[spec],
    )


def _refusal(model: Model, held_by: Relation | None) -> str | None:
    """Why a delivery is not made, if it is not."""
    if model.is_quarantined:
        return wording.quarantined(model.relation, [problem for problem in model.problems if not problem.is_warning])
    return None if held_by is None else wording.held_by(model.relation, held_by)


def _compute(model: Model, site: Site) -> Compute:
    def compute(context: dg.OpExecutionContext, _inputs: object) -> Iterator[Any]:
        resource = cast(WarehouseResource, getattr(context.resources, site.resource_key))
        secrets = cast(FindsSecrets, getattr(context.resources, site.secrets_key))
        work = Context(
            warehouse=open_resource(resource),
            names=site.names,
            run=_named(read_run(context, site, resource), context, site),
            now=lambda: datetime.now(UTC),
            root=site.root,
            cancellation=resource.cancellation,
            environment=site.environment,
            secrets=Secrets(secrets.find),
            deliveries=site.deliveries,
        )
        with closing(deliver(model, work)) as events:
            for event in events:
                match event:
                    case Delivered():
                        yield dg.MaterializeResult(
                            asset_key=translate_key(model.relation),
                            metadata=translate_delivered(event, work.run, model.version),
                            data_version=dg.DataVersion(event.data_version),
                        )
                    case Discarded():
                        metadata = {
                            **translate_version(model.version),
                            **translate_seconds(event.seconds, event.phases),
                        }
                        raise dg.Failure(translate_discarded(event), metadata, allow_retries=False)
                    case _:
                        pass

    return compute


def _named(run: Run, context: dg.OpExecutionContext, site: Site) -> Run:
    """The run, in which a person has named deliveries alone: then they are made whether or not anything is new."""
    asked = set(context.job_def.asset_layer.selected_asset_keys)
    deliveries = {translate_key(relation): relation for relation in site.deliveries}
    if run.reasons is not None or run.named is not None or not asked or not asked <= deliveries.keys():
        return run
    return replace(run, named=frozenset(deliveries[key] for key in asked))
