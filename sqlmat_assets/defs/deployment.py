"""The tables of one folder, built in one warehouse; the environment says which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg

from sqlmat_assets.components.everything import with_everything_job
from sqlmat_assets.components.executor import thread_executor
from sqlmat_assets.components.messages.channels import DIGEST_AT as DEFAULT_DIGEST
from sqlmat_assets.components.messages.channels import Channels
from sqlmat_assets.components.messages.others import MailMessages, WebhookMessages
from sqlmat_assets.components.messages.sensor import MAIL_SENSOR, WEBHOOK_SENSOR, build_messages
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

MAIL, MAIL_FROM, MAIL_TO = map(dg.EnvVar, ("SQLMAT_MAIL", "SQLMAT_MAIL_FROM", "SQLMAT_MAIL_TO"))
"""A mail server, `smtp://user:password@host:587`, whom mails are from, and whom they are for."""

WEBHOOK, WEBHOOK_SECRET = map(dg.EnvVar, ("SQLMAT_WEBHOOK", "SQLMAT_WEBHOOK_SECRET"))
"""A URL that is called with each message, and what that is signed with."""

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
    messages = () if environment is not None else _build_messages(project)
    return with_everything_job(dg.Definitions.merge(tables, *messages))


def _build_messages(project: Project) -> Iterator[dg.Definitions]:
    """What tells people; nothing where nobody has said where. The packages of what is not used are not needed."""
    anywhere = Channels(
        "",
        ui=UI.get_value(),
        digest_at=DIGEST_AT.get_value() or DEFAULT_DIGEST,
        timezone=DIGEST_TIMEZONE.get_value() or "UTC",
    )
    # All is handed on by name, as the URL of the warehouse is.
    if SLACK_CHANNEL.get_value() or SLACK_WEBHOOK.get_value():
        from sqlmat_assets.components.messages.slack import SlackMessages

        named = {"token": SLACK_TOKEN, "webhook": SLACK_WEBHOOK, "base_url": SLACK_API}
        slack = SlackMessages(**{name: value for name, value in named.items() if value.get_value()})
        channels = replace(
            anywhere,
            default=SLACK_CHANNEL.get_value() or "",
            failures=SLACK_FAILURES.get_value(),
            updates=SLACK_UPDATES.get_value(),
            digest=SLACK_DIGEST.get_value(),
        )
        yield build_messages(project, channels, slack)
    if MAIL.get_value():
        channels = replace(anywhere, default=MAIL_TO.get_value() or "")
        mail = MailMessages(server=MAIL, sender=MAIL_FROM)
        yield build_messages(project, channels, mail, MAIL_SENSOR)
    if WEBHOOK.get_value():
        secret = {"secret": WEBHOOK_SECRET} if WEBHOOK_SECRET.get_value() else {}
        hook = WebhookMessages(url=WEBHOOK, **secret)
        yield build_messages(project, anywhere, hook, WEBHOOK_SENSOR)
