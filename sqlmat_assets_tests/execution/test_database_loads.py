"""Tables that are loaded from PostgreSQL and from MariaDB."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sqlmat_assets.errors import UsageError
from sqlmat_assets.execution.events import Published, Run, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets_tests.connectors.cutting import cutting
from sqlmat_assets_tests.connectors.sources import Source
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.mariadb import MariaDB

COLUMNS = "columns:\n  id: bigint\n  name: varchar\n"


def orders(source: Source, *rows: str) -> None:
    source.send(
        "CREATE TABLE orders (id bigint PRIMARY KEY, name varchar(20), more int)",
        f"INSERT INTO orders VALUES {', '.join(rows)}",
    )


def test_a_table(tmp_path: Path, source: Source) -> None:
    orders(source, "(1, 'x', 1)", "(2, NULL, 2)", "(3, 'é😀', 3)")
    project = source.project(tmp_path, f"table: orders\n{COLUMNS}")
    built = project.published()
    assert project.rows() == [(1, "x"), (2, None), (3, "é😀")]
    assert built.rows == 3
    assert "cr%40t" not in built.statement


def test_a_query_with_other_names(tmp_path: Path, source: Source) -> None:
    orders(source, "(1, 'x', 1)", "(2, 'y', 2)")
    text = (
        "query: |\n  select id, name, more * 2 as twice from orders\n  where id > 1 -- not the first\n"
        "columns:\n  ID: bigint\n  name: varchar as called\n  twice: int\n"
    )
    project = source.project(tmp_path, text)
    project.published()
    assert project.rows("id, called, twice") == [(2, "y", 4)]


def test_no_rows(tmp_path: Path, source: Source) -> None:
    source.send("CREATE TABLE orders (id bigint, name varchar(20))")
    for strategy in ("bulk", "incremental\nkey: id"):
        project = source.project(tmp_path, f"table: orders\nstrategy: {strategy}\n{COLUMNS}")
        project.published(Piece(is_full_refresh=True))
        assert project.rows() == []


def test_the_same_rows_are_not_published_again(tmp_path: Path, source: Source) -> None:
    orders(source, "(1, 'x', 1)", "(2, 'y', 2)")
    project = source.project(tmp_path, f"table: orders\n{COLUMNS}")
    project.published()
    project.unchanged()


class TestIncremental:
    text = f"table: orders\nstrategy: incremental\nkey: id\n{COLUMNS}"

    def test_only_new_rows_are_read(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)", "(9, 'y', 2)")
        project = source.project(tmp_path, self.text)
        project.published()
        source.send("UPDATE orders SET name = 'changed'", "INSERT INTO orders VALUES (10, 'z', 3)")
        assert project.published().rows == 1
        assert project.rows() == [(1, "x"), (10, "z"), (9, "y")]
        assert project.unchanged().statement is None

    def test_all_is_read_anew_when_it_is_asked_for_or_due(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)")
        project = source.project(tmp_path, f"{self.text}reload: 7d\n")
        project.published()
        source.send("UPDATE orders SET name = 'changed'")
        project.unchanged()
        project.published(Piece(is_full_refresh=True))
        assert project.rows() == [(1, "changed")]
        source.send("UPDATE orders SET name = 'again'")
        later = replace(project.context(), run=Run("later", datetime.now(UTC) + timedelta(days=6, hours=23)))
        assert isinstance(list(materialize(project.model(), later))[-1], Unchanged)
        later = replace(project.context(), run=Run("last", datetime.now(UTC) + timedelta(days=7)))
        assert isinstance(list(materialize(project.model(), later))[-1], Published)
        assert project.rows() == [(1, "again")]

    def test_keys_that_fell_are_those_of_other_rows(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)", "(2, 'y', 1)")
        project = source.project(tmp_path, self.text)
        project.published()
        source.send("DELETE FROM orders", "INSERT INTO orders VALUES (1, 'new', 1)")
        project.published()
        assert project.rows() == [(1, "new")]

    def test_a_key_of_moments(self, tmp_path: Path, source: Source) -> None:
        kind = "timestamptz" if source.is_postgres else "timestamp(6)"
        source.send(
            f"CREATE TABLE orders (at {kind}, name varchar(9))",
            "INSERT INTO orders VALUES ('2026-03-29 01:30:00.000001', 'x'), ('2026-03-29 01:30:00.000002', 'y')",
        )
        text = "table: orders\nstrategy: incremental\nkey: at\ncolumns:\n  at: timestamptz\n  name: varchar\n"
        project = source.project(tmp_path, text)
        project.published()
        source.send("INSERT INTO orders VALUES ('2026-03-29 01:30:00.000003', 'z')")
        assert project.published().rows == 1
        assert [row[0] for row in project.rows("name")] == ["x", "y", "z"]

    def test_great_keys_are_told_apart(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(9007199254740993, 'x', 1)")
        project = source.project(tmp_path, self.text)
        project.published()
        source.send("INSERT INTO orders VALUES (9007199254740994, 'y', 1)")
        assert project.published().rows == 1

    def test_a_key_has_an_order(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)")
        project = source.project(tmp_path, self.text.replace("key: id", "key: name"))
        assert "and no key that grows" in project.refused()

    def test_every_row_has_a_key(self, tmp_path: Path, source: Source) -> None:
        source.send("CREATE TABLE orders (id bigint, name varchar(9))", "INSERT INTO orders VALUES (1, 'x')")
        project = source.project(tmp_path, self.text)
        project.published()
        source.send("INSERT INTO orders VALUES (2, 'y'), (NULL, 'z')")
        for piece in (WHOLE, Piece(is_full_refresh=True)):
            assert project.refused(piece).endswith(
                ": there are rows whose `id`, the key, is NULL\n"
                "  hint: leave them out in a `query`, or name a key that every row has\n"
                "`raw.events` still holds its previous rows"
            )
        project.write(project.text.replace("table: orders", "query: select * from orders where id is not null"))
        project.published()
        assert project.rows() == [(1, "x"), (2, "y")]

    @pytest.mark.parametrize(("kind", "value"), [("numeric", "NaN"), ("timestamptz", "infinity")])
    def test_a_key_behind_which_nothing_comes(self, tmp_path: Path, postgres: Source, kind: str, value: str) -> None:
        postgres.send(f"CREATE TABLE orders AS SELECT '{value}'::{kind} AS id, 'x' AS name")
        types = {"numeric": "double", "timestamptz": "timestamptz"}
        project = postgres.project(tmp_path, self.text.replace("id: bigint", f"id: {types[kind]}"))
        assert f": the greatest `id`, the key, is `{value}`, and nothing can come behind it\n" in project.refused()


class TestTypesOfPostgres:
    def test_every_value_comes_as_it_is(self, tmp_path: Path, postgres: Source) -> None:
        postgres.send(
            """CREATE TABLE kinds (
                a smallint, b numeric(38, 10), c numeric, d real, e double precision, f boolean, g date, h time,
                i timestamp, j timestamptz, k bytea, l jsonb, m uuid, n integer[], o text[], p numeric(6, 2)[],
                q bit(3), r interval, s char(4), t inet, "Ü x" bigint
            )""",
            """INSERT INTO kinds VALUES (
                -1, 1234567890123456789012345678.0123456789, 1.50, 1.5, 0.1, true, '2026-03-29', '10:11:12.000001',
                '1969-12-31 23:59:59.999999', '2026-03-29 01:30:00.5+05:30', '\\x00ff', '{"a": [1, "é"]}',
                '00000000-0000-0000-0000-000000000001', '{1,NULL}', '{"a,b",NULL,"q\\""}', '{1.10}', B'101', '1 day 2s',
                'ab', '10.0.0.1/8', 7
            )""",
            "INSERT INTO kinds DEFAULT VALUES",
        )
        types = {
            "a": "smallint", "b": "decimal(38, 10)", "c": "decimal(12, 2)", "d": "real", "e": "double", "f": "boolean",
            "g": "date", "h": "time", "i": "timestamp", "j": "timestamptz", "k": "blob", "l": "json", "m": "uuid",
            "n": "integer[]", "o": "varchar[]", "p": "decimal(6, 2)[]", "q": "varchar", "r": "interval",
            "s": "varchar", "t": "varchar", '"Ü x"': "hugeint",
        }  # fmt: skip
        columns = "".join(f"  {name}: {kind}\n" for name, kind in types.items())
        project = postgres.project(tmp_path, f"table: public.kinds\ncolumns:\n{columns}")
        project.published()
        nulls, values = sorted(project.rows(), key=lambda row: row[0] or 0, reverse=True)
        assert set(nulls) == {None}
        assert values[:9] == (
            -1,
            Decimal("1234567890123456789012345678.0123456789"),
            Decimal("1.50"),
            1.5,
            0.1,
            True,
            date(2026, 3, 29),
            time(10, 11, 12, 1),
            datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - it has no zone
        )
        assert values[9].astimezone(UTC) == datetime(2026, 3, 28, 20, 0, 0, 500000, UTC)
        assert values[10:12] == (b"\x00\xff", '{"a": [1, "é"]}')
        assert str(values[12]) == "00000000-0000-0000-0000-000000000001"
        assert values[13:17] == ([1, None], ["a,b", None, 'q"'], [Decimal("1.10")], "101")
        assert values[17:] == (timedelta(days=1, seconds=2), "ab", "10.0.0.1/8", 7)

    @pytest.mark.parametrize(
        ("value", "kind", "said"),
        [
            ("1.505::numeric", "decimal(9, 2)", "`1.505` in the column `x` has more digits behind the point than"),
            ("1.50::numeric(9, 3)", "decimal(9, 2)", "`x` is `numeric(9,3)` (decimal numbers), which does not"),
            ("1.5::float8", "bigint", "`x` is `double precision` (floating numbers), which does not go into `bigint`"),
            ("now()", "timestamp", "`x` is `timestamp with time zone` (moments with a zone)"),
            ("now()::timestamp", "timestamptz", "`x` is `timestamp without time zone` (times without a zone), which"),
            ("'1'::text", "bigint", "`x` is `text` (text), which does not go into `bigint`"),
            ("'infinity'::timestamptz", "timestamptz", "in the column `x` is `infinity`, or a time"),
            ("'-infinity'::date", "date", "in the column `x` is `infinity`, or a time"),
            ("'NaN'::numeric", "decimal(9, 2)", 'Could not convert string "NaN" to DECIMAL'),
            ("300", "tinyint", "Type INT32 with value 300 can't be cast"),
            ("1/0", "bigint", "division by zero"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_refused(
        self, tmp_path: Path, postgres: Source, value: str, kind: str, said: str
    ) -> None:
        project = postgres.project(tmp_path, f'query: "select {value} as x"\ncolumns:\n  x: {kind}\n')
        assert said in project.refused()


def test_halves_of_a_large_table_of_postgres(tmp_path: Path, postgres: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sqlmat_assets.connectors.postgres._MANY_PAGES", 2)
    postgres.send("CREATE TABLE orders AS SELECT i AS id, repeat('x', 50) AS name FROM generate_series(1, 5000) AS i")
    project = postgres.project(tmp_path, f"table: orders\n{COLUMNS}")
    assert project.published().rows == 5000
    assert project.rows("count(DISTINCT id), min(id), max(id)") == [(5000, 1, 5000)]


class TestTypesOfMariaDB:
    def test_every_value_comes_as_it_is(self, tmp_path: Path, mariadb: Source) -> None:
        mariadb.send(
            """CREATE TABLE kinds (
                a tinyint, b decimal(38, 10), c bigint unsigned, d float, e double, f bool, g date, h time(6),
                i datetime(6), j timestamp(6) NULL, k varbinary(9), l json, m bit(1), n bit(64), o year,
                p enum('a', 'b'), q set('a', 'b'), r mediumint unsigned, s text, t decimal(9, 2) unsigned, u blob
            )""",
            "SET time_zone = '+05:30'",
            """INSERT INTO kinds VALUES (
                -1, 1234567890123456789012345678.0123456789, 18446744073709551615, 1.5, 0.1, true, '2026-03-29',
                '10:11:12.000001', '1969-12-31 23:59:59.999999', '2026-03-29 01:30:00.5', x'00ff', '{"a": [1, "é"]}',
                1, ~0, 2026, 'b', 'a,b', 16777215, 'é😀', 1.10, x'01'
            )""",
            "INSERT INTO kinds (a) VALUES (NULL)",
        )
        types = {
            "a": "smallint", "b": "decimal(38, 10)", "c": "ubigint", "d": "real", "e": "double", "f": "boolean",
            "g": "date", "h": "time", "i": "timestamp", "j": "timestamptz", "k": "blob", "l": "json", "m": "boolean",
            "n": "ubigint", "o": "integer", "p": "varchar", "q": "varchar", "r": "integer", "s": "varchar",
            "t": "decimal(9, 2)", "u": "blob",
        }  # fmt: skip
        columns = "".join(f"  {name}: {kind}\n" for name, kind in types.items())
        project = mariadb.project(tmp_path, f"table: kinds\ncolumns:\n{columns}")
        project.published()
        nulls, values = sorted(project.rows(), key=lambda row: row[0] or 0, reverse=True)
        assert set(nulls) == {None}
        assert values[:9] == (
            -1,
            Decimal("1234567890123456789012345678.0123456789"),
            18446744073709551615,
            1.5,
            0.1,
            True,
            date(2026, 3, 29),
            time(10, 11, 12, 1),
            datetime(1969, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001 - it has no zone
        )
        assert values[9].astimezone(UTC) == datetime(2026, 3, 28, 20, 0, 0, 500000, UTC)
        assert values[10:] == (
            b"\x00\xff", '{"a": [1, "é"]}', True, 18446744073709551615, 2026, "b", "a,b", 16777215, "é😀",
            Decimal("1.10"), b"\x01",
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("value", "kind", "said"),
        [
            ("cast('0000-00-00' as date)", "date", "is no date and no time"),
            ("cast(1.5 as decimal(9, 3))", "decimal(9, 2)", "`x` is `decimal` (decimal numbers), which does not"),
            ("point(1, 2)", "varchar", "nothing reads `x`, which is `geometry`"),
            ("cast('-12:00:00' as time)", "time", 'time field value out of range: "-12:00:00"'),
            ("cast(18446744073709551615 as unsigned)", "bigint", "can't be cast because the value is out of range"),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_is_refused(
        self, tmp_path: Path, mariadb: Source, value: str, kind: str, said: str
    ) -> None:
        project = mariadb.project(tmp_path, f'query: "select {value} as x"\ncolumns:\n  x: {kind}\n')
        assert said in project.refused()


class TestFailures:
    def test_a_column_that_is_not_there(self, tmp_path: Path, source: Source) -> None:
        orders(source, "(1, 'x', 1)")
        project = source.project(tmp_path, "table: orders\ncolumns:\n  id: bigint\n  names: varchar\n")
        assert project.refused().splitlines()[0].endswith(": there is no column `names`, which `columns` declares")
        assert "hint: did you mean `name`?" in project.refused()

    def test_a_table_that_is_not_there(self, tmp_path: Path, source: Source) -> None:
        project = source.project(tmp_path, f"table: nothing\n{COLUMNS}")
        refused = project.refused()
        assert "nothing" in refused
        assert "cannot be read: " in refused

    def test_a_wrong_password(self, tmp_path: Path, mariadb_server: MariaDB) -> None:
        wrong = Source(mariadb_server.url("mysql", "secret"), list)
        refused = wrong.project(tmp_path, f"table: user\n{COLUMNS}").refused()
        assert "may not be read: Access denied for user 'dev'@'127.0.0.1'" in refused
        assert "secret" not in refused

    def test_nobody_there(self, tmp_path: Path) -> None:
        for url in ("postgresql://dev:secret@127.0.0.1:1/x", "mariadb://dev:secret@127.0.0.1:1/x"):
            project = Source(url, list).project(tmp_path, f"table: orders\n{COLUMNS}")
            refused = project.refused()
            assert f"{url.replace('dev:secret@', '')}` cannot be reached: " in refused
            assert "secret" not in refused

    def test_a_query_cannot_write(self, tmp_path: Path, postgres: Source) -> None:
        orders(postgres, "(1, 'x', 1)")
        postgres.send(
            "CREATE FUNCTION taken() RETURNS bigint LANGUAGE sql AS 'DELETE FROM orders RETURNING id'",
        )
        project = postgres.project(tmp_path, "query: select taken() as id\ncolumns:\n  id: bigint\n")
        assert "cannot execute DELETE in a read-only transaction" in project.refused()
        assert postgres.send("SELECT count(*) FROM orders") == [(1,)]

    def test_what_has_no_url(self, tmp_path: Path) -> None:
        project = LoadProject(tmp_path, f"connection: shop\ntable: orders\n{COLUMNS}")
        assert "hint: put its URL into `SQLMAT_CONNECTION_SHOP`" in project.refused()
        project.variables["SQLMAT_CONNECTION_SHOP"] = "s3://KEY:SECRET@host"
        with pytest.raises(UsageError) as refused:
            project.build()
        assert str(refused.value) == (
            "the URL of the connection `shop` leads to no database\n  hint: write it like "
            "`postgresql://user:password@host/database` or `mysql://user:password@host/database`"
        )

    @pytest.mark.parametrize("times", [1, 100])
    def test_a_connection_that_is_lost_in_the_middle(self, tmp_path: Path, source: Source, times: int) -> None:
        many = "generate_series(1, 100000) AS s(seq)" if source.is_postgres else "seq_1_to_100000"
        source.send("CREATE TABLE orders AS SELECT 1 AS id, 'before' AS name")
        project = source.project(tmp_path, f"table: orders\n{COLUMNS}")
        project.published()
        source.send(
            "DROP TABLE orders", f"CREATE TABLE orders AS SELECT seq AS id, repeat('x', 40) AS name FROM {many}"
        )
        parts = urlsplit(source.url)
        with cutting(parts.port or 0, most=2_000_000, times=times) as way:
            url = source.url.replace(f":{parts.port}/", f":{way.port}/")
            project.variables["SQLMAT_CONNECTION_SHOP"] = url
            if times == 1:
                assert project.published().rows == 100_000
                assert project.rows("count(*), count(DISTINCT id)") == [(100_000, 100_000)]
            else:
                assert " cannot be reached: " in project.refused()
                assert project.rows() == [(1, "before")]
        assert way.cut == min(times, 6)


class TestIntoPostgres:
    def test_types_and_new_rows(self, tmp_path: Path, mariadb: Source, postgres_url: str) -> None:
        mariadb.send(
            "CREATE TABLE orders (id bigint unsigned PRIMARY KEY, total decimal(12, 2), at timestamp(6), js json)",
            "SET time_zone = '+05:30'",
            """INSERT INTO orders VALUES (1, 1.10, '2026-03-29 01:30:00.5', '{"a": 1}'), (2, NULL, NULL, NULL)""",
        )
        text = (
            "table: orders\nstrategy: incremental\nkey: id\ncolumns:\n  id: bigint\n  total: numeric(12, 2)\n"
            "  at: timestamptz\n  js: jsonb\n"
        )
        project = mariadb.project(tmp_path, text, warehouse=open_warehouse(postgres_url))
        project.published()
        assert project.rows("id, total, at::text, js::text") == [
            (1, Decimal("1.10"), "2026-03-28 20:00:00.5+00", '{"a": 1}'),
            (2, None, None, None),
        ]
        mariadb.send("INSERT INTO orders VALUES (3, 3, NULL, NULL)")
        assert project.published().rows == 1
        assert not list((tmp_path / ".sqlmat" / "loading").glob("*/*"))

    def test_bytes(self, tmp_path: Path, source: Source, postgres_url: str) -> None:
        kind, before = ("bytea", "'\\x") if source.is_postgres else ("varbinary(9)", "x'")
        values = (b"", b"abc", b"\\", b"\\AB", b"\\x41", b"\x00\xff", b"'\",\n")
        rows = ", ".join(f"({number}, {before}{value.hex()}')" for number, value in enumerate(values))
        source.send(f"CREATE TABLE orders (id bigint, name {kind})", f"INSERT INTO orders VALUES {rows}, (99, NULL)")
        text = "table: orders\ncolumns:\n  id: bigint\n  name: bytea\n"
        project = source.project(tmp_path, text, warehouse=open_warehouse(postgres_url))
        project.published()
        assert sorted(project.rows()) == [*enumerate(values), (99, None)]

    def test_arrays(self, tmp_path: Path, postgres: Source, postgres_url: str) -> None:
        postgres.send("CREATE TABLE orders AS SELECT 1 AS id, array['a', 'b,c', NULL] AS tags")
        text = "table: orders\ncolumns:\n  id: bigint\n  tags: text[]\n"
        project = postgres.project(tmp_path, text, warehouse=open_warehouse(postgres_url))
        assert (
            "`tags` is `text[]` (arrays), which does not go into `text[]`\n  hint: declare `json`" in project.refused()
        )
        project.write(project.text.replace("text[]", "jsonb"))
        project.published()
        assert project.rows() == [(1, '["a", "b,c", null]')]
