"""Which tables are other ones than they were."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sqlmat_assets.project.changes import Changes, find_changes
from sqlmat_assets.project.load import load_project
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.folders import write_files

FILES = {
    "global.conf": "owner = a@example.com\n",
    "s/raw.csv": "a\n1\n",
    "s/cities - 24h.sql": "SELECT a FROM s.raw",
    "s/cities_test.sql": "SELECT a > 0 AS positive FROM s.cities",
    "s/cities.conf": "not_null = a\n",
    "s/people - 1h.sql": "SELECT a FROM s.cities",
    "s/made_select.sql": "SELECT a FROM s.raw",
    "s/made - 1h.sql": "CREATE TABLE made (a INTEGER)",
    "s/made.py": "def process(df):\n    return df\n",
}
CITIES, PEOPLE, RAW, MADE = (Relation("s", name) for name in ("cities", "people", "raw", "made"))


def changes_by(tmp_path: Path, *edits: tuple[str, str | None]) -> Changes:
    before, now = tmp_path / "before", tmp_path / "now"
    write_files(before, FILES)
    shutil.copytree(before, now)
    for path, text in edits:
        if text is None:
            (now / path).unlink()
        else:
            (now / path).parent.mkdir(parents=True, exist_ok=True)
            (now / path).write_text(text)
    return find_changes(load_project(now), load_project(before))


CHANGED = [
    ("s/cities - 24h.sql", "SELECT a + 1 AS a FROM s.raw", CITIES),
    ("s/cities_test.sql", "SELECT a > 1 AS positive FROM s.cities", CITIES),
    ("s/cities_test.sql", "-- warn\nSELECT a > 0 AS positive FROM s.cities", CITIES),
    ("s/cities.conf", "not_null = a\nmin_rows = 1\n", CITIES),
    ("s/raw.csv", "a\n2\n", RAW),
    ("s/raw_test.sql", "SELECT a > 0 AS positive FROM s.raw", RAW),
    ("s/made.py", "def process(df):\n    return df.head(1)\n", MADE),
    ("s/made_select.sql", "SELECT a + 1 AS a FROM s.raw", MADE),
    ("s/made - 1h.sql", "CREATE TABLE made (a BIGINT)", MADE),
    ("s/made_requirements.txt", "numpy\n", MADE),
    ("s/people - 1h.sql", "SELECT a FROM", PEOPLE),
]


@pytest.mark.parametrize(
    ("path", "text", "relation"), CHANGED, ids=[f"{path} {text[:12]}" for path, text, _ in CHANGED]
)
def test_what_is_a_change(tmp_path: Path, path: str, text: str, relation: Relation) -> None:
    assert changes_by(tmp_path, (path, text)) == Changes(changed=(relation,))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("s/cities - 24h.sql", "-- The cities.\nSELECT\n    a -- a number\nFROM s.raw;\n"),
        ("s/cities_test.sql", "-- why\nSELECT a>0 AS positive\nFROM s.cities;"),
        ("global.conf", "owner = b@example.com\ngrace = 1h\n"),
        ("s/cities_unit/expected.csv", "a\n1\n"),
    ],
)
def test_what_is_none(tmp_path: Path, path: str, text: str) -> None:
    assert changes_by(tmp_path, (path, text)) == Changes()


def test_another_interval_is_none(tmp_path: Path) -> None:
    renamed = ("s/cities - 24h.sql", None), ("s/cities - 12h.sql", FILES["s/cities - 24h.sql"])
    assert changes_by(tmp_path, *renamed) == Changes()


def test_a_setting_of_all_changes_all(tmp_path: Path) -> None:
    found = changes_by(tmp_path, ("global.conf", "min_rows = 1\n"))
    assert set(found.changed) == {CITIES, PEOPLE, RAW, MADE}
    assert found.here == set(found.changed)


def test_new_and_removed_tables(tmp_path: Path) -> None:
    found = changes_by(tmp_path, ("s/people - 1h.sql", None), ("s/fresh - 1h.sql", "SELECT 1 AS a"))
    assert found == Changes(new=(Relation("s", "fresh"),), removed=(PEOPLE,))
    assert found.here == {Relation("s", "fresh")}


def test_a_name_in_other_letters_is_the_same_table(tmp_path: Path) -> None:
    renamed = ("s/people - 1h.sql", None), ("s/People - 1h.sql", FILES["s/people - 1h.sql"])
    assert changes_by(tmp_path, *renamed) == Changes()
