"""Tables as assets: what Dagster shows of them, and that nothing in a project keeps it from loading."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from sqlmat_assets.components.op_names import op_name
from sqlmat_assets.components.origin import Origin
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.components.translation import translate_checks, translate_model, translate_source, translate_tags
from sqlmat_assets.errors import Problem
from sqlmat_assets.project.conditions import parse_conditions
from sqlmat_assets.project.model import ColumnDoc, Kind, Model, Project
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_check, a_project, a_table

pytestmark = pytest.mark.filterwarnings("ignore:.*CodeReference.* is currently in beta")

CITIES = dg.AssetKey(["first", "cities"])
HOUR = timedelta(hours=1)


def translate(model: Model, origin: Origin | None = None, held_by: Relation | None = None) -> dg.AssetSpec:
    return translate_model(model, root=Path("/project"), origin=origin, held_by=held_by)


def graph_of(project: Project) -> AssetGraph:
    return build_definitions(project, warehouse=WarehouseResource(url="duckdb:///w.duckdb")).resolve_asset_graph()


def test_a_table() -> None:
    spec = translate(
        a_table(
            "SELECT 1",
            upstream=(Relation.of("first.people"),),
            sources=(Relation.of("other.web.events"),),
            description="Where people live",
            settings={"owner": ("joan@example.com", "data-eng"), "tags": (("taxi", "yellow"),)},
        )
    )
    assert spec.key == CITIES
    assert spec.group_name == "first"
    assert spec.kinds == {"duckdb", "sql"}
    assert spec.owners == ["joan@example.com", "team:data-eng"]
    assert spec.tags["taxi"] == "yellow"
    assert spec.description == "Where people live"
    assert {dep.asset_key for dep in spec.deps} == {
        dg.AssetKey(["first", "people"]),
        dg.AssetKey(["other", "web", "events"]),
    }
    assert spec.metadata["dagster/table_name"] == "first.cities"
    assert spec.freshness_policy is None


def test_the_interval_of_a_table_and_who_asks_for_it() -> None:
    own = translate(a_table("SELECT 1", interval=24 * HOUR, effective_interval=24 * HOUR))
    assert own.description == "At most 24h old."
    assert own.metadata["interval"] == "24h"
    lent = translate(a_table("SELECT 1", effective_interval=24 * HOUR))
    assert lent.description == "At most 24h old, because of a table that reads it."
    assert lent.freshness_policy == own.freshness_policy


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        (Kind.QUERY, "first/cities.sql", {"duckdb", "sql"}),
        (Kind.PROCESSED, "first/cities_select.sql", {"duckdb", "python"}),
        (Kind.DATA, "first/cities.csv", {"duckdb", "csv"}),
        (Kind.DATA, "first/cities.parquet", {"duckdb", "parquet"}),
        (Kind.LOAD, "first/cities.load.yaml", {"duckdb", "load"}),
    ],
)
def test_kinds(kind: Kind, path: str, expected: set[str]) -> None:
    assert translate(Model(Relation.of("first.cities"), path, kind, "duckdb", "")).kinds == expected


def test_columns_that_the_file_tells() -> None:
    spec = translate(a_table("SELECT 1 AS id, 2 AS n", columns=(ColumnDoc("id", "Its number"), ColumnDoc("n"))))
    assert spec.metadata["dagster/column_schema"] == dg.TableSchema(
        [dg.TableColumn("id", "?", "Its number"), dg.TableColumn("n", "?")]
    )


def test_no_columns_where_the_file_does_not_tell() -> None:
    assert "dagster/column_schema" not in translate(a_table("SELECT * FROM first.people")).metadata


def test_the_file_and_its_page_on_the_web() -> None:
    origin = Origin("1a2b3c", "https://github.com/acme/tables/blob/1a2b3c/sql")
    model = Model(Relation.of("first.cities"), "first/cities - 24h.sql", Kind.QUERY, "duckdb", "SELECT 1")
    local, web = translate(model, origin=origin).metadata["dagster/code_references"].code_references
    assert (local.file_path, local.line_number) == ("/project/first/cities - 24h.sql", 1)
    assert web.url == "https://github.com/acme/tables/blob/1a2b3c/sql/first/cities%20-%2024h.sql"


def test_a_file_without_a_page_on_the_web() -> None:
    references = translate(a_table("SELECT 1"), origin=Origin("1a2b3c")).metadata["dagster/code_references"]
    assert len(references.code_references) == 1


def test_a_table_that_reads_itself_has_no_edge_to_itself() -> None:
    assert list(translate(a_table("SELECT 1", upstream=(Relation.of("first.cities"),))).deps) == []


def test_a_quarantined_table_says_what_is_wrong() -> None:
    problem = Problem("first/cities.sql", 3, 7, "there is no table `citis`", "did you mean `cities`?")
    spec = translate(a_table("SELECT 1", problems=(problem,), description="Where people live"))
    assert spec.kinds == {"duckdb", "sql", "quarantined"}
    assert spec.description == (
        "**Not built while its files have problems**\n"
        "\n"
        "```text\n"
        "first/cities.sql:3:7: there is no table `citis`\n"
        "  hint: did you mean `cities`?\n"
        "```\n"
        "\n"
        "Where people live"
    )


def test_a_table_that_waits_for_a_quarantined_one_says_so() -> None:
    spec = translate(a_table("SELECT 1"), held_by=Relation.of("first.broken"))
    assert spec.description == "**Not built while the files of `first.broken` have problems: it depends on them**"
    assert "quarantined" not in spec.kinds


def test_a_warning_is_shown_and_quarantines_nothing() -> None:
    problem = Problem("first/cities.sql", 1, 0, "odd", is_warning=True)
    spec = translate(a_table("SELECT 1", problems=(problem,)))
    assert "quarantined" not in spec.kinds
    assert spec.description == "**Warnings**\n\n```text\nfirst/cities.sql:1: warning: odd\n```"


def test_a_source() -> None:
    spec = translate_source(Relation.of("other-project.web.events"))
    assert spec.key == dg.AssetKey(["other-project", "web", "events"])
    assert spec.kinds == {"source"}
    assert spec.group_name == "web"


def test_checks() -> None:
    strict, mild = translate_checks(
        a_table("SELECT 1", a_check("", "all_small"), a_check("", "few", is_blocking=False))
    )
    assert strict.key == dg.AssetCheckKey(CITIES, "all_small")
    assert (strict.blocking, mild.blocking) == (True, False)
    assert strict.description == "all_small\n\nfirst/cities_test.sql:1"


def test_checks_that_dagster_would_refuse_are_shown_once_or_not_at_all() -> None:
    specs = translate_checks(a_table("SELECT 1", a_check("", "twice", "not a name"), a_check("", "twice")))
    assert [spec.name for spec in specs] == ["twice"]


def test_tags_that_dagster_would_refuse_are_left_out() -> None:
    tags = (("ok", "yes"), ("two words", "x"), ("long", "x" * 64), ("umlaut", "ä"), ("dagster/kind/sql", ""))
    assert translate_tags(tags) == {"ok": "yes"}


def test_the_schedule_of_a_table() -> None:
    settings = {
        "schedule": "0 9 1 * *",
        "timezone": "Europe/Berlin",
        "conditions": parse_conditions("weekdays mon-fri"),
    }
    spec = translate(a_table("SELECT 1", settings=settings))
    assert spec.description == (
        "Built at 09:00 on the first day of every month, Europe/Berlin.\n\n"
        "Built only at these times, Europe/Berlin: `weekdays mon-fri`."
    )
    assert {key: spec.metadata[key] for key in ("schedule", "timezone", "conditions")} == {
        "schedule": "0 9 1 * *",
        "timezone": "Europe/Berlin",
        "conditions": "weekdays mon-fri",
    }
    assert spec.freshness_policy is None


def test_op_names_are_distinct() -> None:
    names = ["first.cities", "a__b.c", "a.b__c", "a_.b", "a._b", "a-b.c", "a b.c", "a_b.c", "a.b_c", "ä.b", "ö.b"]
    ops = [op_name(Relation.of(name)) for name in names]
    assert len(set(ops)) == len(names)
    assert all(op.isascii() and op.replace("_", "a").isalnum() for op in ops)
    assert ops[0] == "first__cities"


def test_a_circle_loads() -> None:
    egg = a_table("SELECT 1", name="first.egg", upstream=(Relation.of("first.hen"), Relation.of("first.corn")))
    hen = a_table("SELECT 1", name="first.hen", upstream=(Relation.of("first.egg"),))
    corn = a_table("SELECT 1", name="first.corn")
    soup = a_table("SELECT 1", name="first.soup", upstream=(Relation.of("first.hen"),))
    graph = graph_of(a_project(egg, hen, corn, soup))
    assert graph.get(dg.AssetKey(["first", "egg"])).parent_keys == {dg.AssetKey(["first", "corn"])}
    assert graph.get(dg.AssetKey(["first", "hen"])).parent_keys == set()
    assert graph.get(dg.AssetKey(["first", "soup"])).parent_keys == {dg.AssetKey(["first", "hen"])}


def test_problems_of_files_that_are_no_table_are_an_asset() -> None:
    lost = Problem("global.conf", 2, 1, "unknown setting `onwer`", "did you mean `owner`?")
    told = Problem("first/cities.sql", 1, 1, "broken")
    cities = a_table("SELECT 1", problems=(told,))
    project = Project(Path(), "duckdb", {cities.relation: cities}, (told, lost))
    node = graph_of(project).get(dg.AssetKey(["_sqlmat", "problems"]))
    assert not node.is_executable
    assert node.description == (
        "**Problems in files that are no table**\n"
        "\n"
        "```text\n"
        "global.conf:2:1: unknown setting `onwer`\n"
        "  hint: did you mean `owner`?\n"
        "```"
    )


def test_no_problems_no_asset() -> None:
    keys = graph_of(a_project(a_table("SELECT 1"))).get_all_asset_keys()
    assert keys == {CITIES}


def test_what_is_read_and_not_built_is_a_source() -> None:
    model = a_table("SELECT 1", sources=(Relation.of("web.events"), Relation.of("x.web.events")))
    graph = graph_of(a_project(model))
    assert graph.external_asset_keys == {dg.AssetKey(["web", "events"]), dg.AssetKey(["x", "web", "events"])}
