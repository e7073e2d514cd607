"""Requests to BigQuery: sent again when no answer comes, without doing anything twice."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from google.api_core import exceptions as google
from google.api_core.retry import Retry
from google.cloud import bigquery
from google.cloud.bigquery.job import ExtractJob, LoadJob, QueryJob

from sqlmat_assets.errors import TransientWarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Pause
from sqlmat_assets.warehouses.bigquery.errors import LOST, passes, refused_by, translate
from sqlmat_assets.warehouses.bigquery.legacy import legacy_of
from sqlmat_assets.warehouses.bigquery.link import AnyJob, Copy, Resource, Result, Tags, Taken, as_label
from sqlmat_assets.warehouses.bigquery.meter import Meter, least
from sqlmat_assets.warehouses.bigquery.tables import Tables
from sqlmat_assets.warehouses.bigquery.types import in_sql
from sqlmat_assets.warehouses.bigquery.url import BigQueryPlace

T = TypeVar("T")

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 8.0
# For as long one request may be without an answer. Jobs take their time, and are asked about again.
_TIMEOUT_SECONDS = 60
_CANCEL_AGAIN_SECONDS = 1.0
# What is sent again, when and how often, is decided here; the client says nothing of this in its types.
_ONCE: Any = None


class Connection:
    """A client, for one session."""

    def __init__(self, client: bigquery.Client, place: BigQueryPlace, pause: Pause = time.sleep) -> None:
        self._client = client
        self._place = place
        self._pause = pause
        self._tags = Tags()
        self._meter = Meter()
        self.tables = Tables(client, place, self._call)
        self._nonce = uuid.uuid4().hex[:10]
        self._count = 0
        self._unanswered: dict[str, str] = {}
        self._running: str | None = None
        self._cancelled_at = 0.0
        self._guard = threading.Lock()

    @property
    def place(self) -> BigQueryPlace:
        return self._place

    @property
    def tags(self) -> Tags:
        return self._tags

    @property
    def meter(self) -> Meter:
        return self._meter

    def pause(self, seconds: float) -> None:
        self._pause(seconds)

    def new_id(self) -> str:
        self._count += 1
        return f"{self._tags.prefix}_{self._nonce}_{self._count}"

    # queries

    def run(self, text: str, job_id: str | None = None) -> QueryJob:
        return cast("QueryJob", self._once(text, lambda own: self._submit_query(text, own), job_id))

    def _once(self, told: str, submit: Callable[[str], AnyJob], job_id: str | None = None) -> AnyJob:
        """Run a job to its end.

        What was sent before, and of which nothing was heard, is asked for by the id that it had.
        """
        own = job_id or self._unanswered.pop(told, None) or self.new_id()
        self._begin(own)
        try:
            return self._wait(own, submit(own), told)
        except BaseException as error:
            if isinstance(error.__cause__, LOST):
                self._unanswered[told] = own
            raise
        finally:
            with self._guard:
                self._running = None

    def fetch(self, text: str) -> Result:
        job = self.run(text)
        try:
            return self._call(f"rows of {text}", text, lambda: self._read(job))
        except TransientWarehouseError:
            self.ask_again(text, job)
            raise

    def ask_again(self, text: str, job: QueryJob) -> None:
        self._unanswered[text] = str(job.job_id)

    def _read(self, job: QueryJob) -> Result:
        iterator = job.result(retry=_ONCE, job_retry=_ONCE, timeout=_TIMEOUT_SECONDS)
        columns = tuple((each.name, in_sql(each.to_api_repr())) for each in iterator.schema)
        return Result(columns, [tuple(row.values()) for row in iterator])

    def fetch_quickly(self, text: str) -> Result:
        config = bigquery.QueryJobConfig(use_legacy_sql=False, labels=self._job_labels())
        again = Retry(
            lambda error: isinstance(error, LOST),
            _FIRST_PAUSE_SECONDS,
            _LONGEST_PAUSE_SECONDS,
            timeout=self._place.wait.total_seconds(),
        )

        def read() -> Result:
            # Sent again by the client, which gives the request an id, by which it is done once.
            found = self._client.query_and_wait(
                text, job_config=config, retry=again, job_retry=_ONCE, api_timeout=_TIMEOUT_SECONDS
            )
            columns = tuple((each.name, in_sql(each.to_api_repr())) for each in found.schema)
            result = Result(columns, [tuple(row.values()) for row in found])
            self._meter.note(found)
            return result

        return self._call(text, text, read)

    def dry_run(self, text: str) -> QueryJob:
        legacy = legacy_of(text)
        config = bigquery.QueryJobConfig(dry_run=True, use_query_cache=False, use_legacy_sql=legacy is not None)
        text = text if legacy is None else legacy.text
        return self._call(
            f"dry run {text}",
            text,
            lambda: self._client.query(text, job_config=config, retry=_ONCE, job_retry=_ONCE, timeout=_TIMEOUT_SECONDS),
        )

    def _submit_query(self, text: str, job_id: str) -> AnyJob:
        config = bigquery.QueryJobConfig(use_legacy_sql=False, labels=self._job_labels())
        legacy = legacy_of(text)
        if legacy is not None and legacy.target is not None:
            text, config.use_legacy_sql, config.allow_large_results = legacy.text, True, True
            config.destination = self.tables.reference(legacy.target)
            config.write_disposition = "WRITE_EMPTY"
        config.priority = self._place.priority.upper()
        most = least((self._place.max_bytes_billed, self._meter.most_bytes))
        if most is not None:
            config.maximum_bytes_billed = most
        return self._submit(
            job_id,
            text,
            lambda: self._client.query(
                text, job_config=config, job_id=job_id, retry=_ONCE, job_retry=_ONCE, timeout=_TIMEOUT_SECONDS
            ),
        )

    # other jobs

    def copy(self, copy: Copy, job_id: str) -> None:
        decorated = self.tables.reference(copy.source)
        target = self.tables.reference(copy.target)
        if copy.at is not None:
            decorated = f"{decorated}@{copy.at}"
        if copy.partition is not None:
            decorated, target = f"{decorated}${copy.partition}", f"{target}${copy.partition}"
        config = bigquery.CopyJobConfig(write_disposition=copy.disposition, labels=self._job_labels())
        told = f"copy {decorated} to {target} ({copy.disposition})"
        job = self._submit(
            job_id,
            told,
            lambda: self._client.copy_table(
                decorated, target, job_id=job_id, job_config=config, retry=_ONCE, timeout=_TIMEOUT_SECONDS
            ),
        )
        self._wait(job_id, job, told)

    def load(self, path: Path, target: Relation, configuration: Resource) -> int:
        config = cast("bigquery.LoadJobConfig", bigquery.LoadJobConfig.from_api_repr({"load": configuration}))
        config.labels = self._job_labels()
        told = f"load {path.name} into {self.tables.reference(target)}"

        def upload(job_id: str) -> LoadJob:
            with path.open("rb") as file:
                return self._client.load_table_from_file(
                    file, self.tables.reference(target), job_id=job_id, job_config=config, num_retries=0, timeout=600
                )

        job = self._once(told, lambda own: self._submit(own, told, lambda: upload(own)))
        return int(cast("LoadJob", job).output_rows or 0)

    def load_objects(self, urls: Sequence[str], target: Relation, configuration: Resource) -> Taken:
        config = cast("bigquery.LoadJobConfig", bigquery.LoadJobConfig.from_api_repr({"load": configuration}))
        config.labels = self._job_labels()
        told = f"load {', '.join(urls)} into {self.tables.reference(target)}"

        def insert(job_id: str) -> LoadJob:
            place, given = self.tables.reference(target), list(urls)
            return self._client.load_table_from_uri(
                given, place, job_id=job_id, job_config=config, retry=_ONCE, timeout=_TIMEOUT_SECONDS
            )

        job = cast("LoadJob", self._once(told, lambda own: self._submit(own, told, lambda: insert(own))))
        # The client has no word for how many rows were left out.
        told_of_job = cast("Resource", job._properties)  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        bad_rows = int(told_of_job["statistics"]["load"].get("badRecords") or 0)
        return Taken(int(job.output_rows or 0), bad_rows, refused_by(job.errors))

    def extract(self, source: Relation, urls: Sequence[str], configuration: Resource) -> int:
        config = cast("bigquery.ExtractJobConfig", bigquery.ExtractJobConfig.from_api_repr({"extract": configuration}))
        config.labels = self._job_labels()
        told = f"extract {self.tables.reference(source)} to {', '.join(urls)}"

        def insert(job_id: str) -> ExtractJob:
            place, given = self.tables.reference(source), list(urls)
            return self._client.extract_table(
                place, given, job_id=job_id, job_config=config, retry=_ONCE, timeout=_TIMEOUT_SECONDS
            )

        job = self._once(told, lambda own: self._submit(own, told, lambda: insert(own)))
        return sum(map(int, cast("ExtractJob", job).destination_uri_file_counts or ()))

    def find_job(self, job_id: str) -> AnyJob | None:
        try:
            return cast(
                "AnyJob",
                self._call(
                    f"job {job_id}",
                    None,
                    lambda: self._client.get_job(
                        job_id, location=self._place.location, retry=_ONCE, timeout=_TIMEOUT_SECONDS
                    ),
                    expects=(google.NotFound,),
                ),
            )
        except google.NotFound:
            return None

    def _submit(self, job_id: str, told: str, insert: Callable[[], Any]) -> AnyJob:
        """Begin a job, or find the one of this id: that of an earlier try, or of another session that does the same."""
        try:
            return cast("AnyJob", self._call(told, told, insert, expects=(google.Conflict,)))
        except google.Conflict as error:
            found = self.find_job(job_id)
            if found is None:
                raise translate(error, told, self._place.label) from error
            return found

    def _wait(self, job_id: str, job: AnyJob, told: str) -> AnyJob:
        self._begin(job_id)
        try:
            while job.state != "DONE":
                self._call(f"wait for {job_id}", told, lambda: self._await(job))
        finally:
            with self._guard:
                self._running = None
        if isinstance(job, QueryJob):
            self._meter.note(job, int(job.total_bytes_billed or 0))
        if job.error_result is not None:
            # Of one that has ended nothing is asked.
            error = cast("Exception", job.exception() or google.GoogleAPICallError(str(job.error_result)))
            rows = refused_by(job.errors) if isinstance(job, LoadJob) else ()
            raise translate(error, told, self._place.label, rows) from error
        return job

    def _begin(self, job_id: str) -> None:
        """Have a job be the one that is cancelled."""
        with self._guard:
            if self._running != job_id:
                self._running, self._cancelled_at = job_id, 0.0

    def _await(self, job: AnyJob) -> None:
        """Wait for the end of a job, some seconds at most: then it is asked about again."""
        if isinstance(job, QueryJob):
            try:
                job.result(max_results=0, retry=_ONCE, job_retry=_ONCE, timeout=_TIMEOUT_SECONDS)
            except google.GoogleAPICallError:
                job.reload(retry=_ONCE, timeout=_TIMEOUT_SECONDS)
                if job.state != "DONE":
                    raise
            return
        job.reload(retry=_ONCE, timeout=_TIMEOUT_SECONDS)
        if job.state != "DONE":
            self._pause(0.2)

    def _job_labels(self) -> Mapping[str, str]:
        return {name: as_label(value) for name, value in self._tags.labels.items()}

    # sending

    def cancel(self) -> None:
        with self._guard:
            running = self._running
            if running is None or time.monotonic() < self._cancelled_at + _CANCEL_AGAIN_SECONDS:
                return
            self._cancelled_at = time.monotonic()
        try:
            self._client.cancel_job(running, location=self._place.location, retry=_ONCE, timeout=10)
        except (*LOST, google.GoogleAPICallError):
            # It is asked for again and again.
            self._cancelled_at = 0.0

    def attempt(self, about: str, work: Callable[[], T]) -> T:
        """Send one request; `about` is what it is about, for those who write requests down."""
        del about
        return work()

    def _call(
        self, about: str, statement: str | None, work: Callable[[], T], expects: tuple[type[Exception], ...] = ()
    ) -> T:
        """Send a request, again while it fails for a reason that passes, for as long as is waited."""
        deadline = time.monotonic() + self._place.wait.total_seconds()
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return self.attempt(about, work)
            except expects:
                raise
            except (*LOST, google.GoogleAPICallError) as error:
                is_passing = isinstance(error, LOST) or passes(error)
                if not is_passing or time.monotonic() + pause > deadline:
                    raise translate(error, statement, self._place.label) from error
            self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
