from datetime import timedelta

from sqlmat_assets.project.graph import effective_intervals
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.settings import ModelSettings
from sqlmat_assets.relation import Relation


def model(name: str, interval: str | None, *reads: str, schedule: str | None = None) -> Model:
    return Model(
        relation=Relation("s", name),
        path=f"s/{name}.sql",
        kind=Kind.QUERY,
        dialect="duckdb",
        sql="",
        interval=None if interval is None else parse_interval(interval),
        upstream=tuple(Relation("s", read) for read in reads),
        settings=ModelSettings(schedule=schedule),
    )


def hours(*models: Model) -> dict[str, float]:
    return {relation.name: span / timedelta(hours=1) for relation, span in effective_intervals(models).items()}


def test_own_interval_wins_and_else_the_smallest_of_the_readers() -> None:
    found = hours(model("people", "1h", "shops"), model("shops", None, "cities"), model("cities", "24h"))
    assert found == {"people": 1, "shops": 1, "cities": 24}


def test_a_second_reader_with_a_longer_interval_changes_nothing() -> None:
    found = hours(model("parent", "24m", "child"), model("other", "1h", "child"), model("child", None))
    assert found["child"] == 0.4


def test_an_interval_passes_through_tables_without_one_only() -> None:
    found = hours(
        model("fast", "1h", "slow"),
        model("slow", "24h", "deep"),
        model("deep", None, "deeper"),
        model("deeper", None),
    )
    assert found == {"fast": 1, "slow": 24, "deep": 24, "deeper": 24}


def test_nobody_with_an_interval_means_none() -> None:
    assert hours(model("root", None, "leaf"), model("leaf", None)) == {}


def test_a_scheduled_table_has_none_and_passes_none_on() -> None:
    found = hours(
        model("hourly", "1h", "monthly", "both"),
        model("monthly", None, "deep", "both", schedule="0 9 1 * *"),
        model("deep", None),
        model("both", None),
    )
    assert found == {"hourly": 1, "both": 1}


def test_a_circle_takes_the_interval_of_its_reader() -> None:
    found = hours(model("a", None, "b"), model("b", None, "a"), model("reader", "2h", "a"))
    assert found == {"a": 2, "b": 2, "reader": 2}


def test_a_table_from_outside_has_none() -> None:
    assert hours(model("a", "1h", "outside")) == {"a": 1}
