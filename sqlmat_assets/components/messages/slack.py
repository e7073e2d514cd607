"""Slack as a Dagster resource."""

from __future__ import annotations

from typing import Any

from dagster_slack import SlackResource
from pydantic import Field

from sqlmat_assets.connectors.slack import API, open_client, post_message, post_to_webhook


class SlackMessages(SlackResource):
    """Writes into Slack, as a bot or through an incoming webhook."""

    token: str = Field(default="", description="Of a bot that may write: its scope is `chat:write`.")
    webhook: str = Field(default="", description="The URL of an incoming webhook, which has a channel of its own.")
    base_url: str = Field(default=API, description="Where Slack's Web API is.")

    def get_client(self) -> Any:
        """The client that `SlackResource` has, at this address."""
        return open_client(self.token, self.base_url)

    def post(self, channel: str, text: str) -> None:
        """Write a text into a channel.

        Raises:
            ConnectorError: Slack is not reached, or does not take it.
        """
        if self.webhook:
            post_to_webhook(self.webhook, text)
        else:
            post_message(self.get_client(), channel, text)
