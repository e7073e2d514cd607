"""What is known of BigQuery on DuckDB, shown by DuckDB: what the vendor documents, case by case."""

from __future__ import annotations

import base64
import datetime
import decimal
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sqlmat_assets.project.references import Names
from sqlmat_assets.project.transpiling.bigquery import translator
from sqlmat_assets.project.transpiling.bigquery.translate import MODULES
from sqlmat_assets.project.transpiling.page import describe
from sqlmat_assets.project.transpiling.translation import Translated, translate
from sqlmat_assets.project.transpiling.verdicts import Verdict

FIXTURES = Path(__file__).parents[1] / "fixtures" / "bigquery_on_duckdb"
NAMES = Names("bigquery")
_LINE = re.compile(r"-- (\w+): (.*)")
_KINDS = {
    "BIGINT": "INT64",
    "DOUBLE": "FLOAT64",
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOL",
    "DATE": "DATE",
    "TIME": "TIME",
    "TIMESTAMP": "DATETIME",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
    "BLOB": "BYTES",
    "DECIMAL(38,9)": "NUMERIC",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One query with what is said of it: `said` has the lines on top, by their first words."""

    path: Path
    number: int
    sql: str
    said: Mapping[str, Sequence[str]]

    def one(self, key: str) -> str | None:
        """A line, of which there is one at most."""
        return next(iter(self.said.get(key, ())), None)

    @property
    def rows(self) -> list[Any]:
        return [json.loads(row) for row in self.said.get("row", ())]


def _cases() -> Iterator[Case]:
    for path in sorted(FIXTURES.glob("*.sql")):
        for number, text in enumerate(path.read_text().split(";\n"), 1):
            said: dict[str, list[str]] = {}
            sql: list[str] = []
            for line in text.strip().split("\n"):
                if match := _LINE.fullmatch(line):
                    said.setdefault(match[1], []).append(match[2])
                elif line:
                    sql.append(line)
            if sql:
                yield Case(path, number, "\n".join(sql), said)


CASES = tuple(_cases())
KNOWN = tuple(case for case in CASES if "unsupported" not in case.said)
UNSUPPORTED = tuple(case for case in CASES if "unsupported" in case.said)


def _name(case: Case) -> str:
    return f"{case.path.stem}-{case.number}"


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA ds")
        connection.execute("CREATE TABLE ds.t AS SELECT 1::BIGINT AS a")
        yield connection


def _kind(type_: str) -> str:
    if type_.endswith("[]"):
        return f"ARRAY<{_kind(type_[:-2])}>"
    return "STRUCT" if type_.startswith("STRUCT(") else _KINDS.get(type_, type_)


def _plain(value: Any) -> Any:
    """A value as JSON has it, in the spelling of BigQuery."""
    match value:
        case float():
            special = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
            return (int(value) if value.is_integer() else value) if math.isfinite(value) else special
        case int() if not isinstance(value, bool):
            return value if abs(value) < 2**53 else str(value)
        case decimal.Decimal():
            text = f"{value.normalize():f}"
            return text if "." in text else int(text)
        case bytes():
            return base64.b64encode(value).decode()
        case datetime.datetime():
            utc = value if value.tzinfo is None else value.astimezone(datetime.UTC).replace(tzinfo=None)
            whole, point, rest = utc.isoformat().partition(".")
            return f"{whole}{point}{rest.removesuffix('000')}{'' if value.tzinfo is None else 'Z'}"
        case datetime.date() | datetime.time():
            return value.isoformat()
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case list():
            return [_plain(each) for each in value]
        case _:
            return value


def _checked(case: Case, translated: Translated, engine: duckdb.DuckDBPyConnection) -> None:
    assert translated.sql is not None, translated.refused
    if fails := case.one("fails"):
        with pytest.raises(duckdb.Error, match=re.escape(fails)):
            engine.execute(translated.sql).fetchall()
        return
    found = engine.sql(translated.sql)
    types = ", ".join(_kind(str(type_)) for type_ in found.types)
    # By way of Arrow, for DuckDB 1.5 wants a package for time zones that nobody else does.
    rows = [[_plain(value) for value in row.values()] for row in found.to_arrow_table().to_pylist()]
    wanted = case.rows
    if "ORDER BY" not in case.sql:
        rows, wanted = sorted(rows, key=json.dumps), sorted(wanted, key=json.dumps)
    assert (types, rows) == (case.one("types"), wanted)


@pytest.mark.parametrize("case", KNOWN, ids=_name)
def test_duckdb_gives_what_the_vendor_documents(case: Case, engine: duckdb.DuckDBPyConnection) -> None:
    translated = translate(case.sql, NAMES, "duckdb")
    name = case.one("about") or ""
    known = translator.CONSTRUCTS[name]
    assert (case.one("page"), case.one("verdict")) == (known.page, known.verdict.value)
    assert name in {finding.construct for finding in translated.findings}
    _checked(case, translated, engine)


# A type that nobody tells is refused, as it would be for a column of a table.
NEEDS_TYPES = {"DATETIME", "STRING"}


@pytest.mark.parametrize("case", KNOWN, ids=_name)
def test_it_does_so_where_only_the_engine_knows_the_types(
    case: Case, engine: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = translator.Translator.say

    def say_blindly(self: translator.Translator, node: Any) -> translator.Said:
        said = say(self, node)
        is_written_out = type(node).__name__ in ("Literal", "RawString", "Neg")
        return said if is_written_out else translator.Said(said.tree, None, said.like)

    monkeypatch.setattr(translator.Translator, "say", say_blindly)
    # What is kept was said with the types.
    translated = translate.__wrapped__(case.sql, NAMES, "duckdb")
    if translated.sql is None:
        assert case.one("about") in NEEDS_TYPES
    else:
        _checked(case, translated, engine)


def test_every_construct_that_is_known_has_a_case() -> None:
    assert len(MODULES) > 1
    assert set(translator.CONSTRUCTS) == {case.one("about") for case in KNOWN}


@pytest.mark.parametrize("case", UNSUPPORTED, ids=_name)
def test_what_is_not_known_is_refused_by_name(case: Case) -> None:
    translated = translate(case.sql, NAMES, "duckdb")
    first = translated.refused[0]
    assert translated.sql is None
    assert translated.verdict is Verdict.UNSUPPORTED
    assert (f"{first.name}: {first.why}" if first.why else first.name) == case.one("unsupported")


def test_the_page_is_up_to_date() -> None:
    page = Path(__file__).parents[3] / "docs" / "bigquery-on-duckdb.md"
    assert page.read_text() == describe()


@pytest.mark.parametrize(
    ("sql", "verdict"),
    [
        ("SELECT a FROM ds.t WHERE a > 1", Verdict.EXACT),
        ("SELECT DATE_TRUNC(a, MONTH) AS a FROM ds.t", Verdict.EMULATED),
        ("SELECT DATE_TRUNC(a, MONTH) AS a, FARM_FINGERPRINT(b) AS b FROM ds.t", Verdict.UNSUPPORTED),
    ],
)
def test_a_file_is_as_good_as_its_worst_construct(sql: str, verdict: Verdict) -> None:
    assert translate(sql, NAMES, "duckdb").verdict is verdict


def test_all_that_is_unsupported_is_told_in_the_order_of_the_text() -> None:
    sql = "SELECT\n  RAND() AS a,\n  my_own(b) AS b\nFROM ds.t\nWHERE _PARTITIONTIME IS NULL"
    found = translate(sql, NAMES, "duckdb").refused
    assert [finding.name for finding in found] == [
        "the function RAND",
        "the function MY_OWN",
        "the pseudo column _PARTITIONTIME",
    ]
    assert [sql[finding.start :][:4] for finding in found] == ["RAND", "my_o", "_PAR"]


def test_a_query_does_not_grow_beyond_measure() -> None:
    product = " * ".join(f"c{number}" for number in range(20))
    said = translate(f"SELECT {product} AS a FROM ds.t", NAMES, "duckdb").sql
    assert said is not None
    assert len(said) < 30_000
    nested = "a"
    for _ in range(40):
        nested = f"GREATEST({nested}, b)"
    found = translate(f"SELECT {nested} AS a FROM ds.t", NAMES, "duckdb")
    assert {finding.name for finding in found.refused} == {"a query that becomes too long"}
