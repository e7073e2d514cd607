"""Values that are in no file, and that nothing may tell."""

from __future__ import annotations

import threading
from collections.abc import Callable
from urllib.parse import quote

from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.project.deliveries import fill_references

# Shorter ones stand in every other word.
_LEAST = 3


def _nothing(_name: str) -> str | None:
    return None


class Secrets:
    """Finds the values behind `{{ env.NAME }}`, and takes those that it gave away out of what is told.

    Args:
        find: Gives the value of a name; None where there is none.
    """

    def __init__(self, find: Callable[[str], str | None] = _nothing) -> None:
        self._find = find
        self._given: dict[str, str] = {}
        self._guard = threading.Lock()

    def fill(self, text: str, *, in_url: bool = False) -> str:
        """Put values into a text; in the user and password of a URL they are escaped.

        Raises:
            MaterializeError: A name has no value.
        """
        return fill_references(text, lambda name: quote(self._value(name), safe="") if in_url else self._value(name))

    def hide(self, text: str) -> str:
        """The text with each value that was given away replaced by its name."""
        with self._guard:
            given = sorted(self._given.items(), key=lambda pair: -len(pair[0]))
        for value, name in given:
            text = text.replace(value, f"{{{{ env.{name} }}}}")
        return text

    def _value(self, name: str) -> str:
        value = self._find(name)
        if not value:
            raise wording.no_value(name)
        with self._guard:
            for written in {value, quote(value, safe=""), repr(value)[1:-1]}:
                if len(written) >= _LEAST:
                    self._given[written] = name
        return value
