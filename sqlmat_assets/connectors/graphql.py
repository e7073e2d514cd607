"""Dagster's web server, asked over GraphQL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from sqlmat_assets.errors import deliveries as wording

_SECONDS = (10.0, 60.0)


def ask(url: str, query: str, variables: Mapping[str, Any]) -> Any:
    """What a query returns, below `data`.

    Args:
        url: Of the web server.
        query: The query.
        variables: What it needs.

    Raises:
        ConnectorError: The server is not reached, or does not understand the query.
    """
    import requests

    # A URL may hold the password that a proxy asks for.
    name = f"Dagster at {urlsplit(url)._replace(netloc=urlsplit(url).netloc.rpartition('@')[2]).geturl()}"
    try:
        body = {"query": query, "variables": dict(variables)}
        answer = requests.post(f"{url.rstrip('/')}/graphql", json=body, timeout=_SECONDS)
    except requests.RequestException as error:
        raise wording.not_reached(name, str(error)) from error
    if answer.status_code >= 500:
        raise wording.not_reached(name, f"it answers {answer.status_code}")
    try:
        told = answer.json()
    except ValueError:
        raise wording.refused(name, f"it answers {answer.status_code}, and not as Dagster does") from None
    if told.get("errors"):
        raise wording.refused(name, str(told["errors"][0].get("message")))
    return told["data"]
