"""How the rows of a table are to lie, on an engine that keeps them in partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.statements import column, identifier, table, verbatim

_DAY = timedelta(days=1)
_MOMENTS = {"TIMESTAMP": "TIMESTAMP_TRUNC", "DATETIME": "DATETIME_TRUNC", "DATE": "DATE_TRUNC"}


@dataclass(frozen=True, slots=True)
class Storage:
    """Where rows lie, and what is told of the table.

    Args:
        column: The column of the partitions (name, type), where there are any.
        grain: `hour`, `day`, `week` or `month`; None for a list of values.
        cluster_by: The columns by which rows lie side by side.
        expires_after: How long a partition stays.
        labels: Those of the table.
        lasts: How long the table stays unless it is published.
    """

    column: tuple[str, str] | None = None
    grain: str | None = None
    cluster_by: tuple[str, ...] = ()
    expires_after: timedelta | None = None
    labels: tuple[tuple[str, str], ...] = ()
    lasts: timedelta | None = None

    def with_columns(self, columns: Sequence[tuple[str, str]]) -> Storage:
        """The same, with the column of the partitions as the table has it (name, type)."""
        if self.column is None:
            return self
        wanted = self.column[0].lower()
        return replace(self, column=next((each for each in columns if each[0].lower() == wanted), None))

    @property
    def unit(self) -> str | None:
        """The length of the partitions as they are stored; None where there are none.

        There are none of a week, and a date has no hours: then each day is one.
        """
        if self.column is None or self.grain is None or self.column[1] not in _MOMENTS:
            return None
        unit = {"week": "day"}.get(self.grain, self.grain).upper()
        return "DAY" if unit == "HOUR" and self.column[1] == "DATE" else unit

    @property
    def clusters(self) -> tuple[str, ...]:
        """The columns of the clusters; values of a list are found by them."""
        is_list = self.column is not None and self.grain is None
        listed = (self.column[0],) if is_list and self.column is not None else ()
        return (*listed, *(name for name in self.cluster_by if name not in listed))

    @property
    def properties(self) -> list[exp.Expr]:
        """What stands in CREATE TABLE.

        Examples:
            >>> storage = Storage(("at", "TIMESTAMP"), "week", ("id",), labels=(("team", "data"),))
            >>> [each.sql("bigquery") for each in storage.properties]
            ['PARTITION BY TIMESTAMP_TRUNC(`at`, DAY)', 'CLUSTER BY `id`', "labels=[('team', 'data')]"]
        """
        found: list[exp.Expr] = []
        unit = self.unit
        if unit is not None and self.column is not None:
            name, kind = self.column
            is_plain = kind == "DATE" and unit == "DAY"
            truncated = exp.Anonymous(this=_MOMENTS[kind], expressions=[column(name), exp.var(unit)])
            found.append(exp.PartitionedByProperty(this=column(name) if is_plain else truncated))
        if self.clusters:
            found.append(exp.Cluster(expressions=[identifier(name) for name in self.clusters]))
        return [*found, *(_option(name, value) for name, value in self._options.items())]

    def create_table_as(self, target: Relation, query: str) -> exp.Expr:
        """`CREATE TABLE ... AS` with the query as it was written."""
        properties = exp.Properties(expressions=self.properties) if self.properties else None
        return exp.Create(this=table(target), kind="TABLE", expression=verbatim(query), properties=properties)

    @property
    def _options(self) -> Mapping[str, exp.Expr]:
        found: dict[str, exp.Expr] = {}
        if self.labels:
            pairs = [exp.Tuple(expressions=[exp.Literal.string(each) for each in pair]) for pair in self.labels]
            found["labels"] = exp.Array(expressions=pairs)
        if self.expires_after is not None and self.unit is not None:
            found["partition_expiration_days"] = exp.Literal.number(self.expires_after / _DAY)
        if self.lasts is not None:
            hours = exp.Interval(this=exp.Literal.number(int(self.lasts / timedelta(hours=1))), unit=exp.var("HOUR"))
            now = exp.Anonymous(this="CURRENT_TIMESTAMP")
            found["expiration_timestamp"] = exp.Anonymous(this="TIMESTAMP_ADD", expressions=[now, hours])
        return found


def _option(name: str, value: exp.Expr) -> exp.Expr:
    return exp.Property(this=exp.var(name), value=value)
