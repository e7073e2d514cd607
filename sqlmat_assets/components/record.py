"""What a build from the command line did, written into the Dagster instance."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlmat_assets.components.home import open_instance, root_cause
from sqlmat_assets.errors.usage import not_recorded
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import (
    Checked,
    CheckResult,
    Delivered,
    Discarded,
    Event,
    LeftAlone,
    Published,
    Unchanged,
)
from sqlmat_assets.execution.speaking import written_sql
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation

if TYPE_CHECKING:
    import dagster as dg
    from dagster._core.definitions.asset_checks.asset_check_evaluation import (
        AssetCheckEvaluationTargetMaterializationData,
    )

    from sqlmat_assets.components.provenance import Inputs

_Ended = Published | Unchanged | LeftAlone | Delivered | Discarded


class Recorder:
    """Takes the events of a build as they come, and reports them to the instance without a Dagster run.

    Recording never fails a build. When the instance refuses a table, that one and all after it wait for `finish`,
    which tries them once more: each refusal by a locked SQLite takes half a minute.

    Args:
        home: The folder of the instance; made when there is none.
        project: What is built.
        context: The run that the events belong to.
    """

    def __init__(self, home: Path, project: Project, context: Context) -> None:
        self._home = home
        self._project = project
        self._context = context
        self._run = context.run
        self._columns = {m.relation: tuple(column.name for column in m.columns) for m in project}
        self._instance: dg.DagsterInstance | None = None
        self._inputs: Inputs | None = None
        self._results: dict[Relation, tuple[CheckResult, ...]] = {}
        self._target: AssetCheckEvaluationTargetMaterializationData | None = None
        # With the checks of each: a table that is built in pieces ends several times.
        self._waiting: deque[tuple[_Ended, tuple[CheckResult, ...]]] = deque()
        self._trouble: str | None = None
        self._held_open = ExitStack()
        self._is_held_open = False

    def take(self, event: Event) -> None:
        """Note an event; what is to be recorded of it waits for `work`."""
        match event:
            case Checked():
                self._results[event.relation] = event.results
            case Published() | Unchanged() | LeftAlone() | Delivered() | Discarded():
                self._waiting.append((event, self._results.get(event.relation, ())))
            case _:
                pass

    def work(self) -> bool:
        """Record one table, and tell whether there was one to record."""
        if not self._waiting or self._trouble is not None:
            return False
        self._trouble = self._try(*self._waiting[0])
        if self._trouble is None:
            self._waiting.popleft()
            self._target = None
        return True

    def finish(self, show: Callable[[int], None]) -> str | None:
        """Record what is left and close the instance; Ctrl-C breaks that off.

        Args:
            show: Is told how many tables are left before each.

        Returns:
            What to tell a person about what could not be recorded; None when all is well.
        """
        self._trouble = None
        try:
            show(len(self._waiting))
            while self.work():
                show(len(self._waiting))
        except KeyboardInterrupt:
            self._trouble = "interrupted"
        self._held_open.close()
        if self._instance is not None:
            self._instance.dispose()
            self._instance = None
        return None if self._trouble is None else not_recorded(len(self._waiting), str(self._home), self._trouble)

    def _try(self, event: _Ended, results: tuple[CheckResult, ...]) -> str | None:
        try:
            self._record(event, results)
        except Exception as error:  # noqa: BLE001 - a storage can fail in any way, and the table is built
            return root_cause(error)
        return None

    def _record(self, event: _Ended, results: tuple[CheckResult, ...]) -> None:
        # Importing Dagster takes over a second, in which the first tables are already being built.
        from sqlmat_assets.components.events import translate_evaluation

        instance = self._open()
        target, partition = None, None
        if isinstance(event, Published | Unchanged) and len(event.partitions) == 1:
            partition = event.partitions[0].key
        if isinstance(event, Discarded):
            results = event.results or results
            self._report_failed(instance, event)
        elif isinstance(event, LeftAlone):
            self._report_put_back(instance, event)
        elif isinstance(event, Delivered):
            self._report_delivered(instance, event)
        else:
            target = self._target or self._report_ended(instance, event, results)
        for result in results:
            instance.report_runless_asset_event(translate_evaluation(event.relation, result, target, partition))
        if not self._is_held_open:
            self._is_held_open = True
            self._hold_open()

    def _hold_open(self) -> None:
        """Keep SQLite from writing its log back at each event, which takes as long as the event itself.

        It does so when the last connection to a file is closed, and Dagster opens one for each event. Storages
        elsewhere have no such files.
        """
        for file in (self._home / "history" / "runs").glob("*.db"):
            connection = self._held_open.enter_context(closing(sqlite3.connect(file)))
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # SQLite opens a file when it is read

    def _open(self) -> dg.DagsterInstance:
        if self._instance is None:
            self._instance = open_instance(self._home)
        return self._instance

    def _report_ended(
        self, instance: dg.DagsterInstance, ended: Published | Unchanged, results: tuple[CheckResult, ...]
    ) -> AssetCheckEvaluationTargetMaterializationData:
        """Report a materialization and return what its checks are tied to."""
        import dagster as dg
        from dagster._core.definitions.asset_checks.asset_check_evaluation import (
            AssetCheckEvaluationTargetMaterializationData,
        )

        from sqlmat_assets.components.events import (
            translate_ended,
            translate_partition,
            translate_partition_rows,
            translate_version_tags,
        )
        from sqlmat_assets.components.lineage import trace_columns
        from sqlmat_assets.components.provenance import Inputs
        from sqlmat_assets.components.translation import translate_key

        key = translate_key(ended.relation)
        inputs = self._inputs = self._inputs or Inputs(instance)
        self._columns[ended.relation] = tuple(column.name for column in ended.columns)
        model = self._project.models[ended.relation]
        # Of what was not built here, no columns rather than another conversation with the warehouse.
        known = {read: self._columns.get(read, ()) for read in (*model.upstream, *model.sources)}
        lineage = trace_columns(model, known, self._context)
        environment, written = self._context.environment, written_sql(model, self._context)
        metadata = translate_ended(ended, results, self._run, lineage, model.version, environment, written)
        read = inputs.tags(model)
        tags = translate_version_tags(ended, self._run, model.version) | read
        partition = None
        if ended.partitions:
            *others, last = ended.partitions
            for other in others:
                instance.report_runless_asset_event(translate_partition(ended, other, self._run, model.version, read))
            partition = last.key
            metadata |= translate_partition_rows(last)
        instance.report_runless_asset_event(
            dg.AssetMaterialization(key, metadata=metadata, partition=partition, tags=tags)
        )
        stored = instance.fetch_materializations(key, limit=1).records[0]
        inputs.tell(key, stored)
        target = AssetCheckEvaluationTargetMaterializationData(
            storage_id=stored.storage_id, run_id=stored.run_id, timestamp=stored.timestamp
        )
        # Kept, so that a check that must be reported again does not bring a second materialization.
        self._target = target
        return target

    def _report_delivered(self, instance: dg.DagsterInstance, delivered: Delivered) -> None:
        """Report that a table has arrived where it is delivered to."""
        from sqlmat_assets.components.deliveries import delivery_event
        from sqlmat_assets.components.provenance import Inputs

        inputs = self._inputs = self._inputs or Inputs(instance)
        model = self._project.models[delivered.relation]
        instance.report_runless_asset_event(delivery_event(delivered, self._run, model.version, inputs.tags(model)))

    def _report_put_back(self, instance: dg.DagsterInstance, left_alone: LeftAlone) -> None:
        """Report what a person has put back, if whoever did could not."""
        from sqlmat_assets.components.undone import PutBack, is_told, put_back_event

        at = left_alone.record.put_back_at or self._run.decided_at
        if not is_told(instance, left_alone.relation, at):
            done = PutBack(left_alone.record, left_alone.columns, at, left_alone.replaced_at)
            model = self._project.models[left_alone.relation]
            instance.report_runless_asset_event(put_back_event(model, done, self._context.environment))

    def _report_failed(self, instance: dg.DagsterInstance, discarded: Discarded) -> None:
        """Report why a table was not replaced, among the events of its asset."""
        import dagster as dg

        from sqlmat_assets.components.events import (
            ATTEMPT_TAG,
            FAILED,
            translate_commit,
            translate_discarded,
            translate_seconds,
            translate_version,
        )
        from sqlmat_assets.components.translation import translate_key
        from sqlmat_assets.errors.catalogue import fenced

        model = self._project.models[discarded.relation]
        # Of a file with problems nothing was tried.
        tags = {} if model.is_quarantined else {ATTEMPT_TAG: self._run.id}
        said = str(discarded.error).partition("\n")[0]
        metadata = {
            FAILED: dg.MetadataValue.md(fenced(translate_discarded(discarded))),
            "decided at": dg.MetadataValue.timestamp(self._run.decided_at),
            "run": dg.MetadataValue.text(self._run.id),
            **translate_seconds(discarded.seconds, discarded.phases),
            **translate_commit(self._run),
            **translate_version(model.version),
        }
        instance.report_runless_asset_event(
            dg.AssetObservation(translate_key(discarded.relation), description=said, metadata=metadata, tags=tags)
        )
