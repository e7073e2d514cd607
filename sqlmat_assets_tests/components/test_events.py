"""What happened to a table, as metadata."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import pytest
from dagster._core.definitions.metadata import TableMetadataValue

from sqlmat_assets.components.events import (
    translate_check_metadata,
    translate_data_version,
    translate_discarded,
    translate_ended,
    translate_evaluation,
    translate_version_tags,
)
from sqlmat_assets.errors import CheckFailedError
from sqlmat_assets.execution.events import (
    CheckResult,
    Column,
    Discarded,
    Phase,
    Published,
    Run,
    Sample,
    Snapshot,
    Unchanged,
)
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation

CITIES = Relation.of("first.cities")
VERSION = CodeVersion("meaning", "text", "30.0.0")
MOMENT = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
PUBLISHED = Published(
    CITIES, 3, (Column("id", "INTEGER", "Its number"), Column("name", "VARCHAR")), "SELECT 1", MOMENT, 1.23456
)


def a_result(name: str = "small", *, passed: bool = False, sample: Sample | None = None) -> CheckResult:
    return CheckResult(
        name, passed, True, 5, 0 if passed else 2, "" if passed else "false in 2 of 5 rows", "SELECT 2", 0.5, sample
    )


def test_published() -> None:
    metadata = translate_ended(PUBLISHED, (), Run("k3x", MOMENT, "1a2b3c"))
    assert {key: value.value for key, value in metadata.items() if key != "dagster/column_schema"} == {
        "dagster/row_count": 3,
        "dagster/table_name": "first.cities",
        "outcome": "new rows",
        "why": "asked for by a person",
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


def test_each_phase_is_a_number_of_its_own() -> None:
    ended = replace(PUBLISHED, phases=(Phase("write", 1.23456), Phase("publish", 0.5)))
    metadata = translate_ended(ended, (), Run("k3x", MOMENT))
    assert metadata["seconds (write)"] == dg.MetadataValue.float(1.235)
    assert metadata["seconds (publish)"] == dg.MetadataValue.float(0.5)


@pytest.mark.parametrize(
    ("run", "told"),
    [
        (Run("k3x", MOMENT), {}),
        (Run("k3x", MOMENT, "1a2b3c"), {"commit": "1a2b3c"}),
        (
            Run("k3x", MOMENT, "1a2b3c", has_edits=True),
            {"commit": "1a2b3c", "uncommitted edits": "yes: the project folder is not as it is in the commit"},
        ),
    ],
)
def test_the_commit_and_what_is_in_none(run: Run, told: dict[str, str]) -> None:
    metadata = translate_ended(PUBLISHED, (), run)
    assert {key: metadata[key].value for key in ("commit", "uncommitted edits") if key in metadata} == told


def test_snapshots_are_numbers() -> None:
    history = Relation("first", "cities_history")
    told = translate_ended(replace(PUBLISHED, snapshot=Snapshot(history, 30, 2)), (), Run("k3x", MOMENT))
    assert (told["snapshot rows"].value, told["removed snapshot rows"].value) == (30, 2)
    told = translate_ended(replace(PUBLISHED, snapshot=Snapshot(history, None, 0)), (), Run("k3x", MOMENT))
    assert ("snapshot rows" in told, told["removed snapshot rows"].value) == (False, 0)
    assert not any("snapshot" in key for key in translate_ended(PUBLISHED, (), Run("k3x", MOMENT)))


def test_very_long_sql_is_cut() -> None:
    sql = translate_ended(replace(PUBLISHED, statement="x" * 20_010), (), Run("k3x", MOMENT))["sql"].value
    assert sql == "```sql\n" + "x" * 20_000 + "\n… and 10 more characters\n```"


def texts(ended: Published | Unchanged, run: Run) -> dict[str, object]:
    metadata = translate_ended(ended, (), run, version=VERSION)
    return {key: metadata[key].value for key in ("outcome", "why", "saved", "code version", "sql") if key in metadata}


def test_the_same_rows_again() -> None:
    run = Run("k3x", MOMENT, reasons=Reasons.of({CITIES: Reason.DUE}))
    assert texts(Unchanged(CITIES, 1234, (), MOMENT, 1.5, "1234-a-b-c", "SELECT 1"), run) == {
        "outcome": "unchanged: the same 1,234 rows as published, so nothing was swapped",
        "why": "due",
        "saved": "the swap, and what reads it is not built because of it",
        "code version": "meaning/text/30.0.0",
        "sql": "```sql\nSELECT 1\n```",
    }


def test_new_rows_save_nothing() -> None:
    assert "saved" not in translate_ended(PUBLISHED, (), Run("k3x", MOMENT))


def test_what_was_not_built() -> None:
    run = Run("k3x", MOMENT, reasons=Reasons.of({CITIES: Reason.SCHEDULED}))
    assert texts(Unchanged(CITIES, 1, (), MOMENT, 0.01, "1-a-b-c", saved_seconds=75.04), run) == {
        "outcome": "unchanged: nothing that it reads has changed, so it was not built",
        "why": "scheduled",
        "saved": "about 1m 15s",
        "code version": "meaning/text/30.0.0",
    }


def test_nobody_knows_why_and_with_which_code() -> None:
    run = Run("k3x", MOMENT, reasons=Reasons.of({}))
    assert not {"why", "code version"} & translate_ended(PUBLISHED, (), run).keys()


def test_versions_of_the_rows() -> None:
    run = Run("k3x", MOMENT)
    compared = replace(PUBLISHED, data_version="3-a-b-c")
    assert translate_data_version(compared, run) == dg.DataVersion("3-a-b-c")
    assert translate_data_version(PUBLISHED, run) == dg.DataVersion("k3x")
    assert translate_version_tags(PUBLISHED, run) == {"dagster/data_version": "k3x"}
    assert translate_version_tags(compared, run, VERSION) == {
        "dagster/data_version": "3-a-b-c",
        "dagster/code_version": "meaning",
    }


def test_published_outside_a_clone() -> None:
    assert "commit" not in translate_ended(PUBLISHED, (), Run("k3x", MOMENT))


def test_lineage() -> None:
    people = Relation.of("first.people")
    metadata = translate_ended(PUBLISHED, (), Run("k3x", MOMENT), {"id": ((people, "city_id"),), "name": ()})
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
