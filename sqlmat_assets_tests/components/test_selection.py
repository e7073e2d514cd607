"""What a selection means."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.components.selection import names_changed, resolve_selection, translate_selection
from sqlmat_assets.errors import UsageError
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.folders import write_files

FILES = {
    "first/raw.csv": "a\n1\n",
    "first/cities - 1h.sql": "-- owner: joan@example.com\nSELECT a FROM first.raw",
    "first/people - 1h.sql": "SELECT a FROM first.cities",
    "second/report - 1h.sql": "SELECT p.a FROM first.people AS p, elsewhere.table_of_others AS t",
    "or/not - 1h.sql": "SELECT 1 AS a",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return load_project(write_files(tmp_path_factory.mktemp("sql"), FILES))


SELECTED = [
    ("first.people", "first.people"),
    ("+first.people", "first.cities first.people first.raw"),
    ("1+first.people", "first.cities first.people"),
    ("first.cities+", "first.cities first.people second.report"),
    ("first.cities+1", "first.cities first.people"),
    ("+first.people+", "first.cities first.people first.raw second.report"),
    ("first.*", "first.cities first.people first.raw"),
    ("*.report", "second.report"),
    ("first.*e*", "first.cities first.people"),
    ("*", "first.cities first.people first.raw or.not second.report"),
    ("first.raw or second.report", "first.raw second.report"),
    ("first.* and not first.raw", "first.cities first.people"),
    ("(first.raw or first.cities) and first.cities", "first.cities"),
    ("first.raw+ and +first.people", "first.cities first.people first.raw"),
    ("or.not", "or.not"),
    ('key:"first/people"', "first.people"),
    ("key:first/people", "first.people"),
    ('+key:"first/people"', "first.cities first.people first.raw"),
    ("group:second", "second.report"),
    ("kind:csv", "first.raw"),
    ('owner:"joan@example.com"', "first.cities"),
    ("sinks(first.*)", "first.people"),
    ("roots(+first.people)", "first.raw"),
    ("  first.people  ", "first.people"),
    ("+second.report", "first.cities first.people first.raw second.report"),
]


@pytest.mark.parametrize(("expression", "names"), SELECTED, ids=[expression for expression, _ in SELECTED])
def test_what_is_selected(project: Project, expression: str, names: str) -> None:
    assert sorted(str(relation) for relation in resolve_selection(project, expression)) == names.split()


CHANGED = [
    ("changed", "first.cities or.not", "first.cities or.not"),
    ("changed+", "first.cities or.not", "first.cities first.people or.not second.report"),
    ("+changed", "first.cities or.not", "first.cities first.raw or.not"),
    ("changed+1 and not first.cities", "first.cities", "first.people"),
    ("first.* and changed", "first.cities or.not", "first.cities"),
    ("changed or first.raw", "", "first.raw"),
    ("not changed", "first.cities or.not", "first.people first.raw second.report"),
    ("(changed)+", "first.people", "first.people second.report"),
    ("changed+ and second.report", "or.not", ""),
    ("changed", "", ""),
    ("changed+ and first.*", "", ""),
    ("sinks(changed+)", "first.cities", "second.report"),
]


@pytest.mark.parametrize(("expression", "changed", "names"), CHANGED, ids=[f"{one[0]} {one[1]}" for one in CHANGED])
def test_what_has_changed_is_selected(project: Project, expression: str, changed: str, names: str) -> None:
    tables = frozenset(Relation.of(name) for name in changed.split())
    assert names_changed(expression)
    found = resolve_selection(project, expression, tables)
    assert sorted(str(relation) for relation in found) == names.split()


def test_a_misspelt_name_beside_changed_is_told(project: Project) -> None:
    with pytest.raises(UsageError, match=r"did you mean `first\.cities`"):
        resolve_selection(project, "changed and first.citis")


@pytest.mark.parametrize(
    "expression", ["tag:changed", 'key:"changed"', "changed.table", "owner:changed", "first.changed"]
)
def test_the_word_elsewhere_means_nothing_special(expression: str) -> None:
    assert not names_changed(expression)


def test_many_changed_tables_are_selected(tmp_path: Path) -> None:
    for number in range(400):
        (tmp_path / "s").mkdir(exist_ok=True)
        (tmp_path / "s" / f"t{number} - 1h.sql").write_text("SELECT 1 AS a")
    many = load_project(tmp_path)
    assert resolve_selection(many, "changed and s.*", frozenset(many.models)) == set(many.models)


REFUSED = [
    (
        "first.citis",
        "the selection `first.citis` selects no table\n  hint: did you mean `first.cities`?",
    ),
    (
        "elsewhere.table_of_others",
        "the selection `elsewhere.table_of_others` selects no table\n  hint: `sqlmat ls` lists every table",
    ),
    (
        "people",
        "the selection cannot be read at column 1: `people` is not expected here\n"
        "  people\n"
        "  ^\n"
        "  hint: write `first.people`",
    ),
    (
        "first/people",
        "the selection cannot be read at column 1: `first/people` is not expected here\n"
        "  first/people\n"
        "  ^\n"
        "  hint: write `first.people`",
    ),
    (
        "first/cities.sql",
        "the selection `first/cities.sql` selects no table\n  hint: did you mean `first.cities`?",
    ),
    (
        "first.cities or",
        "the selection cannot be read at column 16: it ends too early\n  first.cities or\n                 ^",
    ),
    (
        "",
        "the selection cannot be read at column 1: it ends too early\n  \n  ^",
    ),
    (
        "first.cities, first.people",
        "the selection cannot be read at column 13: `,` is not expected here\n"
        "  first.cities, first.people\n"
        "              ^\n"
        "  hint: tables are written `schema.table`, combined with `and`, `or`, `not`",
    ),
    (
        "first.cities first.people",
        "the selection cannot be read at column 14: `first.people` is not expected here\n"
        "  first.cities first.people\n"
        "               ^\n"
        "  hint: combine tables with `or`, `and`, `not`",
    ),
    (
        "status:failed",
        "the selection `status:failed` asks for what the project's files do not tell\n"
        "  hint: select by name, `group:`, `kind:`, `tag:` or `owner:`",
    ),
    (
        "is:strange",
        "the selection `is:strange` asks for what the project's files do not tell\n"
        "  hint: select by name, `group:`, `kind:`, `tag:` or `owner:`",
    ),
]


@pytest.mark.parametrize(("expression", "said"), REFUSED, ids=[expression for expression, _ in REFUSED])
def test_what_is_refused_says_where(project: Project, expression: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        resolve_selection(project, expression)
    assert str(caught.value) == said


def test_names_in_values_and_quotes_are_left_alone() -> None:
    kept = 'owner:joan@example.com or tag:"a.b"="c.d" or tag:x=c.d'
    assert translate_selection(kept).text == kept


def test_a_place_in_the_translation_is_a_place_in_the_original() -> None:
    translated = translate_selection("+first.people or x")
    assert translated.text == '+key:"first/people" or x'
    assert translated.original_column(translated.text.index("x")) == 17
    assert translated.original_column(len(translated.text)) == 18
