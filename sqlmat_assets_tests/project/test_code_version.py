from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import pytest

from sqlmat_assets.project import code_version
from sqlmat_assets.project.code_version import CodeVersion, hash_parts, parser_release
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.settings import ModelSettings
from sqlmat_assets.relation import Relation

TABLE = Relation("first", "t")
LONG_AGO = 1_000_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "sql/first/t - 1h.sql", "select a, b from src.x where a > 1")
    write(tmp_path / "sql/first/t_test.sql", "select a > 0 as positive from first.t")
    write(tmp_path / "sql/first/t.conf", "owner = a@example.com\nmin_rows = 1")
    return tmp_path / "sql"


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def model(root: Path, cache_dir: Path | None = None) -> Model:
    return load_project(root, cache_dir=cache_dir).models[TABLE]


def loaded(root: Path, cache_dir: Path | None = None) -> CodeVersion:
    found = model(root, cache_dir).version
    assert found is not None
    return found


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


Edit = Callable[[Path], None]


def in_query(old: str, new: str) -> Edit:
    return lambda root: edit(root / "first/t - 1h.sql", old, new)


def in_checks(old: str, new: str) -> Edit:
    return lambda root: edit(root / "first/t_test.sql", old, new)


def in_conf(old: str, new: str) -> Edit:
    return lambda root: edit(root / "first/t.conf", old, new)


def renamed(root: Path) -> None:
    (root / "first/t - 1h.sql").rename(root / "first/t - 2h.sql")


def in_another_dialect(root: Path) -> None:
    write(root / "global.conf", "dialect = postgres")


def without_checks(root: Path) -> None:
    (root / "first/t_test.sql").unlink()


@pytest.mark.parametrize(
    "change",
    [
        in_query("select a", "-- a comment\nSELECT\n  A"),
        in_query("select a", "-- deps: src.y\nselect a"),
        in_query("select a", "-- owner: b@example.com\nselect a"),
        in_checks("select", "-- a comment\nSELECT"),
        in_conf("a@example.com", "b@example.com"),
        in_conf("min_rows", "grant_select = joan\nmin_rows"),
        in_conf("min_rows", "tags = x=y\ngrace = 1h\ntime_limit = 5m\nsnapshots_interval = 1d\nmin_rows"),
        in_conf("min_rows = 1", "# a comment\nmin_rows: 1"),
        renamed,
    ],
)
def test_is_the_same(root: Path, change: Edit) -> None:
    before = loaded(root)
    change(root)
    assert loaded(root).semantic == before.semantic
    assert loaded(root).is_same(before)


@pytest.mark.parametrize(
    "change",
    [
        in_query("> 1", "> 2"),
        in_query("select a", "-- min_rows: 2\nselect a"),
        in_checks("> 0", "> 1"),
        in_checks("positive", "over_zero"),
        in_checks("positive", "Positive"),
        in_checks("select", "-- warn\nselect"),
        in_checks("first.t", "first.t; select true as more"),
        in_conf("min_rows = 1", "min_rows = 2"),
        in_conf("min_rows = 1", ""),
        in_conf("min_rows", "unique = a\nmin_rows"),
        in_conf("min_rows", "not_null = a\nmin_rows"),
        in_conf("min_rows", "max_row_change = 20%\nmin_rows"),
        in_conf("min_rows", "distkey = a\nmin_rows"),
        in_conf("min_rows", "sortkey = a\nmin_rows"),
        in_conf("min_rows", "diststyle = all\nmin_rows"),
        in_another_dialect,
        without_checks,
    ],
)
def test_is_another(root: Path, change: Edit) -> None:
    before = loaded(root)
    change(root)
    after = loaded(root)
    assert after.semantic != before.semantic
    assert after.text != before.text
    assert not after.is_same(before)


def test_what_is_written_is_the_same_whatever_parser_reads_it(root: Path) -> None:
    before = loaded(root)
    other = CodeVersion("another", before.text, "29.0.0")
    assert before.is_same(other)
    in_query("select", "SELECT")(root)
    assert loaded(root).is_same(before)
    assert not loaded(root).is_same(other)


def test_every_setting_is_decided_on() -> None:
    later = code_version.LATER_COUNTING_SETTINGS
    decided = [*code_version.COUNTING_SETTINGS, *later, *code_version.OTHER_SETTINGS]
    assert sorted(decided) == sorted(field.name for field in fields(ModelSettings))


def test_a_quarantined_table_has_one_too(root: Path) -> None:
    in_query("select a", "selec a")(root)
    before = loaded(root)
    assert model(root).is_quarantined
    in_query("selec a", "selec  a")(root)
    assert loaded(root).semantic != before.semantic


# Processed tables


@pytest.fixture
def processed(tmp_path: Path) -> Path:
    write(tmp_path / "sql/first/t - 1h.sql", "create table first.t (a int)")
    write(tmp_path / "sql/first/t_select.sql", "select a from src.x")
    write(tmp_path / "sql/first/t.py", "print(1)")
    write(tmp_path / "sql/first/t_requirements.txt", "pandas")
    return tmp_path / "sql"


@pytest.mark.parametrize(
    ("name", "old", "new", "is_same"),
    [
        ("t - 1h.sql", "int", "bigint", False),
        ("t - 1h.sql", "create table", "CREATE  TABLE -- x\n", True),
        ("t_select.sql", "select a", "select b", False),
        ("t_select.sql", "select a", "SELECT A", True),
        ("t.py", "1", "2", False),
        ("t_requirements.txt", "pandas", "pandas<3", False),
    ],
)
def test_all_files_of_a_processed_table_count(processed: Path, name: str, old: str, new: str, is_same: bool) -> None:
    before = loaded(processed)
    edit(processed / "first" / name, old, new)
    assert loaded(processed).is_same(before) is is_same


def test_each_file_counts_as_what_it_is(processed: Path) -> None:
    before = loaded(processed)
    (processed / "first/t.py").write_text("pandas")
    (processed / "first/t_requirements.txt").write_text("print(1)")
    assert not loaded(processed).is_same(before)


# Data files


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write(tmp_path / "sql/first/t.csv", "a\n1\n")
    os.utime(tmp_path / "sql/first/t.csv", (LONG_AGO, LONG_AGO))
    return tmp_path / "sql"


def test_the_content_of_a_data_file_counts(data: Path, tmp_path: Path) -> None:
    before = loaded(data, tmp_path / "kept")
    os.utime(data / "first/t.csv")
    assert loaded(data, tmp_path / "kept") == before
    write(data / "first/t.csv", "a\n2\n")
    assert not loaded(data, tmp_path / "kept").is_same(before)
    assert model(data).varies is None


def test_a_data_file_written_within_one_tick_of_the_clock_is_read_again(data: Path, tmp_path: Path) -> None:
    file = data / "first/t.csv"
    os.utime(file)
    at = file.stat().st_mtime_ns
    before = loaded(data, tmp_path / "kept")
    file.write_text("a\n2\n")
    os.utime(file, ns=(at, at))
    assert not loaded(data, tmp_path / "kept").is_same(before)


def test_a_data_file_that_cannot_be_read_is_no_failure(data: Path) -> None:
    before = loaded(data)
    (data / "first/t.csv").unlink()
    (data / "first/t.csv").symlink_to("nowhere")
    assert not loaded(data).is_same(before)


# Rows that differ by themselves


def test_a_table_that_reads_itself_varies(root: Path) -> None:
    assert model(root).varies is None
    in_query("where", "union select a, b\nfrom first.t where")(root)
    assert model(root).varies == "`first.t` itself in line 2"


def test_it_comes_from_the_cache_too(root: Path, tmp_path: Path) -> None:
    in_query("a > 1", "a > random()")(root)
    parsed = model(root, tmp_path / "kept")
    assert parsed.varies == "`random()` in line 1"
    assert model(root, tmp_path / "kept") == parsed


# Small things


def test_the_release_is_that_of_the_parser() -> None:
    assert parser_release() == version("sqlglot")


def test_as_text_and_back() -> None:
    written = CodeVersion(hash_parts(["a"]), hash_parts(["b"]), "30.30.0")
    assert CodeVersion.parse(str(written)) == written
    assert len(written.semantic) == 16


def test_no_two_lists_have_one_hash() -> None:
    lists = [[], [""], ["", ""], ["a", "b"], ["ab"], ["a1:b"], ["a", "1:b"], ["1:a"], ["é"], ["\udcff"]]
    assert len({hash_parts(parts) for parts in lists}) == len(lists)


def test_modules_beside_a_script_count_as_far_as_it_imports_them(root: Path) -> None:
    folder = root / "first"
    (folder / "t - 1h.sql").write_text("create table first.t (a int)")
    (folder / "t_select.sql").write_text("select 1 as a")
    (folder / "t.py").write_text("import csv, pandas\n\ndef process(df):\n    from _own import helped\n    return df\n")
    write(folder / "_own/__init__.py", "")
    write(folder / "_own/helped.py", "from . import deep\nfrom .. import nothing\nfrom .circle import *\n")
    write(folder / "_own/deep.py", "import _flat\n")
    write(folder / "_own/circle.py", "import _own.helped\n")
    write(folder / "_own/unread.py", "x = 1\n")
    write(folder / "_flat.py", "x = 1\n")
    write(folder / "_other.py", "x = 1\n")
    write(root / "_flat.py", "x = 1\n")
    state = loaded(root)
    for path in ("first/_own/unread.py", "first/_other.py", "_flat.py"):
        write(root / path, "x = 2\n")
        assert loaded(root).is_same(state), path
    for path in ("__init__.py", "helped.py", "deep.py", "circle.py", "../_flat.py"):
        file = folder / "_own" / path
        file.write_text(file.read_text() + "x = 2\n")
        assert not loaded(root).is_same(state), path
        state = loaded(root)
    write(folder / "pandas.py", "x = 1\n")  # hides the package of that name
    assert not loaded(root).is_same(state)
    state = loaded(root)
    (folder / "_flat.py").write_text("no python (")
    assert not loaded(root).is_same(state)


def test_modules_are_looked_at_again_although_the_script_is_in_the_cache(root: Path, tmp_path: Path) -> None:
    folder = root / "first"
    (folder / "t - 1h.sql").write_text("create table first.t (a int)")
    (folder / "t_select.sql").write_text("select 1 as a")
    (folder / "t.py").write_text("import _own\n")
    state = loaded(root, tmp_path / "cache")
    assert loaded(root, tmp_path / "cache").is_same(state)
    write(folder / "_own.py", "x = 1\n")
    with_module = loaded(root, tmp_path / "cache")
    assert not with_module.is_same(state)
    write(folder / "_own.py", "x = 22\n")
    assert not loaded(root, tmp_path / "cache").is_same(with_module)
