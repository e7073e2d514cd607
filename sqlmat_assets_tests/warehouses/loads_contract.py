"""What holds on every engine for tables that are loaded from files, whole or in parts."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from sqlmat_assets.execution.events import Event, LeftOut, Published, Unchanged
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.piece import Piece
from sqlmat_assets.warehouses.base import Warehouse
from sqlmat_assets.warehouses.config import open_warehouse
from sqlmat_assets.warehouses.statements import verbatim
from sqlmat_assets_tests.children import Child
from sqlmat_assets_tests.execution.loading import LoadProject
from sqlmat_assets_tests.recording import Killed, conflict, failing_at, kill, refuse
from sqlmat_assets_tests.warehouses.parts import Parts

COLUMNS = "columns:\n  id: bigint\n  name: varchar(9)\n"
MANIFEST = f"files: ../../ev/*.csv\nstrategy: manifest\n{COLUMNS}"
WITH_NAMES = f"filename: file\n{MANIFEST}"
SERIES = f"files: ../../ev/{{number}}/*.csv\nstrategy: time_series\nfolder: batch\n{COLUMNS}"
FULL = Piece(is_full_refresh=True)


class Folder:
    """The files of a test; each that is written has a time of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._ticks = 0

    def put(self, name: str, *ids: int, text: str | None = None) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text if text is not None else "id,name\n" + "".join(f"{each},n{each}\n" for each in ids))
        self._ticks += 1
        os.utime(file, (1_600_000_000 + self._ticks, 1_600_000_000 + self._ticks))

    def remove(self, name: str) -> None:
        (self.root / name).unlink()


class LoadsContract(Parts):
    @pytest.fixture
    def files(self, tmp_path: Path) -> Folder:
        return Folder(tmp_path / "ev")

    @pytest.fixture
    def project(self, tmp_path: Path, warehouse: Warehouse) -> LoadProject:
        return LoadProject(tmp_path, MANIFEST, warehouse=warehouse)

    def ids(self, project: LoadProject) -> list[int]:
        return [row[0] for row in project.rows("id")]

    def change(self, warehouse: Warehouse, sql: str) -> None:
        with warehouse.open_session() as session:
            session.execute(verbatim(sql))

    # Manifests

    def test_each_file_is_loaded_once(self, project: LoadProject, files: Folder) -> None:
        files.put("a.csv", 1, 2)
        files.put("b.csv", 3)
        assert project.published().rows == 3
        assert project.unchanged().statement is None
        files.put("c.csv", 4)
        last = project.published()
        assert (last.rows, self.ids(project)) == (1, [1, 2, 3, 4])
        assert "c.csv" in last.statement or last.statement.count("COPY") == 1
        project.unchanged()
        assert self.left_overs_in(project) == []

    def left_overs_in(self, project: LoadProject) -> list[str]:
        with project.place.open_session() as session:
            return sorted(name for name in session.fetch_kinds("raw") if "__sqlmat_" in name)

    def test_nothing_there_is_an_empty_table(self, project: LoadProject, files: Folder) -> None:
        assert project.published().rows == 0
        files.put("a.csv", 1)
        project.published()
        assert self.ids(project) == [1]

    def test_rows_of_files_that_are_gone_stay(self, project: LoadProject, files: Folder) -> None:
        files.put("a.csv", 1)
        files.put("b.csv", 2)
        project.published()
        files.remove("a.csv")
        project.unchanged()
        files.put("c.csv", 3)
        project.published()
        assert self.ids(project) == [1, 2, 3]

    def test_a_changed_file_is_loaded_again_in_the_place_of_its_rows(self, project: LoadProject, files: Folder) -> None:
        project.write(WITH_NAMES)
        files.put("a.csv", 1, 2)
        files.put("b.csv", 3)
        project.published()
        files.remove("b.csv")
        files.put("a.csv", 5)
        files.put("c.csv", 6)
        assert project.published().rows == 2
        assert project.rows("id, file") == [(3, "b.csv"), (5, "a.csv"), (6, "c.csv")]
        project.unchanged()

    def test_a_file_that_is_only_written_again_changes_nothing(self, project: LoadProject, files: Folder) -> None:
        project.write(WITH_NAMES)
        files.put("a.csv", 1)
        first = project.published()
        files.put("a.csv", 1)
        second = project.build()
        if isinstance(second, Unchanged):
            assert second.statement is not None
        else:
            assert isinstance(second, Published)
            assert not project.place.capabilities.has_fingerprints
        assert first.rows == 1
        # Its new time is noted, so that it is not read a third time.
        assert project.unchanged().statement is None

    def test_without_names_a_changed_file_has_all_loaded_anew(self, project: LoadProject, files: Folder) -> None:
        files.put("a.csv", 1, 2)
        files.put("b.csv", 3)
        project.published()
        files.put("a.csv", 5)
        assert project.published().rows == 2
        assert self.ids(project) == [3, 5]

    def test_no_row_is_lost_by_that(self, project: LoadProject, files: Folder) -> None:
        files.put("a.csv", 1, 2)
        files.put("b.csv", 3)
        project.published()
        files.remove("b.csv")
        files.put("a.csv", 5)
        assert project.refused() == (
            "all files have to be loaded anew, and 1 file that was loaded is gone, so that rows would be lost:\n"
            "  ev/b.csv\n"
            "  hint: `sqlmat build --full-refresh` loads what is there; with `filename`, a file that has changed is "
            "loaded alone\n`raw.events` still holds its previous rows"
        )
        assert self.ids(project) == [1, 2, 3]
        assert project.published(FULL).rows == 1
        assert self.ids(project) == [5]

    @pytest.mark.parametrize("lost", ["DELETE FROM _sqlmat.loaded", "DROP TABLE raw.events"])
    def test_without_its_journal_or_its_table_all_is_loaded(
        self, project: LoadProject, files: Folder, lost: str
    ) -> None:
        files.put("a.csv", 1)
        files.put("b.csv", 2)
        project.published()
        self.change(project.place, lost)
        files.put("c.csv", 3)
        assert project.published().rows == 3
        assert self.ids(project) == [1, 2, 3]

    def test_an_empty_folder_does_not_empty_a_table(self, project: LoadProject, files: Folder) -> None:
        files.put("a.csv", 1)
        project.published()
        files.remove("a.csv")
        self.change(project.place, "DELETE FROM _sqlmat.loaded")
        assert project.refused().startswith("no file matches `../../ev/*.csv`")
        assert self.ids(project) == [1]

    def test_what_a_check_keeps_out_is_loaded_later(self, project: LoadProject, files: Folder) -> None:
        files.put("a.csv", 1)
        project.write(MANIFEST, "unique = id")
        project.published()
        files.put("b.csv", 1)
        files.put("c.csv", 2)
        assert "unique" in project.refused()
        assert self.ids(project) == [1]
        files.put("b.csv", 3)
        project.published()
        assert self.ids(project) == [1, 2, 3]

    def test_an_earlier_version_lacks_what_came_after_it(self, project: LoadProject, files: Folder) -> None:
        from datetime import UTC, datetime

        from sqlmat_assets.execution import undo

        project.write(MANIFEST, "keep_versions = 3")
        for number, name in enumerate("abc"):
            files.put(f"{name}.csv", number)
            project.published()
        warehouse = project.place
        with warehouse.open_session() as session:
            holdings = undo.find_holdings(session, None, warehouse.capabilities)
            record = next(iter(holdings.records.values()))
            version = holdings.versions_of(record.relation)[-1]
            step = undo.find_step(session, record, version, warehouse.capabilities)
            undo.put_back(session, [step], "undo", datetime.now(UTC), warehouse.capabilities)
        assert self.ids(project) == [0]
        project.published()
        assert self.ids(project) == [0, 1, 2]

    def test_rows_that_came_from_elsewhere_since_are_replaced(self, project: LoadProject, files: Folder) -> None:
        files.put("a.csv", 1)
        project.published()
        path = project.root / "sql" / "raw" / "events.load.yaml"
        path.rename(project.root / "kept")
        (project.root / "sql" / "raw" / "events - 24h.sql").write_text("SELECT CAST(7 AS bigint) AS id")
        project.published()
        (project.root / "sql" / "raw" / "events - 24h.sql").unlink()
        (project.root / "kept").rename(path)
        files.put("b.csv", 2)
        project.published()
        assert self.ids(project) == [1, 2]

    @pytest.mark.parametrize("how", [refuse, kill, conflict])
    def test_a_fault_at_every_statement_loads_each_file_once(
        self, project: LoadProject, files: Folder, how: Callable[[str], None]
    ) -> None:
        """A file comes, one changes, and the build ends at its n-th statement; the next one goes well."""
        project.write(WITH_NAMES)
        warehouse = project.place
        expected: dict[str, list[int]] = {}
        number, rounds = 0, 0

        def change(round_: int) -> None:
            for name, ids in ((f"new{round_}", [round_, round_ + 1000]), ("changes", [-round_])):
                expected[name] = ids
                files.put(f"{name}.csv", *ids)

        change(0)
        project.published()
        while True:
            number, rounds = self.next_fault(number, how), rounds + 1
            change(rounds)
            before = project.rows("id, file")
            recorder, sent = self.faulty(warehouse, failing_at(number, how))
            project.warehouse = recorder
            last = self.build_or_be_killed(project, f"f{number}")
            project.warehouse = warehouse
            rows = sorted((each, f"{name}.csv") for name, ids in expected.items() for each in ids)
            after = sorted(project.rows("id, file"))
            assert after in (sorted(before), rows), sent[number - 1 : number]
            assert isinstance(last, Published) or after == sorted(before)
            if how is kill:
                self.forget_processes(warehouse)
            end = project.build()
            assert isinstance(end, Published | Unchanged), end
            assert sorted(project.rows("id, file")) == rows, sent[number - 1 : number]
            if len(sent) < number:
                break
        assert number > 12
        assert self.left_overs_in(project) == []

    def build_or_be_killed(self, project: LoadProject, run: str) -> Event | None:
        try:
            return list(materialize(project.model(), project.context(run)))[-1]
        except Killed:
            return None

    def test_two_runs_at_once_load_each_file_once(self, project: LoadProject, files: Folder) -> None:
        files.put("0.csv", 0)
        project.published()
        for number in range(1, 6):
            files.put(f"{number}.csv", number)
            self.in_threads(*(partial(project.build, run=f"t{number}{run}") for run in "abc"))
            project.build()
            assert self.ids(project) == list(range(number + 1))

    # Folders that have an order

    def test_folders_are_replaced_one_by_one(self, project: LoadProject, files: Folder) -> None:
        project.write(SERIES)
        files.put("2/a.csv", 2)
        files.put("10/a.csv", 10)
        files.put("10/b.csv", 11)
        files.put("1_old/a.csv", 99)
        files.put("x/a.csv", 98)
        assert project.published().rows == 3
        assert project.rows("batch, id") == [(10, 10), (10, 11), (2, 2)]
        project.unchanged()
        files.put("10/b.csv", 12)
        files.put("3/a.csv", 3)
        files.remove("2/a.csv")
        assert project.published().rows == 3
        assert project.rows("batch, id") == [(10, 10), (10, 12), (2, 2), (3, 3)]
        # A file that is gone from a folder that is there takes its rows along.
        files.remove("10/a.csv")
        project.published()
        assert project.rows("batch, id") == [(10, 12), (2, 2), (3, 3)]

    def test_bounds_are_numbers_and_not_words(self, project: LoadProject, files: Folder) -> None:
        project.write(f"{SERIES}from: 2\nto: 10\n")
        for number in (1, 2, 9, 10, 11, 100):
            files.put(f"{number}/a.csv", number)
        project.published()
        assert self.ids(project) == [10, 2, 9]

    @pytest.mark.parametrize("how", [refuse, kill])
    def test_a_fault_leaves_a_folder_whole(
        self, project: LoadProject, files: Folder, how: Callable[[str], None]
    ) -> None:
        project.write(SERIES)
        warehouse, number = project.place, 0
        files.put("1/a.csv", 1)
        files.put("2/a.csv", 0)
        project.published()
        while True:
            number += 2 + self.fault_every
            before = project.rows("batch, id")
            files.put("2/a.csv", number, number + 1000)
            recorder, sent = self.faulty(warehouse, failing_at(number, how))
            project.warehouse = recorder
            self.build_or_be_killed(project, f"f{number}")
            project.warehouse = warehouse
            new = sorted([(1, 1), (2, number), (2, number + 1000)], key=repr)
            assert project.rows("batch, id") in (before, new), sent[number - 1 : number]
            if how is kill:
                self.forget_processes(warehouse)
            project.build()
            assert project.rows("batch, id") == new
            if len(sent) < number:
                break

    # Rows that cannot be read

    def test_some_bad_rows_are_left_out_and_told(self, project: LoadProject, files: Folder) -> None:
        project.write(f"files: ../../ev/*.csv\nmax_bad_rows: 3\n{COLUMNS}")
        files.put("a.csv", text="id,name\n1,x\nseven,y\n3\n")
        files.put("b.csv", text='id,name\n4,"u\nv"\n5,"w\nx"\n,z\nsix,"q\nr"\n')
        last = project.published()
        assert last.left_out is not None
        told = LeftOut(last.left_out.count, tuple(each.replace(f"{project.root}/", "") for each in last.left_out.first))
        assert told == LeftOut(
            3,
            (
                "ev/a.csv:4: 1 value, and the header names 2 columns",
                "ev/a.csv:3: `seven` in the column `id` is no `BIGINT`",
                "ev/b.csv:7: `six` in the column `id` is no `BIGINT`",
            ),
        )
        assert last.rows == 4
        assert project.rows("id") == [(1,), (4,), (5,), (None,)]

    def test_more_than_so_many_replace_nothing(self, project: LoadProject, files: Folder) -> None:
        text = f"files: ../../ev/*.csv\nmax_bad_rows: 2\n{COLUMNS}"
        project.write(text)
        files.put("a.csv", 1)
        project.published()
        files.put("a.csv", text="id,name\n" + "".join(f"x{number},\n" for number in range(7)) + "8,\n")
        lines = "".join(
            f"  ev/a.csv:{number + 2}: `x{number}` in the column `id` is no `BIGINT`\n" for number in range(5)
        )
        assert project.refused() == (
            f"7 rows cannot be read, and `max_bad_rows` is 2:\n{lines}  and 2 more\n"
            "`raw.events` still holds its previous rows"
        )
        assert self.ids(project) == [1]

    def test_bad_lines_of_json(self, project: LoadProject, files: Folder) -> None:
        project.write(
            "files: ../../ev/*.ndjson\nmax_bad_rows: 3\ncolumns:\n  id: bigint\n  a: {b: varchar(9) as name}\n"
        )
        lines = ['{"id":1,"a":{"b":"x"}}', '{"id":"x"}', "", "{bad", '{"id":2,"a":3}', '{"id":null,"other":1}']
        files.put("a.ndjson", text="\n".join(lines) + "\n")
        last = project.published()
        assert last.left_out is not None
        assert [each.rpartition("ev/")[2] for each in last.left_out.first] == [
            'a.ndjson:2: `"x"` in the column `id` is no `BIGINT`',
            "a.ndjson:4: the line is no JSON object",
            "a.ndjson:5: `3` in the column `a` is no `OBJECT`",
        ]
        assert project.rows() == [(1, "x"), (None, None)]

    # Processes that end

    @pytest.mark.slow
    def test_killed_at_random_moments_each_file_is_loaded_once(self, project: LoadProject, files: Folder) -> None:
        moments = random.Random(20260101)
        files.put("0.csv", 0)
        project.published()
        loaded = 1
        for _ in range(self.kills):
            with Child(load_again_and_again, str(project.root), project.place.label, loaded) as child:
                assert child.stdout.readline() == "started\n"
                time.sleep(moments.uniform(0.1, 0.6))
                child.kill()
            assert child.returncode == -signal.SIGKILL
            loaded = len(list(files.root.glob("*.csv")))
            found = self.ids(project)
            assert len(found) == len(set(found))
            assert set(found) <= set(range(loaded))
            project.build()
            assert sorted(self.ids(project)) == list(range(loaded))
            assert self.left_overs_in(project) == []


def load_again_and_again(root: str, url: str, number: int) -> None:
    """What a child process does: write a file, load it, and so on."""
    project = LoadProject(Path(root), MANIFEST, warehouse=open_warehouse(url))
    print("started", flush=True)  # noqa: T201 - the test waits for it
    while True:
        # Put there at once, so that no half of it is found.
        written = Path(root, "written")
        written.write_text(f"id,name\n{number},x\n")
        written.rename(Path(root, "ev", f"{number}.csv"))
        project.build(run=f"k{os.getpid()}n{number}")
        number += 1
