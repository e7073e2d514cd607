"""When a table is delivered, when it is not, and that a crash in between delivers it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sqlmat_assets.connectors.local_folder import LocalFolder
from sqlmat_assets.execution.deliveries.deliver import deliver
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.events import Delivered, Discarded, Skipped
from sqlmat_assets.project.deliveries import delivery_of
from sqlmat_assets.warehouses.duckdb import files as duckdb_files
from sqlmat_assets_tests.execution.deliveries.sending import CITIES, Sending
from sqlmat_assets_tests.recording import Killed, RecordingWarehouse, failing_at, kill, refuse
from sqlmat_assets_tests.tables import ask

DISK = "disk:\n  to: ../../exports/cities.csv\n"


def file_of(sending: Sending) -> Path:
    return sending.root / "exports" / "cities.csv"


def test_the_same_rows_are_delivered_once(sending: Sending) -> None:
    sending.write(DISK)
    first = sending.deliver("disk")
    file_of(sending).unlink()
    again = sending.deliver("disk")
    assert (first.is_new, again.is_new) == (True, False)
    assert again.delivered_at == first.delivered_at
    assert (again.data_version, again.inputs) == (first.data_version, first.inputs)
    assert not file_of(sending).exists()


def test_other_rows_are_delivered(sending: Sending) -> None:
    sending.write(DISK)
    first = sending.deliver("disk")
    sending.write(DISK, count=4)
    second = sending.deliver("disk")
    assert second.is_new
    assert second.data_version != first.data_version
    assert second.inputs == {"first.cities": "2026-01-02T05:04:05+00:00"}


def test_another_delivery_of_the_same_rows(sending: Sending) -> None:
    sending.write(DISK)
    sending.deliver("disk")
    sending.write(f"{DISK}  header: false\n")
    assert sending.deliver("disk").is_new
    sending.write(f"# for the archive\n{DISK}  header: false\n")
    assert not sending.deliver("disk").is_new


def test_rows_that_were_swapped_although_they_are_the_same(sending: Sending) -> None:
    sending.write(DISK)
    sending.deliver("disk")
    ask(sending.root / "warehouse.duckdb", "UPDATE _sqlmat.tables SET published_at = '2026-01-02 04:30:00'")
    event = sending.build("disk")["cities__deliver__disk"]
    assert isinstance(event, Delivered)
    assert not event.is_new
    assert event.inputs == {"first.cities": "2026-01-02T04:30:00+00:00"}


def test_a_person_who_names_it_has_it_delivered_again(sending: Sending) -> None:
    sending.write(DISK)
    sending.deliver("disk")
    assert sending.deliver("disk", named=frozenset({delivery_of(CITIES, "disk")})).is_new
    assert not sending.deliver("disk", named=frozenset({CITIES})).is_new


def test_a_table_that_was_never_built(sending: Sending) -> None:
    sending.write(DISK)
    event = sending.build("disk")["cities__deliver__disk"]
    assert isinstance(event, Discarded)
    assert str(event.error) == (
        "`first.cities` was never built, so there is nothing to deliver\n  hint: build it first\n"
        "`first.cities__deliver__disk` has delivered nothing yet"
    )


def test_a_table_that_fails_is_not_delivered(sending: Sending) -> None:
    sending.write(DISK)
    sending.deliver("disk")
    sending.write(DISK, count=5, more={"first/cities_test.sql": "select count(*) < 4 as few from first.cities"})
    assert isinstance(sending.build()["cities__deliver__disk"], Skipped)
    assert file_of(sending).read_text().count("\n") == 4


def test_what_has_arrived_before_is_told_when_another_fails(sending: Sending) -> None:
    sending.write(DISK)
    sending.deliver("disk")
    sending.write(DISK, count=4)
    file_of(sending).unlink()
    file_of(sending).mkdir()
    assert sending.refused("disk").splitlines()[-1] == (
        "what `first.cities__deliver__disk` has delivered before is still there"
    )


def test_nothing_leaves_an_environment(sending: Sending) -> None:
    sending.write(DISK)
    sending.build()
    context = replace(sending.context(), environment=Environment("joan"))
    *_, event = deliver(sending.project.models[delivery_of(CITIES, "disk")], context)
    assert isinstance(event, Discarded)
    assert str(event.error) == (
        "nothing is delivered from the environment `joan`\n  hint: deliveries are made from production"
    )


def test_a_view_is_delivered_when_what_it_reads_was_published(sending: Sending) -> None:
    view = {"first/names.sql": "-- mode: view\nselect name from first.cities", "first/names.deliver.yaml": DISK}
    sending.write("other:\n  to: ../../exports/other.csv\n", more=view)
    first = sending.build()["names__deliver__disk"]
    second = sending.build()["names__deliver__disk"]
    sending.write("other:\n  to: ../../exports/other.csv\n", count=4, more=view)
    third = sending.build()["names__deliver__disk"]
    assert [isinstance(each, Delivered) and each.is_new for each in (first, second, third)] == [True, False, True]
    assert isinstance(third, Delivered)
    assert list(third.inputs) == ["first.cities"]


def test_a_view_of_what_nobody_knows_is_delivered_each_time(sending: Sending) -> None:
    view = {
        "first/names.sql": "-- mode: view\nselect name, now() as at from first.cities",
        "first/names.deliver.yaml": DISK,
    }
    sending.write("other:\n  to: ../../exports/other.csv\n", more=view)
    found = [sending.build()["names__deliver__disk"] for _ in range(2)]
    assert [isinstance(each, Delivered) and each.is_new for each in found] == [True, True]


@pytest.mark.parametrize("fails", [kill, refuse])
def test_a_failure_at_every_statement_delivers_again_and_never_not(sending: Sending, fails: object) -> None:
    sending.write(DISK)
    sending.deliver("disk")
    path = sending.root / "warehouse.duckdb"
    model = sending.project.models[delivery_of(CITIES, "disk")]
    recording = RecordingWarehouse(path)
    sending.warehouse = recording
    named = frozenset({model.relation})
    assert [type(event) for event in deliver(model, sending.context(named=named))][-1] is Delivered
    statements = list(recording.sent)
    assert len(statements) > 6
    for number in range(1, len(statements) + 1):
        ask(path, "DELETE FROM _sqlmat.deliveries")
        file_of(sending).unlink(missing_ok=True)
        sending.warehouse = RecordingWarehouse(path, failing_at(number, fails))  # pyright: ignore[reportArgumentType] - one of two
        try:
            *_, event = deliver(model, sending.context())
            assert isinstance(event, Discarded), statements[number - 1]
        except Killed:
            pass
        noted = ask(path, "SELECT count(*) FROM _sqlmat.deliveries") == [(1,)]
        assert not noted or file_of(sending).exists(), statements[number - 1]
        sending.warehouse = RecordingWarehouse(path)
        *_, event = deliver(model, sending.context())
        assert isinstance(event, Delivered)
        assert event.is_new is not noted
        assert file_of(sending).exists()


def test_what_cannot_be_noted_has_arrived_and_is_delivered_again(sending: Sending) -> None:
    sending.write(DISK)
    sending.build()

    def fails(_: int, sql: str) -> None:
        if "INSERT INTO" in sql and "deliveries" in sql:
            refuse(sql)

    sending.warehouse = RecordingWarehouse(sending.root / "warehouse.duckdb", fails)
    said = sending.refused("disk", named=frozenset({delivery_of(CITIES, "disk")}))
    assert said.startswith(
        "the rows have arrived at ../../exports/cities.csv, and that could not be noted: IO Error: no"
    )
    assert "\n  hint: nothing; they are delivered once more\n" in said


def test_the_warehouse_is_held_only_while_it_is_read(sending: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    sending.write(DISK)
    put, held = LocalFolder.put, list[int]()

    def look(store: LocalFolder, file: Path, name: str) -> None:
        warehouse = sending.root / "warehouse.duckdb"
        opened = duckdb_files._open_files[warehouse]  # pyright: ignore[reportPrivateUsage] - what this process holds
        held.append(opened.sessions)
        put(store, file, name)

    monkeypatch.setattr(LocalFolder, "put", look)
    assert sending.deliver("disk").is_new
    assert held == [0]
