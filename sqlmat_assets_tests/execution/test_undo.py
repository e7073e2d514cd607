"""Which tables were built from what an undo takes away, and what is right for each of them; on real tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.execution.events import Checked, Discarded, Event, LeftAlone, Published, Run
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.names import is_kept, is_kept_of, kept_of, run_of
from sqlmat_assets.execution.state import is_reserved
from sqlmat_assets.execution.undo import Reader, Step, choose_version, find_holdings, find_readers, find_step, put_back
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.reasons import Reason, Reasons
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.duckdb.adapter import DuckDBWarehouse
from sqlmat_assets.warehouses.duckdb.facts import DUCKDB
from sqlmat_assets_tests.execution.pair import a_reader, due, last_of, published, unchanged
from sqlmat_assets_tests.project.deciding import CODE
from sqlmat_assets_tests.tables import a_context, a_table, ask, tables_in

A, B, C = (Relation("first", name) for name in "abc")
KEEP = {"keep_versions": 5}


def source(version: int, name: str = "a") -> Model:
    return a_table(f"SELECT {version} AS version", name=f"first.{name}", settings=KEEP)


def reader(name: str, *reads: Relation, **settings: object) -> Model:
    rows = " UNION ALL ".join(f"SELECT version FROM {read}" for read in reads)
    sql = f"SELECT sum(version) AS version FROM ({rows})"
    return a_table(sql, name=f"first.{name}", upstream=reads, settings={**KEEP, **settings})


def build(path: Path, run: str, *models: Model) -> None:
    context = a_context(path, run)
    for model in models:
        published(model, context)


def look(
    path: Path, relation: Relation, reads: Mapping[Relation, tuple[Relation, ...]]
) -> tuple[Step, tuple[Reader, ...]]:
    with DuckDBWarehouse(path).open_session() as session:
        holdings = find_holdings(session, None, DUCKDB)
        record = holdings.records[relation.schema, relation.name]
        version = choose_version(record, holdings.versions_of(relation))
        assert version is not None
        readers = find_readers(record, version, holdings, lambda read: reads.get(read, ()))
        return find_step(session, record, version, DUCKDB), readers


def told(readers: tuple[Reader, ...]) -> list[tuple[str, bool, int | None]]:
    """The readers by name, with the run that made what would be put back."""
    return [
        (each.record.relation.name, each.is_certain, None if each.good is None else int(each.good.record.run[1:]))
        for each in readers
    ]


def undo(path: Path, relation: Relation) -> None:
    step, _ = look(path, relation, {})
    with DuckDBWarehouse(path).open_session() as session:
        put_back(session, (step.hold((), CODE),), "undo", datetime.now(UTC), DUCKDB)


def test_readers_near_and_far_each_with_its_newest_good_version(path: Path) -> None:
    chain = (reader("b", A), reader("c", B))
    build(path, "r1", source(1), *chain)
    build(path, "r2", source(2), *chain)
    build(path, "r3", source(3), *chain)
    build(path, "r4", *chain)
    _, readers = look(path, A, {})
    assert told(readers) == [("b", True, 2), ("c", True, 2)]


def test_a_reader_that_was_not_built_since_is_none(path: Path) -> None:
    build(path, "r1", source(1), reader("b", A), reader("c", B))
    build(path, "r2", source(2), reader("c", B))
    _, readers = look(path, A, {})
    assert readers == ()


def test_a_reader_of_the_good_and_of_the_bad_way(path: Path) -> None:
    """C reads A and B; the version of C before has read the good A, and B of that time."""
    models = (reader("b", A), reader("c", A, B))
    build(path, "r1", source(1), *models)
    build(path, "r2", source(2), models[0])
    build(path, "r3", models[1])
    _, readers = look(path, A, {})
    assert told(readers) == [("b", True, 1), ("c", True, 1)]


def test_a_reader_without_a_good_version(path: Path) -> None:
    build(path, "r1", source(1))
    build(path, "r2", source(2), reader("b", A))
    _, readers = look(path, A, {})
    assert told(readers) == [("b", True, None)]


def test_where_inputs_are_not_known_it_may_have_been(path: Path) -> None:
    grows = reader("b", A, mode="merge", unique_key=("version",))
    build(path, "r1", source(1), grows)
    build(path, "r2", source(2), grows)
    assert told(look(path, A, {B: (A,)})[1]) == [("b", False, 1)]
    # Nobody knows that it reads the table, if its file does not say so.
    assert told(look(path, A, {})[1]) == []
    build(path, "r3", source(3))
    assert told(look(path, A, {B: (A,)})[1]) == []


def test_a_view_on_the_way_is_none_and_hides_none(path: Path) -> None:
    view = reader("b", A, mode="view")
    build(path, "r1", source(1), view, reader("c", B))
    build(path, "r2", source(2), reader("c", B))
    _, readers = look(path, A, {B: (A,), C: (B,)})
    assert told(readers) == [("c", True, 1)]


def test_after_an_undo_the_reader_of_the_bad_rows_is_built_and_that_of_the_good_ones_left(path: Path) -> None:
    cities = a_table("SELECT 1 AS id, 'Paris' AS name", name="first.source", version=CODE, settings=KEEP)
    people = a_reader()
    first = due(path, "r1")
    published(cities, first)
    published(people, first)
    bad = a_table("SELECT 2 AS id, 'Lyon' AS name", name="first.source", version=CODE, settings=KEEP)
    published(bad, a_context(path, "r2"))
    undo(path, Relation("first", "source"))
    # Built from the version that is there again.
    assert unchanged(people, due(path, "r3")).statement is None
    published(bad, a_context(path, "r4"))
    published(people, due(path, "r5"))
    undo(path, Relation("first", "source"))
    published(people, due(path, "r6"))
    assert ask(path, "SELECT id FROM first.cities") == [(1,)]


def test_a_table_that_is_published_after_the_look_is_not_undone(path: Path) -> None:
    build(path, "r1", source(1))
    build(path, "r2", source(2))
    step, _ = look(path, A, {})
    build(path, "r3", source(3))
    with DuckDBWarehouse(path).open_session() as session, pytest.raises(MaterializeError) as raised:
        put_back(session, (step,), "undo", datetime.now(UTC), DUCKDB)
    assert str(raised.value) == (
        "`first.a` was published by somebody else at this moment; nothing is undone\n  hint: look again"
    )
    assert ask(path, "SELECT version FROM first.a") == [(3,)]


def test_several_tables_are_all_put_back_or_none(path: Path) -> None:
    build(path, "r1", source(1), source(1, "b"))
    build(path, "r2", source(2), source(2, "b"))
    steps = (look(path, A, {})[0], look(path, B, {})[0])
    build(path, "r3", source(3, "b"))
    with DuckDBWarehouse(path).open_session() as session, pytest.raises(MaterializeError):
        put_back(session, steps, "undo", datetime.now(UTC), DUCKDB)
    assert ask(path, "SELECT a.version, b.version FROM first.a, first.b") == [(2, 3)]


def test_rows_that_are_the_same_are_no_version(path: Path) -> None:
    model = a_table("SELECT 1 AS version", name="first.a", version=CODE, settings=KEEP)
    build(path, "r1", model)
    unchanged(model, a_context(path, "r2"))
    assert ask(path, "SELECT count(*) FROM _sqlmat.versions") == [(0,)]


def test_a_reader_whose_rows_came_out_the_same_is_none(path: Path) -> None:
    """What it reads went bad, but not in what it takes of it."""
    same = a_table("SELECT count(*) AS n FROM first.a", name="first.b", upstream=(A,), version=CODE, settings=KEEP)
    build(path, "r1", source(1), same)
    build(path, "r2", source(2))
    unchanged(same, a_context(path, "r3"))
    _, readers = look(path, A, {B: (A,)})
    assert readers == ()


def test_a_table_that_becomes_a_view_can_be_put_back(path: Path) -> None:
    build(path, "r1", source(1), source(5, "c"))
    build(
        path,
        "r2",
        a_table("SELECT version FROM first.c", name="first.a", upstream=(C,), settings={"mode": "view", **KEEP}),
    )
    assert ask(path, "FROM first.a") == [(5,)]
    undo(path, A)
    assert ask(path, "FROM first.a") == [(1,)]


def test_an_index_that_somebody_has_made_stays_and_is_in_nobodys_way(path: Path) -> None:
    build(path, "r1", source(1))
    build(path, "r2", source(2))
    (kept,) = [name for name in tables_in(path) if name.endswith("_was")]
    ask(path, f'CREATE INDEX mine ON first.a (version); CREATE INDEX theirs ON first."{kept}" (version)')
    undo(path, A)
    assert ask(path, "FROM first.a") == [(1,)]
    assert ask(path, "SELECT table_name, index_name FROM duckdb_indexes()") == [("a", "mine")]


def test_names_of_versions() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    kept = kept_of(A, at, DUCKDB)
    assert kept.name == "a__sqlmat_20260102t030405000678_was"
    assert run_of(kept.name) is None
    assert is_kept(kept.name)
    assert is_reserved(kept, DUCKDB)
    assert is_kept_of(A, kept.name, DUCKDB)
    assert is_kept_of(A, kept.name.upper(), DUCKDB)
    assert not is_kept_of(B, kept.name, DUCKDB)
    assert not is_kept_of(A, "a__sqlmat_r1_was", DUCKDB)


def test_names_of_versions_of_long_tables() -> None:
    short = replace(DUCKDB, max_identifier_bytes=63)
    one, other = (Relation("first", "é" * 40 + ending) for ending in "xy")
    kept = kept_of(one, datetime(2026, 1, 2, tzinfo=UTC), short)
    assert len(kept.name.encode()) <= 63
    assert is_kept_of(one, kept.name, short)
    assert not is_kept_of(other, kept.name, short)


@pytest.mark.parametrize(
    "last",
    [
        source(3),
        source(2),
        a_table("SELECT 3 AS version", name="first.a", settings={**KEEP, "mode": "merge", "unique_key": ("version",)}),
        a_table("SELECT 3 AS version", name="first.a", settings={"keep_versions": 0}),
    ],
    ids=["other rows", "the rows that went", "merged", "no version is kept any more"],
)
def test_a_run_that_was_building_meanwhile_publishes_nothing_over_it(path: Path, last: Model) -> None:
    build(path, "r1", source(1))
    build(path, "r2", replace(source(2), version=CODE))
    events = materialize(replace(last, version=CODE), a_context(path, "r3"))
    for event in events:
        if isinstance(event, Checked):
            break
    undo(path, A)
    (end,) = events
    assert isinstance(end, Discarded)
    assert str(end.error) == (
        "`first.a` was put back by hand while it was built\n"
        "  hint: what was put back stays; to build all the same: `sqlmat build -s first.a`\n"
        "`first.a` still holds its previous rows"
    )
    assert ask(path, "SELECT version FROM first.a") == [(1,)]
    assert ask(path, "SELECT put_back_at IS NULL FROM _sqlmat.tables") == [(False,)]
    # Whoever asks for it afterwards has looked at what was put back.
    published(source(4), a_context(path, "r4"))
    assert ask(path, "SELECT version FROM first.a") == [(4,)]
    assert ask(path, "SELECT put_back_at FROM _sqlmat.tables") == [(None,)]


def test_a_run_for_age_leaves_it_alone_until_its_code_is_another_one(path: Path) -> None:
    model = replace(source(2), version=CODE)
    build(path, "r1", source(1))
    build(path, "r2", model)
    undo(path, A)
    reasons = Reasons.of({A: Reason.DUE})

    def run(name: str, model: Model) -> Event:
        decided = Run(name, datetime.now(UTC), reasons=reasons)
        return last_of(model, replace(a_context(path, name), run=decided))

    left = run("r3", model)
    assert isinstance(left, LeftAlone)
    assert left.record.rows == 1
    assert [column.name for column in left.columns] == ["version"]
    assert left.replaced_at is not None
    assert left.replaced_at > left.record.published_at
    assert ask(path, "SELECT version FROM first.a") == [(1,)]
    edited = replace(source(3), version=replace(CODE, semantic="other", text="other"))
    assert isinstance(run("r4", edited), Published)
    assert ask(path, "SELECT version FROM first.a") == [(3,)]
