"""Who may read a table of Redshift, which has users, groups and roles apart, all in small letters.

https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import grants, statements
from sqlmat_assets.warehouses.grants import Grantee, Kind, read_grantee
from sqlmat_assets.warehouses.postgres.connections import Link
from sqlmat_assets.warehouses.redshift import catalog
from sqlmat_assets.warehouses.redshift.facts import REDSHIFT

# All of these are visible to everybody: https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_ROLES.html
_KNOWN_IN: dict[Kind, tuple[str, str]] = {
    "user": ("pg_user", "usename"),
    "group": ("pg_group", "groname"),
    "role": ("svv_roles", "role_name"),
}
_IS_OWNED = """
    SELECT n.nspowner = u.usesysid OR u.usesuper FROM pg_namespace AS n CROSS JOIN pg_user AS u
    WHERE n.nspname = %(schema)s AND u.usename = current_user
"""


def find_unknown(link: Link, grantees: Sequence[str]) -> tuple[str, ...]:
    """Those who are none."""
    found = _find(link, grantees)
    return tuple(each for each in grantees if each not in found)


def grant_usage(link: Link, schema: str, grantees: Sequence[str]) -> None:
    """Let some find what is in a schema, where this user owns it."""
    found = list(_find(link, grantees).values())
    owned = link.send(_IS_OWNED, {"schema": REDSHIFT.fold(schema)}).rows
    if found and owned and owned[0][0]:
        link.send(_sql(grants.grant_usage(schema, found)))


def grant_select(link: Link, relation: Relation, grantees: Sequence[str]) -> None:
    """Let some read a table or view."""
    found = list(_find(link, grantees).values())
    if found:
        link.send(_sql(grants.grant_select(relation, found)))


def revoke_select(link: Link, relation: Relation, grantees: Sequence[str]) -> None:
    """Have some not read a table or view any more; the owner needs no grant, and would lose his own rights."""
    there = catalog.find_object(link, relation)
    owner = None if there is None else there.owner
    found = [each for each in _find(link, grantees).values() if each.kind != "user" or each.name != owner]
    if found:
        link.send(_sql(grants.revoke_select(relation, found)))


def _find(link: Link, grantees: Sequence[str]) -> dict[str, Grantee]:
    """Those who are there, by how the setting names them, each with the name that the cluster has."""
    named = {text: read_grantee(text) for text in grantees}
    known: dict[tuple[str, str], str] = {}
    for kind, (table, column) in _KNOWN_IN.items():
        names = sorted({REDSHIFT.fold(each.name) for each in named.values() if each.kind == kind})
        if names:
            folded = exp.func("lower", exp.column(column))
            query = exp.select(column).from_(table).where(folded.isin(*map(statements.literal, names)))
            known |= {(kind, REDSHIFT.fold(str(name))): str(name) for (name,) in link.send(_sql(query)).rows}
    found: dict[str, Grantee] = {}
    for text, each in named.items():
        name = known.get((each.kind, REDSHIFT.fold(each.name)))
        if each.kind == "public" or name is not None:
            found[text] = replace(each, name=name or each.name)
    return found


def _sql(statement: exp.Expr) -> str:
    return statement.sql("redshift")
