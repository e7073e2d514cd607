"""Which code makes a table, so that two states of its files can be told apart."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlmat_assets.project.settings import ModelSettings

# A change of one of these changes the rows, the checks or the table in the warehouse.
COUNTING_SETTINGS = (
    "columns",
    "unique",
    "not_null",
    "min_rows",
    "max_row_change",
    "distkey",
    "sortkey",
    "diststyle",
    "encode",
    "mode",
    "partition_by",
    "unique_key",
    "on_match",
    "order_by",
)
# The same of settings that came later: they count where they are set, so that a new release builds nothing anew.
LATER_COUNTING_SETTINGS = ("cluster_by",)
# A change of one of these changes when, by whom or how long a table is built, and not what is in it.
OTHER_SETTINGS = (
    "owner",
    "tags",
    "snapshots_interval",
    "snapshots_stored_for",
    "adopt",
    "time_limit",
    "grace",
    "schedule",
    "timezone",
    "conditions",
    "on_upstream_failure",
    "skip_unchanged",
    "on_change",
    "on_schema_change",
    "partitions_per_run",
    "keep_versions",
    "partitions_stored_for",
    "labels",
    "budget",
    # What it changes is put right by each build, whatever becomes of the rows.
    "grant_select",
)
_RELEASE = re.compile(r"^__version__ = (?:version = )?['\"]([^'\"/]+)['\"]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """What makes the rows of a table, as three short texts without a slash.

    `semantic` is a hash of everything that can change the rows, from syntax trees; `text` is one of the same files as
    they are written; `parser` is the release of sqlglot that read them, because its trees are its own.
    """

    semantic: str
    text: str
    parser: str

    def is_same(self, other: CodeVersion) -> bool:
        """Whether nothing that can change the rows differs; trees of two releases are not compared, texts are."""
        return self.text == other.text or (self.parser == other.parser and self.semantic == other.semantic)

    def __str__(self) -> str:
        return f"{self.semantic}/{self.text}/{self.parser}"

    @classmethod
    def parse(cls, written: str) -> CodeVersion | None:
        """Read what `str` has written; None for anything else.

        Examples:
            >>> CodeVersion.parse("9f86d081/60303ae2/30.30.0")
            CodeVersion(semantic='9f86d081', text='60303ae2', parser='30.30.0')
            >>> CodeVersion.parse("9f86d081")
        """
        parts = written.split("/")
        return cls(*parts) if len(parts) == 3 and all(parts) else None


@dataclass(frozen=True, slots=True)
class Source:
    """A part of what makes a table: which one, and hashes of what it means and of it as it is written."""

    part: str
    meaning: str
    text: str


def code_version(sources: Iterable[Source], settings: ModelSettings, kind: str, dialect: str) -> CodeVersion:
    """Put together the version of a table from all that makes it."""
    sources = tuple(sources)
    names = [*COUNTING_SETTINGS, *(name for name in LATER_COUNTING_SETTINGS if getattr(settings, name))]
    common = [kind, dialect, *(f"{name}={getattr(settings, name)!r}" for name in names)]
    return CodeVersion(
        hash_parts([*common, *(part for source in sources for part in (source.part, source.meaning))]),
        hash_parts([*common, *(part for source in sources for part in (source.part, source.text))]),
        parser_release(),
    )


def version_of_view(own: CodeVersion, read: Iterable[CodeVersion]) -> CodeVersion:
    """The version of a view: other code behind what it reads may give it other columns, so it is made anew then."""
    versions = (own, *read)
    return CodeVersion(
        hash_parts(version.semantic for version in versions),
        hash_parts(version.text for version in versions),
        own.parser,
    )


def hash_parts(parts: Iterable[str]) -> str:
    """Hash texts one after the other, so that two lists have one hash only when they are equal."""
    written = "".join([f"{len(part)}:{part}" for part in parts]).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(written, digest_size=8).hexdigest()


@cache
def parser_release() -> str:
    """Give the release of sqlglot without importing it, which takes longer than reading a thousand cached files."""
    spec = importlib.util.find_spec("sqlglot")
    if spec is None or spec.origin is None:
        return "none"
    found = _RELEASE.search(Path(spec.origin).with_name("_version.py").read_text(encoding="utf-8"))
    return found[1] if found else "unknown"
