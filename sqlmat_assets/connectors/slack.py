"""Slack: its Web API, and incoming webhooks, which Mattermost and others have too."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from sqlmat_assets.errors import deliveries as wording

API = "https://slack.com/api/"
"""Where Slack's Web API is."""

_NAME = "Slack"
# What fits into a block, and how many there may be in a message.
_LONGEST = 3000
_MOST_BLOCKS = 40


def open_client(token: str, base_url: str) -> Any:
    """A `slack_sdk.WebClient`, which connects with each call.

    Args:
        token: Of a bot.
        base_url: Where the Web API is.
    """
    # Imported here: who loads the definitions writes nothing.
    from slack_sdk import WebClient

    return WebClient(token, base_url=base_url)


def post_message(client: Any, channel: str, text: str) -> None:
    """Write into a channel.

    Args:
        client: A `slack_sdk.WebClient`.
        channel: Its name or its number.
        text: With Slack's marks; what is too long for one block goes into several.

    Raises:
        ConnectorError: Slack is not reached, or does not take it.
    """
    with _refused():
        client.chat_postMessage(
            channel=channel,
            text=text[:_LONGEST],
            blocks=_blocks(text),
            unfurl_links=False,
            unfurl_media=False,
        )


def post_to_webhook(url: str, text: str) -> None:
    """Write into the channel that a webhook is for.

    Args:
        url: That of the webhook, which is all that keeps others from writing there.
        text: As for `post_message`.

    Raises:
        ConnectorError: It is not reached, or does not take it.
    """
    from slack_sdk import WebhookClient

    with _refused():
        answer = WebhookClient(url).send(text=text[:_LONGEST], blocks=_blocks(text))
    if answer.status_code != 200:
        kind = wording.not_reached if answer.status_code >= 500 or answer.status_code == 429 else wording.refused
        raise kind(_NAME, f"{answer.status_code} {answer.body}")


def _blocks(text: str) -> list[dict[str, Any]]:
    return [{"type": "section", "text": {"type": "mrkdwn", "text": part}} for part in cut(text)[:_MOST_BLOCKS]]


def cut(text: str, longest: int = _LONGEST) -> list[str]:
    r"""A text in parts that are not too long, cut between lines; a block of code that is cut stays one in each part.

    Examples:
        >>> cut("a\nb\nc", 3)
        ['a\nb', 'c']
        >>> cut("```\nab\ncd\n```", 12)
        ['```\nab\n```', '```\ncd\n```']
    """
    parts: list[str] = []
    lines: list[str] = []
    is_code = False
    for line in text.split("\n"):
        room = longest - (4 if is_code else 0)
        if lines and sum(len(each) + 1 for each in lines) + len(line) > room:
            parts.append("\n".join([*lines, *(["```"] if is_code else [])]))
            lines = ["```"] if is_code else []
        is_fence = line.count("```") % 2 == 1
        if is_fence and is_code and lines == ["```"]:
            lines = []  # nothing is left of the code
            is_code = False
            continue
        lines.append(line[:room])
        is_code ^= is_fence
    if lines:
        parts.append("\n".join(lines))
    return parts


@contextmanager
def _refused() -> Generator[None]:
    """Word what Slack, or the way to it, says."""
    from slack_sdk.errors import SlackApiError, SlackClientError

    try:
        yield
    except SlackApiError as error:
        told: Any = error.response
        reason, status = str(told.get("error")), int(told.status_code)
        kind = wording.not_reached if status == 429 or status >= 500 else wording.refused
        raise kind(_NAME, reason) from error
    except SlackClientError as error:
        raise wording.refused(_NAME, str(error)) from error
    except OSError as error:
        raise wording.not_reached(_NAME, str(error)) from error
