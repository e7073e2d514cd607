"""The parsed files of a project: from the cache where they are known, else from the parser."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlmat_assets.project.cache import ParseCache
from sqlmat_assets.project.checks import ParsedChecks, parse_checks
from sqlmat_assets.project.codec import decode, encode
from sqlmat_assets.project.definition import ParsedDefinition, parse_definition
from sqlmat_assets.project.deliveries import ParsedDeliveries
from sqlmat_assets.project.loads import ParsedLoad
from sqlmat_assets.project.parse import ParsedQuery, parse_query
from sqlmat_assets.project.scripts import ParsedRequirements, ParsedScript, parse_requirements, parse_script

_Parsed = TypeVar("_Parsed")
_CONTENT = "content"
_SETTLING_NS = 2_000_000_000


def _short() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=8)


class ParsedFiles:
    """Parses each text once, in one dialect.

    Args:
        cache: What earlier loads have parsed.
        dialect: The name of the SQL dialect.
    """

    def __init__(self, cache: ParseCache, dialect: str) -> None:
        self._cache = cache
        self._dialect = dialect

    def query(self, text: str, path: str) -> ParsedQuery:
        """Give what `parse_query` says about a file."""
        return self._parse(ParsedQuery, parse_query, text, path)

    def checks(self, text: str, path: str) -> ParsedChecks:
        """Give what `parse_checks` says about a file."""
        return self._parse(ParsedChecks, parse_checks, text, path)

    def definition(self, text: str, path: str) -> ParsedDefinition:
        """Give what `parse_definition` says about a file."""
        return self._parse(ParsedDefinition, parse_definition, text, path)

    def load(self, text: str, path: str) -> ParsedLoad:
        """Give what `parse_load` says about a file."""
        return self._parse(ParsedLoad, _parse_load, text, path)

    def deliveries(self, text: str, path: str) -> ParsedDeliveries:
        """Give what `parse_deliveries` says about a file."""
        return self._parse(ParsedDeliveries, _parse_deliveries, text, path)

    def script(self, text: str, path: str) -> ParsedScript:
        """Give what `parse_script` says about a file."""
        return self._parse(ParsedScript, lambda text, _, path: parse_script(text, path), text, path)

    def requirements(self, text: str, path: str) -> ParsedRequirements:
        """Give what `parse_requirements` says about a file."""
        return self._parse(ParsedRequirements, lambda text, _, path: parse_requirements(text, path), text, path)

    def content(self, file: Path, path: str) -> str:
        """Give a hash of a file's bytes; one that has not been touched since it was last read is not read again.

        Args:
            file: Where it is.
            path: Its path in the folder.

        Returns:
            A word that is no hash where it cannot be read.
        """
        try:
            before = file.stat()
            state = f"{before.st_size} {before.st_mtime_ns} {before.st_ctime_ns} {before.st_ino}"
            found = self._cache.find(_CONTENT, path, state)
            if isinstance(found, str):
                return found
            with file.open("rb") as opened:
                content = hashlib.file_digest(opened, _short).hexdigest()
            after = file.stat()
        except OSError:
            return "unreadable"
        # What was written a moment ago may be written again within one tick of the file system's clock.
        is_settled = time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > _SETTLING_NS
        if is_settled and (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns):
            self._cache.keep(_CONTENT, path, state, content)
        return content

    def _parse(self, kind: type[_Parsed], parse: Callable[[str, str, str], _Parsed], text: str, path: str) -> _Parsed:
        stored = self._cache.find(kind.__name__, path, text)
        if stored is not None:
            try:
                return decode(kind, stored)
            except (TypeError, ValueError, LookupError):
                pass  # not what was put there: parse it again
        parsed = parse(text, self._dialect, path)
        self._cache.keep(kind.__name__, path, text, encode(parsed))
        return parsed


def _parse_load(text: str, dialect: str, path: str) -> ParsedLoad:
    # The parser of YAML is not imported where no table is loaded, or all are in the cache.
    from sqlmat_assets.project.load_reading import parse_load

    return parse_load(text, dialect, path)


def _parse_deliveries(text: str, _dialect: str, path: str) -> ParsedDeliveries:
    # Nor is pydantic where nothing is delivered.
    from sqlmat_assets.project.deliver_reading import parse_deliveries

    return parse_deliveries(text, path)
