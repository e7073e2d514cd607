"""Requests about tables and datasets: each can be sent again without being done twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar, cast

from google.api_core import exceptions as google
from google.api_core.iam import Policy
from google.cloud import bigquery

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.link import STATE, Resource
from sqlmat_assets.warehouses.bigquery.url import BigQueryPlace

T = TypeVar("T")
_TIMEOUT_SECONDS = 60
# What is sent again is decided where it is called; the client says nothing of this in its types.
_ONCE: Any = None
# The names that the client has for what it sends.
_NAMES = {"expirationTime": "expires", "timePartitioning": "time_partitioning", "clustering": "clustering_fields"}


class Call(Protocol):
    """Sends a request, again while it fails for a reason that passes."""

    def __call__(
        self, about: str, statement: str | None, work: Callable[[], T], expects: tuple[type[Exception], ...] = ()
    ) -> T: ...


class Tables:
    """Those of a project."""

    def __init__(self, client: bigquery.Client, place: BigQueryPlace, call: Call) -> None:
        self._client = client
        self._place = place
        self._call = call

    def find_table(self, relation: Relation) -> Resource | None:
        try:
            found = self._call(
                f"get {relation}",
                None,
                lambda: self._client.get_table(self.reference(relation), retry=_ONCE, timeout=_TIMEOUT_SECONDS),
                expects=(google.NotFound,),
            )
        except google.NotFound:
            return None
        return cast("Resource", found.to_api_repr())

    def create_table(self, resource: Resource) -> Resource | None:
        table = bigquery.Table.from_api_repr(resource)
        is_again: list[bool] = []

        def create() -> Resource | None:
            try:
                return self._client.create_table(table, retry=_ONCE, timeout=_TIMEOUT_SECONDS).to_api_repr()
            except google.Conflict:
                # Of an earlier try no answer came: then it is that one's.
                return self._find_alike(table, resource) if is_again else None
            finally:
                is_again.append(True)

        return self._call(f"create {table.table_id}", None, create)

    def _find_alike(self, table: bigquery.Table, resource: Resource) -> Resource | None:
        found = self._client.get_table(table.reference, retry=_ONCE, timeout=_TIMEOUT_SECONDS).to_api_repr()
        return found if all(found.get(key) == resource.get(key) for key in ("description", "labels")) else None

    def patch_table(self, relation: Relation, changes: Resource, etag: str | None = None) -> Resource | None:
        resource = {**changes, "tableReference": self._table_reference(relation)}
        if etag is not None:
            resource["etag"] = etag
        table = bigquery.Table.from_api_repr(resource)
        names = [_NAMES.get(key, key) for key in changes]
        lost: list[bool] = []

        def patch() -> Resource | None:
            try:
                return self._client.update_table(table, names, retry=_ONCE, timeout=_TIMEOUT_SECONDS).to_api_repr()
            except google.PreconditionFailed:
                return self._own_patch(relation, changes) if lost else None
            except google.NotFound:
                return None
            finally:
                lost.append(True)

        return self._call(f"patch {relation} {', '.join(changes)}", None, patch)

    def _own_patch(self, relation: Relation, changes: Resource) -> Resource | None:
        """What a table is now, if it is as an earlier try would have left it, of which no answer came."""
        found = self._client.get_table(self.reference(relation), retry=_ONCE, timeout=_TIMEOUT_SECONDS).to_api_repr()
        return found if all(found.get(key) == value for key, value in changes.items()) else None

    def delete_table(self, relation: Relation) -> bool:
        is_again: list[bool] = []

        def delete() -> bool:
            try:
                self._client.delete_table(self.reference(relation), retry=_ONCE, timeout=_TIMEOUT_SECONDS)
            except google.NotFound:
                return bool(is_again)
            finally:
                is_again.append(True)
            return True

        return self._call(f"DROP TABLE {relation}", None, delete)

    def list_tables(self, schema: str) -> list[Resource]:
        def read() -> list[Resource]:
            found = self._client.list_tables(self._dataset(schema), retry=_ONCE, timeout=_TIMEOUT_SECONDS)
            return [cast("Resource", each.to_api_repr()) for each in found]

        try:
            return self._call(f"list {schema}", None, read, expects=(google.NotFound,))
        except google.NotFound:
            return []

    def create_schema(self, name: str) -> None:
        dataset = bigquery.Dataset(self._dataset(name))
        if self._place.location is not None:
            dataset.location = self._place.location

        def create() -> None:
            self._client.create_dataset(dataset, exists_ok=True, retry=_ONCE, timeout=_TIMEOUT_SECONDS)

        self._call(f"create schema {name}", None, create)

    def delete_schema(self, name: str) -> bool:
        def delete() -> bool:
            try:
                self._client.delete_dataset(self._dataset(name), retry=_ONCE, timeout=_TIMEOUT_SECONDS)
            except google.NotFound:
                return False
            return True

        return self._call(f"DROP SCHEMA {name}", f"DROP SCHEMA {name}", delete)

    def list_schemas(self) -> list[str]:
        def read() -> list[str]:
            found = self._client.list_datasets(include_all=True, retry=_ONCE, timeout=_TIMEOUT_SECONDS)
            return [str(each.dataset_id) for each in found]

        return self._call("list schemas", None, read)

    def list_policies(self, relation: Relation) -> list[Resource]:
        reference = self._table_reference(relation)
        path = f"/projects/{reference['projectId']}/datasets/{reference['datasetId']}/tables/{reference['tableId']}"

        def read() -> list[Resource]:
            # The client has no method for it.
            api: Any = self._client._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            found = api.api_request(method="GET", path=f"{path}/rowAccessPolicies", timeout=_TIMEOUT_SECONDS)
            return [{**each, "grantees": grantees(each)} for each in found.get("rowAccessPolicies", ())]

        def grantees(policy: Resource) -> list[str]:
            # The list does not tell them.
            name = policy["rowAccessPolicyReference"]["policyId"]
            api: Any = self._client._connection  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            asked = f"{path}/rowAccessPolicies/{name}:getIamPolicy"
            found = api.api_request(method="POST", path=asked, data={}, timeout=_TIMEOUT_SECONDS)
            return [str(member) for binding in found.get("bindings", ()) for member in binding.get("members", ())]

        return self._call(f"policies of {relation}", None, read)

    def fetch_bindings(self, relation: Relation) -> list[Resource]:
        def read() -> list[Resource]:
            found: Any = self._client.get_iam_policy(self.reference(relation), retry=_ONCE, timeout=_TIMEOUT_SECONDS)
            return [{"role": str(each["role"]), "members": sorted(each["members"])} for each in found.bindings]

        return self._call(f"IAM policy of {relation}", None, read)

    def set_bindings(self, relation: Relation, bindings: Sequence[Resource]) -> None:
        policy: Any = Policy(version=1)
        policy.bindings = [{**each, "members": set(each["members"])} for each in bindings]

        def write() -> None:
            self._client.set_iam_policy(self.reference(relation), policy, retry=_ONCE, timeout=_TIMEOUT_SECONDS)

        self._call(f"set IAM policy of {relation}", None, write)

    def reference(self, relation: Relation) -> str:
        """A table's name as the client takes it."""
        return ".".join(self._table_reference(relation).values())

    def _table_reference(self, relation: Relation) -> dict[str, str]:
        project = relation.catalog or self._place.project
        return {"projectId": project, "datasetId": self._own(relation.schema), "tableId": relation.name}

    def _dataset(self, schema: str) -> str:
        return f"{self._place.project}.{self._own(schema)}"

    def _own(self, schema: str) -> str:
        return self._place.state if schema == STATE else schema
