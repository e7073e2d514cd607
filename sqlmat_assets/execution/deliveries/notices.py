"""Telling another system over HTTP that there are new rows."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmat_assets.connectors.calls import Answer, post, signature
from sqlmat_assets.execution.deliveries.files import link
from sqlmat_assets.execution.deliveries.notes import Note
from sqlmat_assets.execution.deliveries.parcel import Arrived, Parcel
from sqlmat_assets.execution.deliveries.places import open_store
from sqlmat_assets.project.deliveries import Delivery, Notice

SIGNATURE = "X-Sqlmat-Signature"
"""The header with the time of the call and the HMAC of that and the body."""


def send_notice(notice: Notice, parcel: Parcel, moment: datetime) -> Arrived:
    """Call, again where that may help; each time with the same key, by which the receiver knows it is one thing.

    Raises:
        MaterializeError: A value that is in no file is missing, or the receiver does not take it.
    """
    secrets = parcel.secrets
    url = secrets.fill(notice.url)
    body = json.dumps(_document(parcel, moment), sort_keys=True).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "sqlmat",
        "Idempotency-Key": parcel.identity,
        **{name: secrets.fill(value) for name, value in notice.headers},
    }
    if notice.secret is not None:
        headers[SIGNATURE] = signature(secrets.fill(notice.secret), int(moment.timestamp()), body)
    answers: list[Answer] = []
    parcel.attempt(lambda: answers.append(post(url, body, headers)))
    return Arrived(parcel.count, details=(("answer", answers[-1].phrase),))


def _document(parcel: Parcel, moment: datetime) -> dict[str, Any]:
    published_at = parcel.published_at
    document: dict[str, Any] = {
        "event": "published",
        "id": parcel.identity,
        "table": str(parcel.table),
        "published_at": None if published_at is None else published_at.astimezone(UTC).isoformat(),
        "rows": parcel.count,
        "columns": [{"name": column.name, "type": column.type} for column in parcel.columns],
        "run": parcel.run,
    }
    if parcel.other is not None:
        document |= _files(*parcel.other, parcel, moment)
    return document


def _files(delivery: Delivery, note: Note, parcel: Parcel, moment: datetime) -> dict[str, Any]:
    """The files of another delivery, with links where it has some."""
    if delivery.files is None:
        return {}
    store, _ = open_store(delivery, delivery.files, parcel)
    with closing(store):
        links = dict(link(store, delivery.files, note.files))
        files = [
            {
                "name": file.name.rpartition("/")[2],
                "url": store.url(file.name),
                "rows": file.rows,
                "bytes": file.size,
                **({"link": links[file.name]} if file.name in links else {}),
            }
            for file in note.files
        ]
    seconds = delivery.files.link_seconds
    until = {} if seconds is None else {"links_until": (moment + timedelta(seconds=seconds)).isoformat()}
    return {"files": files, **until}
