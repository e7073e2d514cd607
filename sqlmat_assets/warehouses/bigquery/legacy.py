"""Queries in BigQuery's legacy dialect, which no DDL takes: a job writes what they give into a table.

https://cloud.google.com/bigquery/docs/reference/legacy-sql
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot

from sqlmat_assets.relation import Relation

_MARK = re.compile(r"/\*#legacySQL\*/\s?")
# https://cloud.google.com/bigquery/docs/writing-results#large-results
_CREATE = re.compile(r"CREATE TABLE .*? AS\s+(?=/\*#legacySQL\*/)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LegacyQuery:
    """A query, and the table that it is to fill; None where it is only asked what it would read."""

    text: str
    target: Relation | None = None


def legacy_of(text: str) -> LegacyQuery | None:
    """The query of a statement that is marked as one of the legacy dialect; None of every other.

    Examples:
        >>> legacy_of("CREATE TABLE `a`.`b` OPTIONS (labels=[]) AS /*#legacySQL*/ SELECT 1")
        LegacyQuery(text='SELECT 1', target=Relation(schema='a', name='b', catalog=None))
        >>> legacy_of("/*#legacySQL*/ SELECT 1").target, legacy_of("SELECT 1")
        (None, None)
    """
    created = _CREATE.match(text)
    found = _MARK.match(text, created.end() if created else 0)
    if found is None:
        return None
    target = None
    if created:
        table = sqlglot.parse_one(f"{created[0]} SELECT 1", dialect="bigquery").this
        target = Relation(table.db, table.name)
    return LegacyQuery(text[found.end() :], target)
