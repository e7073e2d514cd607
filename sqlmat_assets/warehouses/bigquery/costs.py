"""What queries read in BigQuery, told before they are run, and what was billed for those that were."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import sqlglot
from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.bigquery import files as bigquery_files
from sqlmat_assets.warehouses.bigquery.link import Link, as_label
from sqlmat_assets.warehouses.bigquery.statements import replaced, sql
from sqlmat_assets.warehouses.bigquery.types import columns_of
from sqlmat_assets.warehouses.bigquery.url import BigQueryPlace
from sqlmat_assets.warehouses.billing import Estimate, Spent

_SUMS = ("total_bytes_processed", "total_bytes_billed", "total_slot_ms")


@dataclass(frozen=True, slots=True)
class BigQueryCosts:
    """Those of one session."""

    link: Link

    def estimate(self, query: str, instead: Mapping[Relation, str] | None = None) -> Estimate:
        if not _is_told(query):
            return Estimate(0, 0, (), is_known=False)
        job = self.link.dry_run(_with(query, instead) if instead else query)
        fields = [each.to_api_repr() for each in job.schema or ()]
        return Estimate(int(job.total_bytes_processed or 0), len(job.referenced_tables or ()), columns_of(fields))

    def limit(self, most_bytes: int | None) -> None:
        self.link.meter.most_bytes = most_bytes

    def fetch_size(self, relation: Relation) -> int | None:
        found = self.link.tables.find_table(relation)
        return None if found is None or found.get("numBytes") is None else int(found["numBytes"])

    def describe_file(self, path: Path, columns: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        return bigquery_files.describe_file(path, columns)

    def fetch_spent(self, since: datetime, known: Collection[str]) -> tuple[Spent, ...]:
        found = self.link.fetch(spent_query(self.link.place, since))
        spelt = _spelt(known)
        return tuple(
            Spent(
                day,
                {str(each["key"]): spelt.get(str(each["value"]), str(each["value"])) for each in json.loads(labels)},
                int(count),
                int(read or 0),
                int(billed or 0),
                int(slot_millis or 0) / 1000,
            )
            for day, labels, count, read, billed, slot_millis in found.rows
        )


def spent_query(place: BigQueryPlace, since: datetime) -> str:
    """All query jobs of a project since a moment, by day and labels; those of a script count with the script.

    https://cloud.google.com/bigquery/docs/information-schema-jobs
    """
    moment = exp.cast(exp.Literal.string(f"{since.astimezone(UTC):%Y-%m-%d %H:%M:%S+00}"), "TIMESTAMPTZ")
    day = exp.Anonymous(this="DATE", expressions=[exp.column("creation_time")])
    labels = exp.Anonymous(this="TO_JSON_STRING", expressions=[exp.column("labels")])
    sums = [exp.Sum(this=exp.column(name)) for name in _SUMS]
    query = exp.select(
        exp.alias_(day, "day"), exp.alias_(labels, "tags"), exp.alias_(exp.Count(this=exp.Star()), "statements"), *sums
    )
    query = query.from_(bigquery_files.system_view(place, "JOBS"))
    is_since = exp.GTE(this=exp.column("creation_time"), expression=moment)
    is_query = exp.EQ(this=exp.column("job_type"), expression=exp.Literal.string("QUERY"))
    is_whole = exp.Is(this=exp.column("parent_job_id"), expression=exp.Null())
    return query.where(is_since, is_query, is_whole).group_by(exp.column("day"), exp.column("tags")).sql("bigquery")


def _spelt(known: Collection[str]) -> dict[str, str]:
    """The values by the labels that they come to; of labels that two values come to, it is not known which."""
    found: dict[str, str] = {}
    for value in known:
        label = as_label(value)
        found[label] = value if found.get(label, value) == value else label
    return found


def _with(query: str, instead: Mapping[Relation, str]) -> str:
    """The query, reading other queries in place of tables."""

    def other(relation: Relation) -> exp.Expr | None:
        text = instead.get(relation)
        return None if text is None else statements.derived_table(text, relation.name)

    return ";\n".join(
        sql(replaced(tree, other)) for tree in sqlglot.parse(query, dialect="bigquery") if tree is not None
    )


def _is_told(query: str) -> bool:
    """Whether a dry run can tell what a query reads.

    It makes no temporary tables, and ends at the first statement that it would have to run to go on.
    https://cloud.google.com/bigquery/docs/multi-statement-queries#dry_run_a_multi-statement_query

    Examples:
        >>> _is_told("declare n int64 default 1; create temp function f(x int64) as (x + n); select f(1) as a")
        True
        >>> _is_told("create temp table t as select 1 as a; select a from t")
        False
    """
    if ";" not in query:
        return True
    *before, _ = sqlglot.parse(query, dialect="bigquery")
    return all(
        isinstance(tree, exp.Declare | exp.Set)
        or (isinstance(tree, exp.Create) and str(tree.args["kind"]).upper() == "FUNCTION")
        for tree in before
        if tree is not None
    )
