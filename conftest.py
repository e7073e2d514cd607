"""A small project that is built: where the examples in docstrings of the client run, and its tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from _pytest.doctest import DoctestItem

FILES = {
    "sql/first/cities_raw.csv": "city,country\nParis,France\nOttawa,Canada\n",
    "sql/first/cities_raw_test.sql": "select city <> '' as has_name from first.cities_raw;\n",
    "sql/first/cities - 24h.sql": (
        "-- Every capital.\nselect\n    city, -- its name\n    country -- where it is\nfrom first.cities_raw\n"
    ),
}


@pytest.fixture(scope="session")
def built_example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder with its warehouse and its instance."""
    from sqlmat_assets.cli import GOOD, run

    folder = tmp_path_factory.mktemp("example")
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SQLMAT_WAREHOUSE", "SQLMAT_PROJECT", "SQLMAT_UI", "SQLMAT_ENV", "DAGSTER_HOME"):
            patch.delenv(name, raising=False)
        if run(["build", str(folder / "sql")]) != GOOD:
            pytest.fail("the example of the client does not build")
    return folder


@pytest.fixture(autouse=True)
def in_example(request: pytest.FixtureRequest) -> None:
    """Run the examples of the client in a copy of that project."""
    item = request.node
    if isinstance(item, DoctestItem) and item.name.startswith("sqlmat_assets.client"):
        patch: pytest.MonkeyPatch = request.getfixturevalue("monkeypatch")
        here = request.getfixturevalue("tmp_path") / "example"
        shutil.copytree(request.getfixturevalue("built_example"), here)
        for name in ("SQLMAT_WAREHOUSE", "SQLMAT_PROJECT", "SQLMAT_UI", "SQLMAT_ENV", "DAGSTER_HOME"):
            patch.delenv(name, raising=False)
        patch.chdir(here)
