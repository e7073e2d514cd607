"""What a table has beside its rows: descriptions, labels, policy tags, row access policies, when it expires."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlmat_assets.errors import bigquery as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery.link import Link, Resource
from sqlmat_assets.warehouses.bigquery.statements import create_policy, drop_policies
from sqlmat_assets.warehouses.bigquery.steps import Step, patch, query

_DESIGN = ("timePartitioning", "rangePartitioning", "clustering")


@dataclass(frozen=True, slots=True)
class Dress:
    """What the table that takes a place is to have, from the one in place and from what is said of it anew."""

    there: Resource | None
    new: Resource
    policies: tuple[Resource, ...] = ()
    told: Mapping[str | None, str] = field(default_factory=dict[str | None, str])

    @property
    def description(self) -> str | None:
        return dict(self.told).get(None) or self.new.get("description") or (self.there or {}).get("description")

    @property
    def of_table(self) -> Resource:
        """What is told of the table itself."""
        there = self.there or {}
        labels = {**there.get("labels", {}), **self.new.get("labels", {})}
        found: Resource = {"expirationTime": there.get("expirationTime")}
        if self.description is not None:
            found["description"] = self.description
        if labels:
            found["labels"] = labels
        if there.get("friendlyName"):
            found["friendlyName"] = there["friendlyName"]
        return found

    @property
    def fields(self) -> list[Resource]:
        """The columns of the new table, with what the one in place says of those that it has too."""
        known = {str(each["name"]): each for each in (self.there or {}).get("schema", {}).get("fields", ())}
        told = dict(self.told)
        found: list[Resource] = []
        for each in self.new.get("schema", {}).get("fields", ()):
            name = str(each["name"])
            own = _joined(each, known.get(name))
            if name in told:
                own["description"] = told[name]
            found.append(own)
        return found

    @property
    def is_guarded(self) -> bool:
        """Whether not everybody sees all of it."""
        tags = any(each.get("policyTags") for each in (self.there or {}).get("schema", {}).get("fields", ()))
        return bool(self.policies) or tags

    def put_on(self, link: Link, relation: Relation) -> Iterator[Step]:
        """The steps that have a table have it."""
        changes = self.of_table
        if self.fields != self.new.get("schema", {}).get("fields"):
            changes["schema"] = {"fields": self.fields}
        if _differ(changes, self.new):
            yield patch(relation, changes)
        for each in self.policies:
            yield query(create_policy(relation, each, _grantees(each)))
        del link  # has told all already

    def put_on_again(self, relation: Relation) -> Step:
        """The step that has a table have what a copy may not have brought along."""
        return patch(relation, self.of_table)

    def take_off(self, relation: Relation) -> Iterator[Step]:
        """The steps that have the table in place be told as before."""
        there = self.there or {}
        yield patch(
            relation,
            {
                "description": there.get("description"),
                "labels": there.get("labels", {}),
                "expirationTime": there.get("expirationTime"),
                "schema": {"fields": there.get("schema", {}).get("fields", [])},
            },
        )
        if self.policies:
            yield query(drop_policies(relation))
        for each in self.policies:
            yield query(create_policy(relation, each, _grantees(each)))

    def verify(self, link: Link, relation: Relation) -> None:
        """See that the table in place has it.

        Raises:
            TerminalWarehouseError: It has not.
        """
        found = link.tables.find_table(relation) or {}
        tags = {str(each["name"]): each.get("policyTags") for each in found.get("schema", {}).get("fields", ())}
        wanted = {str(each["name"]): each["policyTags"] for each in self.fields if each.get("policyTags")}
        missing = [f"the policy tags of `{name}`" for name, value in wanted.items() if tags.get(name) != value]
        there = {_name_of(each) for each in link.tables.list_policies(relation)} if self.policies else set[str]()
        missing += [f"the row access policy `{_name_of(e)}`" for e in self.policies if _name_of(e) not in there]
        if missing:
            raise wording.not_kept(str(relation), missing)


def read_policies(link: Link, relation: Relation, resource: Resource | None) -> tuple[Resource, ...]:
    """The row access policies on a table in place."""
    if resource is None or resource.get("type") != "TABLE":
        return ()
    return tuple(link.tables.list_policies(relation))


def is_same_design(one: Resource, other: Resource) -> bool:
    """Whether rows lie in the same partitions and clusters."""
    return all(_plain(one.get(key)) == _plain(other.get(key)) for key in _DESIGN)


def _plain(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: each for key, each in value.items() if key not in ("expirationMs", "requirePartitionFilter")}


def _joined(new: Resource, there: Resource | None) -> Resource:
    own = dict(new)
    if there is None:
        return own
    for key in ("description", "policyTags"):
        if there.get(key) and not own.get(key):
            own[key] = there[key]
    if own.get("fields") and there.get("fields"):
        known = {str(each["name"]): each for each in there["fields"]}
        own["fields"] = [_joined(each, known.get(str(each["name"]))) for each in own["fields"]]
    return own


def _differ(changes: Resource, there: Resource) -> bool:
    return any(there.get(key) != value for key, value in changes.items())


def _grantees(policy: Resource) -> Sequence[str]:
    return [str(each) for each in policy.get("grantees", ())]


def _name_of(policy: Resource) -> str:
    return str(policy["rowAccessPolicyReference"]["policyId"])
