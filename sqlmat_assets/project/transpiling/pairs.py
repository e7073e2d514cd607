"""Which engines' SQL can be said in which."""

from __future__ import annotations

_PAIRS = frozenset({("bigquery", "duckdb")})


def can_translate(written: str, spoken: str) -> bool:
    """Whether the SQL of one dialect can be said in another at all.

    Examples:
        >>> can_translate("bigquery", "duckdb"), can_translate("duckdb", "bigquery")
        (True, False)
    """
    return (written, spoken) in _PAIRS
