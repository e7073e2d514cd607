"""The job that builds every table, whatever partitions they have."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.assets.job.asset_job import build_asset_job, get_asset_graph_for_job
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

_NAME = "everything"


class _Everything(UnresolvedAssetJobDefinition):
    """A job of assets whose partitions differ, which Dagster's own refuses to be.

    Its run names no partition, and a table builds all of its partitions that have ended then. Dagster resolves the job
    of a run of any assets in the same way.
    """

    def resolve(
        self,
        asset_graph: AssetGraph,
        default_executor_def: dg.ExecutorDefinition | None = None,
        resource_defs: Mapping[str, dg.ResourceDefinition] | None = None,
    ) -> dg.JobDefinition:
        return build_asset_job(
            self.name,
            asset_graph=get_asset_graph_for_job(asset_graph, self.selection, allow_different_partitions_defs=True),
            allow_different_partitions_defs=True,
            description=self.description,
            executor_def=self.executor_def or default_executor_def,
            resource_defs=resource_defs,
        )


def build_everything_job() -> UnresolvedAssetJobDefinition:
    """A job for all tables of a deployment."""
    made = dg.define_asset_job(_NAME, dg.AssetSelection.all(), description="Build every table.")
    return _Everything(**{name: getattr(made, name) for name in made.__annotations__})
