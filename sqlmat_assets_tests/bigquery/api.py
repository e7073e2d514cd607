"""The methods of the REST API that clients use.

https://cloud.google.com/bigquery/docs/reference/rest
"""

from __future__ import annotations

import copy
import re
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlmat_assets_tests.bigquery import partitions, policies, sizes
from sqlmat_assets_tests.bigquery.catalog import OPTIONS, Catalog, Dataset, Table
from sqlmat_assets_tests.bigquery.columns import normalized, quoted
from sqlmat_assets_tests.bigquery.ddl import Definer
from sqlmat_assets_tests.bigquery.jobs import Job, Jobs
from sqlmat_assets_tests.bigquery.reading import Reading
from sqlmat_assets_tests.bigquery.texts import Text
from sqlmat_assets_tests.bigquery.wire import ApiError, Json, encode_rows, invalid

_MOST_ROWS = 50_000
# As long as one request is answered late, so that short jobs need no second one.
_PATIENCE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: what follows the project in the path, and what came with it."""

    method: str
    project: str
    path: str
    query: Mapping[str, str]
    body: Json
    media: bytes | None = None
    etag: str | None = None

    @property
    def about(self) -> str:
        """What a job does, in a word, for those who count."""
        configuration = self.body.get("configuration") or {}
        for kind in ("query", "copy", "load", "extract"):
            if kind in configuration:
                told = configuration[kind]
                dry = " dry" if configuration.get("dryRun") else ""
                return f"{kind}{dry} {str(told.get('query', ''))[:80]!r}" if kind == "query" else f"{kind}"
        return repr(str(self.body["query"])[:80]) if "query" in self.body else ""


@dataclass(frozen=True, slots=True)
class Answer:
    body: Json | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Api:
    """Answers requests."""

    def __init__(self, catalog: Catalog, jobs: Jobs) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._guard = threading.Lock()
        # The same request is the same job, for some minutes.
        self._requests: dict[str, Job] = {}

    def answer(self, asked: Asked) -> Answer:
        """Do what is asked.

        Raises:
            ApiError: It is refused.
        """
        for method, pattern, work in _ROUTES:
            found = pattern.fullmatch(asked.path)
            if found is not None and method == asked.method:
                return Answer(work(self, asked, *found.groups()), 200 if asked.method != "DELETE" else 204)
        raise ApiError("notImplemented", f"{asked.method} {asked.path} is not emulated")

    # jobs

    def insert_job(self, asked: Asked) -> Json:
        job = self._jobs.insert(asked.project, asked.body, asked.media)
        job.done.wait(_PATIENCE_SECONDS)
        return job.resource()

    def get_job(self, asked: Asked, job_id: str) -> Json:
        return self._jobs.get(asked.project, job_id).resource()

    def list_jobs(self, asked: Asked) -> Json:
        return {"jobs": [job.resource() for job in reversed(self._jobs.all()) if job.project == asked.project]}

    def cancel_job(self, asked: Asked, job_id: str) -> Json:
        job = self._jobs.get(asked.project, job_id)
        self._jobs.cancel(job)
        return {"kind": "bigquery#jobCancelResponse", "job": job.resource()}

    def run_query(self, asked: Asked) -> Json:
        """`jobs.query`: a job that is waited for."""
        body = asked.body
        configuration = {
            "query": {key: body[key] for key in body if key != "kind"},
            "dryRun": body.get("dryRun", False),
        }
        configuration["labels"] = body.get("labels") or {}
        request = str(body.get("requestId") or uuid.uuid4())
        with self._guard:
            if request not in self._requests:
                self._requests[request] = self._jobs.insert(asked.project, {"configuration": configuration})
            job = self._requests[request]
        job.done.wait(int(body.get("timeoutMs") or 10_000) / 1000)
        return self._results(job, {"maxResults": body.get("maxResults")})

    def get_results(self, asked: Asked, job_id: str) -> Json:
        job = self._jobs.get(asked.project, job_id)
        job.done.wait(min(int(asked.query.get("timeoutMs") or 10_000) / 1000, 20))
        return self._results(job, asked.query)

    def _results(self, job: Job, query: Mapping[str, Any]) -> Json:
        found: Json = {"kind": "bigquery#queryResponse", "jobReference": job.reference()}
        if not job.done.is_set():
            return {**found, "jobComplete": False}
        if job.error is not None:
            raise job.error
        last = job.last
        found |= {"jobComplete": True, "cacheHit": False, "totalBytesProcessed": "0", "totalRows": "0"}
        if last is None:
            return found
        statistics = job.resource()["statistics"]
        found["totalBytesProcessed"] = statistics.get("totalBytesProcessed", "0")
        if last.affected is not None and last.statement_type != "SELECT":
            found["numDmlAffectedRows"] = str(last.affected)
        if last.statement_type == "SELECT":
            start = int(query.get("pageToken") or query.get("startIndex") or 0)
            most = query.get("maxResults")
            count = min(_MOST_ROWS, int(most)) if most is not None else _MOST_ROWS
            rows = last.rows[start : start + count]
            found |= {"schema": {"fields": last.fields}, "totalRows": str(len(last.rows))}
            if count:
                # Clients take a response without rows for one that has no page yet.
                found["rows"] = encode_rows(last.fields, rows)
            if start + count < len(last.rows) and count:
                found["pageToken"] = str(start + count)
        return found

    # datasets

    def insert_dataset(self, asked: Asked) -> Json:
        name = str(asked.body["datasetReference"]["datasetId"])
        return self._dataset(self._catalog.create_dataset(asked.project, name, asked.body))

    def get_dataset(self, asked: Asked, name: str) -> Json:
        return self._dataset(self._catalog.dataset(asked.project, name))

    def list_datasets(self, asked: Asked) -> Json:
        found = [each for each in self._catalog.datasets(asked.project) if not each.name.startswith("_")]
        if asked.query.get("all") == "true":
            found = self._catalog.datasets(asked.project)
        return {"datasets": [self._dataset(each) for each in found]}

    def delete_dataset(self, asked: Asked, name: str) -> None:
        self._catalog.drop_dataset(asked.project, name, with_contents=asked.query.get("deleteContents") == "true")

    def _dataset(self, dataset: Dataset) -> Json:
        reference = {"projectId": dataset.project, "datasetId": dataset.name}
        own = {key: value for key, value in dataset.resource.items() if key not in ("datasetReference", "etag")}
        return {
            "kind": "bigquery#dataset",
            "id": f"{dataset.project}:{dataset.name}",
            "datasetReference": reference,
            "location": self._jobs.location,
            "creationTime": str(dataset.created),
            "etag": f"e{dataset.revision}",
            **own,
        }

    # tables

    def insert_table(self, asked: Asked, dataset: str) -> Json:
        body = asked.body
        name = str(body["tableReference"]["tableId"])
        options = {key: body[key] for key in OPTIONS if body.get(key) is not None}
        fields = normalized((body.get("schema") or {}).get("fields", ()))
        if "view" in options:
            reading = Reading(self._catalog, asked.project, dataset)
            text = Text(options["view"]["query"])
            definer = Definer(self._catalog, reading, self._catalog.cursor())
            fields = definer.describe(reading.translate(text.parse(), text))
            made = self._catalog.create(asked.project, dataset, name, fields, options, kind="VIEW")
            return self._table(made)
        partitions.check_design(fields, options)
        return self._table(self._catalog.create(asked.project, dataset, name, fields, options))

    def get_table(self, asked: Asked, dataset: str, name: str) -> Json:
        return self._table(self._catalog.table(asked.project, dataset, name))

    def list_tables(self, asked: Asked, dataset: str) -> Json:
        self._catalog.dataset(asked.project, dataset)
        found = self._catalog.tables(asked.project, dataset)
        kept = ("id", "tableReference", "type", "labels", "creationTime", "expirationTime", "timePartitioning")
        tables = [{key: value for key, value in self._table(each).items() if key in kept} for each in found]
        return {"kind": "bigquery#tableList", "tables": tables, "totalItems": len(tables)}

    def patch_table(self, asked: Asked, dataset: str, name: str) -> Json:
        with self._catalog.lock:
            table = self._catalog.table(asked.project, dataset, name)
            if asked.etag is not None and asked.etag not in ("*", f"e{table.revision}"):
                raise ApiError("conditionNotMet", "Precondition Failed")
            body = asked.body
            if "schema" in body:
                self._patch_columns(table, normalized(body["schema"]["fields"]))
            for key in OPTIONS:
                if key not in body:
                    continue
                value = body[key]
                if key == "labels" and value is not None:
                    # One that is null goes.
                    joined = {**table.options.get("labels", {}), **value}
                    value = {label: each for label, each in joined.items() if each is not None}
                if key in ("timePartitioning", "rangePartitioning"):
                    partitions.refuse_other_spec({key: value}, {key: table.options.get(key)}, (name, name))
                if value is None:
                    table.options.pop(key, None)
                else:
                    table.options[key] = value
            self._catalog.touch(table)
            return self._table(table)

    def _patch_columns(self, table: Table, fields: list[Json]) -> None:
        given = {each["name"]: each for each in fields}
        for each in table.fields:
            own = given.get(each["name"])
            if own is None or own["type"] != each["type"]:
                raise invalid(
                    f"Provided Schema does not match Table {table.full_name}. Field {each['name']} is missing"
                )
        more = [each for each in fields if each["name"] not in {one["name"] for one in table.fields}]
        if more and table.kind == "TABLE":
            physical = self._catalog.make_empty([*table.fields, *more], is_ingested=table.is_ingested)
            own = ", ".join(quoted(each["name"]) for each in table.fields)
            if table.fields:
                copied = f"INSERT INTO {physical} ({own}) SELECT {own} FROM {table.stored}"
                self._catalog.cursor().execute(copied)
            self._catalog.put_rows(table, physical, [*table.fields, *more])
        # What a column says of itself is as it is given; a policy tag stays unless it is given as none.
        kept = {each["name"]: each.get("policyTags") for each in table.fields}
        table.fields = [
            {**each, **({"policyTags": kept[each["name"]]} if _keeps_tags(each, kept) else {})} for each in fields
        ]

    def delete_table(self, asked: Asked, dataset: str, name: str) -> None:
        base, _, partition = name.partition("$")
        table = self._catalog.table(asked.project, dataset, base)
        if partition:
            partitions.drop_partition(self._catalog, table, partition)
            return
        self._catalog.drop(table)
        self._jobs.mutations.note(table.key)

    def _table(self, table: Table) -> Json:
        found: Json = {
            "kind": "bigquery#table",
            "id": table.full_name,
            "tableReference": {"projectId": table.project, "datasetId": table.dataset, "tableId": table.name},
            "type": table.kind,
            "schema": {"fields": copy.deepcopy(table.fields)},
            "etag": f"e{table.revision}",
            "creationTime": str(table.created),
            "lastModifiedTime": str(table.modified),
            "location": self._jobs.location,
            **copy.deepcopy(table.options),
        }
        if table.physical is not None:
            found["numRows"] = str(self._catalog.count(table))
            names = [each["name"] for each in table.fields]
            found["numBytes"] = str(sizes.of_columns(self._catalog, table, names))
        return found

    # rows

    def insert_all(self, asked: Asked, dataset: str, name: str) -> Json:
        table = self._catalog.table(asked.project, dataset, name)
        cursor = self._catalog.cursor()
        for row in asked.body.get("rows", ()):
            names = list(row["json"])
            marks = ", ".join("?" for _ in names)
            text = f"INSERT INTO {table.stored} ({', '.join(map(quoted, names))}) VALUES ({marks})"
            cursor.execute(text, list(row["json"].values()))
        table.streamed = True
        self._catalog.touch(table, rows=True)
        return {"kind": "bigquery#tableDataInsertAllResponse"}

    def list_rows(self, asked: Asked, dataset: str, name: str) -> Json:
        table = self._catalog.table(asked.project, dataset, name)
        start = int(asked.query.get("pageToken") or asked.query.get("startIndex") or 0)
        count = int(asked.query.get("maxResults") or _MOST_ROWS)
        columns = ", ".join(quoted(each["name"]) for each in table.fields)
        query = f"SELECT {columns} FROM {table.stored} LIMIT {count} OFFSET {start}"
        rows = self._catalog.cursor().execute(query).fetchall()
        total = self._catalog.count(table)
        found: Json = {"totalRows": str(total), "rows": encode_rows(table.fields, rows)}
        if start + len(rows) < total:
            found["pageToken"] = str(start + len(rows))
        return found

    # policies

    def list_policies(self, asked: Asked, dataset: str, name: str) -> Json:
        table = self._catalog.table(asked.project, dataset, name)
        return {"rowAccessPolicies": [policies.told(table, each) for each in table.policies]}

    def policy_grantees(self, asked: Asked, dataset: str, name: str, policy: str) -> Json:
        table = self._catalog.table(asked.project, dataset, name)
        found = next((each for each in table.policies if each["name"] == policy), None)
        if found is None:
            raise ApiError("notFound", f"Not found: Row access policy {policy} on {table.full_name}")
        return {"bindings": [{"role": "roles/bigquery.filteredDataViewer", "members": found["grantees"]}]}

    # IAM

    def get_bindings(self, asked: Asked, dataset: str, name: str) -> Json:
        table = self._catalog.table(asked.project, dataset, name)
        return {"version": 1, "etag": "BwX=", "bindings": table.bindings}

    def set_bindings(self, asked: Asked, dataset: str, name: str) -> Json:
        table = self._catalog.table(asked.project, dataset, name)
        table.bindings = [dict(each) for each in asked.body["policy"].get("bindings", ())]
        return self.get_bindings(asked, dataset, name)


def _keeps_tags(column: Json, kept: Mapping[str, Any]) -> bool:
    return "policyTags" not in column and bool(kept.get(column["name"]))


def _route(method: str, path: str, work: Callable[..., Any]) -> tuple[str, re.Pattern[str], Callable[..., Any]]:
    return method, re.compile(re.sub(r"\{\w+\}", "([^/:]+)", path)), work


_TABLE = "datasets/{dataset}/tables/{table}"
_ROUTES = (
    _route("POST", "jobs", Api.insert_job),
    _route("GET", "jobs", Api.list_jobs),
    _route("GET", "jobs/{job}", Api.get_job),
    _route("POST", "jobs/{job}/cancel", Api.cancel_job),
    _route("POST", "queries", Api.run_query),
    _route("GET", "queries/{job}", Api.get_results),
    _route("POST", "datasets", Api.insert_dataset),
    _route("GET", "datasets", Api.list_datasets),
    _route("GET", "datasets/{dataset}", Api.get_dataset),
    _route("DELETE", "datasets/{dataset}", Api.delete_dataset),
    _route("POST", "datasets/{dataset}/tables", Api.insert_table),
    _route("GET", "datasets/{dataset}/tables", Api.list_tables),
    _route("GET", _TABLE, Api.get_table),
    _route("PATCH", _TABLE, Api.patch_table),
    _route("DELETE", _TABLE, Api.delete_table),
    _route("POST", f"{_TABLE}/insertAll", Api.insert_all),
    _route("GET", f"{_TABLE}/data", Api.list_rows),
    _route("GET", f"{_TABLE}/rowAccessPolicies", Api.list_policies),
    _route("POST", f"{_TABLE}:getIamPolicy", Api.get_bindings),
    _route("POST", f"{_TABLE}:setIamPolicy", Api.set_bindings),
    _route("POST", f"{_TABLE}/rowAccessPolicies/{{policy}}:getIamPolicy", Api.policy_grantees),
)
