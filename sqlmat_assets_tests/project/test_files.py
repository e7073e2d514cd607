import os
import subprocess
import sys
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.files import FoundFile, Role, SharedConf, TableName, parse_table_name, read_folder
from sqlmat_assets.relation import Relation

CITIES = Relation("first", "cities")


@pytest.mark.parametrize(
    ("stem", "folder", "minutes"),
    [
        ("cities", "first", None),
        ("first.cities", None, None),
        ("cities — 24h", "first", 1440),
        ("cities - 24h", "first", 1440),
        ("first.cities - 24h", None, 1440),
        ("first.cities — 1h", "first", 60),
        ("first.cities - 1h", "second", 60),
        ("first.cities 1h", "second", 60),
        ("first.cities- 1h", None, 60),
        ("first.cities -1h", None, 60),
        ("first.cities-1h", None, 60),
        ("cities-24h", "first", 1440),
        ("cities\u201324h", "first", 1440),
        ("cities\u00a0—\u00a024h", "first", 1440),
        ("cities\u00a024H", "first", 1440),
        ("cities - 2W", "first", 20160),
        ("cities  --  7d", "first", 10080),
    ],
)
def test_accepted_names(stem: str, folder: str | None, minutes: int | None) -> None:
    interval = None if minutes is None else timedelta(minutes=minutes)
    assert parse_table_name(stem, folder) == TableName(CITIES, interval)


@pytest.mark.parametrize(
    ("stem", "folder", "what", "hint"),
    [
        (
            "cities",
            None,
            "`cities.sql` has no schema",
            "put it into a folder named after the schema, or rename it to `schema.cities.sql`",
        ),
        (
            "cities - 1.5h",
            "first",
            "`1.5h` is no interval",
            "write a whole number and a unit: `30m`, `24h`, `7d` or `2w`",
        ),
        ("cities - 90", "first", "`90` is no interval", "write a whole number and a unit: `30m`, `24h`, `7d` or `2w`"),
        ("cities - 1z", "first", "`1z` is no interval", "write a whole number and a unit: `30m`, `24h`, `7d` or `2w`"),
        (
            "cities - 30s",
            "first",
            "the interval `30s` is under a minute",
            "write `1m` or more",
        ),
        (
            "cities - 90 seconds",
            "first",
            "`90 seconds` in `cities - 90 seconds.sql` is no interval",
            "rename it to `cities - 1m.sql`",
        ),
        (
            "cities - 24 hours",
            "first",
            "`24 hours` in `cities - 24 hours.sql` is no interval",
            "rename it to `cities - 24h.sql`",
        ),
        ("cities-1day", "first", "`1day` in `cities-1day.sql` is no interval", "rename it to `cities - 1d.sql`"),
        ("cities - 24 h", "first", "`24 h` in `cities - 24 h.sql` is no interval", "rename it to `cities - 24h.sql`"),
        (
            "cities - Daily",
            "first",
            "`Daily` in `cities - Daily.sql` is no interval",
            "rename it to `cities - 24h.sql`",
        ),
        (
            "first.cities_hourly - late",
            None,
            "`first.cities_hourly - late.sql` has a separator inside the table's name",
            "rename it to `first.cities_hourly_late.sql`: only an interval stands after a hyphen, a dash or a space",
        ),
        (
            "cities__sqlmat_k3x_new - 24h",
            "first",
            "`cities__sqlmat_k3x_new` is a name for what a build writes aside, and such tables are dropped",
            "rename `cities__sqlmat_k3x_new - 24h.sql`, without `__sqlmat_`",
        ),
        (
            "first.cities__SQLMAT_k3x_old",
            None,
            "`cities__SQLMAT_k3x_old` is a name for what a build writes aside, and such tables are dropped",
            "rename `first.cities__SQLMAT_k3x_old.sql`, without `__sqlmat_`",
        ),
        (
            "state",
            "_sqlmat",
            "`state.sql` is in the schema `_sqlmat`, which holds what is recorded about the tables",
            "take another schema",
        ),
        ("cities - 0m", "first", "the interval `0m` is under a minute", "write `1m` or more"),
        (
            "cities - 1M",
            "first",
            "`1M` could be minutes or months",
            "write `1m` for minutes, or count the months in days",
        ),
        ("—", "first", "`—.sql` has no table name", "begin the file's name with the table: `cities - 24h.sql`"),
        (
            " - 24h",
            "first",
            "` - 24h.sql` has no table name",
            "begin the file's name with the table: `cities - 24h.sql`",
        ),
        ("24h", "first", "`24h.sql` has no table name", "begin the file's name with the table: `cities - 24h.sql`"),
        ("first.", None, "`first..sql` has no table name", "begin the file's name with the table: `cities - 24h.sql`"),
        (
            "cities —",
            "first",
            "`cities —.sql` ends where an interval should be",
            "rename it to `cities.sql` or, say, `cities - 24h.sql`",
        ),
        (
            "web-events - 24h",
            "first",
            "`web-events - 24h.sql` has a separator inside the table's name",
            "rename it to `web_events - 24h.sql`: only an interval stands after a hyphen, a dash or a space",
        ),
        (
            "my-table",
            "first",
            "`my-table.sql` has a separator inside the table's name",
            "rename it to `my_table.sql`: only an interval stands after a hyphen, a dash or a space",
        ),
        (
            "cities - 24h - old",
            "first",
            "`cities - 24h - old.sql` has a separator inside the table's name",
            "rename it to `cities_24h_old.sql`: only an interval stands after a hyphen, a dash or a space",
        ),
        (
            "my web events—",
            "first",
            "`my web events—.sql` has a separator inside the table's name",
            "rename it to `my_web_events.sql`: only an interval stands after a hyphen, a dash or a space",
        ),
        (
            "a.b.c",
            None,
            "`a.b.c.sql` has more than a schema and a table in its name",
            "keep one dot: `schema.table.sql`",
        ),
        ("c", "a.b", "the folder `a.b` has a dot in its name, which no schema can have", "rename the folder"),
    ],
)
def test_refused_names(stem: str, folder: str | None, what: str, hint: str) -> None:
    with pytest.raises(TextError) as caught:
        parse_table_name(stem, folder)
    assert (caught.value.what, caught.value.hint) == (what, hint)


def write(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def test_every_role_by_its_ending(tmp_path: Path) -> None:
    write(
        tmp_path,
        "global.conf",
        "first.conf",
        "first/first.conf",
        "first/cities - 24h.sql",
        "first/cities_test.sql",
        "first/cities.conf",
        "first.cities.conf",
        "first/countries_requirements.txt",
        "first/countries.py",
        "first/raw.csv",
        "first/raw2.parquet",
        "first/raw3.ndjson",
        "first/trips - 1d.load.yaml",
        "first/cities.deliver.yaml",
        "first/README.md",
    )
    scan = read_folder(tmp_path)
    assert scan.problems == ()
    assert scan.confs == (
        SharedConf("first.conf", "first"),
        SharedConf("first/first.conf", "first"),
        SharedConf("global.conf"),
    )
    assert [(file.path, file.role, str(file.relation)) for file in scan.files] == [
        ("first.cities.conf", Role.CONF, "first.cities"),
        ("first/cities - 24h.sql", Role.SQL, "first.cities"),
        ("first/cities.conf", Role.CONF, "first.cities"),
        ("first/cities.deliver.yaml", Role.DELIVERY, "first.cities"),
        ("first/cities_test.sql", Role.CHECKS, "first.cities"),
        ("first/countries.py", Role.SCRIPT, "first.countries"),
        ("first/countries_requirements.txt", Role.REQUIREMENTS, "first.countries"),
        ("first/raw.csv", Role.DATA, "first.raw"),
        ("first/raw2.parquet", Role.DATA, "first.raw2"),
        ("first/raw3.ndjson", Role.DATA, "first.raw3"),
        ("first/trips - 1d.load.yaml", Role.LOAD, "first.trips"),
    ]
    assert [file.path for file in scan.files if file.is_dotted] == ["first.cities.conf"]
    assert [file.interval for file in scan.files if file.interval] == [timedelta(days=1), timedelta(days=1)]


def test_the_ending_counts_in_any_case(tmp_path: Path) -> None:
    scan = read_folder(write(tmp_path, "first/cities - 24H.SQL", "first/raw.CSV"))
    assert [str(file.relation) for file in scan.files] == ["first.cities", "first.raw"]


def test_the_folder_that_holds_the_file_is_the_schema(tmp_path: Path) -> None:
    scan = read_folder(write(tmp_path, "a/b/c.sql", "my-schema/x.sql", "a/b/d.e.sql"))
    assert [str(file.relation) for file in scan.files] == ["b.c", "d.e", "my-schema.x"]


def test_hidden_files_and_what_a_unit_test_holds_are_passed_over(tmp_path: Path) -> None:
    write(
        tmp_path,
        ".git/x.sql",
        "first/.cities.sql",
        "first/__pycache__/x.csv",
        "first/cities_unit/shops.csv",
        "first.cities_unit/expected.csv",
    )
    scan = read_folder(tmp_path)
    assert scan.problems == ()
    assert scan.files == (
        FoundFile("first.cities_unit", Role.UNIT, CITIES),
        FoundFile("first/cities_unit", Role.UNIT, CITIES),
    )


def test_a_folder_at_the_root_is_a_schema_whatever_its_name(tmp_path: Path) -> None:
    scan = read_folder(write(tmp_path, "business_unit/people.sql"))
    assert [str(file.relation) for file in scan.files] == ["business_unit.people"]


def test_a_companion_has_no_interval(tmp_path: Path) -> None:
    names = ["cities - 24h_test.sql", "cities - 24h.conf", "cities - 1h.py", "cities - 1h_requirements.txt"]
    scan = read_folder(write(tmp_path, *(f"first/{name}" for name in names)))
    assert scan.files == ()
    suggestions = ["cities_test.sql", "cities.conf", "cities.py", "cities_requirements.txt"]
    assert {(problem.path, problem.what, problem.hint) for problem in scan.problems} == {
        (f"first/{name}", f"`{name}` belongs to a table and has no interval of its own", f"rename it to `{good}`")
        for name, good in zip(names, suggestions, strict=True)
    }


def test_scripts_that_others_import_are_no_problem(tmp_path: Path) -> None:
    scan = read_folder(write(tmp_path, "first/_shared.py", "first/my-tool.py", "tool.py"))
    assert (scan.files, scan.problems) == ((), ())


def test_both_ways_of_writing_an_accent_are_one_name(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "café") for form in ("NFC", "NFD"))
    scan = read_folder(write(tmp_path, f"{decomposed}/{decomposed}.sql", f"{composed}.{composed}_test.sql"))
    assert {file.relation for file in scan.files} == {Relation(composed, composed)}
    assert f"{decomposed}/{decomposed}.sql" in {file.path for file in scan.files}


def test_a_name_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "first").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/first/caf\xe9.sql")).touch()
    (tmp_path / "first/two\nlines.sql").touch()
    scan = read_folder(tmp_path)
    assert scan.files == ()
    assert set(scan.problems) == {
        Problem("first/caf\\udce9.sql", 0, 0, "the name `caf\\udce9.sql` has bytes that are no text", "rename it"),
        Problem("first/two\\nlines.sql", 0, 0, "the name `two\\nlines.sql` has bytes that are no text", "rename it"),
    }


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    write(tmp_path, "first/cities.sql")
    (tmp_path / "first/again").symlink_to(tmp_path / "first")
    (tmp_path / "first/up").symlink_to("..")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "second").symlink_to("first")
    scan = read_folder(tmp_path)
    assert [(file.path, str(file.relation)) for file in scan.files] == [
        ("first/cities.sql", "first.cities"),
        ("second/cities.sql", "second.cities"),
    ]
    assert [str(problem) for problem in scan.problems] == [
        "itself: warning: `itself` is not used\n  hint: move it elsewhere, or begin its name with `.`"
    ]


def test_files_that_nobody_reads_warn(tmp_path: Path) -> None:
    write(
        tmp_path, "first/old.json", "first/.hidden", "README.md", "first/x_unit/in.json", "first/_tool.py", "cities.txt"
    )
    assert sorted(str(problem) for problem in read_folder(tmp_path).problems) == [
        "cities.txt: warning: `cities.txt` is not used\n  hint: move it elsewhere, or begin its name with `.`",
        "first/old.json: warning: `old.json` is not used\n"
        "  hint: write one object in each line and name it `old.ndjson`",
    ]


def test_a_folder_without_read_rights_is_a_problem_and_the_rest_goes_on(tmp_path: Path) -> None:
    write(tmp_path, "first/cities.sql", "locked/secret.sql")
    (tmp_path / "locked").chmod(0)
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/tmp") and folder.is_relative_to("/tmp"):
            folder.chmod(0o755)
    code = f"""
import os, sys
if os.getuid() == 0:
    import sqlmat_assets.project.files
    os.setuid(65534)
from pathlib import Path
from sqlmat_assets.project.files import read_folder
scan = read_folder(Path({str(tmp_path)!r}))
print([file.path for file in scan.files], *scan.problems)
"""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    finally:
        (tmp_path / "locked").chmod(0o755)
    assert done.stdout.strip() == "['first/cities.sql'] locked: cannot be read: Permission denied"
