"""Mail and plain webhooks as Dagster resources, in the place of Slack."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import dagster as dg
from pydantic import Field

from sqlmat_assets.components.messages.plain_text import plain_text
from sqlmat_assets.connectors.calls import post, signature
from sqlmat_assets.connectors.mail import send_mail
from sqlmat_assets.execution.deliveries.notices import SIGNATURE


class MailMessages(dg.ConfigurableResource["MailMessages"]):
    """Sends mails; a channel is an address, or several with commas between them."""

    server: str = Field(description="Such as `smtp://user:password@mail.example.com:587`, or `smtps://…`.")
    sender: str = Field(description="The address that mails are from.")

    def post(self, channel: str, text: str) -> None:
        """Send a text; its first line is the subject.

        Raises:
            ConnectorError: The server is not reached, or does not take it.
        """
        to = [address.strip() for address in channel.split(",") if address.strip()]
        subject = plain_text(text, with_links=False).partition("\n")[0]
        send_mail(self.server, self.sender, to, subject, plain_text(text) + "\n")


class WebhookMessages(dg.ConfigurableResource["WebhookMessages"]):
    """Calls a URL with `{"channel": …, "text": …}`, signed as a notification is where there is a secret."""

    url: str = Field(description="What is called.")
    secret: str = Field(default="", description="What the call is signed with.")

    def post(self, channel: str, text: str) -> None:
        """Call with a text.

        Raises:
            ConnectorError: It is not reached, or does not take it.
        """
        body = json.dumps({"channel": channel, "text": plain_text(text)}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "sqlmat"}
        if self.secret:
            headers[SIGNATURE] = signature(self.secret, int(datetime.now(UTC).timestamp()), body)
        post(self.url, body, headers)
