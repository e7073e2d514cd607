"""Redshift: exactly what is sent, in files beside the pages of the vendor on which it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlmat_assets.execution.events import Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import WHOLE, Piece
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.partitions.ranges import TimeRange
from sqlmat_assets.project.settings import inherit, parse_conf
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.tables import a_context
from sqlmat_assets_tests.warehouses.redshift.on_redshift import OnRedshift, RecordingRedshift

FOLDER = Path(__file__).parent / "fixtures"
VENDOR = "https://docs.aws.amazon.com/redshift/latest/dg/"
KEYS = ("title", "page", "given", "then", "set", "query", "file", "part")
# What is asked of the catalog, and of rows.
QUESTION = re.compile(r"\s*SELECT\b")


@dataclass(frozen=True, slots=True)
class Case:
    """What is built, and which statements that takes; with `given` or `then` for a second time, with `then` between."""

    title: str
    pages: tuple[str, ...]
    given: tuple[str, ...]
    then: tuple[str, ...]
    settings: str
    query: str
    file: str
    part: str
    statements: tuple[str, ...]

    @property
    def model(self) -> Model:
        found, _ = inherit([parse_conf(self.settings, "first/t.conf")], "redshift")
        kind, path = (Kind.DATA, "t.csv") if self.file else (Kind.QUERY, "first/t.sql")
        return Model(Relation("first", "t"), path, kind, "redshift", self.query, settings=found)

    @property
    def piece(self) -> Piece:
        if not self.part:
            return WHOLE
        start = datetime.fromisoformat(self.part).replace(tzinfo=UTC)
        return Piece((TimeRange(start, start + timedelta(days=1)),))


def read_cases() -> Iterator[Case]:
    for file in sorted(FOLDER.glob("*.sql")):
        for text in file.read_text().strip().split("\n\n"):
            lines = text.splitlines()
            told: dict[str, list[str]] = {key: [] for key in KEYS}
            body: list[str] = []
            for line in lines:
                key, colon, value = line.removeprefix("-- ").partition(": ")
                if line.startswith("-- ") and colon and key in told:
                    told[key].append(value)
                else:
                    body.append(line)
            yield Case(
                told["title"][0],
                tuple(told["page"]),
                tuple(told["given"]),
                tuple(told["then"]),
                "\n".join(told["set"]),
                "".join(told["query"]),
                "".join(told["file"]).replace("|", "\n"),
                "".join(told["part"]),
                tuple(body),
            )


CASES = tuple(read_cases())


def shown(sent: Sequence[str]) -> Iterator[str]:
    """What is sent about the table, from the first of it on, without questions and without what is noted of it."""
    lines = [re.sub(r"bucket-\w+/rows/sqlmat-\w+", "bucket/rows/...", " ".join(text.split())) for text in sent]
    first = next(number for number, text in enumerate(lines) if '"t__sqlmat_' in text)
    for text in lines[first:]:
        if not QUESTION.match(text) and '"_sqlmat".' not in text:
            yield text


class TestStatements(OnRedshift):
    @pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
    def test_what_is_sent(self, warehouse: Warehouse, case: Case, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text(case.file)
        with warehouse.open_session() as session:
            for text in ("CREATE SCHEMA first", *case.given):
                session.execute(verbatim(text))
        assert isinstance(warehouse, RecordingRedshift)
        if case.given or case.then:
            last = list(materialize(case.model, a_context(warehouse, "r0", root=tmp_path)))[-1]
            assert isinstance(last, Published), last
            with warehouse.open_session() as session:
                for text in case.then:
                    session.execute(verbatim(text))
        recorder, sent = self.faulty(warehouse, lambda _number, _sql: None)
        last = list(materialize(case.model, a_context(recorder, "r1", root=tmp_path), case.piece))[-1]
        assert isinstance(last, Published), last
        assert "\n".join(shown(sent)) == "\n".join(case.statements)


def test_rows_get_out_by_way_of_s3() -> None:
    """As on r_UNLOAD.html: a query in quotes, of which those in it are doubled, and no keys in what is shown."""
    url = "redshift://ann@localhost/dev?staging=s3://bucket/rows&iam_role=default"
    assert open_warehouse(url).render_unload("select 'a' as a -- why", Path("rows.parquet")) == [
        "UNLOAD ('SELECT * FROM (select \\'a\\' as a -- why\\n) AS \"rows\"') TO 's3://bucket/rows/...' IAM_ROLE '...' "
        "FORMAT AS PARQUET"
    ]


def test_each_case_names_the_pages_that_it_stands_on() -> None:
    for case in CASES:
        assert case.pages, case.title
        assert all(re.fullmatch(r"[\w-]+\.html", page) for page in case.pages), case.title
