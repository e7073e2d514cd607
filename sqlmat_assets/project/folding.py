"""How each engine tells names apart."""

from __future__ import annotations

import string

# Engines fold the letters A to Z only: DuckDB keeps `Ä` and `ä` apart, PostgreSQL does in UTF-8 databases.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def fold(name: str, dialect: str, *, is_quoted: bool, is_alias: bool = False) -> str:
    """Give the spelling that two names of one thing share.

    DuckDB and Redshift ignore case even in quotes, PostgreSQL outside of them; BigQuery keeps that of tables and
    ignores that of aliases and common table expressions.

    Examples:
        >>> fold("Cities", "postgres", is_quoted=True), fold("Cities", "redshift", is_quoted=True)
        ('Cities', 'cities')
    """
    if dialect == "bigquery":
        return name.lower() if is_alias else name
    if dialect == "postgres" and is_quoted:
        return name
    return name.translate(_LOWER)
