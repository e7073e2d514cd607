"""The names of the tables that stand beside a table: while it is built, and as its earlier versions."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Capabilities

_TEMPORARY = re.compile(r".+__sqlmat_([a-z0-9]+)_(?:new|old|all)", re.DOTALL)
_KEPT = re.compile(r".+__sqlmat_([0-9]{8}t[0-9]{12})_was", re.DOTALL)


def intermediate_of(target: Relation, run: str, capabilities: Capabilities) -> Relation:
    """The table that the run with this id writes, checks, and puts in the target's place."""
    return replace(target, name=_fit(target.name, f"__sqlmat_{run}_new", capabilities.max_identifier_bytes))


def backup_of(target: Relation, run: str, capabilities: Capabilities) -> Relation:
    """What the replaced table is called until it is dropped, on engines that rename in two steps."""
    return replace(target, name=_fit(target.name, f"__sqlmat_{run}_old", capabilities.max_identifier_bytes))


def result_of(target: Relation, run: str, capabilities: Capabilities) -> Relation:
    """The view of the rows that the target would have, where only some of them are written."""
    return replace(target, name=_fit(target.name, f"__sqlmat_{run}_all", capabilities.max_identifier_bytes))


def kept_of(target: Relation, published_at: datetime, capabilities: Capabilities) -> Relation:
    """What the version of a table that was published at a moment is called while it is kept."""
    return _kept_of(target, f"{published_at.astimezone(UTC):%Y%m%dt%H%M%S%f}", capabilities)


def is_kept(name: str) -> bool:
    """Whether a name, folded, is that of a version that is kept."""
    return _KEPT.fullmatch(name) is not None


def is_kept_of(target: Relation, name: str, capabilities: Capabilities) -> bool:
    """Whether a name is that of a version of this table."""
    found = _KEPT.fullmatch(capabilities.fold(name))
    return found is not None and capabilities.fold(_kept_of(target, found[1], capabilities).name) == capabilities.fold(
        name
    )


def run_of(name: str) -> str | None:
    """The id of the run that made a temporary table; None for any other table.

    Examples:
        >>> run_of("cities__sqlmat_k3x_new"), run_of("cities")
        ('k3x', None)
    """
    found = _TEMPORARY.fullmatch(name)
    return found.group(1) if found else None


def _kept_of(target: Relation, moment: str, capabilities: Capabilities) -> Relation:
    return replace(target, name=_fit(target.name, f"__sqlmat_{moment}_was", capabilities.max_identifier_bytes))


def _fit(name: str, ending: str, max_bytes: int) -> str:
    whole = name + ending
    if len(whole.encode()) <= max_bytes:
        return whole
    digest = "_" + blake2b(name.encode(), digest_size=4).hexdigest()
    kept = max_bytes - len((digest + ending).encode())
    return name.encode()[:kept].decode(errors="ignore") + digest + ending
