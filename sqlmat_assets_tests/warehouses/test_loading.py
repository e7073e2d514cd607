"""Files with declared columns: read whole, or an error that names the file and the line."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pytest
from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.source_files import Constant, Contents, SourceFile

TARGET = Relation("first", "trips")
COLUMNS = (("id", "bigint"), ("at", "timestamp"), ("note", "varchar"))
HEADER = "id,at,note\n"
GOOD = "1,2019-01-01 10:00:00,x\n2,,\n"


def write(path: Path, content: str | bytes) -> Path:
    data = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def load(
    folder: Path, files: Sequence[SourceFile], columns: Sequence[tuple[str, str]] = COLUMNS
) -> list[tuple[object, ...]]:
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    with warehouse.open_session() as session:
        session.execute(statements.create_schema("first"))
        rows = session.load_files(TARGET, files, Contents.of(columns)).rows
        found = session.fetch_rows(exp.select("*").from_(statements.table(TARGET)).order_by("1"))
    assert rows == len(found.rows)
    assert [(column.name, column.type.lower()) for column in found.columns][: len(columns)] == list(columns)
    return [tuple(str(value) if value is not None else None for value in row) for row in found.rows]


def refused(folder: Path, files: Sequence[SourceFile], columns: Sequence[tuple[str, str]] = COLUMNS) -> str:
    with pytest.raises(TerminalWarehouseError) as caught:
        load(folder, files, columns)
    with DuckDBWarehouse(folder / "warehouse.duckdb").open_session() as session:
        assert session.fetch_columns(TARGET) == ()
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_csv(tmp_path: Path, name: str) -> None:
    file = SourceFile(write(tmp_path / name, HEADER + GOOD))
    assert load(tmp_path, [file]) == [("1", "2019-01-01 10:00:00", "x"), ("2", None, None)]


def test_columns_are_matched_by_their_names(tmp_path: Path) -> None:
    file = SourceFile(write(tmp_path / "a.csv", 'NOTE;"at";id\n"x;\ny";2019-01-01;7\n'))
    assert load(tmp_path, [file]) == [("7", "2019-01-01 00:00:00", "x;\ny")]


def test_many_files_are_one_table(tmp_path: Path) -> None:
    files = [
        SourceFile(write(tmp_path / f"{n}.csv", f"{HEADER}{n},,\n"), (Constant("day", "date", f"2019-01-{n:02}"),))
        for n in range(1, 8)
    ]
    assert load(tmp_path, files) == [(str(n), None, None, f"2019-01-{n:02}") for n in range(1, 8)]


def test_ndjson_takes_what_is_declared(tmp_path: Path) -> None:
    text = '{"at":"2019-01-01T00:00:00","id":1,"other":[1]}\n{"id":2,"note":"y"}\n'
    file = SourceFile(write(tmp_path / "a.ndjson.gz", text))
    assert load(tmp_path, [file]) == [("1", "2019-01-01 00:00:00", None), ("2", None, "y")]


def write_parquet(path: Path, query: str) -> Path:
    duckdb.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def test_parquet(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", "SELECT 'x' AS note, '5' AS id, NULL::DATE AS at")
    assert load(tmp_path, [SourceFile(path)]) == [("5", None, "x")]


BAD = {
    "a value of another type": (
        "b.csv.gz",
        HEADER + GOOD + '3,,"x\ny"\nseven,,\n',
        "b.csv.gz:6: `seven` in the column `id` is no `BIGINT`\n"
        "  hint: write a value of that type, or declare another type for `id`",
    ),
    "a moment of another form": (
        "b.csv",
        HEADER + "1,31/12/2019,\n",
        "b.csv:2: `31/12/2019` in the column `at` is no `TIMESTAMP`\n"
        "  hint: write a value of that type, or declare another type for `at`",
    ),
    "too few values": (
        "b.csv.gz",
        HEADER + GOOD + "3,\n",
        "b.csv.gz:4: 2 values, and the header names 3 columns\n  hint: write every value, an empty one too",
    ),
    "no UTF-8": (
        "b.csv.gz",
        HEADER.encode() + b"1,,caf\xe9\n",
        "b.csv.gz:2: the line is not UTF-8\n  hint: save the file as UTF-8",
    ),
    "a column too few": (
        "b.csv.gz",
        "id,note\n1,x\n",
        "b.csv.gz: there is no column `at`, which `columns` declares\n  hint: its columns are `id`, `note`",
    ),
    "a column too many": (
        "b.csv",
        "id,at,note,tip\n1,,,2\n",
        "b.csv: there is a column `tip`, which `columns` does not declare\n  hint: declare it with its type",
    ),
    "an empty file": (
        "b.csv.gz",
        "",
        "b.csv.gz: the file is empty\n  hint: write the names of the columns, or remove the file",
    ),
    "a line that is no object": (
        "b.ndjson.gz",
        '{"id":1}\n[2]\n',
        "b.ndjson.gz:2: the line is no JSON object\n"
        "  hint: write one object per line, without brackets or commas around",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_with_one_of_several_files(tmp_path: Path, case: str) -> None:
    name, content, message = BAD[case]
    files = [SourceFile(write(tmp_path / "a.csv", HEADER + GOOD)), SourceFile(write(tmp_path / name, content))]
    assert refused(tmp_path, files) == message


def test_a_json_value_of_another_type(tmp_path: Path) -> None:
    files = [
        SourceFile(write(tmp_path / "a.ndjson", '{"id":1}\n')),
        SourceFile(write(tmp_path / "b.ndjson", '{"id":1}\n{"id":"x"}\n')),
    ]
    assert refused(tmp_path, files) == (
        'b.ndjson:2: `"x"` in the column `id` is no `BIGINT`\n'
        "  hint: write a value of that type, or declare another type for `id`"
    )


def test_a_compressed_file_that_was_cut_off(tmp_path: Path) -> None:
    whole = write(tmp_path / "whole.csv.gz", HEADER + "".join(f"{n},,{n * 7919 % 1000}\n" for n in range(20_000)))
    content = whole.read_bytes()
    file = tmp_path / "b.csv.gz"
    file.write_bytes(content[: len(content) // 2])
    assert refused(tmp_path, [SourceFile(whole), SourceFile(file)]) == (
        "b.csv.gz: cannot be unpacked: Compressed file ended before the end-of-stream marker was reached\n"
        "  hint: fetch the file again, it is damaged or cut off"
    )


def test_a_file_that_is_not_compressed(tmp_path: Path) -> None:
    file = tmp_path / "b.csv.gz"
    file.write_text(HEADER + GOOD)
    assert "b.csv.gz: cannot be unpacked: Not a gzipped file" in refused(tmp_path, [SourceFile(file)])


def test_parquet_with_another_column(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet", "SELECT 'x' AS note, '5' AS id, NULL::DATE AS at, 1 AS tip")
    assert refused(tmp_path, [SourceFile(path)]).startswith("a.parquet: there is a column `tip`")


def test_a_thousand_files_are_one_statement(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", HEADER + GOOD)
    files = [SourceFile(path)] * 1000
    assert len(load(tmp_path, files)) == 2000
    assert len(DuckDBWarehouse(tmp_path / "w").render_load_files(TARGET, files, Contents.of(COLUMNS))) == 1


def test_a_star_in_a_name_is_a_star(tmp_path: Path) -> None:
    write(tmp_path / "axb.csv", HEADER + "1,,\n")
    assert load(tmp_path, [SourceFile(write(tmp_path / "a*b.csv", HEADER + "2,,\n"))]) == [("2", None, None)]
