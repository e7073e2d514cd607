"""The URL of a BigQuery project."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.errors import failures

Priority = Literal["interactive", "batch"]
_WAIT = timedelta(seconds=60)
_KNOWN = (
    "location",
    "wait",
    "priority",
    "max_bytes_billed",
    "staging",
    "state",
    "storage_endpoint",
    "endpoint",
)
_BYTES = re.compile(r"(\d+)\s*(?:([KMGTP])I?B?)?", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5}


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in Cloud Storage, without a slash at the end."""

    bucket: str
    prefix: str


@dataclass(frozen=True, slots=True)
class BigQueryPlace:
    """A project, and how jobs are run in it.

    Args:
        project: Its id.
        location: Where its datasets are; None for the default of Google, the United States.
        wait: For how long an answer is waited for after a connection was lost, and a table that another run publishes.
        priority: Of queries.
        max_bytes_billed: What one query may cost at most.
        staging: Where files lie on their way.
        state: The dataset that has what sqlmat knows of its tables.
        endpoint: Another BigQuery than Google's, which is told no credentials.
        storage_endpoint: Another Cloud Storage than Google's, likewise.
        label: The URL for people.
    """

    project: str
    location: str | None = None
    wait: timedelta = _WAIT
    priority: Priority = "interactive"
    max_bytes_billed: int | None = None
    staging: Folder | None = None
    state: str = "_sqlmat"
    endpoint: str | None = None
    storage_endpoint: str | None = None
    label: str = ""


def read_place(url: str, seconds: Callable[[str], timedelta]) -> BigQueryPlace:
    """Read `bigquery://project?location=EU`.

    Args:
        url: With any of the parameters of `BigQueryPlace`.
        seconds: Reads the value of `wait`.

    Raises:
        UsageError: It names no project, or says what is not known.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise wording.no_login_in_the_url()
    project = parts.netloc or parts.path.strip("/")
    if not project:
        raise wording.no_project_named()
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    for name in given:
        if name not in _KNOWN:
            raise failures.unknown_parameter(name, _KNOWN)
    asked = urlencode(given, safe=":/,")
    label = f"bigquery://{quote(project, safe=':.')}{f'?{asked}' if asked else ''}"
    most = given.get("max_bytes_billed")
    return BigQueryPlace(
        project,
        given.get("location") or None,
        seconds(given["wait"]) if "wait" in given else _WAIT,
        _priority(given.get("priority", "interactive")),
        None if most is None else read_bytes(most),
        _folder(given["staging"]) if "staging" in given else None,
        given.get("state") or "_sqlmat",
        given.get("endpoint") or None,
        given.get("storage_endpoint") or None,
        label,
    )


def read_bytes(text: str) -> int:
    """Read a number of bytes, such as `100GB`; a GB has 1024 MB, as Google counts them.

    Raises:
        UsageError: It is none.

    Examples:
        >>> read_bytes("10"), read_bytes("2 KB"), read_bytes("1tib")
        (10, 2048, 1099511627776)
    """
    found = _BYTES.fullmatch(text.strip())
    if found is None:
        raise wording.bad_bytes(text)
    return int(found[1]) * 1024 ** _POWERS[(found[2] or "").upper()]


def _priority(given: str) -> Priority:
    match given.lower():
        case "interactive":
            return "interactive"
        case "batch":
            return "batch"
        case _:
            raise wording.bad_priority(given)


def _folder(given: str) -> Folder:
    parts = urlsplit(given)
    if parts.scheme != "gs" or not parts.netloc:
        raise wording.no_folder_in_storage(given)
    return Folder(parts.netloc, parts.path.strip("/"))
