"""DuckDB: the contract, and what is special about a file that one process holds."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pyarrow import parquet
from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError, TransientWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session, Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.files import program_of
from sqlmat_assets_tests.warehouses.contract import TARGET, WarehouseContract, make, values

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "warehouse.duckdb"


class TestDuckDB(WarehouseContract):
    endless_query = "SELECT count(*) FROM range(100000000) AS a, range(100000) AS b"

    @pytest.fixture
    def warehouse(self, path: Path) -> Warehouse:
        return DuckDBWarehouse(path)

    def fetch_comments(self, session: Session, relation: Relation) -> tuple[str | None, dict[str, str | None]]:
        table = exp.select("comment").from_("duckdb_tables()").where(f"table_name = '{relation.name}'")
        columns = (
            exp.select("column_name", "comment").from_("duckdb_columns()").where(f"table_name = '{relation.name}'")
        )
        return session.fetch_rows(table).rows[0][0], dict(session.fetch_rows(columns).rows)

    def test_names_differ_by_case_only_in_looks(self, warehouse: Warehouse) -> None:
        with warehouse.open_session() as session:
            make(session, Relation("First", "CITIES"), "SELECT 1 AS a")
            make(session, Relation("first", "n"), "SELECT 2 AS a")
            with session.transaction():
                session.swap(TARGET, Relation("first", "n"), Relation("first", "o"), "table")
            assert values(session, TARGET) == [(2,)]
            assert session.fetch_kinds("FIRST") == {"cities": "table"}

    def test_parquet_keeps_its_types(self, warehouse: Warehouse, tmp_path: Path) -> None:
        file = tmp_path / "cities.parquet"
        duckdb.sql(f"COPY (SELECT 1::SMALLINT AS id, DATE '2020-02-29' AS day) TO '{file}'")
        with warehouse.open_session() as session:
            session.execute(statements.create_schema("first"))
            assert session.load_file(TARGET, file, ()) == 1
            assert session.fetch_columns(TARGET) == (("id", "SMALLINT"), ("day", "DATE"))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("INTERVAL 1 DAY", "INTERVAL 24 HOUR"),
            ("[INTERVAL 1 MONTH]", "[INTERVAL 30 DAY]"),
            ("{'a': INTERVAL 1 MONTH}", "{'a': INTERVAL 30 DAY}"),
            ("MAP {1: INTERVAL 1 MONTH}", "MAP {1: INTERVAL 30 DAY}"),
            ("'12:00:00+00'::TIMETZ", "'13:00:00+01'::TIMETZ"),
            ("18446744073709551616::HUGEINT", "1::HUGEINT"),
            ("18446744073709551616::UHUGEINT", "1::UHUGEINT"),
            ("18446744073709551616::DECIMAL(38, 0)", "1::DECIMAL(38, 0)"),
            ("'80000000-0000-0000-0000-000000000001'::UUID", "'80000000-0000-0001-0000-000000000000'::UUID"),
            ("[NULL]::INTEGER[]", "[]::INTEGER[]"),
            ("NULL::INTEGER[]", "[]::INTEGER[]"),
            ("[[1], [2]]", "[[1, 2]]"),
            ("['a, b']", "['a', 'b']"),
            ("[NULL]::VARCHAR[]", "['NULL']::VARCHAR[]"),
            ("{'a': NULL}::STRUCT(a INTEGER)", "NULL::STRUCT(a INTEGER)"),
            ("{'a': 1, 'b': NULL}", "{'a': NULL, 'b': 1}"),
            ("MAP {1: 2, 3: 4}", "MAP {1: 4, 3: 2}"),
            ("union_value(a := 1)::UNION(a INTEGER, b INTEGER)", "union_value(b := 1)::UNION(a INTEGER, b INTEGER)"),
            (
                "[union_value(a := 1)::UNION(a INTEGER, b INTEGER)]",
                "[union_value(b := 1)::UNION(a INTEGER, b INTEGER)]",
            ),
            # Before 2.0 a file has no column of this type unless it is asked to.
            *([("1::VARIANT", "'1'::VARIANT")] if duckdb.__version__ >= "2" else []),
            ("[0.0::DOUBLE]", "[-0.0::DOUBLE]"),
            ("0.0::FLOAT", "-0.0::FLOAT"),
            ("'0101'::BIT", "'101'::BIT"),
            ("'a' COLLATE NOCASE", "'A' COLLATE NOCASE"),
            ("'é'", "'e\u0301'"),
            ("''", "chr(0)"),
            ("'\\x00'::BLOB", "''::BLOB"),
            ("'1.0'::JSON", "'1'::JSON"),
            ("'a'::ENUM('a', 'b')", "'b'::ENUM('a', 'b')"),
            ("TIMESTAMP_NS '2020-01-01 00:00:00.000000001'", "TIMESTAMP_NS '2020-01-01 00:00:00'"),
            ("'POINT (0 0)'::GEOMETRY", "'POINT (0 1)'::GEOMETRY"),
        ],
    )
    def test_what_duckdb_takes_for_equal_has_two_fingerprints(self, warehouse: Warehouse, one: str, other: str) -> None:
        with warehouse.open_session() as session:
            assert self.fingerprint(session, f"SELECT {one} AS x") != self.fingerprint(session, f"SELECT {other} AS x")
            # The same value a second time is the same.
            assert self.fingerprint(session, f"SELECT {one} AS x") == self.fingerprint(session, f"SELECT {one} AS x")

    def test_a_fingerprint_of_many_rows_in_another_order(self, warehouse: Warehouse) -> None:
        wide = ", ".join(f"i * {n} AS c{n}" for n in range(40))
        query = f"SELECT {wide}, i / 7 AS d, 'n' || i AS s FROM range(150000) AS t(i)"
        with warehouse.open_session() as session:
            found = self.fingerprint(session, query)
            assert found == self.fingerprint(session, f"{query} ORDER BY hash(i)")
            assert found.startswith("150000-")

    def test_other_files_are_refused(self, warehouse: Warehouse, tmp_path: Path) -> None:
        with warehouse.open_session() as session, pytest.raises(TerminalWarehouseError) as caught:
            session.load_file(TARGET, tmp_path / "cities.xlsx", ())
        assert str(caught.value) == (
            f"`{tmp_path}/cities.xlsx` is no CSV, Parquet or NDJSON file\n"
            "  hint: name it `.csv`, `.parquet` or `.ndjson`"
        )


def run_python(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reader")
print("held", flush=True)
sys.stdin.read()
"""


# Root may write everywhere, so it becomes somebody else, once everything is imported.
OPEN_AS_NOBODY = """
import os, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
try:
    with DuckDBWarehouse(Path(sys.argv[2])).open_session():
        pass
except TerminalWarehouseError as error:
    print(error, end="")
"""


@pytest.mark.reopens
class TestSharing:
    def test_sessions_of_a_process_share_the_file(self, path: Path) -> None:
        with DuckDBWarehouse(path).open_session() as one, DuckDBWarehouse(path).open_session() as other:
            make(one, TARGET, "SELECT 1 AS a")
            assert values(other, TARGET) == [(1,)]

    def test_duckdb_takes_no_more_memory_than_it_may(self, path: Path) -> None:
        warehouse = open_warehouse(f"duckdb://{path}?memory_limit=256MiB")
        with warehouse.open_session() as session, DuckDBWarehouse(path).open_session() as other:
            for each in (session, other):
                asked = statements.verbatim("SELECT current_setting('memory_limit') AS told")
                assert each.fetch_rows(asked).rows == [("256.0 MiB",)]

    def test_the_file_is_free_when_the_last_session_has_ended(self, path: Path) -> None:
        with DuckDBWarehouse(path).open_session() as session:
            make(session, TARGET, "SELECT 1 AS a")
        code = "import duckdb, sys; print(duckdb.connect(sys.argv[1]).execute('FROM first.cities').fetchall())"
        with run_python(code, path) as process:
            assert process.communicate(timeout=60)[0] == "[(1,)]\n"

    @pytest.mark.parametrize("holder", ["writer", "reader"])
    def test_who_holds_the_file_is_named_when_the_wait_is_over(self, path: Path, holder: str) -> None:
        duckdb.connect(path).close()
        with run_python(HOLD, path, holder) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            begun = time.monotonic()
            with (
                pytest.raises(TransientWarehouseError) as caught,
                DuckDBWarehouse(path, timedelta(seconds=0.5)).open_session(),
            ):
                pass
            assert 0.5 <= time.monotonic() - begun < 5
            assert str(caught.value) == (
                f"`{path}` is held by process {process.pid} (`{Path(sys.executable).name}`), waited 0.5s\n"
                "  hint: close it there, or wait longer with `?wait=300`"
            )
            process.communicate("", timeout=60)

    def test_a_file_that_becomes_free_in_time_is_opened(self, path: Path) -> None:
        duckdb.connect(path).close()
        with run_python(HOLD, path, "writer") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            threading.Timer(0.5, process.communicate, ("",)).start()
            with DuckDBWarehouse(path, timedelta(seconds=30)).open_session() as session:
                assert make(session, TARGET, "SELECT 1 AS a") == 1


class TestCannotOpen:
    def message(self, path: Path) -> str:
        with pytest.raises(TerminalWarehouseError) as caught, DuckDBWarehouse(path).open_session():
            pass
        return str(caught.value)

    def test_folder_missing(self, tmp_path: Path) -> None:
        path = tmp_path / "no" / "warehouse.duckdb"
        assert self.message(path) == (
            f'cannot open `{path}`: IO Error: Cannot open file "{path}": No such file or directory\n'
            f"  hint: create the folder `{tmp_path}/no`"
        )

    def test_a_folder_itself(self, tmp_path: Path) -> None:
        assert self.message(tmp_path).endswith("Is a directory\n  hint: name a file in that folder")

    def test_no_database(self, path: Path) -> None:
        path.write_text("id,name\n1,Paris\n" * 1000)
        assert self.message(path) == (
            f'cannot open `{path}`: IO Error: The file "{path}" exists, but it is not a valid DuckDB database file!\n'
            "  hint: name another file, this one is left as it is"
        )
        assert path.read_text().startswith("id,name\n")

    def test_half_a_checkpoint_cannot_be_opened_and_says_what_to_do(self, path: Path) -> None:
        def checkpoint(version: int) -> bytes:
            with duckdb.connect(path) as connection:
                connection.execute(f"CREATE OR REPLACE TABLE t AS SELECT {version} AS version FROM range(1000)")
            return path.read_bytes()

        before, after = [checkpoint(each) for each in range(10)][-2:]
        first = 3 * 4096  # behind the three headers
        assert before[first : first + 4096] != after[first : first + 4096]
        path.write_bytes(before[:first] + after[first : first + 4096] + before[first + 4096 :])
        told, hint = self.message(path).splitlines()
        assert "Corrupt database file" in told
        assert f"block at location {first}" in told
        assert hint == "  hint: put back a copy of the file, or move it away together with its `.wal` and build again"
        path.write_bytes(before)
        with duckdb.connect(path) as connection:
            assert connection.execute("SELECT DISTINCT version FROM t").fetchall() == [(8,)]

    def test_folder_not_writable(self) -> None:
        # Not below pytest's own folder, into which another user may not even look.
        with tempfile.TemporaryDirectory() as folder:
            Path(folder).chmod(0o555)
            path = Path(folder, "warehouse.duckdb")
            with run_python(OPEN_AS_NOBODY, ROOT, path) as process:
                message = process.communicate(timeout=60)[0]
            assert message.endswith(f"Permission denied\n  hint: allow this user to write to `{folder}`")

    def test_a_file_of_a_later_version(self, path: Path) -> None:
        duckdb.connect(path).close()
        content = bytearray(path.read_bytes())
        # The version is the little-endian number after the checksum and the word DUCK.
        content[12:20] = (4000).to_bytes(8, "little")
        path.write_bytes(content)
        assert "version" in self.message(path)


@pytest.mark.parametrize(
    ("words", "program"),
    [
        (["/usr/local/bin/duckdb", "w.duckdb", "--password=hunter2", ""], "duckdb"),
        (["python", "/home/me/load.py", "--password=hunter2"], "load.py"),
        (["/opt/venv/bin/python3.11", "/opt/venv/bin/dagster", "dev"], "dagster"),
        (["python3", "-X", "dev", "-W", "error", "-B", "-m", "dagster", "--token=hunter2"], "dagster"),
        (["python3.12", "-c", "password = 'hunter2'"], "python3.12"),
        (["python3", ""], "python3"),
        (["python3", "-m"], "python3"),
        (["worker: password=hunter2"], "worker:"),
        ([""], ""),
        ([], ""),
    ],
)
def test_a_command_line_tells_its_program_only(words: list[str], program: str) -> None:
    assert program_of(words) == program


def test_types_that_files_do_not_have(tmp_path: Path) -> None:
    query = (
        "SELECT sum(1) AS h, 1::UHUGEINT AS u, INTERVAL 1 DAY AS i, '101'::BIT AS b, '10:00:00+01'::TIMETZ AS t, "
        "'00000000-0000-0000-0000-000000000001'::UUID AS id, '{}'::JSON AS j, 'a;b' AS \"a b\""
    )
    with DuckDBWarehouse(tmp_path / "w").open_session() as session:
        session.unload(query, tmp_path / "it's.parquet")
    (row,) = parquet.read_table(tmp_path / "it's.parquet").to_pylist()
    assert row == {
        "h": Decimal(1),
        "u": Decimal(1),
        "i": "1 day",
        "b": "101",
        "t": "10:00:00+01",
        "id": "00000000-0000-0000-0000-000000000001",
        "j": "{}",
        "a b": "a;b",
    }
