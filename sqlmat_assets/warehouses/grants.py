"""Who may read a table, on engines with users, groups and roles: how a setting names them, and the statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements

Kind = Literal["user", "group", "role", "public"]


@dataclass(frozen=True, slots=True)
class Grantee:
    """Who is named; `is_exact` where the name stands in double quotes, and so for nobody whose letters differ."""

    kind: Kind
    name: str
    is_exact: bool = False


def read_grantee(text: str) -> Grantee:
    """Read `joan`, `group analysts`, `role reader`, `public`, or a name in double quotes.

    Examples:
        >>> read_grantee('group "All of us"')
        Grantee(kind='group', name='All of us', is_exact=True)
        >>> read_grantee("etl-user")
        Grantee(kind='user', name='etl-user', is_exact=False)
    """
    if text == "public":
        return Grantee("public", text)
    kind: Kind = "user"
    if text.startswith("group "):
        kind = "group"
    elif text.startswith("role "):
        kind = "role"
    name = text if kind == "user" else text.removeprefix(f"{kind} ")
    return Grantee(kind, name.strip('"'), is_exact=name.startswith('"'))


def principal(grantee: Grantee) -> exp.Expr:
    """A grantee in a statement: `"joan"`, `GROUP "analysts"`, `PUBLIC`."""
    if grantee.kind == "public":
        return exp.GrantPrincipal(this=exp.Var(this="PUBLIC"))
    kind = None if grantee.kind == "user" else grantee.kind.upper()
    return exp.GrantPrincipal(this=statements.identifier(grantee.name), kind=kind)


def grant_select(relation: Relation, grantees: Sequence[Grantee]) -> exp.Expr:
    """`GRANT SELECT ON`.

    Examples:
        >>> found = [read_grantee(text) for text in ("joan", "group analysts", "role reader", "public")]
        >>> grant_select(Relation("first", "cities"), found).sql("redshift")
        'GRANT SELECT ON "first"."cities" TO "joan", GROUP "analysts", ROLE "reader", PUBLIC'
    """
    return exp.Grant(**_on("SELECT", statements.table(relation), grantees))


def revoke_select(relation: Relation, grantees: Sequence[Grantee]) -> exp.Expr:
    """`REVOKE SELECT ON`."""
    return exp.Revoke(**_on("SELECT", statements.table(relation), grantees))


def grant_usage(schema: str, grantees: Sequence[Grantee]) -> exp.Expr:
    """`GRANT USAGE ON SCHEMA`, without which nobody finds what is in it."""
    return exp.Grant(kind="SCHEMA", **_on("USAGE", exp.Table(this=statements.identifier(schema)), grantees))


def _on(privilege: str, securable: exp.Expr, grantees: Sequence[Grantee]) -> dict[str, object]:
    return {
        "privileges": [exp.GrantPrivilege(this=exp.Var(this=privilege))],
        "securable": securable,
        "principals": [principal(each) for each in grantees],
    }
