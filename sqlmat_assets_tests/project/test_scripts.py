"""Scripts and their requirements, read without running or installing anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import DeclaredColumn
from sqlmat_assets.project.scripts import parse_requirements, parse_script
from sqlmat_assets.relation import Relation


@pytest.mark.parametrize(
    ("text", "takes_frame"),
    [
        ("import sys\nprint(sys.argv)", False),
        ("def process(df):\n    return df", True),
        ("def process(df, more=1):\n    return df", True),
        ("def process(*frames, strict=True):\n    return frames[0]", True),
        ("class A:\n    def process(self, df):\n        return df", False),
        ("def main():\n    def process(df): ...", False),
        ("# def process(df):\nprocess = 1", False),
        ("", False),
    ],
)
def test_the_syntax_tells_how_a_script_is_called(text: str, takes_frame: bool) -> None:
    parsed = parse_script(text, "first/t.py")
    assert parsed.takes_frame is takes_frame
    assert parsed.problems == ()


@pytest.mark.parametrize(
    "signature", ["def process()", "def process(a, b)", "def process(a, *, b)", "async def process(df)"]
)
def test_process_takes_the_rows_and_nothing_else(signature: str) -> None:
    (problem,) = parse_script(f"import os\n{signature}:\n    return 1\n", "first/t.py").problems
    assert str(problem) == (
        "first/t.py:2:1: `process` has to take the rows as its one argument\n"
        "  hint: write `def process(df):`, or give the function another name"
    )


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ("import sys\nprint(sys.argv[1]\n", "2:6", "'(' was never closed"),
        ("x = 1\ny = = 2\n", "2:5", "invalid syntax"),
        ("x = '\\0'\0", "1:1", "source code string cannot contain null bytes"),
    ],
)
def test_what_is_no_python(text: str, place: str, what: str) -> None:
    (problem,) = parse_script(text, "first/t.py").problems
    assert str(problem) == (
        f"first/t.py:{place}: this is no Python: {what}\n  hint: mend it, then run `python -m py_compile` on the file"
    )


def test_a_matter_of_style_is_no_problem() -> None:
    assert parse_script("x = '\\d'\nassert (1, 'x')\n", "first/t.py").problems == ()


@pytest.mark.parametrize(
    ("text", "packages"),
    [
        ("", ()),
        ("# none\n\n", ()),
        ("pandas\nPyArrow>=18,<30 # fast\n", ("pandas", "pyarrow")),
        ("scikit_learn[all]==1.5; python_version > '3.10'", ("scikit-learn",)),
        ("requests==2.32.0 \\\n  --hash=sha256:abc \\\n  --hash=sha256:def\nx", ("requests", "x")),
        ("--index-url https://u:${TOKEN}@x.org/simple\n-f wheels\nx", ("x",)),
        ("greetings @ https://x.org/greetings-1.0.zip#sha256=1", ("greetings",)),
        ("./wheels/greetings-1.0-py3-none-any.whl", ("greetings",)),
        ("git+https://x.org/a.git@main", ("",)),
        ("https://x.org/a.zip", ("",)),
    ],
)
def test_requirements(text: str, packages: tuple[str, ...]) -> None:
    parsed = parse_requirements(text, "first/t_requirements.txt")
    assert (parsed.packages, parsed.problems) == (packages, ())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "pandas\n\npandas >== 2\n",
            "3:1: `pandas >== 2` is no requirement\n  hint: write a package and its versions, such as `pandas>=2,<4`",
        ),
        (
            "import pandas",
            "1:1: `import pandas` is no requirement\n  hint: write a package and its versions, such as `pandas>=2,<4`",
        ),
        (
            "-r base.txt",
            "1:1: `-r` names files whose changes would not be seen\n"
            "  hint: write the packages themselves into this file",
        ),
        (
            "x\n--constraint=base.txt",
            "2:1: `--constraint` names files whose changes would not be seen\n"
            "  hint: write the packages themselves into this file",
        ),
    ],
)
def test_requirements_that_cannot_be(text: str, problem: str) -> None:
    (found,) = parse_requirements(text, "first/t_requirements.txt").problems
    assert str(found) == f"first/t_requirements.txt:{problem}"


# What is found in a folder


def a_folder(root: Path, definition: str, script: str = "", requirements: str = "") -> Path:
    folder = root / "first"
    folder.mkdir(parents=True)
    (folder / "t - 1h.sql").write_text(definition)
    (folder / "t_select.sql").write_text("select 1 as a")
    (folder / "t.py").write_text(script)
    (folder / "t_requirements.txt").write_text(requirements)
    return root


def test_problems_of_all_parts_are_found(tmp_path: Path) -> None:
    project = load_project(a_folder(tmp_path, "create table first.t (a int)", "def", "a b"))
    model = project.models[Relation("first", "t")]
    assert model.is_quarantined
    assert [(problem.path, problem.line) for problem in model.problems] == [
        ("first/t.py", 1),
        ("first/t_requirements.txt", 1),
    ]


def test_a_definition_that_is_none(tmp_path: Path) -> None:
    project = load_project(a_folder(tmp_path, "create table first.t (a int"))
    assert [str(problem) for problem in project.problems] == [
        "first/t - 1h.sql:1:1: the columns that the script returns cannot be read here\n"
        "  hint: write one CREATE TABLE statement with types: `create table first.cities (id bigint, name text)`"
    ]


def test_what_the_definition_declares(tmp_path: Path) -> None:
    definition = (
        "-- Countries.\ncreate table if not exists first.t (\n"
        "  id bigint not null, -- the key\n  \"Name\" varchar(10) null, /* in English */\n  kind enum('ABC', 'b')\n)"
    )
    project = load_project(a_folder(tmp_path, definition))
    model = project.models[Relation("first", "t")]
    assert model.processor is not None
    assert model.processor.columns == (
        DeclaredColumn("id", "BIGINT", True, "the key"),
        DeclaredColumn("Name", "TEXT", False, "in English"),
        DeclaredColumn("kind", "ENUM('ABC', 'b')"),
    )
    assert model.description == "Countries."
    assert [(column.name, column.description) for column in model.columns] == [
        ("id", "the key"),
        ("Name", "in English"),
        ("kind", None),
    ]
    assert project.problems == ()


def test_what_is_not_put_on_the_table_is_said(tmp_path: Path) -> None:
    definition = (
        "create table first.t (a int not null primary key, b text default 'ABC', c int check (c > 0), unique (a, b))"
    )
    project = load_project(a_folder(tmp_path, definition))
    assert all(problem.is_warning for problem in project.problems)
    assert sorted(problem.what for problem in project.problems) == [
        "`CHECK (c > 0)` is not put on the table",
        "`DEFAULT 'ABC'` is not put on the table",
        "`PRIMARY KEY` is not put on the table",
        "`UNIQUE (a, b)` is not put on the table",
    ]
    assert {problem.hint for problem in project.problems} == {
        "set `unique`, `not_null` or another setting that says the same, or write a check; NOT NULL is kept"
    }


def test_a_column_declared_twice(tmp_path: Path) -> None:
    project = load_project(a_folder(tmp_path, "create table first.t (a int, A text)"))
    assert [str(problem) for problem in project.problems] == [
        "first/t - 1h.sql:1:1: the column `A` is declared twice\n  hint: remove one of the two"
    ]
