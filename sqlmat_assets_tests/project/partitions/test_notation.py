from __future__ import annotations

from datetime import UTC, datetime

import pytest

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.notation import parse_partition_by
from sqlmat_assets.project.partitions.spec import ListPartitioning, TimePartitioning


def at(*parts: int) -> datetime:
    year, month, day, hour = (*parts, *(1, 1, 0)[len(parts) - 1 :])
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("month(pickup) from 2019-01", TimePartitioning("pickup", Grain.MONTH, at(2019))),
        ("MONTH ( pickup ) FROM 2019-01-01", TimePartitioning("pickup", Grain.MONTH, at(2019))),
        ("month(pickup) from 2019-01 to 2019-12", TimePartitioning("pickup", Grain.MONTH, at(2019), at(2020))),
        ("day(d) from 2019-01-01 to 2019-01-01", TimePartitioning("d", Grain.DAY, at(2019), at(2019, 1, 2))),
        ("hour(ts) from 2019-01-01T05", TimePartitioning("ts", Grain.HOUR, at(2019, 1, 1, 5))),
        ("hour(ts) from 2019-01-01-05:00", TimePartitioning("ts", Grain.HOUR, at(2019, 1, 1, 5))),
        ('week("picked up") from 2019-01-07', TimePartitioning("picked up", Grain.WEEK, at(2019, 1, 7))),
        ("country in (FR, DE, 'x, y')", ListPartitioning("country", ("FR", "DE", "x, y"))),
        ("country IN ('it''s',\"a\"\"b\", New York)", ListPartitioning("country", ("it's", 'a"b', "New York"))),
        ("year in(2019, -1, '7', 007)", ListPartitioning("year", (2019, -1, "7", "007"))),
        ("country in (FR)", ListPartitioning("country", ("FR",))),
    ],
)
def test_reads_the_notation(text: str, expected: object) -> None:
    assert parse_partition_by(text) == expected


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("", "`` says nothing of partitions", "write `month(column) from 2019-01`, "),
        ("pickup", "`pickup` says nothing of partitions", "write `month(column) from 2019-01`, "),
        ("month(pickup) since 2019-01", "`month(pickup) since 2019-01` says nothing of partitions", "write `month("),
        ("monthly(x) from 2019-01", "`monthly` is no length of a partition", "write `month(x)`"),
        ("mnth(x) from 2019-01", "`mnth` is no length of a partition", "write `month(x)`"),
        ("year(x) from 2019", "`year` is no length of a partition", "write `hour`, `day`, `week` or `month`"),
        ("month() from 2019-01", "`` is no name of a column", "name one column of the SELECT, without"),
        ("month(t.x) from 2019-01", "`t.x` is no name of a column", "name one column of the SELECT, without"),
        ("month(a, b) from 2019-01", "`a, b` is no name of a column", "name one column of the SELECT, without"),
        (
            "month(pickup)",
            "`month(pickup)` does not say where the first partition begins",
            "write `month(pickup) from 2019-01`",
        ),
        ("month(x) from 2019-13", "`2019-13` is no month", "write it like `from 2019-01`"),
        ("month(x) from 2019", "`2019` is no month", "write it like `from 2019-01`"),
        ("day(x) from 2019-02-29", "`2019-02-29` is no day", "write it like `from 2019-01-01`"),
        ("day(x) from 2019-01", "`2019-01` is no day", "write it like `from 2019-01-01`"),
        ("hour(x) from 2019-01-01", "`2019-01-01` is no hour", "write it like `from 2019-01-01T00`"),
        ("day(x) from 2019-01-01 to soon", "`soon` is no day", "write it like `to 2019-01-31`"),
        ("month(x) from 2019-01-15", "no month begins at `2019-01-15`", "write `2019-01`, where the month around"),
        ("week(x) from 2019-01-09", "no week begins at `2019-01-09`", "write `2019-01-07`, where the week around"),
        (
            "month(x) from 2019-03 to 2019-01",
            "the last partition `2019-01` is before the first, `2019-03`",
            "exchange them",
        ),
        ("country in ()", "the list of the values of `country` is empty", "write `country in (a, b)`"),
        ("country in (FR,, DE)", "`country in (FR,, DE)` is no list of values", "write `column in (FR, DE)`, with"),
        ("country in (FR, )", "`country in (FR, )` is no list of values", "write `column in (FR, DE)`, with"),
        ("country in ('FR' x)", "`country in ('FR' x)` is no list of values", "write `column in (FR, DE)`, with"),
        ("country in (FR, 'FR')", "`FR` is listed twice", "leave one out"),
        ("country in (1, '1')", "`1` is listed twice", "leave one out"),
        ("c in (null)", "`null` cannot be a partition: a row without a value belongs to no partition", "leave it out"),
        ("c in (a..b)", "`a..b` cannot be a partition: `..` divides the ends of a range", "leave it out"),
        ("c in ('a\tb')", "`a\\tb` cannot be a partition: it has no text, or signs that cannot be shown", "leave it"),
    ],
)
def test_refuses_what_is_written_in_another_way(text: str, what: str, hint: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_partition_by(text)
    assert caught.value.what == what
    assert caught.value.hint is not None
    assert caught.value.hint.startswith(hint)
