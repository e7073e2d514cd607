"""Delivering a table as files: in a folder on this machine, in S3 or in Cloud Storage.

A folder gets a folder for each delivery, and then the file `latest.json` that says which the newest is: whoever reads
that first finds all of its files. One file takes the place of the one before.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmat_assets.connectors.row_files import Form, RowFile, write_files
from sqlmat_assets.connectors.stores import SharedStore, Store
from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.execution.deliveries.by_engine import BESIDE, MOST_FILES
from sqlmat_assets.execution.deliveries.notes import SentFile
from sqlmat_assets.execution.deliveries.parcel import Arrived, Parcel
from sqlmat_assets.execution.deliveries.places import open_store
from sqlmat_assets.project.deliveries import Delivery, Files

LATEST = "latest.json"
"""The file that says which delivery is the newest."""

_STAMP = "%Y%m%dT%H%M%SZ"
_FOLDER = re.compile(r"(\d{8}T\d{6}Z)-[0-9a-z]+")
# Somebody may be reading it, or another run be writing it.
_STAYS = timedelta(hours=1)


def stamp_of(moment: datetime, run: str) -> str:
    """The name of the folder of one delivery."""
    return f"{moment.astimezone(UTC):{_STAMP}}-{run}"


def send_files(delivery: Delivery, files: Files, parcel: Parcel, rows: Path) -> Arrived:
    """Write the rows into files, put them in their place, and remove those of earlier deliveries.

    Raises:
        MaterializeError: They cannot be written, or the place is not reached or refuses.
    """
    form = Form(files.format, files.compression, files.header, files.delimiter, files.rows_per_file)
    if files.rows_per_file is not None and -(-(parcel.count or 0) // files.rows_per_file) > MOST_FILES:
        raise wording.too_many_files(parcel.count or 0, files.rows_per_file, MOST_FILES)
    written = write_files(rows, parcel.folder, parcel.table.name, form)
    store, name = open_store(delivery, files, parcel)
    with closing(store):
        sent = _put(store, name, written, files, parcel)
        details = [("place", store.url(name or "")), *([] if name else [("files", f"{len(sent):,}")])]
        return Arrived(sum(each.rows for each in written), tuple(sent), tuple(details), link(store, files, sent))


def send_written(delivery: Delivery, files: Files, parcel: Parcel) -> Arrived:
    """Have files that the engine has written be those that are found, and remove those of earlier deliveries.

    Raises:
        MaterializeError: The place is not reached or refuses.
    """
    store, name = open_store(delivery, files, parcel)
    with closing(store):
        assert isinstance(store, SharedStore)  # noqa: S101 - else nothing would have been written there
        sent = list(parcel.sent)
        if name is not None:
            (own,) = sent
            parcel.attempt(lambda: store.rename(own.name, name))
            parcel.attempt(lambda: store.remove(_left_beside(store.fetch_names(BESIDE), parcel.stamp)))
            sent = [SentFile(name, own.rows, own.size)]
        else:
            _point_to(store, sent, files, parcel)
        details = [("place", store.url(name or "")), *([] if name else [("files", f"{len(sent):,}")])]
        return Arrived(parcel.count, tuple(sent), tuple(details), link(store, files, sent))


def _put(store: Store, name: str | None, written: Iterable[RowFile], files: Files, parcel: Parcel) -> list[SentFile]:
    """Put the files in their place, then say that they are the newest, then remove what has outlived its use."""
    sent: list[SentFile] = []
    for each in written:
        parcel.check()
        target = name or f"{parcel.stamp}/{each.name}"
        parcel.attempt(lambda each=each, target=target: store.put(each.path, target))
        sent.append(SentFile(target, each.rows, each.path.stat().st_size))
    if name is None:
        _point_to(store, sent, files, parcel)
    return sent


def _point_to(store: Store, sent: Iterable[SentFile], files: Files, parcel: Parcel) -> None:
    text = _latest(parcel, store, list(sent))
    parcel.attempt(lambda: store.put_text(text, LATEST))
    parcel.attempt(lambda: store.remove(_outlived(store.fetch_names(""), parcel.stamp, files.keep)))


def link(store: Store, files: Files, sent: Iterable[SentFile]) -> tuple[tuple[str, str], ...]:
    """A link to each file by its name; none where the delivery does not say for how long."""
    if files.link_seconds is None:
        return ()
    signed = ((each.name, store.sign(each.name, files.link_seconds)) for each in sent)
    return tuple((name, url) for name, url in signed if url is not None)


def _latest(parcel: Parcel, store: Store, sent: Sequence[SentFile]) -> str:
    counts = [each.rows for each in sent if each.rows is not None]
    document: dict[str, Any] = {
        "table": str(parcel.table),
        "published_at": None if parcel.published_at is None else parcel.published_at.isoformat(),
        "delivery": parcel.stamp,
        "rows": sum(counts) if len(counts) == len(sent) else parcel.count,
        "columns": [{"name": column.name, "type": column.type} for column in parcel.columns],
        "files": [
            {"name": each.name, "url": store.url(each.name), "rows": each.rows, "bytes": each.size} for each in sent
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _outlived(names: Iterable[str], stamp: str, keep: int) -> list[str]:
    """The files of earlier deliveries that need not stay, those of a delivery that broke off among them."""
    names = list(names)
    folders = sorted({name.partition("/")[0] for name in names if _FOLDER.fullmatch(name.partition("/")[0])})
    old = [folder for folder in folders if folder < stamp]
    old = old[: max(len(old) - keep + 1, 0)]
    now = _moment(stamp)
    gone = frozenset(folder for folder in old if now - _moment(folder) > _STAYS)
    return [name for name in names if name.partition("/")[0] in gone]


def _left_beside(names: Iterable[str], stamp: str) -> list[str]:
    """What deliveries of one file have left that broke off."""
    parts = [(name, name.split("/")) for name in names]
    made = [(name, each[1]) for name, each in parts if len(each) > 2 and _FOLDER.fullmatch(each[1])]
    return [name for name, folder in made if _moment(stamp) - _moment(folder) > _STAYS]


def _moment(stamp: str) -> datetime:
    return datetime.strptime(stamp.partition("-")[0], _STAMP).replace(tzinfo=UTC)
