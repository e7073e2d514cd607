"""The folder: which file is what, by its name alone."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as wording
from sqlmat_assets.project.intervals import is_interval, parse_interval, reword_interval
from sqlmat_assets.project.unused import unused
from sqlmat_assets.relation import Relation

# Hyphen, en dash, em dash, space, no-break space.
_SEPARATORS = "-\u2013\u2014\u0020\u00a0"
_SEPARATOR = re.compile(f"[{_SEPARATORS}]+")
_WITH_INTERVAL = re.compile(f"(?P<table>.*?)(?P<gap>[{_SEPARATORS}]+)(?P<interval>[0-9][^{_SEPARATORS}]*)", re.DOTALL)
_IN_WORDS = re.compile(
    f"(?P<table>[^{_SEPARATORS}]+)[{_SEPARATORS}]+(?P<words>([0-9]+[{_SEPARATORS}]+)?[^{_SEPARATORS}]+)"
)
# What a build writes aside is called so, and what is recorded about tables is in this schema.
_RESERVED_NAME = re.compile(r".*__sqlmat_.*_(new|old)", re.IGNORECASE | re.DOTALL)
_RESERVED_SCHEMA = "_sqlmat"
# Control characters, and what Python makes of bytes that are not UTF-8.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


class Role(StrEnum):
    """What a file is for."""

    SQL = "sql"
    CHECKS = "checks"
    SCRIPT = "script"
    REQUIREMENTS = "requirements"
    CONF = "conf"
    DATA = "data"
    LOAD = "load"
    DELIVERY = "delivery"
    UNIT = "unit"


# The first ending that fits wins, so the longer ones stand first.
_ENDINGS = (
    ("_test.sql", Role.CHECKS),
    (".sql", Role.SQL),
    ("_requirements.txt", Role.REQUIREMENTS),
    (".py", Role.SCRIPT),
    (".conf", Role.CONF),
    (".csv", Role.DATA),
    (".parquet", Role.DATA),
    (".ndjson", Role.DATA),
    (".load.yaml", Role.LOAD),
    (".deliver.yaml", Role.DELIVERY),
)
# These say how often their table is built; the others belong to one that does.
_DEFINES = frozenset({Role.SQL, Role.DATA, Role.LOAD})


@dataclass(frozen=True, slots=True)
class TableName:
    """What a file name says: the table and, where it has one, the interval."""

    relation: Relation
    interval: timedelta | None = None


@dataclass(frozen=True, slots=True)
class FoundFile:
    """One file of a table.

    `path` is relative to the project folder, with `/`. `is_dotted`: the schema stands in the file's own name.
    """

    path: str
    role: Role
    relation: Relation
    interval: timedelta | None = None
    is_dotted: bool = False


@dataclass(frozen=True, slots=True)
class SharedConf:
    """The settings of a schema or, without one, of the whole project."""

    path: str
    schema: str | None = None


@dataclass(frozen=True, slots=True)
class Scan:
    """The files of a folder in the order of their paths, and what is wrong with their names."""

    files: tuple[FoundFile, ...]
    confs: tuple[SharedConf, ...]
    problems: tuple[Problem, ...]


def parse_table_name(stem: str, folder: str | None, ending: str = ".sql") -> TableName:
    """Read a file name without its ending.

    Args:
        stem: `cities - 24h`, `first.cities`.
        folder: The folder that holds the file: the schema, unless the name has a dot; None at the root.
        ending: Only to show the name in messages.

    Raises:
        TextError: It names no table, no schema, or has an interval that is none.

    Examples:
        >>> parse_table_name("cities — 24h", "first")
        TableName(relation=Relation(schema='first', name='cities', catalog=None), interval=datetime.timedelta(days=1))
    """
    match = _WITH_INTERVAL.fullmatch(stem)
    table = match["table"] if match else stem
    file = stem + ending
    if not table.strip(_SEPARATORS):
        raise wording.no_table_name(file)
    _refuse_words(stem, file, ending)
    if _SEPARATOR.search(table):
        inner = _SEPARATOR.sub("_", table.strip(_SEPARATORS))
        if match is None and not _SEPARATOR.search(table.rstrip(_SEPARATORS)):
            raise wording.separator_at_end(file, inner + ending, f"{inner} - 24h{ending}")
        tail = match["gap"] + match["interval"] if match else ""
        raise wording.separator_in_name(file, inner + tail + ending)
    relation = _parse_relation(table, folder, file)
    return TableName(relation, parse_interval(match["interval"]) if match else None)


def _refuse_words(stem: str, file: str, ending: str) -> None:
    """Refuse `cities - 24 hours` and `cities - daily` for what they are."""
    match = _IN_WORDS.fullmatch(stem)
    if match is None or is_interval(match["words"]):
        return
    words = _SEPARATOR.sub(" ", match["words"])
    meant = reword_interval(words)
    if meant is not None:
        raise wording.interval_in_words(file, match["words"], f"{match['table']} - {meant}{ending}")


def _parse_relation(table: str, folder: str | None, file: str) -> Relation:
    schema, dot, name = table.rpartition(".")
    if is_interval(name):
        raise wording.no_table_name(file)
    if not dot:
        if folder is None:
            raise wording.no_schema(file)
        if "." in folder:
            raise wording.folder_with_dot(folder)
        return _not_reserved(Relation(folder, table), file)
    if "." in schema:
        raise wording.too_many_parts(file)
    if not name:
        raise wording.no_table_name(file)
    if not schema:
        raise wording.no_schema(file)
    return _not_reserved(Relation(schema, name), file)


def _not_reserved(relation: Relation, file: str) -> Relation:
    if relation.schema.lower() == _RESERVED_SCHEMA:
        raise wording.reserved_schema(file, relation.schema)
    if _RESERVED_NAME.fullmatch(relation.name):
        raise wording.reserved_table(file, relation.name)
    return relation


def read_folder(root: Path) -> Scan:
    """List the files below a folder. What cannot be listed is a problem; nothing is raised.

    Hidden files and folders are passed over, and so is what lies inside a `*_unit` folder.
    """
    found: list[FoundFile | SharedConf] = []
    problems: list[Problem] = []
    for path, folder, is_folder in _walk(root, problems):
        raw = path.rpartition("/")[2]
        if not is_folder and _ending(raw) is None:
            error = unused(raw)
            if error is not None:
                problems.append(error.at(path, is_warning=True))
            continue
        try:
            known = _recognize_folder(path, raw, folder) if is_folder else _recognize(path, raw, folder)
        except wording.TextError as error:
            problems.append(error.at(path))
        else:
            if known is not None:
                found.append(known)
    found.sort(key=lambda file: file.path)
    files = tuple(file for file in found if isinstance(file, FoundFile))
    confs = tuple(file for file in found if isinstance(file, SharedConf))
    return Scan(files, confs, tuple(problems))


def stamp_files(root: Path) -> dict[str, tuple[int, int]]:
    """The size and the time of change, in nanoseconds, of each file that can be part of a table.

    Two equal answers mean that nobody has edited anything in between. What an editor leaves beside a file that it
    has open is not among them.
    """
    stamps: dict[str, tuple[int, int]] = {}
    for path, _, is_folder in _walk(root, []):
        if is_folder or _ending(path) is None:
            continue
        try:
            status = os.stat(f"{root}/{path}")  # noqa: PTH116 - a Path for each file costs more than the answer
        except OSError:
            continue  # gone since it was listed
        stamps[path] = (status.st_size, status.st_mtime_ns)
    return stamps


def dangling_links(root: Path) -> tuple[str, ...]:
    """The links to folders that lead nowhere, as far as a name can tell: nobody knows which tables are behind them."""
    return tuple(
        path
        for path, _, is_folder in _walk(root, [])
        if not is_folder and _ending(path) is None and not os.path.exists(f"{root}/{path}")  # noqa: PTH110
    )


def _walk(root: Path, problems: list[Problem]) -> Iterator[tuple[str, str | None, bool]]:
    """Yield each file (path, its folder's name, False) and each unit-test folder (…, True)."""
    ahead: list[tuple[str, str | None, frozenset[tuple[int, int]]]] = [("", None, frozenset())]
    while ahead:
        below, folder, above = ahead.pop()
        try:
            status = os.stat(f"{root}/{below}")  # noqa: PTH116 - a Path for each file costs more than reading it
            here = (status.st_dev, status.st_ino)
            if here in above:
                continue  # a link back to a folder that this one is in
            with os.scandir(f"{root}/{below}") as entries:
                found = [(entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith(".")]
        except FileNotFoundError:
            continue  # gone since it was listed
        except OSError as error:
            problems.append(wording.cannot_read(error.strerror or str(error)).at(below.rstrip("/") or "."))
            continue
        for name, is_folder in found:
            if _UNPRINTABLE.search(name):
                shown = name.encode("unicode_escape").decode()
                problems.append(wording.name_not_text(shown).at(below + shown))
            elif not is_folder:
                yield below + name, folder, False
            elif name.endswith("_unit") and (folder is not None or "." in name):
                yield below + name, folder, True
            elif name != "__pycache__":
                ahead.append((f"{below}{name}/", unicodedata.normalize("NFC", name), above | {here}))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link to itself: reading it will say so


def _recognize_folder(path: str, raw: str, folder: str | None) -> FoundFile:
    stem = unicodedata.normalize("NFC", raw).removesuffix("_unit")
    return FoundFile(path, Role.UNIT, parse_table_name(stem, folder, "_unit").relation)


def _recognize(path: str, raw: str, folder: str | None) -> FoundFile | SharedConf | None:
    file = unicodedata.normalize("NFC", raw)
    known = _ending(file)
    if known is None:
        return None
    length, role = len(known[0]), known[1]
    stem, ending = file[:-length], file[-length:]
    if role is Role.CONF and "." not in stem:
        if folder is None:
            return SharedConf(path, None if stem == "global" else stem)
        if stem == folder:
            return SharedConf(path, stem)
    if role is Role.SCRIPT:
        return _recognize_script(path, stem, folder)
    name = parse_table_name(stem, folder, ending)
    if name.interval is not None and role not in _DEFINES:
        raise wording.interval_not_here(file, _SEPARATOR.split(stem)[0] + ending)
    return FoundFile(path, role, name.relation, name.interval, is_dotted="." in stem)


def _ending(file: str) -> tuple[str, Role] | None:
    lower = file.lower()
    return next((known for known in _ENDINGS if lower.endswith(known[0])), None)


def _recognize_script(path: str, stem: str, folder: str | None) -> FoundFile | None:
    """Take a script for a table's only where its name can be one: others are imported by them."""
    if stem.startswith("_"):
        return None
    try:
        name = parse_table_name(stem, folder, ".py")
    except wording.TextError:
        return None
    if name.interval is not None:
        raise wording.interval_not_here(f"{stem}.py", f"{name.relation.name}.py")
    return FoundFile(path, Role.SCRIPT, name.relation)
