"""Row access policies. They are remembered, told and copied; what readers see is not filtered by them.

https://cloud.google.com/bigquery/docs/managing-row-level-security
"""

from __future__ import annotations

import re

from sqlglot import exp

from sqlmat_assets_tests.bigquery.catalog import Catalog, Table
from sqlmat_assets_tests.bigquery.reading import Reading
from sqlmat_assets_tests.bigquery.wire import ApiError, Json

_CREATE = re.compile(
    r"create\s+(?P<replace>or\s+replace\s+)?row\s+access\s+policy\s+(?P<exists>if\s+not\s+exists\s+)?`?(?P<name>\w+)`?"
    r"\s+on\s+(?P<table>\S+)\s*(?:grant\s+to\s*\((?P<grantees>[^)]*)\))?\s*filter\s+using\s*\((?P<filter>.*)\)",
    re.IGNORECASE | re.DOTALL,
)
_DROP = re.compile(
    r"drop\s+(?:(?P<all>all\s+row\s+access\s+policies)|row\s+access\s+policy\s+(?P<exists>if\s+exists\s+)?"
    r"`?(?P<name>\w+)`?)\s+on\s+(?P<table>\S+)",
    re.IGNORECASE,
)
_GRANTEE = re.compile(r"""['"]([^'"]+)['"]""")


def run(catalog: Catalog, reading: Reading, sql: str) -> tuple[str, Table] | None:
    """Do what a statement says about a policy; None where it is about something else."""
    created = _CREATE.fullmatch(sql.strip())
    if created is not None:
        return "CREATE_ROW_ACCESS_POLICY", _create(catalog, reading, created)
    dropped = _DROP.fullmatch(sql.strip())
    return None if dropped is None else ("DROP_ROW_ACCESS_POLICY", _drop(catalog, reading, dropped))


def told(table: Table, policy: Json) -> Json:
    """A policy as `rowAccessPolicies.list` answers."""
    reference = {"projectId": table.project, "datasetId": table.dataset, "tableId": table.name}
    return {
        "rowAccessPolicyReference": {**reference, "policyId": policy["name"]},
        "filterPredicate": policy["filter"],
    }


def _create(catalog: Catalog, reading: Reading, found: re.Match[str]) -> Table:
    table = reading.get(exp.to_table(found["table"], dialect="bigquery"))
    there = [each for each in table.policies if each["name"] == found["name"]]
    if there and not found["replace"]:
        if found["exists"]:
            return table
        raise ApiError("duplicate", f"Already Exists: Row access policy {found['name']} on {table.full_name}")
    grantees = _GRANTEE.findall(found["grantees"] or "")
    policy = {"name": found["name"], "filter": found["filter"].strip(), "grantees": grantees}
    table.policies = [*(each for each in table.policies if each not in there), policy]
    catalog.touch(table)
    return table


def _drop(catalog: Catalog, reading: Reading, found: re.Match[str]) -> Table:
    table = reading.get(exp.to_table(found["table"], dialect="bigquery"))
    stays = [] if found["all"] else [each for each in table.policies if each["name"] != found["name"]]
    if not found["all"] and len(stays) == len(table.policies) and not found["exists"]:
        raise ApiError("notFound", f"Not found: Row access policy {found['name']} on {table.full_name}")
    table.policies = stays
    catalog.touch(table)
    return table
