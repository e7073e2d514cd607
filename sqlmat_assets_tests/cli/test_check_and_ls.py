"""`sqlmat check` and `sqlmat ls`, as processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from sqlmat_assets_tests.cli.running import SQLMAT, Run


def test_a_good_project_in_one_line(run: Run) -> None:
    done = run("check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "4 tables, 3 checks, no problems\n", "")


def test_problems_go_to_standard_error_with_their_place_and_a_hint(run: Run, folder: Path) -> None:
    (folder / "first" / "web-events - 24h.sql").write_text("SELECT 1 AS a")
    done = run("check", "sql")
    assert done.returncode == 1
    assert done.stdout == "4 tables, 3 checks, 1 problem\n"
    place, hint = done.stderr.splitlines()
    assert place.startswith("first/web-events - 24h.sql: ")
    assert hint.startswith("  hint: ")


def test_warnings_alone_are_good(run: Run, folder: Path) -> None:
    (folder / "first" / "cities - 24h.sql").write_text("-- ownr: a@example.com\nSELECT * FROM first.raw_cities")
    done = run("check")
    assert done.returncode == 0
    assert done.stdout == "4 tables, 3 checks, no problems, 1 warning\n"
    assert done.stderr.startswith("first/cities - 24h.sql:1:")
    assert ": warning: " in done.stderr


def test_a_problem_of_several_tables_is_told_once(run: Run, folder: Path) -> None:
    (folder / "first.conf").write_text("uniqe = city\n")
    done = run("check")
    assert done.returncode == 1
    assert done.stderr == "first.conf:1:1: there is no setting `uniqe`\n  hint: did you mean `unique`?\n"
    assert done.stdout == "4 tables, 3 checks, 1 problem\n"


def test_problems_as_json(run: Run, folder: Path) -> None:
    (folder / "first" / "countries.sql").write_text("SELEC 1")
    done = run("check", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    assert (told["tables"], told["checks"]) == (4, 3)
    (problem,) = told["problems"]
    assert problem["path"] == "first/countries.sql"
    assert problem["line"] == 1
    assert not problem["is_warning"]


def test_the_dialect_can_be_named(run: Run, folder: Path) -> None:
    (folder / "first" / "countries.sql").write_text("SELECT `country` AS a, 1 AS cities FROM `first.cities`")
    assert run("check").returncode == 1
    assert run("check", "--dialect", "bigquery").returncode == 0


def test_a_folder_that_is_not_there_is_wrong_usage(run: Run) -> None:
    done = run("check", "nowhere")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "there is no folder `nowhere`\n  hint: check the path\n"


def test_without_the_default_folder_the_hint_says_so(tmp_path: Path, environment: Mapping[str, str]) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    done = subprocess.run([SQLMAT, "ls"], cwd=empty, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "there is no folder `sql`\n  hint: name the project folder, or change to the folder that holds `sql/`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "--foo"], "no such option"),
        (["bild"], "no such command"),
        (["build", "--threads", "0"], "invalid value for '--threads'"),
    ],
)
def test_a_wrong_command_line_says_so(run: Run, arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(said)
    assert "\n  hint: see `sqlmat" in done.stderr


def test_ls_tells_every_key_and_no_other(run: Run, folder: Path) -> None:
    (folder / "first" / "cities.conf").write_text(
        "owner = a@example.com\ngrant_select = joan\nsnapshots_interval = 1d\n"
    )
    done = run("ls", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    tables = {table["name"]: table for table in json.loads(done.stdout)}
    assert list(tables) == ["first.cities", "first.countries", "first.raw_cities", "second.report"]
    assert tables["first.cities"] == {
        "name": "first.cities",
        "path": "first/cities - 24h.sql",
        "kind": "query",
        "interval_minutes": 1440,
        "effective_interval_minutes": 1440,
        "upstream": ["first.raw_cities"],
        "sources": [],
        "checks": ["population_is_positive"],
        "settings": {"owner": ["a@example.com"], "grant_select": ["joan"], "snapshots_interval": 1440},
    }
    assert tables["first.countries"]["interval_minutes"] is None
    assert tables["first.countries"]["effective_interval_minutes"] == 60
    assert tables["first.raw_cities"]["kind"] == "data"


def test_ls_for_people(run: Run) -> None:
    done = run("ls")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "table             kind     age  checks  reads\n"
        "first.cities      query    24h       1  first.raw_cities\n"
        "first.countries   query   (1h)       0  first.cities\n"
        "first.raw_cities  data   (24h)       0\n"
        "second.report     query     1h       2  first.countries\n"
    )


def test_ls_tells_schedules_as_they_are_written(run: Run, folder: Path) -> None:
    (folder / "first" / "cities.conf").write_text("conditions: hours 8 to 18, Mon-Fri\nskip_unchanged = no")
    (folder / "second" / "report - 1h.sql").rename(folder / "second" / "report.sql")
    (folder / "second.conf").write_text("schedule = 0  9 1 * *\ntimezone = Europe/Berlin")
    done = run("ls", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    tables = {table["name"]: table for table in json.loads(done.stdout)}
    assert tables["first.cities"]["settings"] == {
        "conditions": "weekdays mon-fri, hours 8-18",
        "skip_unchanged": False,
    }
    report = tables["second.report"]
    assert (report["interval_minutes"], report["effective_interval_minutes"]) == (None, None)
    assert report["settings"] == {"schedule": "0 9 1 * *", "timezone": "Europe/Berlin"}
    assert tables["first.countries"]["effective_interval_minutes"] is None
    assert run("ls").stdout == (
        "table             kind     age  times                         checks  reads\n"
        "first.cities      query    24h  weekdays mon-fri, hours 8-18       1  first.raw_cities\n"
        "first.countries   query                                            0  first.cities\n"
        "first.raw_cities  data   (24h)                                     0\n"
        "second.report     query         0 9 1 * *; Europe/Berlin           2  first.countries\n"
    )


def test_ls_tells_partitions_as_they_are_written(run: Run, folder: Path) -> None:
    (folder / "first" / "cities.conf").write_text(
        "mode = merge\nunique_key = city\norder_by = population DESC, city\npartition_by = Country in ( DE,'NO' )"
    )
    tables = {table["name"]: table for table in json.loads(run("ls", "--json").stdout)}
    assert tables["first.cities"]["settings"] == {
        "mode": "merge",
        "partition_by": "Country in (DE, NO)",
        "unique_key": ["city"],
        "order_by": ["population desc", "city"],
    }


def test_ls_keeps_defaults_of_a_dialect_to_itself(run: Run, folder: Path) -> None:
    (folder / "first" / "cities.conf").write_text("skip_unchanged = true")
    tables = json.loads(run("ls", "--json", "--dialect", "bigquery").stdout)
    told = {table["name"]: table["settings"] for table in tables}
    assert told["first.cities"] == {"skip_unchanged": True}
    assert told["first.countries"] == {}


def test_with_errors_everything_that_loads_is_listed(run: Run, folder: Path) -> None:
    (folder / "first" / "countries.sql").write_text("SELEC 1")
    (folder / "first" / "a-b.sql").write_text("SELECT 1 AS a")
    done = run("ls", "--json")
    assert done.returncode == 1
    assert len(json.loads(done.stdout)) == 4
    assert "first/a-b.sql: " in done.stderr
    assert "first/countries.sql:1:" in done.stderr


@pytest.mark.parametrize("command", [["check"], ["ls", "--json"], ["build", "--no-record"], ["render", "first.cities"]])
def test_dagster_is_not_imported(folder: Path, environment: Mapping[str, str], command: list[str]) -> None:
    code = (
        "import sys; from sqlmat_assets.cli import run; code = run(sys.argv[1:]); "
        "loaded = {name.partition('.')[0] for name in sys.modules} & {'dagster', 'pandas', 'pydantic', 'antlr4'}; "
        "sys.exit(f'loaded {loaded}' if loaded else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command],
        cwd=folder.parent,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_why_imports_nothing_that_builds(folder: Path, environment: Mapping[str, str]) -> None:
    code = (
        "import sys; from sqlmat_assets.cli import run; code = run(['why', 'first.cities']); "
        "kept = ('duckdb', 'pandas', 'sqlmat_assets.components.assets', 'sqlmat_assets.components.automation.sensor'); "
        "loaded = [name for name in kept if name in sys.modules]; sys.exit(f'loaded {loaded}' if loaded else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parent, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_whoever_stops_reading_causes_no_traceback(folder: Path, environment: Mapping[str, str]) -> None:
    for number in range(2000):
        (folder / "first" / f"t{number} - 1h.sql").write_text(f"SELECT {number} AS a")
    listing = subprocess.Popen(
        [SQLMAT, "ls"], cwd=folder.parent, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert listing.stdout is not None
    assert listing.stderr is not None
    assert listing.stdout.readline().startswith("table")
    listing.stdout.close()
    said = listing.stderr.read()
    listing.stderr.close()
    listing.wait(timeout=60)
    assert said == ""


def test_a_bug_is_a_short_message_and_with_debug_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    from sqlmat_assets.cli import check, run

    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh no")

    monkeypatch.setattr(check, "read_project", broken)
    assert run(["check", str(folder)]) == 1
    said = capsys.readouterr().err
    assert said == (
        "sqlmat met a bug: ZeroDivisionError: oh no\n"
        f"  hint: please report it with what `SQLMAT_DEBUG=1 sqlmat check {folder}` prints, where you got sqlmat from\n"
    )
    assert run(["--debug", "check", str(folder)]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
    monkeypatch.setenv("SQLMAT_DEBUG", "1")
    assert run(["check", str(folder)]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err


def test_what_is_kept_beside_the_project_stays_out_of_git(run: Run, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert run("check").returncode == 0
    assert (tmp_path / ".sqlmat" / "cache").is_dir()
    seen = subprocess.run(["git", "status", "--short"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert seen.stdout == "?? sql/\n"


def test_a_name_that_the_terminal_cannot_show_is_spelled_out(run: Run, folder: Path) -> None:
    (folder / "first" / "東京 - 1h.sql").write_text("SELECT 1 AS a")
    done = run("ls", PYTHONIOENCODING="latin-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert "first.\\u6771\\u4eac " in done.stdout


def test_help_and_version(run: Run) -> None:
    assert run("--version").stdout == "sqlmat 0.1.0\n"
    shown = run("--help").stdout
    for command in ("check", "ls", "build", "render", "dev"):
        assert f"\n  {command} " in shown
        assert run(command, "--help").returncode == 0
    assert max(len(line) for line in shown.splitlines()) <= 80
