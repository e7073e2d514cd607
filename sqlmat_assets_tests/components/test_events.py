"""What happened to a table, as metadata."""

from __future__ import annotations

from datetime import UTC, datetime

import dagster as dg
from dagster._core.definitions.metadata import TableMetadataValue

from sqlmat_assets.components.events import (
    translate_check_metadata,
    translate_discarded,
    translate_evaluation,
    translate_published,
)
from sqlmat_assets.errors import CheckFailedError
from sqlmat_assets.execution.events import CheckResult, Column, Discarded, Published, Run, Sample
from sqlmat_assets.relation import Relation

CITIES = Relation.of("first.cities")
MOMENT = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
PUBLISHED = Published(
    CITIES, 3, (Column("id", "INTEGER", "Its number"), Column("name", "VARCHAR")), "SELECT 1", MOMENT, 1.23456
)


def a_result(name: str = "small", *, passed: bool = False, sample: Sample | None = None) -> CheckResult:
    return CheckResult(
        name, passed, True, 5, 0 if passed else 2, "" if passed else "false in 2 of 5 rows", "SELECT 2", 0.5, sample
    )


def test_published() -> None:
    metadata = translate_published(PUBLISHED, (), Run("k3x", MOMENT, "1a2b3c"))
    assert {key: value.value for key, value in metadata.items() if key != "dagster/column_schema"} == {
        "dagster/row_count": 3,
        "dagster/table_name": "first.cities",
        "seconds": 1.235,
        "decided at": MOMENT.timestamp(),
        "started at": MOMENT.timestamp(),
        "run": "k3x",
        "commit": "1a2b3c",
        "sql": "```sql\nSELECT 1\n```",
    }
    assert metadata["dagster/column_schema"].value == dg.TableSchema(
        [dg.TableColumn("id", "INTEGER", "Its number"), dg.TableColumn("name", "VARCHAR")]
    )


def test_published_outside_a_clone() -> None:
    assert "commit" not in translate_published(PUBLISHED, (), Run("k3x", MOMENT))


def test_lineage() -> None:
    people = Relation.of("first.people")
    metadata = translate_published(PUBLISHED, (), Run("k3x", MOMENT), {"id": ((people, "city_id"),), "name": ()})
    assert metadata["dagster/column_lineage"].value == dg.TableColumnLineage(
        {"id": [dg.TableColumnDep(dg.AssetKey(["first", "people"]), "city_id")], "name": []}
    )


def test_a_check_that_failed() -> None:
    sample = Sample(("id", "name"), (("1", None), ("2", "x")))
    metadata = translate_check_metadata(a_result(sample=sample))
    rows = metadata.pop("offending rows")
    assert {key: value.value for key, value in metadata.items()} == {
        "rows": 5,
        "failed rows": 2,
        "seconds": 0.5,
        "sql": "```sql\nSELECT 2\n```",
    }
    assert isinstance(rows, TableMetadataValue)
    assert [record.data for record in rows.records] == [{"id": "1", "name": None}, {"id": "2", "name": "x"}]


def test_offending_rows_with_two_columns_of_one_name() -> None:
    rows = translate_check_metadata(a_result(sample=Sample(("id", "id"), (("1", "2"),))))["offending rows"]
    assert isinstance(rows, TableMetadataValue)
    assert rows.records[0].data == {"id": "1", "id (2)": "2"}


def test_an_evaluation_of_a_table_that_was_not_replaced() -> None:
    evaluation = translate_evaluation(CITIES, a_result())
    assert evaluation.asset_check_key == dg.AssetCheckKey(dg.AssetKey(["first", "cities"]), "small")
    assert evaluation.target_materialization_data is None
    assert evaluation.severity == dg.AssetCheckSeverity.ERROR
    assert evaluation.blocking
    assert evaluation.description == "false in 2 of 5 rows"


def test_why_a_table_was_not_replaced() -> None:
    sample = Sample(("id", "name"), (("1", "a|b"), ("2", None)))
    discarded = Discarded(
        CITIES,
        CheckFailedError("1 check of `first.cities` failed"),
        (a_result(sample=sample), a_result("other", passed=True), a_result("no_rows")),
    )
    assert translate_discarded(discarded) == (
        "1 check of `first.cities` failed\n\nrows where `small` does not hold:\n  id  name\n  1   a|b\n  2   NULL"
    )
