"""Jobs: what they are told to do, what has become of them, and that no id is used twice."""

from __future__ import annotations

import itertools
import re
import threading
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlmat_assets_tests.bigquery import copying, extracting, loading, sizes, storing
from sqlmat_assets_tests.bigquery.catalog import Catalog, Table
from sqlmat_assets_tests.bigquery.objects import Objects
from sqlmat_assets_tests.bigquery.queries import Outcome, Runner
from sqlmat_assets_tests.bigquery.reading import Reading
from sqlmat_assets_tests.bigquery.texts import split
from sqlmat_assets_tests.bigquery.transactions import Mutations
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, invalid, not_found

_BRACKETS = re.compile(r"\[([\w:.-]+)\]")
_KINDS = ("query", "load", "copy", "extract")


@dataclass(slots=True)
class Job:
    """One job; `kind` is `query`, `load`, `copy` or `extract`."""

    project: str
    id: str
    location: str
    kind: str
    configuration: Json
    created: int
    number: int
    started: int = 0
    ended: int | None = None
    error: ApiError | None = None
    outcomes: list[Outcome] = field(default_factory=list)
    statistics: Json = field(default_factory=dict)
    warnings: list[Json] = field(default_factory=list)
    cursor: Any = None
    is_cancelled: bool = False
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def query(self) -> str:
        return str(self.configuration.get("query", {}).get("query", ""))

    @property
    def is_dry(self) -> bool:
        return bool(self.configuration.get("dryRun"))

    @property
    def last(self) -> Outcome | None:
        selected = [each for each in self.outcomes if each.statement_type == "SELECT"]
        return (selected or self.outcomes or [None])[-1]

    def resource(self) -> Json:
        """As `jobs.get` answers."""
        status: Json = {"state": "DONE" if self.done.is_set() else "RUNNING"}
        if self.done.is_set() and self.error is not None:
            status |= {"errorResult": self.error.detail(), "errors": [self.error.detail(), *self.error.more]}
        elif self.done.is_set() and self.warnings:
            status["errors"] = self.warnings
        times = {"creationTime": str(self.created), "startTime": str(self.started or self.created)}
        if self.done.is_set():
            times["endTime"] = str(self.ended)
        return {
            "kind": "bigquery#job",
            "id": f"{self.project}:{self.location}.{self.id}",
            "jobReference": self.reference(),
            "configuration": {**self.configuration, "jobType": self.kind.upper()},
            "status": status,
            "statistics": times | (self._statistics() if self.done.is_set() else {}),
            "user_email": "tests@example.com",
        }

    def reference(self) -> Json:
        return {"projectId": self.project, "jobId": self.id, "location": self.location}

    def row(self) -> tuple[Any, ...]:
        """As `INFORMATION_SCHEMA.JOBS` has it; of the jobs of a script there is only the script."""
        told = self.resource()
        query = told["statistics"].get("query", {})
        config = told["configuration"]
        return (
            datetime.fromtimestamp(self.created / 1000, UTC).isoformat(sep=" "),
            self.project,
            self.id,
            self.kind.upper(),
            query.get("statementType"),
            None,
            config.get("query", {}).get("priority", "INTERACTIVE"),
            told["status"]["state"],
            self.query,
            int(query.get("totalBytesProcessed", 0)),
            int(query.get("totalBytesBilled", 0)),
            int(query.get("totalSlotMs", 0)),
            config.get("labels", {}),
        )

    def _statistics(self) -> Json:
        if self.kind != "query" or not self.outcomes:
            return self.statistics
        processed = sum(each.processed for each in self.outcomes)
        # What is billed is rounded up for each statement.
        billed = 0 if self.is_dry else sum(sizes.billed(each.processed) for each in self.outcomes)
        first = self.outcomes[0]
        query: Json = {
            "statementType": first.statement_type if len(self.outcomes) == 1 else "SCRIPT",
            "totalBytesProcessed": str(processed),
            "totalBytesBilled": str(billed),
            "totalSlotMs": "7",
            "cacheHit": False,
            "referencedTables": [_reference(each) for each in _distinct(self.outcomes)],
        }
        if self.is_dry:
            query["schema"] = {"fields": first.fields}
        if first.operation is not None:
            query["ddlOperationPerformed"] = first.operation
        if first.table is not None and first.operation is not None:
            query["ddlTargetTable"] = _reference(first.table)
        if len(self.outcomes) == 1 and first.affected is not None:
            query["numDmlAffectedRows"] = str(first.affected)
            counts = {"inserted": first.inserted, "deleted": first.deleted, "updated": first.updated}
            query["dmlStats"] = {f"{name}RowCount": str(count) for name, count in counts.items() if count is not None}
        told: Json = {"query": query, "totalBytesProcessed": str(processed), "totalSlotMs": "7"}
        if len(self.outcomes) > 1:
            told["numChildJobs"] = str(len(self.outcomes))
        return {**told, **self.statistics}


class Jobs:
    """All jobs of a double."""

    def __init__(self, catalog: Catalog, objects: Objects, *, location: str) -> None:
        self.catalog = catalog
        self.objects = objects
        self.location = location
        self.mutations = Mutations()
        self.refusals: list[tuple[Callable[[Job], bool], ApiError]] = []
        self.begins: Callable[[Job, str], None] = lambda _job, _sql: None
        self._guard = threading.Lock()
        self._jobs: dict[tuple[str, str], Job] = {}
        self._numbers = itertools.count(1)
        self.broken: list[Exception] = []
        catalog.list_jobs = self._rows

    def insert(self, project: str, body: Json, media: bytes | None = None) -> Job:
        """Take a job, and begin it.

        Raises:
            ApiError: It is none, or there is one of this id.
        """
        configuration = body.get("configuration") or {}
        kind = next((each for each in _KINDS if each in configuration), None)
        if kind is None:
            raise invalid("Required parameter is missing: configuration")
        reference = body.get("jobReference") or {}
        job_id = str(reference.get("jobId") or f"job_{uuid.uuid4().hex}")
        location = str(reference.get("location") or self.location)
        with self._guard:
            if (project, job_id) in self._jobs:
                raise ApiError("duplicate", f"Already Exists: Job {project}:{location}.{job_id}")
            job = Job(project, job_id, location, kind, configuration, self.catalog.now(), number=next(self._numbers))
            if not job.is_dry:
                self._jobs[project, job_id] = job
        if location.upper() != self.location.upper():
            job.error = not_found("Dataset", f"was not found in location {location}")
            job.ended = self.catalog.now()
            job.done.set()
            return job
        if job.is_dry:
            self._work(job, media)
            if job.error is not None:
                raise job.error
            return job
        threading.Thread(target=self._work, args=(job, media), daemon=True, name=f"bigquery-{job_id}").start()
        return job

    def get(self, project: str, job_id: str) -> Job:
        with self._guard:
            found = self._jobs.get((project, job_id))
        if found is None:
            raise not_found("Job", f"{project}:{self.location}.{job_id}")
        return found

    def all(self) -> list[Job]:
        """Those that were run, in their order."""
        with self._guard:
            return sorted(self._jobs.values(), key=lambda job: job.number)

    def _rows(self, project: str) -> list[tuple[Any, ...]]:
        """The jobs of a project as rows of `INFORMATION_SCHEMA.JOBS`."""
        return [job.row() for job in self.all() if job.project == project]

    def cancel(self, job: Job) -> None:
        job.is_cancelled = True
        cursor = job.cursor
        if cursor is not None and not job.done.is_set():
            cursor.interrupt()

    def _work(self, job: Job, media: bytes | None) -> None:
        job.started = self.catalog.now()
        try:
            self._refuse(job)
            match job.kind:
                case "query":
                    self._query(job)
                case "load":
                    told, job.warnings = loading.run(self.catalog, self.objects, job.configuration["load"], media)
                    job.statistics = {"load": told}
                    self._note(job.configuration["load"]["destinationTable"])
                case "copy":
                    job.statistics = {"copy": copying.run(self.catalog, job.configuration["copy"])}
                    self._note(job.configuration["copy"]["destinationTable"])
                case _:
                    told = extracting.run(self.catalog, self.objects, job.configuration["extract"])
                    job.statistics = {"extract": told}
        except ApiError as error:
            job.error = error
        except Exception as error:  # noqa: BLE001 - the double is wrong somewhere: whoever uses it must hear of it
            self.broken.append(error)
            traceback.print_exc()
            job.error = ApiError("internalError", f"the double of BigQuery is broken: {error!r}")
        finally:
            if job.is_cancelled and job.error is None and not job.outcomes:
                job.error = ApiError("stopped", "Job execution was cancelled: User requested cancellation")
            job.ended = self.catalog.now()
            cursor, job.cursor = job.cursor, None
            if cursor is not None:
                cursor.close()
            job.done.set()

    def _refuse(self, job: Job) -> None:
        for index, (applies, error) in enumerate(self.refusals):
            if applies(job):
                del self.refusals[index]
                raise error

    def _note(self, reference: Json) -> None:
        name = str(reference["tableId"]).partition("$")[0]
        self.mutations.note((str(reference["projectId"]), str(reference["datasetId"]), name))

    def _query(self, job: Job) -> None:
        config: Json = job.configuration["query"]
        if config.get("useLegacySql"):
            # Of the dialect only the names of tables are emulated.
            text = _BRACKETS.sub(lambda found: f"`{found[1].replace(':', '.')}`", config["query"])
            config = dict(config, query=text)
        default = (config.get("defaultDataset") or {}).get("datasetId")
        parameters = {str(each["name"]): _parameter(each) for each in config.get("queryParameters") or ()}
        reading = Reading(self.catalog, job.project, default, parameters=parameters)
        runner = Runner(self.catalog, self.mutations, reading, lambda sql: self._begin(job, sql))
        job.cursor = runner.cursor
        if job.is_dry:
            job.outcomes = [runner.explain(config["query"])]
            return
        most = config.get("maximumBytesBilled")
        if most is not None and len(split(config["query"])) == 1:
            self._refuse_expensive(job, config, int(most))
        if config.get("destinationTable"):
            job.outcomes = [storing.run(self.catalog, runner, config)]
            self._note(config["destinationTable"])
        else:
            job.outcomes = runner.run(config["query"])
            if most is not None:
                _refuse_above(sum(sizes.billed(each.processed) for each in job.outcomes), int(most))

    def _begin(self, job: Job, sql: str) -> None:
        self.begins(job, sql)
        if job.is_cancelled:
            raise ApiError("stopped", "Job execution was cancelled: User requested cancellation")

    def _refuse_expensive(self, job: Job, config: Json, most: int) -> None:
        default = (config.get("defaultDataset") or {}).get("datasetId")
        reading = Reading(self.catalog, job.project, default)
        needed = sizes.billed(Runner(self.catalog, self.mutations, reading).explain(config["query"]).processed)
        _refuse_above(needed, most)


def _refuse_above(needed: int, most: int) -> None:
    if needed > most:
        raise ApiError(
            "bytesBilledLimitExceeded",
            f"Query exceeded limit for bytes billed: {most}. {needed} or higher required.",
        )


def _distinct(outcomes: list[Outcome]) -> list[Table]:
    found: dict[tuple[str, str, str], Table] = {}
    for outcome in outcomes:
        found |= {each.key: each for each in outcome.read if not each.dataset.startswith("_script")}
    return list(found.values())


def _reference(table: Table) -> Json:
    return {"projectId": table.project, "datasetId": table.dataset, "tableId": table.name}


def _parameter(given: Json) -> Any:
    value, kind = given["parameterValue"], given["parameterType"]["type"]
    if kind == "ARRAY":
        return [each.get("value") for each in value.get("arrayValues") or ()]
    text = value.get("value")
    if text is None:
        return None
    match kind:
        case "INT64":
            return int(text)
        case "FLOAT64":
            return float(text)
        case "BOOL":
            return text == "true"
        case _:
            return str(text)
