"""What one run has found out of those who may read its tables, so that it asks once and not once per table."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from sqlmat_assets.warehouses.base import Session


class Grantees:
    """Those whom the warehouse knows, and those who can find what is in a schema."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._known: set[str] = set()
        self._let_in: set[tuple[str, str]] = set()
        self._is_begun = False

    def begin(self) -> bool:
        """Tell the first who asks, and nobody else, that he is that."""
        with self._guard:
            is_first, self._is_begun = not self._is_begun, True
            return is_first

    def find_unknown(self, session: Session, grantees: Sequence[str]) -> tuple[str, ...]:
        """Those whom the warehouse does not know."""
        with self._guard:
            asked = [each for each in grantees if each not in self._known]
            unknown = session.find_unknown_grantees(asked) if asked else ()
            self._known.update(each for each in asked if each not in unknown)
            return unknown

    def let_into(self, session: Session, schema: str, grantees: Sequence[str]) -> None:
        """Have each find what is in a schema."""
        with self._guard:
            new = [each for each in grantees if (schema, each) not in self._let_in]
            if new:
                session.grant_usage(schema, new)
                self._let_in.update((schema, each) for each in new)
