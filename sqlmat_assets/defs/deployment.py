"""The tables of one folder, built in one warehouse; the environment says which."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from sqlmat_assets.components.everything import with_everything_job
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.messages.channels import DIGEST_AT as DEFAULT_DIGEST
from sqlmat_assets.components.messages.channels import Channels
from sqlmat_assets.components.messages.sensor import build_messages
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions, find_named, load_folder
from sqlmat_assets.project.model import Project

PROJECT = dg.EnvVar("SQLMAT_PROJECT")
"""The project folder; `sql` beside this package without it."""

WAREHOUSE = dg.EnvVar("SQLMAT_WAREHOUSE")
"""The URL of the warehouse; the DuckDB file `sqlmat.duckdb` beside the project folder without it."""

ENVIRONMENT = dg.EnvVar("SQLMAT_ENV")
"""The environment in which a change is tried; production is built without it."""

SLACK_TOKEN = dg.EnvVar("SQLMAT_SLACK_TOKEN")
"""The token of a bot that may write into Slack."""

SLACK_WEBHOOK = dg.EnvVar("SQLMAT_SLACK_WEBHOOK")
"""The URL of an incoming webhook, in place of a bot."""

SLACK_CHANNEL = dg.EnvVar("SQLMAT_SLACK_CHANNEL")
"""Where everything goes that has no channel of its own; nothing is told without a channel or a webhook."""

SLACK_FAILURES, SLACK_UPDATES, SLACK_DIGEST = map(
    dg.EnvVar, ("SQLMAT_SLACK_FAILURES", "SQLMAT_SLACK_UPDATES", "SQLMAT_SLACK_DIGEST")
)
"""Channels of their own for what fails, what is new, and how a day was."""

SLACK_API = dg.EnvVar("SQLMAT_SLACK_API")
"""Where Slack's Web API is; Slack's own without it."""

DIGEST_AT, DIGEST_TIMEZONE = dg.EnvVar("SQLMAT_DIGEST_AT"), dg.EnvVar("SQLMAT_DIGEST_TIMEZONE")
"""When it is told how a day was, as a cron, and whose clock that is; at eight in UTC without them."""

UI = dg.EnvVar("SQLMAT_UI")
"""The URL of Dagster's web server, for links in messages."""


def build_deployment() -> dg.Definitions:
    """Everything that Dagster loads: the tables, the warehouse, a job for all tables."""
    root = Path(PROJECT.get_value() or Path(__file__).parents[2] / "sql").resolve()
    # Handed on by name where it is set: the UI then shows the name, and never a password.
    url = WAREHOUSE if WAREHOUSE.get_value() else f"duckdb:///{root.parent / 'sqlmat.duckdb'}"
    project = load_folder(root)
    environment = find_named(ENVIRONMENT.get_value(), project, WAREHOUSE.get_value() or str(url))
    tables = dg.Definitions.merge(
        build_definitions(project, warehouse=WarehouseResource(url=url), environment=environment),
        dg.Definitions(executor=thread_executor),
    )
    messages = None if environment is not None else _build_messages(project)
    return with_everything_job(tables if messages is None else dg.Definitions.merge(tables, messages))


def _build_messages(project: Project) -> dg.Definitions | None:
    """What tells people in Slack; None where nobody has said where. Its package is not needed then."""
    channel, webhook = SLACK_CHANNEL.get_value(), SLACK_WEBHOOK.get_value()
    if not channel and not webhook:
        return None
    from sqlmat_assets.components.messages.slack import SlackMessages

    channels = Channels(
        channel or "",
        *(variable.get_value() for variable in (SLACK_FAILURES, SLACK_UPDATES, SLACK_DIGEST, UI)),
        digest_at=DIGEST_AT.get_value() or DEFAULT_DIGEST,
        timezone=DIGEST_TIMEZONE.get_value() or "UTC",
    )
    # Handed on by name, as the URL of the warehouse is.
    named = {"token": SLACK_TOKEN, "webhook": SLACK_WEBHOOK, "base_url": SLACK_API}
    return build_messages(project, channels, SlackMessages(**{k: v for k, v in named.items() if v.get_value()}))
