from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sqlmat_assets.project.parse import parse_query
from sqlmat_assets.project.references import Names, resolve
from sqlmat_assets.relation import Relation

FIXTURES = Path(__file__).parent / "fixtures" / "references"
FILES = sorted(FIXTURES.rglob("*.sql"))


@dataclass(frozen=True, slots=True)
class Case:
    """A fixture: its text and what its header says; `problems` as `line:column: what`."""

    text: str
    dialect: str
    catalogs: tuple[str, ...]
    known: tuple[Relation, ...]
    expected: frozenset[str]
    problems: tuple[str, ...]


def read_case(path: Path) -> Case:
    text = path.read_bytes().decode()
    header: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, colon, value = line.removeprefix("-- ").partition(": ")
        if not line.startswith("-- ") or not colon:
            break
        header.setdefault(key, []).append(value)

    def listed(key: str) -> list[str]:
        return [item for value in header.get(key, []) for item in value.split(", ")]

    return Case(
        text=text,
        dialect=header["dialect"][0],
        catalogs=tuple(listed("catalog")),
        known=tuple(Relation.of(name) for name in listed("known")),
        expected=frozenset(name for name in listed("expect") if name != "nothing"),
        problems=tuple(header.get("problem", [])),
    )


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_reads_what_the_engine_reads(path: Path) -> None:
    case = read_case(path)
    assert path.parent.name == case.dialect
    names = Names(case.dialect, *case.catalogs[:1], catalog_aliases=case.catalogs[1:])
    known = {names.fold(relation): relation for relation in case.known}
    parsed = parse_query(case.text, case.dialect, "f.sql")
    found = {str(relation) for reference in parsed.reads for relation in resolve(reference, names, known)}
    assert found == case.expected
    errors = [problem for problem in parsed.problems if not problem.is_warning]
    assert tuple(f"{problem.line}:{problem.column}: {problem.what}" for problem in errors) == case.problems
