"""What is said of environments, word for word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from sqlmat_assets.errors import UsageError, environments
from sqlmat_assets.execution.environment import Environment, find_environment
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets_tests.tables import a_project, a_table

CITIES = a_table("SELECT 1 AS id")


@pytest.mark.parametrize(("typed", "name"), [("dev", "dev"), (" Joan ", "joan"), ("PR_12", "pr_12"), ("7", "7")])
def test_names_have_small_letters(typed: str, name: str) -> None:
    assert find_environment(typed, a_project(CITIES), DUCKDB) == Environment(name)


@pytest.mark.parametrize("typed", [None, "", "  "])
def test_without_a_name_it_is_production(typed: str | None) -> None:
    assert find_environment(typed, a_project(CITIES), DUCKDB) is None


@pytest.mark.parametrize("typed", ["a__b", "_a", "a_", "feature-1", "a b", "é", "a.b", "../x", "x" * 41, "a\nb"])
def test_what_cannot_be_part_of_a_schema_or_of_a_path_is_no_name(typed: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_environment(typed, a_project(CITIES), DUCKDB)
    assert str(raised.value) == (
        f"`{typed}` cannot be the name of an environment\n"
        "  hint: write letters and digits, with single underscores between them, such as `joan` or `pr_12`"
    )


@pytest.mark.parametrize("typed", ["prod", "PRODUCTION"])
def test_production_is_built_without_a_name(typed: str) -> None:
    with pytest.raises(UsageError) as raised:
        find_environment(typed, a_project(CITIES), DUCKDB)
    assert str(raised.value) == (
        f"`{typed.lower()}` cannot be the name of an environment\n"
        "  hint: leave out `--env` and `SQLMAT_ENV` to build what everybody reads, or take another name"
    )


def test_a_schema_that_is_too_long_is_refused_by_its_bytes() -> None:
    short = replace(DUCKDB, max_identifier_bytes=10)
    assert find_environment("dev", a_project(CITIES), short) == Environment("dev")
    with pytest.raises(UsageError) as raised:
        find_environment("devs", a_project(CITIES), short)
    assert str(raised.value) == (
        "the schema `first__devs` of the environment is too long a name for duckdb, which takes 10 bytes\n"
        "  hint: take a shorter name"
    )
    with pytest.raises(UsageError):
        find_environment("dev", a_project(a_table("SELECT 1", name="fürst.x"), CITIES), short)


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (a_table("SELECT 1", name="First__dev.x"), "First__dev/x.sql"),
        (a_table("SELECT 1", name="z.x", sources=(Relation("first__dev", "y"),)), "z/x.sql"),
    ],
)
def test_a_schema_that_the_project_builds_or_reads_is_refused(other: object, says: str) -> None:
    project = a_project(CITIES, other)  # type: ignore[arg-type] - each is one
    with pytest.raises(UsageError) as raised:
        find_environment("dev", project, None)
    assert str(raised.value) == (
        f"the environment `dev` would be built in `first__dev`, which `{says}` uses\n  hint: take another name"
    )
    assert find_environment("joan", project, None) == Environment("joan")


@pytest.mark.parametrize(
    ("say", "text"),
    [
        (
            lambda: environments.is_another("first__dev.x", "dev"),
            "`first__dev.x` is a table of the environment `dev`\n  hint: rename the schema, or drop that table",
        ),
        (
            lambda: environments.is_another("first__dev.x", None),
            "`first__dev.x` is a table of production\n  hint: rename the schema, or drop that table",
        ),
        (
            lambda: str(environments.is_open("dev", "http://127.0.0.1:3000")),
            "`sqlmat dev --env dev` runs: http://127.0.0.1:3000\n  hint: end it first",
        ),
        (
            lambda: environments.changed_meanwhile("dev"),
            "the environment `dev` is being built by somebody else at this moment; nothing is dropped\n"
            "  hint: wait for that",
        ),
        (
            lambda: environments.folder_stays("/x", "Permission denied"),
            "warning: the folder `/x` cannot be removed: Permission denied",
        ),
    ],
)
def test_what_is_said(say: Callable[[], str], text: str) -> None:
    assert say() == text
