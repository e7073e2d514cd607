"""What `sqlmat build` looks like on a terminal, seen through a pseudo-terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.running import SQLMAT

Show = Callable[..., tuple[int, str]]

_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-9](;|m)")


@pytest.fixture
def show(folder: Path, environment: Mapping[str, str]) -> Show:
    """Run `sqlmat` on a terminal of so many columns; gives the exit code and everything that was written to it."""

    def run_on_terminal(*arguments: str, columns: int = 80, stdout: int | None = None, **more: str) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        process = subprocess.Popen(
            [SQLMAT, *arguments],
            cwd=folder.parent,
            env={**environment, **more},
            stdin=theirs,
            stdout=theirs if stdout is None else stdout,
            stderr=theirs,
        )
        os.close(theirs)
        written = bytearray()
        while True:
            try:
                read = os.read(ours, 65536)
            except OSError:  # what Linux says at the end of a pseudo-terminal
                break
            if not read:
                break
            written += read
        os.close(ours)
        return process.wait(timeout=60), written.decode()

    return run_on_terminal


def last_screen(written: str) -> str:
    """What stays: the text behind the last time that the bar's line was taken away, without codes."""
    return _CODES.sub("", written.rsplit("\x1b[2K", 1)[-1]).replace("\r", "")


def slow_down(folder: Path) -> None:
    (folder / "first" / "countries.sql").write_text(
        "SELECT country, count(*) AS cities, sum(x.range % 7) AS s FROM first.cities, range(150000000) AS x\n"
        "GROUP BY country"
    )
    (folder / "second" / "report_test.sql").unlink()


def test_a_bar_names_what_is_built_and_leaves_the_table(show: Show, folder: Path) -> None:
    slow_down(folder)
    code, written = show("build", "--no-record")
    assert code == 0
    seen = _CODES.sub("", written)
    assert re.search(r"2/4 .* first\.countries", seen)
    end = last_screen(written).split("\n\n")
    lines = [line.split() for line in end[0].strip().splitlines()]
    assert lines[0] == ["table", "what", "happened", "rows", "seconds", "checks"]
    assert [line[:3] for line in lines[1:]] == [
        ["first.raw_cities", "published", "2"],
        ["first.cities", "published", "2"],
        ["first.countries", "published", "2"],
        ["second.report", "published", "1"],
    ]
    assert end[1].startswith("4 published in ")
    assert "\x1b[?25h" in written  # the cursor is back


@pytest.mark.parametrize("columns", [80, 50])
def test_narrow_terminals_are_not_overrun(show: Show, folder: Path, columns: int) -> None:
    (folder / "first" / "raw_cities.csv").write_text(
        "city,country,population,note\nBerlin,DE,-1,a long note that goes on and on and on for more than a line\n"
    )
    (folder / "first" / "cities - 24h.sql").write_text("SELECT * FROM first.raw_cities")
    (folder / "first" / "cities_test.sql").write_text("SELECT population > 0 AS positive FROM first.cities;\n")
    code, written = show("build", "--no-record", columns=columns)
    assert code == 1
    table, failure, _summary = last_screen(written).strip().split("\n\n")
    assert max(len(line) for line in table.splitlines()) <= columns
    assert max(len(line) for line in failure.splitlines()[5:]) <= columns
    assert "Berlin" in failure


def test_colour_by_default_and_none_with_no_color(show: Show) -> None:
    assert _COLOUR.search(show("build", "--no-record")[1])
    assert not _COLOUR.search(show("build", "--no-record", NO_COLOR="1")[1])


def test_with_json_the_bar_is_on_standard_error_alone(show: Show, folder: Path, tmp_path: Path) -> None:
    slow_down(folder)
    with (tmp_path / "out.json").open("wb") as out:
        code, written = show("build", "--no-record", "--json", stdout=out.fileno())
    assert code == 0
    assert "first.countries" in written
    assert (tmp_path / "out.json").read_text().startswith("{\n")


def test_with_output_in_a_pipe_there_is_no_bar_between_its_lines(show: Show, folder: Path, tmp_path: Path) -> None:
    slow_down(folder)
    with (tmp_path / "out.txt").open("wb") as out:
        code, written = show("build", "--no-record", stdout=out.fileno())
    assert (code, written) == (0, "")
    assert "\x1b" not in (tmp_path / "out.txt").read_text()


def test_ls_fits_the_terminal(show: Show, folder: Path) -> None:
    (folder / "second" / "wide - 1h.sql").write_text(
        "SELECT 1 AS a FROM " + ", ".join(f"elsewhere.a_table_with_number_{n}" for n in range(6))
    )
    code, written = show("ls", columns=60)
    assert code == 0
    assert max(len(line) for line in last_screen(written).splitlines()) <= 60


@pytest.mark.parametrize("columns", [80, 60])
def test_ls_gives_each_table_one_line_of_a_terminal_and_cuts_nothing_in_a_pipe(
    show: Show, folder: Path, tmp_path: Path, columns: int
) -> None:
    (folder / "first" / "countries.sql").write_text(
        "SELECT * FROM first.cities, some.source_of_rows, some.other_source_of_rows, some.third_source_of_rows"
    )
    (folder / "second" / "a_name_that_is_too_long_for_half_a_terminal - 1h.sql").write_text("SELECT 1 AS a")
    (folder / "second" / "report.conf").write_text("conditions: hours 8-18, weekdays mon-fri, months jan-mar, days 1-5")
    code, written = show("ls", columns=columns)
    lines = _CODES.sub("", written).replace("\r", "").splitlines()
    assert (code, len(lines)) == (0, 6), lines
    assert max(map(len, lines)) <= columns
    told = [line.split() for line in lines]
    assert told[0] == (["table", "kind", "age", "checks", "reads"] if columns == 60 else told[0])
    assert " ".join(told[2][-2:]) == "4 tables"
    assert told[4][0] == "second.a_name_that_is_t…"
    with (tmp_path / "out.txt").open("wb") as out:
        show("ls", columns=columns, stdout=out.fileno())
    piped = (tmp_path / "out.txt").read_text()
    assert "some.source_of_rows, some.other_source_of_rows, some.third_source_of_rows\n" in piped
    assert "second.a_name_that_is_too_long_for_half_a_terminal" in piped
