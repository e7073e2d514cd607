"""Redshift: objects of S3 that the cluster reads by itself."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets_tests.connectors.fixtures import S3Bucket, s3_bucket
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift

COLUMNS = "columns:\n  id: bigint\n  name: varchar(9)\n"

__all__ = ["s3_bucket"]


class TestObjects(OnRedshift):
    @pytest.fixture
    def project(self, tmp_path: Path, s3_bucket: S3Bucket, warehouse: Warehouse) -> Generator[LoadProject]:
        del s3_bucket  # which sets the environment
        yield LoadProject(tmp_path, f"files: s3://nobody/*.csv\n{COLUMNS}", warehouse=warehouse)
        # Nothing has come through this machine.
        assert not (tmp_path / ".sqlmat" / "loading").exists()

    def write(
        self, project: LoadProject, bucket: S3Bucket, pattern: str, more: str = "", columns: str = COLUMNS
    ) -> None:
        project.write(f"files: s3://{bucket.name}/{pattern}\n{more}{columns}")

    def test_csv_by_the_names_of_its_columns(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        s3_bucket.put("ev/a.csv", "id,name\n1,x\n2,\n")
        s3_bucket.put("ev/b.csv", 'Name;id\n"y;z";3\n')
        s3_bucket.put("ev/c.csv.gz", gzip.compress(b"id,name\n4,w\n"))
        s3_bucket.put("ev_old/d.csv", "id,name\n5,v\n")
        self.write(project, s3_bucket, "ev/*.csv")
        last = project.published()
        assert project.rows() == [(1, "x"), (2, None), (3, "y;z")]
        assert last.statement.count("MANIFEST FORMAT AS CSV") == 2
        assert "testing" not in last.statement

    def test_packed_files(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        s3_bucket.put("ev/c.csv.gz", gzip.compress(b"id,name\n4,w\n"))
        self.write(project, s3_bucket, "ev/*.csv.gz")
        assert "GZIP" in project.published().statement
        assert project.rows() == [(4, "w")]

    def test_a_manifest_tells_only_new_objects(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        s3_bucket.put("ev/a.csv", "id,name\n1,x\n")
        self.write(project, s3_bucket, "ev/*.csv", "strategy: manifest\n")
        project.published()
        assert project.unchanged().statement is None
        s3_bucket.put("ev/b.csv", "id,name\n2,y\n")
        assert project.published().rows == 1
        assert project.rows() == [(1, "x"), (2, "y")]

    def test_values_inside_of_others(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        lines: list[Any] = [{"id": 1, "user": {"na'me": "Joan"}}, {"id": 2}]
        s3_bucket.put("ev/a.ndjson", "".join(json.dumps(line) + "\n" for line in lines))
        self.write(project, s3_bucket, "ev/*.ndjson", columns="columns:\n  id: bigint\n  user: {na'me: varchar(9)}\n")
        assert "FORMAT AS JSON 's3://" in project.published().statement
        assert project.rows() == [(1, "Joan"), (2, None)]

    def test_parquet_by_the_names_of_its_columns(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        out = io.BytesIO()
        parquet.write_table(pa.table({"name": ["x"] * 5000, "id": pa.array(range(5000), pa.int64())}), out)
        s3_bucket.put("ev/a.parquet", out.getvalue())
        self.write(project, s3_bucket, "ev/*.parquet")
        assert project.published().rows == 5000
        assert project.rows("max(id), max(name)") == [(4999, "x")]

    def test_folders_are_filled_in(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        for day in ("2019-01-01", "2019-01-02"):
            s3_bucket.put(f"ev/{day}/a.csv", f"id,name\n{day[-1]},x\n")
        self.write(project, s3_bucket, "ev/{day}/*.csv", "strategy: time_series\nfolder: day\n")
        last = project.published()
        assert project.rows("id, day::varchar") == [(1, "2019-01-01"), (2, "2019-01-02")]
        assert last.statement.count("UPDATE ") == 2

    def test_the_line_of_a_bad_row_is_told(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        url = s3_bucket.put("ev/a.csv", "id,name\n1,x\nseven,y\n")
        self.write(project, s3_bucket, "ev/*.csv")
        assert project.refused() == (
            f"{url}:3: `seven` in the column `id`: Invalid digit, Value 's', Pos 0, Type: Long\n"
            "  hint: write a value of its type, or declare another type for `id`\n`raw.events` was never built"
        )

    def test_some_bad_rows_are_left_out(self, project: LoadProject, s3_bucket: S3Bucket) -> None:
        url = s3_bucket.put("ev/a.csv", "id,name\n1,x\nseven,y\n2,z\n3,much too long\n")
        self.write(project, s3_bucket, "ev/*.csv", "max_bad_rows: 2\n")
        last = project.published()
        assert last.left_out is not None
        assert (last.rows, last.left_out.count) == (2, 2)
        assert last.left_out.first[0].startswith(f"{url}:3: `seven` in the column `id`: Invalid digit")
        s3_bucket.put("ev/a.csv", "id,name\nx,\ny,\nz,\n")
        assert project.refused().splitlines()[0] == "3 rows cannot be read, and `max_bad_rows` is 2:"
        assert project.rows() == [(1, "x"), (2, "z")]

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("id\n1\n", "there is no column `name`, which `columns` declares"),
            ("id,name,more\n", "there is a column `more`, which `columns` does not declare"),
            ("", "the file is empty"),
        ],
    )
    def test_other_columns_are_refused_before_anything_is_loaded(
        self, project: LoadProject, s3_bucket: S3Bucket, content: str, said: str
    ) -> None:
        url = s3_bucket.put("ev/a.csv", content)
        self.write(project, s3_bucket, "ev/*.csv")
        assert project.refused().startswith(f"{url}: {said}")

    def test_an_object_that_changes_while_the_cluster_reads(
        self, project: LoadProject, s3_bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from sqlmat_assets.warehouses.redshift.adapter import RedshiftSession

        url = s3_bucket.put("ev/a.csv", "id,name\n1,x\n")
        self.write(project, s3_bucket, "ev/*.csv")
        load = RedshiftSession.load_objects

        def load_and_write(self: RedshiftSession, *args: Any, **how: Any) -> Any:
            loaded = load(self, *args, **how)
            s3_bucket.put("ev/a.csv", "id,name\n2,x\n")
            return loaded

        monkeypatch.setattr(RedshiftSession, "load_objects", load_and_write)
        assert project.refused().startswith(f"`{url}` was changed while it was read, and nothing was loaded")


class TestFetched(OnRedshift):
    def test_names_of_many_objects_come_through_this_machine(
        self, tmp_path: Path, s3_bucket: S3Bucket, warehouse: Warehouse
    ) -> None:
        for number in range(25):
            s3_bucket.put(f"ev/{number}.csv", f"id,name\n{number},x\n")
        text = f"files: s3://{s3_bucket.name}/ev/*.csv\nfilename: file\n{COLUMNS}"
        project = LoadProject(tmp_path, text, warehouse=warehouse)
        assert project.published().rows == 25
        assert (24, "24.csv") in project.rows("id, file")
        assert (tmp_path / ".sqlmat" / "loading").exists()
