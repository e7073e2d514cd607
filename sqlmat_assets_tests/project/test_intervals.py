from datetime import timedelta

import pytest

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.intervals import effective_intervals, format_interval, parse_interval
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.relation import Relation


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1m", 1), ("60m", 60), ("1h", 60), ("24h", 1440), ("24H", 1440), ("1d", 1440), ("2D", 2880), ("1w", 10080)],
)
def test_reads_a_number_and_a_unit(text: str, minutes: int) -> None:
    assert parse_interval(text) == timedelta(minutes=minutes)


NO_INTERVAL_HINT = "write a whole number and a unit: `30m`, `24h`, `7d` or `2w`"


@pytest.mark.parametrize("text", ["", "90", "1.5h", "1z", "h", "-1h", "1 h", "1hh", "30s", "٣h", "1234567890m"])
def test_refuses_what_is_no_interval(text: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_interval(text)
    assert (caught.value.what, caught.value.hint) == (f"`{text}` is no interval", NO_INTERVAL_HINT)


def test_asks_whether_an_upper_case_m_is_a_minute_or_a_month() -> None:
    with pytest.raises(TextError) as caught:
        parse_interval("3M")
    assert caught.value.what == "`3M` could be minutes or months"
    assert caught.value.hint == "write `3m` for minutes, or count the months in days"


@pytest.mark.parametrize("text", ["0m", "0h", "00d"])
def test_refuses_less_than_a_minute(text: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_interval(text)
    assert (caught.value.what, caught.value.hint) == (f"the interval `{text}` is under a minute", "write `1m` or more")


@pytest.mark.parametrize("text", ["1m", "90m", "24h", "36h", "2d", "14d", "365d"])
def test_writes_what_it_reads(text: str) -> None:
    assert format_interval(parse_interval(text)) == text


def model(name: str, interval: str | None, *reads: str) -> Model:
    return Model(
        relation=Relation("s", name),
        path=f"s/{name}.sql",
        kind=Kind.QUERY,
        dialect="duckdb",
        sql="",
        interval=None if interval is None else parse_interval(interval),
        upstream=tuple(Relation("s", read) for read in reads),
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


def test_a_circle_takes_the_interval_of_its_reader() -> None:
    found = hours(model("a", None, "b"), model("b", None, "a"), model("reader", "2h", "a"))
    assert found == {"a": 2, "b": 2, "reader": 2}


def test_a_table_from_outside_has_none() -> None:
    assert hours(model("a", "1h", "outside")) == {"a": 1}
