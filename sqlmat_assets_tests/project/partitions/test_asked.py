from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.partitions.asked import ask, single_ranges
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.ranges import ListRange, Range, TimeRange
from sqlmat_assets.relation import Relation

NOW = datetime(2019, 3, 13, 5, 30, tzinfo=UTC)


def short(range_: Range) -> str:
    if isinstance(range_, ListRange):
        return ",".join(map(str, range_.values))
    return f"{range_.start:%m-%dT%H}/{range_.end:%m-%dT%H}"


def asked(*texts: str, **tables: str) -> tuple[dict[str, str], list[str]]:
    """What each table is asked for, shortly, and who is left out."""
    by = {Relation("s", name): parse_partition_by(text) for name, text in tables.items()}
    found = ask(texts, by, NOW)
    shown = {relation.name: " ".join(map(short, ranges)) for relation, ranges in found.ranges.items()}
    return shown, [relation.name for relation in found.outside]


DAILY, WEEKLY, MONTHLY = "day(d) from 2019-01-01", "week(d) from 2018-12-31", "month(d) from 2019-01"
HOURLY, COUNTRIES = "hour(d) from 2019-01-01T00", "c in (FR, DE, 'x, y', 7)"


@pytest.mark.parametrize(
    ("texts", "tables", "expected"),
    [
        (["2019-01"], {"d": DAILY, "m": MONTHLY}, {"d": "01-01T00/02-01T00", "m": "01-01T00/02-01T00"}),
        (["2019-01-15"], {"d": DAILY, "m": MONTHLY}, {"d": "01-15T00/01-16T00", "m": "01-01T00/02-01T00"}),
        (["2019-01-15T05"], {"h": HOURLY, "d": DAILY}, {"h": "01-15T05/01-15T06", "d": "01-15T00/01-16T00"}),
        (["2019-01"], {"w": WEEKLY}, {"w": "01-07T00/02-04T00"}),
        (["2019-01"], {"w": WEEKLY, "d": DAILY}, {"w": "12-31T00/02-04T00", "d": "01-01T00/02-01T00"}),
        (["2019-01-07"], {"w": WEEKLY, "m": MONTHLY}, {"w": "01-07T00/01-14T00", "m": "01-01T00/02-01T00"}),
        (["2019-02.."], {"d": DAILY, "m": MONTHLY}, {"d": "02-01T00/03-13T00", "m": "02-01T00/03-01T00"}),
        (["2019-03-02.."], {"d": DAILY, "m": MONTHLY}, {"d": "03-02T00/03-13T00"}),
        (["..2019-01-02"], {"d": DAILY}, {"d": "01-01T00/01-03T00"}),
        (["2019-01, 2019-03"], {"m": MONTHLY}, {"m": "01-01T00/02-01T00 03-01T00/04-01T00"}),
        (["2019-02", "2019-01"], {"m": MONTHLY}, {"m": "01-01T00/03-01T00"}),
        (["DE,FR"], {"c": COUNTRIES}, {"c": "FR,DE"}),
        (["x, y", "7"], {"c": COUNTRIES}, {"c": "x, y,7"}),
        (["DE"], {"c": COUNTRIES, "d": DAILY}, {"c": "DE"}),
        (["2019-01-03"], {"c": COUNTRIES, "d": DAILY}, {"d": "01-03T00/01-04T00"}),
    ],
)
def test_each_table_gets_its_own_partitions(texts: list[str], tables: dict[str, str], expected: dict[str, str]) -> None:
    assert asked(*texts, **tables)[0] == expected


def test_a_table_without_the_partitions_is_left_out_and_one_of_another_kind_is_not_told() -> None:
    shown, outside = asked("2019-01", d=DAILY, later="month(d) from 2020-01", c=COUNTRIES)
    assert (shown, outside) == ({"d": "01-01T00/02-01T00"}, ["later"])


@pytest.mark.parametrize(
    ("text", "tables", "expected"),
    [
        ("2018", {"d": DAILY}, "`2018` is outside of the partitions, from `2019-01-01` on"),
        ("2019-13", {"m": MONTHLY}, "`2019-13` is no partition"),
        ("2019-02-03", {"m": MONTHLY}, "no month begins at `2019-02-03`"),
        ("F", {"d": DAILY, "c": COUNTRIES}, "`F` is no partition"),
        ("2019-05..2019-04", {"c": COUNTRIES, "m": MONTHLY}, "`2019-05` is behind `2019-04`"),
        ("FR,", {"c": COUNTRIES}, "`` is no partition"),
    ],
)
def test_what_no_table_has(text: str, tables: dict[str, str], expected: str) -> None:
    with pytest.raises(TextError) as raised:
        asked(text, **tables)
    assert raised.value.what == expected


def test_a_slip_names_the_value_that_was_meant() -> None:
    with pytest.raises(TextError) as raised:
        asked("F", d=DAILY, c=COUNTRIES)
    assert raised.value.hint == "did you mean `FR`?"


def test_partitions_one_by_one() -> None:
    by = parse_partition_by(MONTHLY)
    ranges = [TimeRange(datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 3, 1, tzinfo=UTC))]
    assert list(single_ranges(ranges, by)) == ["2019-01-01", "2019-02-01"]
    values = parse_partition_by(COUNTRIES)
    assert single_ranges([ListRange(("DE", 7))], values) == {"DE": ListRange(("DE",)), "7": ListRange((7,))}
