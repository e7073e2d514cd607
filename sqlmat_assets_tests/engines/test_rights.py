"""What docs/postgresql.md says that a user needs is enough, and no more than that."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from sqlmat_assets_tests.cli.running import Run
from sqlmat_assets_tests.engines.engine import Engine
from sqlmat_assets_tests.engines.projects import GEOGRAPHY, write_project

PAGE = Path(__file__).parents[2] / "docs" / "postgresql.md"
BUILD = ("build", "--no-record", "--warehouse")
SOURCE = {"first/sold - 24h.sql": "select count(*) as sold from shop.orders\n"}


def granted_on_the_page() -> list[str]:
    found = re.search(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return [each.strip() for each in found.group(1).split(";") if each.strip()]


@pytest.fixture
def sql(tmp_path: Path, postgres: Engine) -> Path:
    """A project that reads a table which somebody else has in the same database."""
    postgres.ask("create schema shop")
    postgres.ask("create table shop.orders as select 1 as id")
    return write_project(tmp_path, postgres, GEOGRAPHY | SOURCE)


def test_the_rights_on_the_page_are_enough(sql: Path, postgres: Engine, run: Run) -> None:
    database = postgres.url.rpartition("/")[2]
    # Nothing but what the page gives.
    postgres.ask(f"revoke all on database {database} from public")
    user = f"u_{database}"
    try:
        statements = granted_on_the_page()
        assert len(statements) == 4
        for statement in statements:
            postgres.ask(statement.replace("DATABASE sales", f"DATABASE {database}").replace("sqlmat", user))
        url = postgres.url.replace("dev:", f"{user}:")
        for _ in range(2):
            done = run(*BUILD, url)
            assert done.returncode == 0, done.stdout + done.stderr
            (sql / "first/cities_raw.csv").write_text("city,country\nParis,France\nOslo,Norway\n")
        assert postgres.ask("select sold from first.sold") == [(1,)]
        assert postgres.ask("select count(*) from first.cities") == [(2,)]
        assert run("env", "list", "--warehouse", url).returncode == 0
        assert run("undo", "first.cities", "--warehouse", url).returncode == 0
        assert postgres.ask("select count(*) from first.cities") == [(3,)]
        # One right less, and the build says which.
        postgres.ask(f"revoke select on shop.orders from {user}")
        refused = run(*BUILD, url, "-s", "first.sold")
        assert refused.returncode == 1
        assert "permission denied for table orders" in refused.stdout
        assert "`first.sold` still holds its previous rows" in refused.stdout
    finally:
        with psycopg.connect(postgres.label, autocommit=True) as connection:
            connection.execute(f"drop owned by {user} cascade".encode())
            connection.execute(f"drop role {user}".encode())
