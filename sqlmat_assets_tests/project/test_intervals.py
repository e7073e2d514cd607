from datetime import timedelta

import pytest

from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.intervals import format_interval, parse_interval


@pytest.mark.parametrize(
    ("text", "minutes"),
    [("1m", 1), ("60m", 60), ("1h", 60), ("24h", 1440), ("24H", 1440), ("1d", 1440), ("2D", 2880), ("1w", 10080)],
)
def test_reads_a_number_and_a_unit(text: str, minutes: int) -> None:
    assert parse_interval(text) == timedelta(minutes=minutes)


NO_INTERVAL_HINT = "write a whole number and a unit: `30m`, `24h`, `7d` or `2w`"


@pytest.mark.parametrize("text", ["", "90", "1.5h", "1z", "h", "-1h", "1hh", "0 hours", "often", "٣h", "1234567890m"])
def test_refuses_what_is_no_interval(text: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_interval(text)
    assert (caught.value.what, caught.value.hint) == (f"`{text}` is no interval", NO_INTERVAL_HINT)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("1 h", "1h"), ("24hours", "24h"), ("2 Weeks", "2w"), ("15min", "15m"), ("120s", "2m"), ("daily", "24h")],
)
def test_says_how_words_are_written(text: str, meant: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_interval(text)
    assert (caught.value.what, caught.value.hint) == (f"`{text}` is no interval", f"write `{meant}`")


def test_asks_whether_an_upper_case_m_is_a_minute_or_a_month() -> None:
    with pytest.raises(TextError) as caught:
        parse_interval("3M")
    assert caught.value.what == "`3M` could be minutes or months"
    assert caught.value.hint == "write `3m` for minutes, or count the months in days"


@pytest.mark.parametrize("text", ["0m", "0h", "00d", "30s", "59 seconds", "0s"])
def test_refuses_less_than_a_minute(text: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_interval(text)
    assert (caught.value.what, caught.value.hint) == (f"the interval `{text}` is under a minute", "write `1m` or more")


@pytest.mark.parametrize("text", ["1m", "90m", "24h", "36h", "2d", "14d", "365d"])
def test_writes_what_it_reads(text: str) -> None:
    assert format_interval(parse_interval(text)) == text
