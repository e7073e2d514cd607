"""Redshift: a project that is built by `sqlmat build`, as people do it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets_tests.cli.running import SQLMAT
from sqlmat_assets_tests.folders import write_files
from sqlmat_assets_tests.redshift.clients import ask
from sqlmat_assets_tests.redshift.cluster import PASSWORD
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift

Ran = Callable[..., str]
CITIES = "first/cities - 24h.sql"
FILES = {
    "global.conf": "dialect = redshift\n",
    "first/raw.csv": "City,Country\nParis,France\nRome,\n",
    CITIES: "-- unique: city\nselect City, country, true as is_big, 1 as version from first.Raw\n",
    "first/cities_test.sql": "select count(*) = 2 as both, max(version) > 0 as positive from first.cities\n",
    "first/seen.sql": "-- mode: view\nselect city, version from first.cities\n",
}


class TestBuild(OnRedshift):
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return write_files(tmp_path / "sql", FILES)

    @pytest.fixture
    def ran(self, folder: Path, redshift_url: str) -> Ran:
        keys = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}

        def run(*arguments: str, code: int = 0) -> str:
            done = subprocess.run(
                [SQLMAT, *arguments],
                cwd=folder.parent,
                env={**os.environ, **keys, "SQLMAT_WAREHOUSE": redshift_url},
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            said = done.stdout + done.stderr
            assert done.returncode == code, said
            assert PASSWORD not in said
            return said

        return run

    @pytest.mark.slow
    def test_tables_are_created_checked_and_swapped(self, folder: Path, ran: Ran, client: Any) -> None:
        assert "3 published in " in ran("build", "--no-record")
        assert ask(client, "SELECT * FROM first.cities ORDER BY 1") == [
            ("Paris", "France", True, 1),
            ("Rome", None, True, 1),
        ]
        write_files(folder, {CITIES: "select city, country, true as is_big, 2 as version from first.raw\n"})
        ran("build", "--no-record")
        assert ask(client, "SELECT DISTINCT version FROM first.seen") == [(2,)]
        write_files(folder, {CITIES: "select city, 3 as version from first.raw limit 1\n"})
        said = ran("build", "--no-record", code=1)
        assert "both" in said
        assert ask(client, "SELECT DISTINCT version FROM first.seen") == [(2,)]
        assert ask(client, "SELECT relname FROM pg_class WHERE relname LIKE '%sqlmat\\\\_%'") == []
