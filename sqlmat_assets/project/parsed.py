"""The parsed files of a project: from the cache where they are known, else from the parser."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlmat_assets.project.cache import ParseCache
from sqlmat_assets.project.checks import ParsedChecks, parse_checks
from sqlmat_assets.project.codec import decode, encode
from sqlmat_assets.project.definition import ParsedDefinition, parse_definition
from sqlmat_assets.project.parse import ParsedQuery, parse_query

_Parsed = TypeVar("_Parsed")


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
