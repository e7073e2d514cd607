"""Where people are told what happens, as a `defs.yaml` says it: Slack, mail, any URL."""

from __future__ import annotations

import dagster as dg
from pydantic import ConfigDict

from sqlmat_assets.components.messages.channels import DIGEST_AT, Channels
from sqlmat_assets.components.messages.others import MailMessages, WebhookMessages
from sqlmat_assets.components.messages.sensor import MAIL_SENSOR, MESSAGES_SENSOR, WEBHOOK_SENSOR, build_messages
from sqlmat_assets.project.model import Project

# What is refused may be a secret.
_HIDDEN = ConfigDict(hide_input_in_errors=True)


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

    model_config = _HIDDEN

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


class MailSettings(dg.Model, dg.Resolvable):
    """Mail, for a folder of SQL in a Dagster project.

    Args:
        server: `"smtp://user:{{ env.MAIL_PASSWORD }}@mail.example.com:587"`, or `smtps://…`.
        sender: The address that mails are from.
        to: Whom everything goes to that has nobody of its own: an address, or several with commas between them.
        failures: Who is told what fails.
        updates: Who is told what is new.
        digest: Who is told once a day how things are.
        digest_at: When that is, as a cron.
        timezone: That of its hours.
        ui: The URL of Dagster's web server, for links.
        sensor: The name of the sensor; each folder needs one of its own.
    """

    model_config = _HIDDEN

    server: str
    sender: str
    to: str
    failures: str | None = None
    updates: str | None = None
    digest: str | None = None
    digest_at: str = DIGEST_AT
    timezone: str = "UTC"
    ui: str | None = None
    sensor: str = MAIL_SENSOR

    def build(self, project: Project) -> dg.Definitions:
        """The sensor and the resource; the password is no configuration."""
        channels = Channels(self.to, self.failures, self.updates, self.digest, self.ui, self.digest_at, self.timezone)
        server, sender = self.server, self.sender
        mail = dg.ResourceDefinition(
            resource_fn=lambda _: MailMessages(server=server, sender=sender), description="Mail, for messages."
        )
        return build_messages(project, channels, mail, self.sensor)


class WebhookSettings(dg.Model, dg.Resolvable):
    """A URL that is called with each message, for a folder of SQL in a Dagster project.

    Args:
        url: What is called with `{"channel": …, "text": …}`: `"{{ env.MESSAGES_URL }}"`.
        secret: What the call is signed with, as a notification is.
        channel: What stands as the channel of everything that has none of its own.
        failures: That of what fails.
        updates: That of what is new.
        digest: That of what is told once a day.
        digest_at: When that is, as a cron.
        timezone: That of its hours.
        ui: The URL of Dagster's web server, for links.
        sensor: The name of the sensor; each folder needs one of its own.
    """

    model_config = _HIDDEN

    url: str
    secret: str = ""
    channel: str = ""
    failures: str | None = None
    updates: str | None = None
    digest: str | None = None
    digest_at: str = DIGEST_AT
    timezone: str = "UTC"
    ui: str | None = None
    sensor: str = WEBHOOK_SENSOR

    def build(self, project: Project) -> dg.Definitions:
        """The sensor and the resource; neither the URL nor the secret is configuration."""
        channels = Channels(
            self.channel, self.failures, self.updates, self.digest, self.ui, self.digest_at, self.timezone
        )
        url, secret = self.url, self.secret
        hook = dg.ResourceDefinition(
            resource_fn=lambda _: WebhookMessages(url=url, secret=secret), description="A URL, for messages."
        )
        return build_messages(project, channels, hook, self.sensor)
