"""The names of the tables that exist only while a table is built."""

from __future__ import annotations

import re
from dataclasses import replace
from hashlib import blake2b

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities

_TEMPORARY = re.compile(r".+__sqlmat_([a-z0-9]+)_(?:new|old|all)", re.DOTALL)


def intermediate_of(target: Relation, run: str, capabilities: Capabilities) -> Relation:
    """The table that the run with this id writes, checks, and puts in the target's place."""
    return replace(target, name=_fit(target.name, f"__sqlmat_{run}_new", capabilities.max_identifier_bytes))


def backup_of(target: Relation, run: str, capabilities: Capabilities) -> Relation:
    """What the replaced table is called until it is dropped, on engines that rename in two steps."""
    return replace(target, name=_fit(target.name, f"__sqlmat_{run}_old", capabilities.max_identifier_bytes))


def result_of(target: Relation, run: str, capabilities: Capabilities) -> Relation:
    """The view of the rows that the target would have, where only some of them are written."""
    return replace(target, name=_fit(target.name, f"__sqlmat_{run}_all", capabilities.max_identifier_bytes))


def run_of(name: str) -> str | None:
    """The id of the run that made a temporary table; None for any other table.

    Examples:
        >>> run_of("cities__sqlmat_k3x_new"), run_of("cities")
        ('k3x', None)
    """
    found = _TEMPORARY.fullmatch(name)
    return found.group(1) if found else None


def _fit(name: str, ending: str, max_bytes: int) -> str:
    whole = name + ending
    if len(whole.encode()) <= max_bytes:
        return whole
    digest = "_" + blake2b(name.encode(), digest_size=4).hexdigest()
    kept = max_bytes - len((digest + ending).encode())
    return name.encode()[:kept].decode(errors="ignore") + digest + ending
