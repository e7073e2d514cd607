"""A folder of SQL as Dagster definitions, and the component that brings it into any Dagster project."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from sqlmat_assets.components.assets import Site, build_asset
from sqlmat_assets.components.automation.arrivals import build_arrival_check, build_arrivals_sensor, find_awaited
from sqlmat_assets.components.automation.sensor import build_freshness_sensor
from sqlmat_assets.components.connections import find_in_environment
from sqlmat_assets.components.delivery_assets import build_delivery
from sqlmat_assets.components.home import ARRIVALS_SENSOR, FRESHNESS_SENSOR
from sqlmat_assets.components.mappings import translate_mappings
from sqlmat_assets.components.messages.settings import MailSettings, SlackSettings, WebhookSettings
from sqlmat_assets.components.origin import find_identity, find_origin
from sqlmat_assets.components.reload import load_watched
from sqlmat_assets.components.resources import SECRETS, WarehouseResource, hide_url
from sqlmat_assets.components.translation import distinct_relations, translate_problems, translate_source
from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.ticks import sensor_taken
from sqlmat_assets.execution.environment import Environment, find_environment
from sqlmat_assets.project.graph import ModelGraph, find_held
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.config import open_warehouse

RESOURCE_KEY = "warehouse"
SECRETS_KEY = "sqlmat_secrets"
"""The resource that has what deliveries name and no file holds."""


def load_folder(root: Path, dialect: str | None = None) -> Project:
    """The project in a folder; what was parsed is kept in `.sqlmat/cache` beside it for the next process."""
    return load_watched(root, lambda: load_project(root, dialect=dialect, cache_dir=_cache_dir(root)))


def _cache_dir(root: Path) -> Path:
    return root.parent / ".sqlmat" / "cache"


def find_named(name: str | None, project: Project, warehouse: str | None) -> Environment | None:
    """The environment of this name; None without a name.

    Args:
        name: As people wrote it.
        project: What is built there.
        warehouse: The URL of the warehouse, where that is known.

    Raises:
        UsageError: It cannot be an environment of this project.
    """
    return find_environment(name, project, open_warehouse(warehouse).capabilities if name and warehouse else None)


def build_definitions(  # noqa: PLR0913 - each is something that the definitions around these may bring
    project: Project,
    *,
    warehouse: WarehouseResource | dg.ResourceDefinition | None = None,
    resource_key: str = RESOURCE_KEY,
    freshness_sensor: str = FRESHNESS_SENSOR,
    environment: Environment | None = None,
    declares_sources: bool = True,
    secrets: dg.ResourceDefinition | None = SECRETS,
    secrets_key: str = SECRETS_KEY,
    find_connection: Callable[[str], str | None] = find_in_environment,
) -> dg.Definitions:
    """All tables of a project with their checks and deliveries, what they read from elsewhere, and the sensor.

    Args:
        project: The tables; those with problems are shown and refuse to run.
        warehouse: Where they are built; None where the definitions around these bring that resource.
        resource_key: The name of that resource.
        freshness_sensor: The name of the sensor.
        environment: Where they are built beside production; None for production. Nothing runs there by itself until
            the sensor is switched on.
        declares_sources: Whether what the tables read from elsewhere are assets of these definitions; not where the
            definitions around these may have them. Dagster shows them all the same.
        secrets: What deliveries name and no file holds; None where the definitions around these bring that resource.
        secrets_key: The name of that resource.
        find_connection: Gives the URL of a connection that a load names, when a step asks for it.
    """
    if environment is not None:
        # Nothing leaves an environment, so there is nothing to click there either.
        project = project.without_deliveries()
    columns_of = {m.relation: tuple(column.name for column in m.columns) for m in project if m.columns}
    graph = ModelGraph(project)
    weights = {model.relation: graph.weight(model.relation) for model in project}
    # What the loader keeps nothing for, such as a project that is put together by hand, is not kept either.
    cache_dir = _cache_dir(project.root)
    mappings = translate_mappings(project, cache_dir if cache_dir.is_dir() else None)
    origin = find_origin(project.root)
    site = Site(
        project.root,
        project.names,
        origin,
        resource_key,
        columns_of,
        weights,
        mappings,
        environment,
        project.views,
        find_identity(project.root),
        project.deliveries,
        secrets_key,
        tuple(model for model in project if not (model.is_quarantined or model.is_delivery)),
        project.prices,
        Connectors(find_connection),
    )
    circles = _circles(graph)
    held = find_held(project)
    sources = distinct_relations(source for model in project for source in model.sources)
    elsewhere = [source for source in sources if source not in project.models] if declares_sources else []
    specs = [translate_source(source) for source in elsewhere]
    if loose := _loose_problems(project):
        specs.append(translate_problems(loose))
    with warnings.catch_warnings():
        # References to files are the one part of Dagster used here that it calls a beta.
        warnings.simplefilter("ignore", dg.BetaWarning)
        tables = [
            build_delivery(model, site, held.get(model.relation))
            if model.is_delivery
            else build_asset(model, site, circles.get(model.relation, ()), held.get(model.relation))
            for model in project
        ]
    is_production = environment is None
    sensor = build_freshness_sensor(project, resource_key=resource_key, name=freshness_sensor, is_on=is_production)
    sensors, awaited = [sensor], find_awaited(project)
    if awaited:
        name = ARRIVALS_SENSOR if freshness_sensor == FRESHNESS_SENSOR else f"{freshness_sensor}_arrivals"
        sensors.append(
            build_arrivals_sensor(project, site.connectors, resource_key=resource_key, name=name, is_on=is_production)
        )
    resources: dict[str, object] = {} if warehouse is None else {resource_key: warehouse}
    if secrets is not None and project.deliveries:
        resources[secrets_key] = secrets
    return dg.Definitions(
        assets=[*tables, *specs],
        asset_checks=[build_arrival_check(model) for model in awaited],
        sensors=sensors,
        resources=resources,
    )


def _circles(graph: ModelGraph) -> dict[Relation, tuple[Relation, ...]]:
    """For each table in a circle, what it reads within that circle."""
    return {member: tuple(cycle.members) for cycle in graph.cycles for member in cycle.members}


def _loose_problems(project: Project) -> list[Problem]:
    """The problems that no table tells."""
    told = {problem for model in project for problem in model.problems}
    return [problem for problem in project.problems if problem not in told]


class SqlProjectComponent(dg.Component, dg.Model, dg.Resolvable):
    """A folder of SQL files: each becomes an asset with its checks.

    Args:
        path: The folder, relative to the `defs.yaml` that names it.
        dialect: Of its SQL; by default what its settings say.
        warehouse: The URL of the database to build in; without one, the project around brings the resource.
        resource_key: The name of that resource.
        freshness_sensor: The name of the sensor that builds the tables; each folder needs one of its own.
        environment: Where they are built beside production; by default production is.
        secrets_key: The name of the resource that has the secrets of deliveries, where the project around brings one;
            without it they are variables of the process.
        slack: Where people are told what happens in Slack; nobody is of what happens in an environment.
        mail: Whom the same is told by mail.
        webhook: The URL that is called with it.
        connections: The URLs of the connections that loads name; by default the variable SQLMAT_CONNECTION_SHOP of the
            environment has that of `shop`.
    """

    path: str
    dialect: str | None = None
    warehouse: str | None = None
    resource_key: str = RESOURCE_KEY
    freshness_sensor: str = FRESHNESS_SENSOR
    environment: str | None = None
    secrets_key: str | None = None
    slack: SlackSettings | None = None
    mail: MailSettings | None = None
    webhook: WebhookSettings | None = None
    connections: dict[str, str] | None = None

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        project = load_folder((context.path / self.path).resolve(), self.dialect)
        warehouse = None if self.warehouse is None else hide_url(self.warehouse)
        tables = build_definitions(
            project,
            warehouse=warehouse,
            resource_key=self.resource_key,
            freshness_sensor=self._own_sensor(context),
            environment=find_named(self.environment, project, self.warehouse),
            declares_sources=False,
            secrets=SECRETS if self.secrets_key is None else None,
            secrets_key=self.secrets_key or SECRETS_KEY,
            find_connection=find_in_environment if self.connections is None else self.connections.get,
        )
        told = [] if (self.environment or "").strip() else [self.slack, self.mail, self.webhook]
        return dg.Definitions.merge(tables, *(each.build(project) for each in told if each is not None))

    def _own_sensor(self, context: dg.ComponentLoadContext) -> str:
        """The name of the sensor, unless another folder has it too."""
        others = context.component_tree.get_all_components(SqlProjectComponent)
        folders = [other.path for other in others if other.freshness_sensor == self.freshness_sensor]
        if len(folders) > 1:
            raise sensor_taken(self.freshness_sensor, folders)
        return self.freshness_sensor
