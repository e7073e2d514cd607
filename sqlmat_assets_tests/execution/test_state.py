"""What is kept in the warehouse between runs, and the names of what is not."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.names import backup_of, intermediate_of, run_of
from sqlmat_assets.execution.records import fetch_records
from sqlmat_assets.execution.state import LEASE_LASTS, LEASES, RunState
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Capabilities
from sqlmat_assets_tests.recording import RecordingWarehouse
from sqlmat_assets_tests.tables import a_context, a_table, ask


def limited(max_bytes: int) -> Capabilities:
    return Capabilities("engine", "duckdb", max_bytes, True, False, False)


@given(st.text(min_size=1).filter(lambda name: "\0" not in name), st.integers(40, 300))
def test_temporary_names_fit_and_tell_their_run(name: str, max_bytes: int) -> None:
    target = Relation("s", name)
    for temporary in (
        intermediate_of(target, "k3", limited(max_bytes)),
        backup_of(target, "k3", limited(max_bytes)),
    ):
        assert len(temporary.name.encode(errors="surrogatepass")) <= max_bytes
        assert run_of(temporary.name) == "k3"
        assert temporary.schema == "s"


def test_shortened_names_stay_apart() -> None:
    long = "cities_of_the_world_by_continent_and_country_"
    names = {intermediate_of(Relation("s", f"{long}{i}"), "k3", limited(40)).name for i in range(100)}
    assert len(names) == 100


@pytest.mark.parametrize(
    "name", ["cities", "cities__sqlmat_k3", "__sqlmat_k3_new", "c__sqlmat_K3_new", "c__sqlmat__new"]
)
def test_other_names_have_no_run(name: str) -> None:
    assert run_of(name) is None


class TestRecords:
    def test_builds_are_counted_and_their_mean_is_kept(self, path: Path) -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        for run, seconds in (("r1", 1), ("r2", 2), ("r3", 6)):
            clock = [moment]

            def now(clock: list[datetime] = clock) -> datetime:
                return clock[0]

            context = a_context(path, run, now=now)
            for event in materialize(a_table("SELECT 1 AS n"), context):
                if type(event).__name__ == "Checked":
                    clock[0] += timedelta(seconds=seconds)
        with context.warehouse.open_session() as session:
            (record,) = fetch_records(session)
        assert (record.run, record.builds, record.mean_seconds) == ("r3", 3, 3.0)
        assert (record.relation, record.rows, record.code) == (Relation("first", "cities"), 1, "SELECT 1 AS n")
        assert record.published_at - record.started_at == timedelta(seconds=6)
        assert record.started_at == moment

    def test_a_run_asks_once_for_all_of_its_tables(self, path: Path) -> None:
        warehouse = RecordingWarehouse(path)
        context = a_context(warehouse)
        list(materialize(a_table("SELECT 1 AS n", name="first.a"), context))
        before = len(warehouse.sent)
        list(materialize(a_table("SELECT 1 AS n", name="first.b"), context))
        assert [sql.split()[0] for sql in warehouse.sent[before:]] == [
            "CREATE",
            "SELECT",
            "SELECT",
            "BEGIN",
            "ALTER",
            "INSERT",
            "COMMIT",
        ]


class TestLeases:
    def test_a_run_has_one_lease_and_renews_it_in_time(self, path: Path) -> None:
        clock = [datetime(2026, 1, 1, tzinfo=UTC)]
        context = a_context(path, now=lambda: clock[0])
        begun = clock[0]
        for minutes, renewed in ((0, 0), (4, 0), (5, 0), (6, 6), (10, 6), (12, 12)):
            clock[0] = begun + timedelta(minutes=minutes)
            list(materialize(a_table("SELECT 1 AS n"), context))
            ((expires_at,),) = ask(path, "SELECT expires_at FROM _sqlmat.leases")
            assert expires_at.replace(tzinfo=UTC) == begun + timedelta(minutes=renewed) + LEASE_LASTS

    def test_the_lease_is_renewed_while_a_table_is_built(self, path: Path) -> None:
        clock = [datetime(2026, 1, 1, tzinfo=UTC)]
        state = RunState(renew_after=timedelta(seconds=0.05))
        context = a_context(path, now=lambda: clock[0], state=state)
        building = materialize(a_table("SELECT 1 AS n"), context)
        assert [type(next(building)).__name__ for _ in range(2)] == ["Started", "Written"]
        clock[0] += timedelta(hours=5)
        deadline = time.monotonic() + 10
        with context.warehouse.open_session() as session:
            query = statements.select_columns(LEASES, ["expires_at"])
            while session.fetch_rows(query).rows != [((clock[0] + LEASE_LASTS).replace(tzinfo=None),)]:
                assert time.monotonic() < deadline
                time.sleep(0.01)
        assert type(list(building)[-1]).__name__ == "Published"

    def test_leases_that_have_expired_are_forgotten(self, path: Path) -> None:
        clock = [datetime(2026, 1, 1, tzinfo=UTC)]
        for run in ("r1", "r2"):
            list(materialize(a_table("SELECT 1 AS n"), a_context(path, run, now=lambda: clock[0])))
            clock[0] += timedelta(days=2)
        assert ask(path, "SELECT run FROM _sqlmat.leases") == [("r2",)]
