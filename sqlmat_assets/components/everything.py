"""The job that builds every table, whatever partitions they have."""

from __future__ import annotations

import dagster as dg

_NAME = "everything"


def with_everything_job(definitions: dg.Definitions) -> dg.Definitions:
    """The definitions, with a job for all tables.

    A job of Dagster's has one kind of partitions, and breaks where a run of it names none. In this one the tables have
    none at all: each of them builds all of its partitions that have ended, and records them by itself.

    Args:
        definitions: The tables, with their resources and the executor of the job.
    """
    tables = [each for each in definitions.assets or () if isinstance(each, dg.AssetsDefinition)]
    job = dg.define_asset_job(_NAME, dg.AssetSelection.all(), description="Build every table.")
    bare = [_without_partitions(table) for table in tables]
    if bare == tables:
        # Dagster resolves it together with the job of its own, in half the time.
        return dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    alone = dg.Definitions(assets=bare, jobs=[job], resources=definitions.resources, executor=definitions.executor)
    return dg.Definitions.merge(definitions, dg.Definitions(jobs=[alone.resolve_job_def(_NAME)]))


def _without_partitions(table: dg.AssetsDefinition) -> dg.AssetsDefinition:
    is_bare = all(spec.partitions_def is None and not _mapped(spec) for spec in table.specs)
    return table if is_bare else table.map_asset_specs(_bare)


def _mapped(spec: dg.AssetSpec) -> bool:
    return any(dep.partition_mapping is not None for dep in spec.deps)


def _bare(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec.replace_attributes(partitions_def=None, deps=[dg.AssetDep(dep.asset_key) for dep in spec.deps])
