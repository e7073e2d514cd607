"""Slack, as a `defs.yaml` says it."""

from __future__ import annotations

import dagster as dg

from sqlmat_assets.components.messages.channels import DIGEST_AT, Channels
from sqlmat_assets.components.messages.sensor import MESSAGES_SENSOR, build_messages
from sqlmat_assets.project.model import Project


class SlackSettings(dg.Model, dg.Resolvable):
    """Slack, for a folder of SQL in a Dagster project.

    Args:
        token: Of a bot that may write: `"{{ env.SLACK_TOKEN }}"`.
        webhook: The URL of an incoming webhook in its place.
        channel: Where everything goes that has no channel of its own.
        failures: Where it is told what fails.
        updates: Where it is told what is new.
        digest: Where it is told once a day how things are.
        digest_at: When that is, as a cron.
        timezone: That of its hours.
        ui: The URL of Dagster's web server, for links.
        sensor: The name of the sensor; each folder needs one of its own.
    """

    token: str = ""
    webhook: str = ""
    channel: str = ""
    failures: str | None = None
    updates: str | None = None
    digest: str | None = None
    digest_at: str = DIGEST_AT
    timezone: str = "UTC"
    ui: str | None = None
    sensor: str = MESSAGES_SENSOR

    def build(self, project: Project) -> dg.Definitions:
        """The sensor and the resource; the token is no configuration, which the UI would show."""
        # The package is needed only where somebody wants to be told.
        from sqlmat_assets.components.messages.slack import SlackMessages

        channels = Channels(
            self.channel, self.failures, self.updates, self.digest, self.ui, self.digest_at, self.timezone
        )
        token, webhook = self.token, self.webhook
        slack = dg.ResourceDefinition(
            resource_fn=lambda _: SlackMessages(token=token, webhook=webhook), description="Slack, for messages."
        )
        return build_messages(project, channels, slack, self.sensor)
