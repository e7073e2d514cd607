"""Files that are uploaded: the table and the folder change together, or neither does."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.client import connect
from sqlmat_assets.errors import CheckFailedError, UsageError
from sqlmat_assets_tests.client.conftest import Place

ROME = "city,country\nRome,Italy\n"


def test_table_and_folder_have_the_new_rows_and_the_instance_knows(place: Place, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text(ROME)
    raw = place.connect().table("first.cities_raw")
    before = raw.built_at
    assert raw.upload(tmp_path / "new.csv").to_arrow().to_pylist() == [{"city": "Rome", "country": "Italy"}]
    assert (place.project / "first" / "cities_raw.csv").read_text() == ROME
    after = raw.built_at
    assert before is not None
    assert after is not None
    assert after > before
    assert place.build() == 0
    assert place.connect().table("first.cities").to_pandas()["city"].tolist() == ["Rome"]


def test_checks_that_fail_leave_both_as_they_were(place: Place, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("city,country\n'',Italy\n".replace("''", '""'))
    file = place.project / "first" / "cities_raw.csv"
    before, names = file.read_text(), sorted(each.name for each in file.parent.iterdir())
    raw = place.connect().table("first.cities_raw")
    with pytest.raises(CheckFailedError, match="`has_name`") as caught:
        raw.upload(tmp_path / "bad.csv")
    assert "`first.cities_raw` still holds its previous rows" in str(caught.value)
    assert raw.to_arrow().num_rows == 2
    assert (file.read_text(), sorted(each.name for each in file.parent.iterdir())) == (before, names)


def test_a_table_that_is_new(place: Place, tmp_path: Path) -> None:
    (tmp_path / "rivers.ndjson").write_text('{"river": "Tiber"}\n')
    rivers = place.connect().table("geography.rivers").upload(tmp_path / "rivers.ndjson")
    assert rivers.to_arrow().to_pylist() == [{"river": "Tiber"}]
    assert (place.project / "geography" / "rivers.ndjson").exists()
    assert place.connect().table("geography.rivers").is_fresh


def test_what_cannot_be_uploaded(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("new.csv").write_text(ROME)
    Path("new.parquet").write_text("")
    Path("new.xlsx").write_text("")
    client, warehouse = place.connect(), f"duckdb:///{place.folder / 'sqlmat.duckdb'}"
    asked = (
        (connect(warehouse=warehouse).table("first.cities_raw"), "new.csv"),
        (client.table("first.cities_raw"), "none.csv"),
        (client.table("first.cities_raw"), "new.xlsx"),
        (client.table("first.cities_raw"), "new.parquet"),
        (client.table("first.cities"), "new.csv"),
    )
    said: list[str] = []
    for table, file in asked:
        with pytest.raises(UsageError) as caught:
            table.upload(file)
        said.append(str(caught.value))
    assert said == [
        "a file is uploaded into a project, and there is none here\n"
        "  hint: set `SQLMAT_PROJECT` to its folder, or call `connect(project=…)`",
        "there is no file `none.csv`",
        "`new.xlsx` is no data file\n  hint: its ending has to be .csv, .parquet, .ndjson",
        "`first.cities_raw` is `first/cities_raw.csv`\n  hint: upload a `.csv` file, or remove that one first",
        "the rows of `first.cities` come from `first/cities - 24h.sql` (query)\n"
        "  hint: upload what that reads, or name another table",
    ]


def test_who_tries_something_in_an_environment_uploads_nothing(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQLMAT_ENV", "joan")
    (tmp_path / "new.csv").write_text(ROME)
    raw = place.connect().table("first.cities_raw")
    with pytest.raises(UsageError) as caught:
        raw.upload(tmp_path / "new.csv")
    assert str(caught.value) == (
        "`SQLMAT_ENV` is `joan`, and an upload replaces rows of production\n"
        "  hint: unset it, or put the file into the project folder and call `sqlmat build`"
    )
    assert raw.to_arrow().num_rows == 2
