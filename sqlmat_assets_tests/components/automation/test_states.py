"""What is read of runs and materializations, where one look follows another."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from dagster._core.definitions.events import AssetMaterialization
from dagster._core.events import StepMaterializationData
from dagster._core.execution.plan.objects import StepFailureData, StepSuccessData, UserFailureData
from dagster._core.storage.dagster_run import DagsterRun
from dagster._core.utils import make_new_run_id
from dagster_shared.error import SerializableErrorInfo

from sqlmat_assets.components.automation import states
from sqlmat_assets.components.automation.states import Ledger, read_states
from sqlmat_assets.components.events import ATTEMPT_TAG, CODE_VERSION, DECIDED_AT
from sqlmat_assets.components.op_names import op_name
from sqlmat_assets.components.resources import WarehouseResource
from sqlmat_assets.components.sql_project import build_definitions
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.timings import State
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_check, a_project, a_table

Type = dg.DagsterEventType
OLD = CodeVersion("old", "old", "30.30.0")
NEW = CodeVersion("new", "new", "30.30.0")
CITIES = Relation.of("first.cities")


def three_tables() -> Project:
    return a_project(
        *(a_table("SELECT 1 AS id", name=f"first.{n}", version=NEW) for n in ("cities", "shops", "people"))
    )


def _job(project: Project) -> dg.JobDefinition:
    warehouse = WarehouseResource(url="duckdb:///never.duckdb")
    return build_definitions(project, warehouse=warehouse).resolve_implicit_global_asset_job_def()


class Log:
    """An event log that runs write to as real ones do, without anything being built."""

    def __init__(self, instance: dg.DagsterInstance, project: Project) -> None:
        self.instance = instance
        self.project = project
        self._job = _job(project)

    def begin(self, *relations: Relation) -> DagsterRun:
        keys = {dg.AssetKey(list(relation.key)) for relation in relations}
        run = self.instance.create_run_for_job(self._job.get_subset(asset_selection=keys))
        self._tell(run, Type.RUN_START)
        return run

    def start(self, run: DagsterRun, relation: Relation) -> None:
        self._tell(run, Type.STEP_START, relation)

    def skip(self, run: DagsterRun, relation: Relation) -> None:
        self._tell(run, Type.STEP_SKIPPED, relation)

    def fail(
        self, run: DagsterRun, relation: Relation, version: CodeVersion | None = None, at: datetime | None = None
    ) -> None:
        metadata = {} if version is None else {CODE_VERSION: dg.MetadataValue.text(str(version))}
        error = SerializableErrorInfo("no", [], "Failure")
        data = StepFailureData(error, UserFailureData("no", "no", metadata))
        self._tell(run, Type.STEP_FAILURE, relation, data, at)

    def build(self, run: DagsterRun, relation: Relation, **metadata: dg.MetadataValue) -> None:
        event = AssetMaterialization(dg.AssetKey(list(relation.key)), metadata=metadata)
        self._tell(run, Type.ASSET_MATERIALIZATION, relation, StepMaterializationData(event))
        self._tell(run, Type.STEP_SUCCESS, relation, StepSuccessData(0.0))

    def end(self, run: DagsterRun, status: dg.DagsterEventType) -> None:
        self._tell(run, status)

    def report(self, relation: Relation, decided_at: datetime | None = None) -> None:
        """Record a build outside of a run."""
        metadata = {} if decided_at is None else {DECIDED_AT: dg.MetadataValue.timestamp(decided_at)}
        self.instance.report_runless_asset_event(
            dg.AssetMaterialization(dg.AssetKey(list(relation.key)), metadata=metadata)
        )

    def report_failed(self, relation: Relation, version: CodeVersion | None = NEW, run: str = "abc") -> None:
        """Record a build outside of a run that failed."""
        metadata = {} if version is None else {CODE_VERSION: dg.MetadataValue.text(str(version))}
        key = dg.AssetKey(list(relation.key))
        event = dg.AssetObservation(key, description="no", metadata=metadata, tags={ATTEMPT_TAG: run})
        self.instance.report_runless_asset_event(event)

    def read(self, relation: Relation = CITIES) -> State:
        return read_states(self.instance, self.project).get(relation, State())

    def _tell(
        self,
        run: DagsterRun,
        kind: dg.DagsterEventType,
        relation: Relation | None = None,
        data: object = None,
        at: datetime | None = None,
    ) -> None:
        step = None if relation is None else op_name(relation)
        event = dg.DagsterEvent(kind.value, run.job_name, step_key=step, event_specific_data=data)  # pyright: ignore[reportArgumentType] - any of many
        self.instance.report_dagster_event(event, run.run_id, timestamp=None if at is None else at.timestamp())


@pytest.fixture
def log(instance: dg.DagsterInstance) -> Log:
    return Log(instance, three_tables())


def test_a_run_is_followed_from_its_plan_to_its_end(log: Log) -> None:
    shops, people = Relation.of("first.shops"), Relation.of("first.people")
    ledger = Ledger(log.project)
    run = log.begin(CITIES, shops, people)
    assert [ledger.read(log.instance).states[r].run for r in (CITIES, shops, people)] == [run.run_id] * 3
    log.start(run, CITIES)
    log.build(run, CITIES)
    log.start(run, shops)
    reading = ledger.read(log.instance)
    assert (reading.states[CITIES].run, reading.states[shops].run, reading.busy) == (None, run.run_id, (run.run_id,))
    log.fail(run, shops)
    log.skip(run, people)
    reading = ledger.read(log.instance)
    assert [(state.run, state.failures) for _, state in sorted(reading.states.items())] == [
        (None, 0),
        (None, 0),
        (None, 1),
    ]
    log.end(run, Type.RUN_FAILURE)
    reading = ledger.read(log.instance)
    assert reading.busy == ()
    assert {str(r): state.failures for r, state in reading.states.items()} == {
        "first.cities": 0,
        "first.shops": 1,
        "first.people": 0,
    }


def test_a_killed_run_tried_what_it_had_begun(log: Log) -> None:
    run = log.begin(CITIES, Relation.of("first.shops"))
    log.start(run, CITIES)
    log.end(run, Type.RUN_FAILURE)
    assert (log.read().failures, log.read(Relation.of("first.shops")).failures) == (1, 0)


def test_attempts_with_other_code_do_not_count(log: Log) -> None:
    for version in (OLD, NEW, None):
        run = log.begin(CITIES)
        log.start(run, CITIES)
        log.fail(run, CITIES, version)
        log.end(run, Type.RUN_FAILURE)
    assert log.read().failures == 2


def test_the_last_attempt_counts_although_the_clock_was_set_back_since(log: Log) -> None:
    now = datetime.now(UTC)
    for at in (now + timedelta(hours=3), now):
        run = log.begin(CITIES)
        log.start(run, CITIES)
        log.fail(run, CITIES, at=at)
        log.end(run, Type.RUN_FAILURE)
    assert (log.read().failures, log.read().failed_at) == (2, now)


def test_attempts_before_a_build_do_not_count(log: Log) -> None:
    run = log.begin(CITIES)
    log.start(run, CITIES)
    log.fail(run, CITIES)
    log.end(run, Type.RUN_FAILURE)
    log.report(CITIES)
    assert log.read().failures == 0


def test_attempts_outside_of_runs_count_as_those_of_runs_do(log: Log) -> None:
    ledger = Ledger(log.project)
    ledger.read(log.instance)
    log.report_failed(CITIES)
    log.report_failed(CITIES, OLD)
    run = log.begin(CITIES)
    log.start(run, CITIES)
    log.fail(run, CITIES)
    log.end(run, Type.RUN_FAILURE)
    log.report_failed(CITIES, None, "last")
    log.instance.report_runless_asset_event(dg.AssetObservation(dg.AssetKey(list(CITIES.key))))
    for each in (ledger, Ledger(log.project)):
        assert each.read(log.instance).states[CITIES].failures == 3
        last = each.last_attempt(CITIES)
        assert last is not None
        assert (last.run, last.said) == ("last", "no")
    log.report(CITIES)
    assert log.read().failures == 0
    assert ledger.read(log.instance).states[CITIES] == log.read()
    assert ledger.last_attempt(CITIES) is None


def test_age_counts_from_what_the_materialization_says_else_from_its_run_else_from_itself(log: Log) -> None:
    before = datetime.now(UTC)
    log.report(CITIES)
    told = log.read().decided_at
    assert told is not None
    assert before <= told <= datetime.now(UTC)
    run = log.begin(CITIES)
    log.start(run, CITIES)
    log.build(run, CITIES)
    record = log.instance.get_run_record_by_id(run.run_id)
    assert record is not None
    assert record.start_time is not None
    assert log.read().decided_at == datetime.fromtimestamp(record.start_time, UTC)
    yesterday = before - timedelta(days=1)
    log.report(CITIES, yesterday)
    assert log.read().decided_at == yesterday


def test_a_run_of_checks_alone_is_no_build_but_has_to_do_with_the_table(instance: dg.DagsterInstance) -> None:
    project = a_project(a_table("SELECT 1 AS id", a_check("SELECT id = 1 AS one FROM first.cities", "one")))
    check = dg.AssetCheckKey(dg.AssetKey(["first", "cities"]), "one")
    run = instance.add_run(
        DagsterRun(
            "__ASSET_JOB",
            make_new_run_id(),
            asset_selection=frozenset(),
            asset_check_selection=frozenset({check}),
            status=dg.DagsterRunStatus.STARTED,
        )
    )
    reading = Ledger(project).read(instance)
    assert (dict(reading.states), reading.busy) == ({}, (run.run_id,))


def test_a_deleted_run_is_no_attempt(log: Log) -> None:
    run = log.begin(CITIES)
    ledger = Ledger(log.project)
    ledger.read(log.instance)
    log.instance.delete_run(run.run_id)
    reading = ledger.read(log.instance)
    assert (reading.states.get(CITIES, State()).failures, reading.busy) == (0, ())


def test_a_reading_that_fails_loses_nothing(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(log.project)
    ledger.read(log.instance)
    log.report(CITIES)
    with monkeypatch.context() as broken:
        broken.setattr(type(log.instance), "get_asset_records", _locked)
        with pytest.raises(OSError, match="locked"):
            ledger.read(log.instance)
    assert ledger.read(log.instance).states == read_states(log.instance, log.project)
    assert CITIES in ledger.read(log.instance).states


def _locked(*_: object) -> None:
    raise OSError("database is locked")


@pytest.mark.parametrize("seed", range(2))
def test_who_follows_knows_what_is_read_from_nothing(log: Log, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    # Small, so that the ends of what is compared and of what is looked back at come into play.
    monkeypatch.setattr(states, "_WINDOW", 4)
    monkeypatch.setattr(states, "_HISTORY", 6)
    chance = random.Random(seed)
    ledger = Ledger(log.project)
    relations = list(log.project.models)
    runs: list[_Going] = []
    for _ in range(25):
        for _ in range(chance.choice((1, 1, 2, 7))):
            _happen(log, chance, relations, runs)
        followed, afresh = ledger.read(log.instance), Ledger(log.project).read(log.instance)
        assert _known(followed.states) == _known(afresh.states)
        assert set(followed.busy) == set(afresh.busy)


def _known(found: Mapping[Relation, State]) -> dict[Relation, State]:
    return {relation: state for relation, state in found.items() if state != State()}


@dataclass
class _Going:
    """An unfinished run, what it was asked for, and what it has not begun."""

    run: DagsterRun
    asked: list[Relation]
    left: list[Relation]


def _happen(log: Log, chance: random.Random, relations: list[Relation], runs: list[_Going]) -> None:
    """Let one thing happen that can."""
    what = chance.random()
    idle = [relation for relation in relations if all(relation not in going.asked for going in runs)]
    if what < 0.25 or not runs:
        chosen = chance.sample(relations, chance.randint(1, len(relations)))
        runs.append(_Going(log.begin(*chosen), chosen, list(chosen)))
    elif what < 0.3:
        log.report_failed(chance.choice(relations))
    elif what < 0.35:
        log.report(chance.choice(relations))
    elif what < 0.4:
        if idle:
            log.instance.wipe_assets([dg.AssetKey(list(chance.choice(idle).key))])
    elif what < 0.6:
        going = runs.pop(chance.randrange(len(runs)))
        log.end(going.run, chance.choice((Type.RUN_FAILURE, Type.RUN_CANCELED, Type.RUN_SUCCESS)))
    else:
        going = chance.choice(runs)
        if going.left:
            relation = going.left.pop()
            log.start(going.run, relation)
            then = chance.choice((log.build, log.fail, log.skip, None))
            if then is not None:
                then(going.run, relation)
