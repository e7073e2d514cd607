"""Data files: what can be read is read whole, and what cannot is an error that says where."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.reading import without_options

TARGET = Relation("first", "cities")


def load(
    folder: Path, name: str, content: bytes, columns: tuple[tuple[str, str], ...] = ()
) -> tuple[list[str], list[tuple[object, ...]]]:
    file = folder / name
    file.write_bytes(content)
    with DuckDBWarehouse(folder / "warehouse.duckdb").open_session() as session:
        session.execute(statements.create_schema("first"))
        rows = session.load_file(TARGET, file, columns)
        found = session.fetch_rows(exp.select("*").from_(statements.table(TARGET)))
    assert rows == len(found.rows)
    return [column.name for column in found.columns], list(found.rows)


GOOD_CSV = {
    "comma": (b"a,b\n1,2\n", ["a", "b"], [(1, 2)]),
    "semicolon, with decimal commas": (b"a;b\n1,5;2\n", ["a", "b"], [("1,5", 2)]),
    "tab": (b"a\tb\n1\t2\n", ["a", "b"], [(1, 2)]),
    "pipe": (b"a|b\n1|2\n", ["a", "b"], [(1, 2)]),
    "another separator in a name": (b"price, EUR;name;id\n1;x;2\n", ["price, EUR", "name", "id"], [(1, "x", 2)]),
    "another separator in one name, the rows decide": (
        b"price, EUR;name\n1;x\n2;y\n",
        ["price, EUR", "name"],
        [(1, "x"), (2, "y")],
    ),
    "another separator in the values": (b"a,b\n1;2,x|y\n", ["a", "b"], [("1;2", "x|y")]),
    "quoted separators and lines": (b'a,"b,c"\n"x\ny",2\n"z ""w""",3\n', ["a", "b,c"], [("x\ny", 2), ('z "w"', 3)]),
    "byte order mark and CRLF": (b"\xef\xbb\xbfa,b\r\n1,2\r\n", ["a", "b"], [(1, 2)]),
    "LF, with CRLF in a value": (b'a,b\n"x\r\ny",2\n', ["a", "b"], [("x\r\ny", 2)]),
    "one column": (b"a\n1\n2\n", ["a"], [(1,), (2,)]),
    "a header alone": (b"a,b\n", ["a", "b"], []),
    "a header alone, without an end": (b"a,b", ["a", "b"], []),
    "empty lines between rows": (b"a,b\n1,2\n\n3,4\n\n", ["a", "b"], [(1, 2), (3, 4)]),
    "spaces around names": (b"a, b\n1,2\n", ["a", "b"], [(1, 2)]),
    "a value that looks like a comment": (b"a,b\n#1,2\n3,4\n", ["a", "b"], [("#1", 2), ("3", 4)]),
    "all text": (b"a,b\nx,y\nz,w\n", ["a", "b"], [("x", "y"), ("z", "w")]),
    "names in which only other letters than ASCII differ": ("É,é\n1,2\n".encode(), ["É", "é"], [(1, 2)]),
}


@pytest.mark.parametrize("case", GOOD_CSV)
def test_csv_that_can_be_read(tmp_path: Path, case: str) -> None:
    content, names, rows = GOOD_CSV[case]
    assert load(tmp_path, "cities.csv", content) == (names, rows)


QUOTE = "put double quotes around values that contain the separator"
BAD_CSV = {
    "too many values": (
        b"a,b\n1,2\n1,2,3\n",
        f":3: 3 values, and the header names 2 columns\n  hint: {QUOTE}",
    ),
    "too few values": (
        b"a,b\n1,2\n1\n",
        ":3: 1 value, and the header names 2 columns\n  hint: write every value, an empty one too",
    ),
    "too many values behind 30,000 rows": (
        b"a,b\n" + b"1,2\n" * 30_000 + b"1,2,3\n",
        f":30002: 3 values, and the header names 2 columns\n  hint: {QUOTE}",
    ),
    "a value too many in the only row": (
        b"a\n1,2\n",
        f":2: 2 values, and the header names 1 column\n  hint: {QUOTE}",
    ),
    "the line is that on which the row begins": (
        b'a,b\n"x\ny\nz",2\n"p\nq"\n',
        ":5: 1 value, and the header names 2 columns\n  hint: write every value, an empty one too",
    ),
    "nothing": (b"", ": the file is empty\n  hint: write the names of the columns, or remove the file"),
    "a byte order mark alone": (
        b"\xef\xbb\xbf",
        ": the file is empty\n  hint: write the names of the columns, or remove the file",
    ),
    "an empty first line": (
        b"\na,b\n1,2\n",
        ":1: the first line is empty\n  hint: put the names of the columns into the first line",
    ),
    "a doubled name": (b"a,a\n1,2\n", ":1: two columns are named `a`\n  hint: give each column a name of its own"),
    "a doubled name in other case": (
        b"a,A\n1,2\n",
        ":1: two columns are named `A`\n  hint: give each column a name of its own",
    ),
    "no name": (
        b"a,b,\n1,2,\n",
        ":1: column 3 has no name\n  hint: name every column; a separator at the end of the line begins one more",
    ),
    "two possible separators": (
        b"a,b;c\n1,2;3\n",
        ":1: columns could be separated by `,` or `;`\n"
        "  hint: put double quotes around the names and values that contain another one than the separator",
    ),
    "a comment on top": (
        b"# cities\na,b\n1,2\n",
        f":2: 2 values, and the header names 1 column\n  hint: {QUOTE}",
    ),
    "a quote that does not end": (
        b'a,b\n1,2\n"x,2\nz,3\n',
        ":3: the quotes around a value are broken\n  hint: end the value with a double quote, and write a double quote "
        'inside of it as `""`',
    ),
    "a quote escaped with a backslash": (
        b'a,b\n"x\\"y",2\n',
        ":2: the quotes around a value are broken\n  hint: end the value with a double quote, and write a double quote "
        'inside of it as `""`',
    ),
    "two ends of lines": (
        b"a,b\n1,2\r\n3,4\n",
        ":2: the line ends in another way than the first line\n  hint: end all lines with LF, or all with CRLF",
    ),
    "Latin-1": ("a,b\n1,x\n1,\xe9\n".encode("latin-1"), ":3: the line is not UTF-8\n  hint: save the file as UTF-8"),
    "UTF-16": ("a,b\n1,2\n".encode("utf-16"), ": the file is UTF-16\n  hint: save the file as UTF-8"),
}


@pytest.mark.parametrize("case", BAD_CSV)
def test_csv_that_cannot_be_read(tmp_path: Path, case: str) -> None:
    content, message = BAD_CSV[case]
    with pytest.raises(TerminalWarehouseError) as caught:
        load(tmp_path, "cities.csv", content)
    assert str(caught.value) == f"{tmp_path}/cities.csv{message}"


def test_a_declared_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TerminalWarehouseError) as caught:
        load(tmp_path, "cities.csv", b"id,name\n1,x\n", (("ID", "INTEGER"), ("zip", "VARCHAR")))
    assert str(caught.value) == (
        f"{tmp_path}/cities.csv:1: there is no column `zip`, which the settings declare\n"
        "  hint: its columns are `id`, `name`"
    )


def test_a_value_that_does_not_fit_is_told_in_the_words_of_the_driver_without_its_options(tmp_path: Path) -> None:
    with pytest.raises(TerminalWarehouseError) as caught:
        load(tmp_path, "cities.csv", b"id\n1\nseven\n", (("id", "INTEGER"),))
    message = caught.value.message
    assert message.startswith(f"{tmp_path}/cities.csv: Conversion Error: ")
    assert "Could not convert string" in message
    assert "seven" in message
    assert "strict_mode" not in message
    assert caught.value.statement is not None


def test_the_options_below_an_error_of_the_driver_are_left_out() -> None:
    words = (
        "Conversion Error: CSV Error on Line: 3\nOriginal Line: seven\n"
        'Error when converting column "id". Could not convert string "seven" to \'INTEGER\''
    )
    options = "\n\n  file = /data/cities.csv\n  delimiter = , (Set By User)\n  sample_size = 18446744073709549568\n"
    assert without_options(words + options, Path("/data/cities.csv")) == words
    assert without_options(words, Path("/data/cities.csv")) == words
    assert without_options(words + options, Path("/data/other.csv")) == (words + options).rstrip()


GOOD_NDJSON = {
    "objects": (b'{"a": 1}\n{"a": 2}\n', ["a"], [(1,), (2,)]),
    "empty lines": (b'{"a": 1}\n\n{"a": 2}\n', ["a"], [(1,), (2,)]),
    "other keys": (b'{"a": 1}\n{"b": 2}\n', ["a", "b"], [(1, None), (None, 2)]),
    "very many keys": (
        b"".join(b'{"k%d": 1}\n' % n for n in range(300)),
        [f"k{n}" for n in range(300)],
        [tuple(1 if n == m else None for m in range(300)) for n in range(300)],
    ),
}


@pytest.mark.parametrize("case", GOOD_NDJSON)
def test_ndjson_that_can_be_read(tmp_path: Path, case: str) -> None:
    content, names, rows = GOOD_NDJSON[case]
    assert load(tmp_path, "cities.ndjson", content) == (names, rows)


NO_OBJECT = "the line is no JSON object\n  hint: write one object per line, without brackets or commas around"
BAD_NDJSON = {
    "an array": (b'[{"a": 1}, {"a": 2}]', f":1: {NO_OBJECT}"),
    "an array over lines": (b'[\n{"a": 1},\n{"a": 2}\n]', f":1: {NO_OBJECT}"),
    "an array between objects": (b'{"a": 1}\n[1, 2]\n', f":2: {NO_OBJECT}"),
    "a number between objects": (b'{"a": 1}\n5\n', f":2: {NO_OBJECT}"),
    "an object that does not end": (b'{"a": 1}\n{"a":', f":2: {NO_OBJECT}"),
    "an object over lines": (b'{\n"a": 1\n}\n', f":1: {NO_OBJECT}"),
    "two objects in a line": (b'{"a": 1}{"a": 2}\n', f":1: {NO_OBJECT}"),
    "nothing": (b"", ": the file is empty\n  hint: write the names of the columns, or remove the file"),
    "a byte order mark": (
        b'\xef\xbb\xbf{"a": 1}\n',
        ":1: the file begins with a byte order mark\n  hint: save the file as UTF-8 without one",
    ),
    "Latin-1": (b'{"a": "x"}\n{"a": "\xe9"}\n', ":2: the line is not UTF-8\n  hint: save the file as UTF-8"),
    "UTF-16": ('{"a": 1}\n'.encode("utf-16"), ": the file is UTF-16\n  hint: save the file as UTF-8"),
}


@pytest.mark.parametrize("case", BAD_NDJSON)
def test_ndjson_that_cannot_be_read(tmp_path: Path, case: str) -> None:
    content, message = BAD_NDJSON[case]
    with pytest.raises(TerminalWarehouseError) as caught:
        load(tmp_path, "cities.ndjson", content)
    assert str(caught.value) == f"{tmp_path}/cities.ndjson{message}"


def test_a_key_that_an_object_has_twice(tmp_path: Path) -> None:
    with pytest.raises(TerminalWarehouseError, match=r"cities\.ndjson: .*has duplicate key"):
        load(tmp_path, "cities.ndjson", b'{"a": 1, "a": 2}\n')


def test_a_star_in_a_name_is_a_star(tmp_path: Path) -> None:
    (tmp_path / "axb.csv").write_bytes(b"a\n1\n")
    assert load(tmp_path, "a*b.csv", b"a\n2\n") == (["a"], [(2,)])
