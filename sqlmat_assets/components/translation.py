"""Tables, checks and sources of a project as Dagster shows them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import dagster as dg

from sqlmat_assets.components.freshness import translate_freshness
from sqlmat_assets.components.op_names import group_name
from sqlmat_assets.components.origin import Origin
from sqlmat_assets.components.partitions import translate_partitions
from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.catalogue import age, delivers, not_built, only_at, scheduled, view_age, waits_for
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.project.conditions import format_conditions
from sqlmat_assets.project.intervals import format_interval
from sqlmat_assets.project.model import CheckSpec, Kind, Model
from sqlmat_assets.relation import Relation

# What Dagster admits; the rest of a project's settings is no reason not to load.
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
_TAG_KEY = re.compile(r"(?:[A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}")
_CHECK_NAME = re.compile(r"[A-Za-z0-9_]+")

ENV_TAG = "sqlmat/env"
"""The tag of a table, and of a run, that says in which environment it is; those of production have none."""

QUARANTINED = "quarantined"
# The type of a column is known to the warehouse only; Dagster would otherwise show "string".
_UNKNOWN_TYPE = "?"


def translate_key(relation: Relation) -> dg.AssetKey:
    """Dagster's key of a table: schema and name, and the catalog only where a source has one."""
    return dg.AssetKey(list(relation.key))


def translate_model(
    model: Model,
    *,
    root: Path,
    origin: Origin | None = None,
    without: Collection[Relation] = (),
    held_by: Relation | None = None,
    mappings: Mapping[Relation, dg.PartitionMapping] | None = None,
    environment: Environment | None = None,
) -> dg.AssetSpec:
    """A table as an asset.

    Args:
        model: The table.
        root: The project folder.
        origin: The clone that the folder belongs to.
        without: Tables that it reads and that shall be no dependencies: in a circle Dagster loads nothing at all.
        held_by: A quarantined table that it depends on.
        mappings: Which partitions of the tables that it reads its own need, where that is not all of them.
        environment: Where it is built; None for production.
    """
    reads = distinct_relations((*model.upstream, *model.sources))
    mapped = mappings or {}
    return dg.AssetSpec(
        translate_key(model.relation),
        deps=[
            dg.AssetDep(translate_key(read), partition_mapping=mapped.get(read))
            for read in reads
            if read != model.relation and read not in without
        ],
        group_name=group_name(model.relation.schema),
        kinds=_kinds(model),
        owners=translate_owners(model.settings.owner),
        tags=translate_tags(model.settings.tags) | ({} if environment is None else {ENV_TAG: environment.name}),
        description=_description(model, held_by),
        metadata=_metadata(model, root, origin)
        | ({} if model.is_delivery else translate_place(model.relation, environment)),
        code_version=None if model.version is None else model.version.semantic,
        partitions_def=translate_partitions(model),
        freshness_policy=translate_freshness(model.effective_interval, model.settings.grace, model.settings.calendar),
    )


def translate_place(relation: Relation, environment: Environment | None) -> dict[str, str]:
    """The metadata that says where a table is, by the name under which the warehouse has it."""
    if environment is None:
        return {"dagster/table_name": str(relation)}
    return {"dagster/table_name": str(environment.relation(relation)), "environment": environment.name}


def translate_source(relation: Relation) -> dg.AssetSpec:
    """A table that is read and not built here."""
    return dg.AssetSpec(
        translate_key(relation),
        group_name=group_name(relation.schema),
        kinds={"source"},
        metadata={"dagster/table_name": str(relation)},
    )


def translate_problems(problems: Iterable[Problem]) -> dg.AssetSpec:
    """Problems of files that are no table, as one asset beside the tables: that is where people look."""
    return dg.AssetSpec(
        dg.AssetKey(["_sqlmat", "problems"]),
        group_name="_sqlmat",
        kinds={QUARANTINED},
        description=not_built("Problems in files that are no table", problems),
    )


def translate_checks(model: Model) -> list[dg.AssetCheckSpec]:
    """The checks of a table; of those that are themselves a problem, the ones that Dagster can show."""
    key = translate_key(model.relation)
    shown = {spec.name: spec for spec in reversed(model.check_specs) if _CHECK_NAME.fullmatch(spec.name)}
    return [
        dg.AssetCheckSpec(spec.name, asset=key, blocking=spec.is_blocking, description=_check_description(spec))
        for spec in reversed(shown.values())
    ]


def check_output(name: str) -> str:
    """The output of a table's op that stands for one of its checks."""
    return f"check_{name}"


def translate_owners(owners: Iterable[str]) -> list[str]:
    """Owners as Dagster writes them: an address as it is, anything else as a team.

    Examples:
        >>> translate_owners(["joan@example.com", "data-eng", "team:ops"])
        ['joan@example.com', 'team:data-eng', 'team:ops']
    """
    return [owner if _EMAIL.fullmatch(owner) else f"team:{owner.removeprefix('team:')}" for owner in owners]


def translate_tags(tags: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The tags that Dagster admits; what it would refuse is left out, and so is what it keeps for itself.

    Examples:
        >>> translate_tags([("taxi", "yellow"), ("a b", "c"), ("dagster/kind/x", "y")])
        {'taxi': 'yellow'}
    """
    return {
        key: value
        for key, value in tags
        if _TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(value) and not key.startswith("dagster/")
    }


def distinct_relations(relations: Iterable[Relation]) -> tuple[Relation, ...]:
    """The relations in their order, each once."""
    return tuple(dict.fromkeys(relations))


def _kinds(model: Model) -> set[str]:
    match model.kind:
        case Kind.QUERY:
            form = "view" if model.is_view else "sql"
        case Kind.PROCESSED:
            form = "python"
        case Kind.DATA:
            form = Path(model.path).suffix.removeprefix(".") or "file"
        case Kind.LOAD:
            form = model.kind.value
        case Kind.DELIVERY:
            return _kinds_of_delivery(model)
    return {model.dialect, form, *([QUARANTINED] if model.is_quarantined else [])}


def _kinds_of_delivery(model: Model) -> set[str]:
    delivery, quarantined = model.delivery, {QUARANTINED} if model.is_quarantined else set[str]()
    if delivery is None:
        return {model.kind.value, *quarantined}
    return {delivery.place.value, *([] if delivery.files is None else [delivery.files.format]), *quarantined}


def _description(model: Model, held_by: Relation | None) -> str | None:
    parts = [model.description] if model.description else []
    if model.is_view:
        parts.append(view_age())
    if model.is_delivery:
        own = None if model.interval is None else format_interval(model.interval)
        parts.append(delivers(str(model.upstream[0]), model.delivery and model.delivery.shown, own))
        return _with_problems(model, held_by, parts)
    if model.effective_interval is not None:
        parts.append(age(format_interval(model.effective_interval), is_own=model.interval is not None))
    calendar = model.settings.calendar
    times = calendar.explain()
    if times is not None:
        parts.append(scheduled(times, calendar.timezone))
    if calendar.conditions:
        parts.append(only_at(format_conditions(calendar.conditions), calendar.timezone))
    return _with_problems(model, held_by, parts)


def _with_problems(model: Model, held_by: Relation | None, parts: list[str]) -> str | None:
    if model.is_quarantined:
        parts.insert(0, not_built("Not built while its files have problems", model.problems))
    elif held_by is not None:
        parts.insert(0, waits_for(str(held_by)))
    if model.problems and not model.is_quarantined:
        parts.append(not_built("Warnings", model.problems))
    return "\n\n".join(parts) or None


def _metadata(model: Model, root: Path, origin: Origin | None) -> dict[str, object]:
    line = 1 if model.delivery is None else model.delivery.line
    metadata: dict[str, object] = {
        "dagster/code_references": _code_references(model.path, root, origin, line),
    }
    if model.is_delivery:
        return metadata | ({} if model.delivery is None else {"delivered to": model.delivery.shown})
    if model.effective_interval is not None:
        metadata["interval"] = format_interval(model.effective_interval)
    calendar = model.settings.calendar
    if calendar.cron is not None:
        metadata["schedule"] = calendar.cron
    if calendar.conditions:
        metadata["conditions"] = format_conditions(calendar.conditions)
    if calendar.cron is not None or calendar.conditions:
        metadata["timezone"] = calendar.timezone
    if model.columns:
        metadata["dagster/column_schema"] = dg.TableSchema(
            [dg.TableColumn(column.name, _UNKNOWN_TYPE, column.description) for column in model.columns]
        )
    return metadata


def _code_references(path: str, root: Path, origin: Origin | None, line: int = 1) -> dg.CodeReferencesMetadataValue:
    references: list[dg.LocalFileCodeReference | dg.UrlCodeReference] = [
        dg.LocalFileCodeReference(file_path=str(root / path), line_number=line)
    ]
    url = None if origin is None else origin.file_url(path)
    if url is not None:
        references.append(dg.UrlCodeReference(url=url, label=path))
    return dg.CodeReferencesMetadataValue(code_references=references)


def _check_description(spec: CheckSpec) -> str:
    place = f"{spec.path}:{spec.line}" if spec.line else spec.path
    return f"{spec.title}\n\n{place}"
