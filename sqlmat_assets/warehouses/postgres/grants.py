"""Who may read a table of PostgreSQL, where users and groups are all roles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlmat_assets.errors import WarehouseError
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import grants
from sqlmat_assets.warehouses.base import Pause
from sqlmat_assets.warehouses.grants import Grantee, read_grantee
from sqlmat_assets.warehouses.postgres.connections import Link

_TRIES = 5
_PAUSE_SECONDS = 0.1
_ROLES = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%(names)s::text[])"
_OWNER = """
    SELECT pg_get_userbyid(c.relowner)::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(name)s
"""
# `public` is a name that no role can have, and that this function knows.
_LACKING = """
    SELECT t.name FROM unnest(%(names)s::text[]) AS t(name) JOIN pg_namespace AS n ON n.nspname = %(schema)s
    WHERE pg_has_role(n.nspowner, 'USAGE') AND NOT has_schema_privilege(t.name, n.oid, 'USAGE')
"""


def find_unknown(link: Link, grantees: Sequence[str]) -> tuple[str, ...]:
    """Those who are no role."""
    found = _find(link, map(read_grantee, grantees))
    return tuple(each for each in grantees if read_grantee(each) not in found)


def grant_usage(link: Link, schema: str, grantees: Sequence[str], pause: Pause) -> None:
    """Let some find what is in a schema, where this user owns it; whoever can already is left out.

    Two that change the rights on one schema at the same moment get an error, and not each other's lock.
    """
    roles = {each.name: each for each in _find(link, map(read_grantee, grantees)).values()}
    for left in range(_TRIES - 1, -1, -1):
        lacking = [str(name) for (name,) in link.send(_LACKING, {"names": list(roles), "schema": schema}).rows]
        if not lacking:
            return
        try:
            link.send(grants.grant_usage(schema, [roles[name] for name in lacking]).sql("postgres"))
        except WarehouseError:
            if not left:
                raise
            pause(_PAUSE_SECONDS)


def grant_select(link: Link, relation: Relation, grantees: Sequence[str]) -> None:
    """Let some read a table or view."""
    found = list(dict.fromkeys(_find(link, map(read_grantee, grantees)).values()))
    if found:
        link.send(grants.grant_select(relation, found).sql("postgres"))


def revoke_select(link: Link, relation: Relation, grantees: Sequence[str]) -> None:
    """Have some not read a table or view any more; the owner needs no grant, and would lose his own rights."""
    owners = {name for (name,) in link.send(_OWNER, {"schema": relation.schema, "name": relation.name}).rows}
    found = [
        each
        for each in dict.fromkeys(_find(link, map(read_grantee, grantees)).values())
        if each.kind == "public" or each.name not in owners
    ]
    if found:
        link.send(grants.revoke_select(relation, found).sql("postgres"))


def _find(link: Link, grantees: Iterable[Grantee]) -> dict[Grantee, Grantee]:
    """The roles of those who have one, by their names as they are in the server; one spelt just so comes first."""
    named = list(grantees)
    names = {name for each in named for name in (each.name, each.name.lower())}
    known = {str(name) for (name,) in link.send(_ROLES, {"names": sorted(names)}).rows}
    found: dict[Grantee, Grantee] = {}
    for each in named:
        spelt = [each.name] if each.is_exact else [each.name, each.name.lower()]
        role = next((name for name in spelt if name in known), None)
        if each.kind == "public":
            found[each] = each
        elif role is not None:
            found[each] = replace(each, kind="user", name=role, is_exact=True)
    return found
