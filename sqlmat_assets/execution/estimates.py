"""What the tables of a plan would cost: each is asked for by a dry run, many at a time."""

from __future__ import annotations

import queue
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors import costs as wording
from sqlmat_assets.execution.budget import billed
from sqlmat_assets.execution.environment import Environment
from sqlmat_assets.execution.foresee import Known, Outlook
from sqlmat_assets.execution.loads.finding import partition_type
from sqlmat_assets.project.model import Kind, Model, Project
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.rates import builds_per_day
from sqlmat_assets.project.rewrite import rewrite
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements
from sqlmat_assets.warehouses.base import Capabilities, Session
from sqlmat_assets.warehouses.billing import Costs

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a build of one table would cost.

    `read_bytes` and `billed_bytes` are None where that is not known, and `trouble` says why. `guessed` are the tables
    that it reads and that are not there: of them it is counted what they had when they were there last, or as much as
    their own queries read. `per_day` is how often as much as that is read in a day, by the table's age or schedule.
    """

    read_bytes: int | None = None
    billed_bytes: int | None = None
    guessed: tuple[Relation, ...] = ()
    trouble: str | None = None
    per_day: float | None = None


@dataclass(slots=True)
class _Asked:
    """A table of which the costs are asked; `waits_for` are the tables that are not there, and are asked before."""

    outlook: Outlook
    queries: tuple[str, ...]
    waits_for: set[Relation]
    reads: tuple[Relation, ...]


def estimate_costs(
    outlooks: Sequence[Outlook],
    session: Session,
    project: Project,
    known: Known,
    capabilities: Capabilities,
    now: datetime,
    environment: Environment | None = None,
) -> Mapping[Relation, Foreseen]:
    """Ask what each table would cost.

    Args:
        outlooks: What a build would do, upstream first.
        session: Where to ask.
        project: All tables.
        known: What is recorded.
        capabilities: The engine's.
        now: The time.
        environment: Where the tables would be built.

    Returns:
        Nothing where the engine bills for nothing.

    Raises:
        WarehouseError: It cannot be asked what is there.
    """
    costs = session.costs
    if costs is None:
        return {}
    schemas = {model.relation.schema for model in project}
    there = {Relation(schema, name) for schema in sorted(schemas) for name in session.fetch_kinds(schema)}
    return _Asking(costs, project, known, there, environment, now).run(outlooks, capabilities.estimates_at_once)


@dataclass(slots=True)
class _Asking:
    """`columns` and `sizes` are those of the tables that are not there, as far as they are known."""

    costs: Costs
    project: Project
    known: Known
    there: set[Relation]
    environment: Environment | None
    now: datetime
    columns: dict[Relation, Columns] = field(default_factory=dict[Relation, Columns])
    sizes: dict[Relation, int] = field(default_factory=dict[Relation, int])
    found: dict[Relation, Foreseen] = field(default_factory=dict[Relation, Foreseen])

    def run(self, outlooks: Sequence[Outlook], at_once: int) -> Mapping[Relation, Foreseen]:
        asked = {each.outlook.model.relation: each for each in self._asked(outlooks)}
        readers: dict[Relation, list[_Asked]] = {}
        for each in asked.values():
            for relation in each.waits_for:
                readers.setdefault(relation, []).append(each)
        ended: queue.SimpleQueue[tuple[_Asked, Foreseen | BaseException, Columns]] = queue.SimpleQueue()
        with ThreadPoolExecutor(at_once, "sqlmat-estimates") as pool:
            for each in asked.values():
                if not each.waits_for:
                    pool.submit(self._ask, each, ended)
            for _ in asked:
                each, found, columns = ended.get()
                if isinstance(found, BaseException):
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise found
                self._note(each.outlook, found, columns)
                for reader in readers.get(each.outlook.model.relation, ()):
                    reader.waits_for.discard(each.outlook.model.relation)
                    if not reader.waits_for:
                        pool.submit(self._ask, reader, ended)
        return self.found

    def _asked(self, outlooks: Sequence[Outlook]) -> Iterator[_Asked]:
        chosen = {each.model.relation for each in outlooks}
        for outlook in outlooks:
            model = outlook.model
            if model.is_quarantined or model.is_delivery or outlook.what == "nothing":
                continue
            missing = {each for each in model.upstream if each in chosen and not self._is_there(each)}
            yield _Asked(outlook, tuple(self._queries(outlook)), missing, tuple(sorted(missing)))

    def _is_there(self, relation: Relation) -> bool:
        return relation in self.there or self._place(relation) != relation

    def _place(self, relation: Relation) -> Relation:
        """What a table that is read is called where it is."""
        is_here = self.environment is not None and self.project.names.fold(relation) in self.known.records
        return self.environment.relation(relation) if is_here and self.environment is not None else relation

    def _queries(self, outlook: Outlook) -> Iterator[str]:
        mapping = {each: here for each in outlook.model.upstream if (here := self._place(each)) != each}
        for text in outlook.queries:
            yield rewrite(text, self.project.names, mapping) if mapping else text

    def _ask(self, asked: _Asked, ended: queue.SimpleQueue[tuple[_Asked, Foreseen | BaseException, Columns]]) -> None:
        try:
            found, columns = self._estimate(asked)
            ended.put((asked, found, columns))
        except BaseException as error:  # noqa: BLE001 - raised again where all of it was asked for
            ended.put((asked, error, ()))

    def _estimate(self, asked: _Asked) -> tuple[Foreseen, Columns]:
        model = asked.outlook.model
        per_day = self._per_day(asked.outlook)
        if model.kind not in (Kind.QUERY, Kind.PROCESSED):
            # Loading costs nothing.
            return Foreseen(0, 0, per_day=per_day), self._columns_of_files(model)
        unknown = next((each for each in asked.reads if not self.columns.get(each)), None)
        if unknown is not None:
            return Foreseen(trouble=wording.columns_not_known(str(unknown)), per_day=per_day), self._declared(model)
        instead = {each: self._nothing(self.columns[each]) for each in asked.reads}
        if not self._is_there(model.relation) and model.columns:
            # A query that reads the rows that it is going to replace.
            names = [column.name for column in model.columns]
            instead[model.relation] = row_statements.nulls(names).sql(model.dialect)
        try:
            told = [self.costs.estimate(query, instead) for query in asked.queries]
        except MaterializeError as error:
            return Foreseen(trouble=str(error).splitlines()[0], per_day=per_day), self._declared(model)
        if not all(each.is_known for each in told):
            return Foreseen(trouble=wording.temporary_tables(), per_day=per_day), self._declared(model)
        guessed = sum(self.sizes.get(each, 0) for each in asked.reads)
        columns = self._declared(model) or (told[0].columns if told else ())
        if model.is_view:
            # To make one costs nothing, and who reads it reads what it reads.
            self.sizes[model.relation] = sum(each.read_bytes for each in told) + guessed
            return Foreseen(0, 0, per_day=per_day), columns
        told = [replace(each, read_bytes=each.read_bytes + guessed) for each in told]
        read, paid = sum(each.read_bytes for each in told), sum(map(billed, told))
        return Foreseen(read, paid, asked.reads, None, per_day), columns

    def _note(self, outlook: Outlook, found: Foreseen, columns: Columns) -> None:
        relation = outlook.model.relation
        self.found[relation] = found
        self.columns[relation] = columns
        last = None if outlook.record is None else outlook.record.size
        if last is not None:
            self.sizes[relation] = last
        else:
            self.sizes.setdefault(relation, found.read_bytes or 0)

    def _per_day(self, outlook: Outlook) -> float | None:
        """How often in a day as much is built as the plan has."""
        rate = builds_per_day(outlook.model, self.now)
        is_timed = isinstance(outlook.model.settings.partition_by, TimePartitioning)
        return rate if rate is None or not is_timed else rate / max(len(outlook.partitions), 1)

    def _declared(self, model: Model) -> Columns:
        """The columns of a table that its own files tell with their types."""
        if model.processor is None:
            return ()
        return tuple((column.name, column.type) for column in model.processor.columns)

    def _columns_of_files(self, model: Model) -> Columns:
        if model.load is not None:
            own = [(column.name, column.type) for column in model.load.columns]
            own += [] if model.load.filename is None else [(model.load.filename, "STRING")]
            partitioning = model.settings.partition_by
            return tuple(own if partitioning is None else [*own, (partitioning.column, partition_type(partitioning))])
        path = self.project.root / model.path
        if self._is_there(model.relation) or not path.is_file():
            return ()
        self.sizes[model.relation] = path.stat().st_size
        try:
            return self.costs.describe_file(path, model.settings.columns)
        except MaterializeError:
            # Told when it is loaded.
            return ()

    def _nothing(self, columns: Columns) -> str:
        return row_statements.typed_nulls(columns).sql(self.project.dialect)
