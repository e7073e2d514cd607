"""What Redshift's catalog tells: columns, kinds, views, and what hangs on a table.

The statements are constant texts with values of their own. They ask of the leader node only what it can answer alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import ObjectKind
from sqlmat_assets.warehouses.billing import Usage
from sqlmat_assets.warehouses.postgres.connections import Link
from sqlmat_assets.warehouses.redshift.facts import REDSHIFT

_OBJECT = """
    SELECT c.oid, c.relkind::text, pg_get_userbyid(c.relowner)::text, obj_description(c.oid, 'pg_class')
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'v', 'm')
"""
_COLUMNS = """
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), col_description(c.oid, a.attnum)
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'v', 'm')
        AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
_KINDS = """
    SELECT c.relname::text, c.relkind::text
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'v', 'm')
"""
_VIEWS = """
    SELECT n.nspname::text, c.relname::text, pg_get_viewdef(c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname <> 'information_schema' AND substring(n.nspname, 1, 3) <> 'pg_'
"""
# Who reads what, near only: a recursive query does not run where the catalog is.
_READS = """
    SELECT DISTINCT d.refobjid, c.oid, n.nspname::text, c.relname::text
    FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS c ON c.oid = r.ev_class
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE d.refobjid <> r.ev_class AND c.relkind IN ('v', 'm')
"""
_DEFINITION = "SELECT pg_get_viewdef(%(oid)s::oid)"
# https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_RELATION_PRIVILEGES.html and r_SVV_COLUMN_PRIVILEGES.html.
_GRANTS = """
    SELECT privilege_type::text, identity_name::text, identity_type::text, admin_option, ''
    FROM svv_relation_privileges WHERE namespace_name = %(schema)s AND relation_name = %(name)s
    UNION ALL SELECT privilege_type::text, identity_name::text, identity_type::text, false, column_name::text
    FROM svv_column_privileges WHERE namespace_name = %(schema)s AND relation_name = %(name)s
"""

# https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_TRANSACTIONS.html
_HOLDERS = """
    SELECT pid, txn_owner::text, min(txn_start) FROM svv_transactions WHERE relation = %(oid)s AND granted
    GROUP BY pid, txn_owner ORDER BY pid
"""

# https://docs.aws.amazon.com/redshift/latest/dg/SYS_QUERY_HISTORY.html and SYS_QUERY_DETAIL.html beside it: everybody
# sees what he has sent. Times are in millionths of a second; a scan without a table is of what a query itself has made.
_USAGE = """
    SELECT (SELECT sum(queue_time) FROM sys_query_history WHERE query_label = %(label)s), (
        SELECT sum(d.input_bytes) FROM sys_query_detail AS d JOIN sys_query_history AS h ON h.query_id = d.query_id
        WHERE h.query_label = %(label)s AND d.step_name = 'scan' AND d.table_id > 0
    )
"""

_AS_VIEW = frozenset("vm")


@dataclass(frozen=True, slots=True)
class Found:
    """A table or view in the catalog."""

    oid: int
    relkind: str
    owner: str
    comment: str | None

    @property
    def kind(self) -> ObjectKind:
        return "view" if self.relkind in _AS_VIEW else "table"


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """What somebody may do; `kind` is `user`, `group`, `role` or `public`, `column` empty where it is all of them."""

    privilege: str
    name: str
    kind: str
    is_grantable: bool
    column: str = ""


@dataclass(frozen=True, slots=True)
class Reader:
    """A view that reads a table, near or by way of other views."""

    oid: int
    relation: Relation
    is_near: bool


def find_object(link: Link, relation: Relation) -> Found | None:
    """The table or view of a name."""
    rows = link.send(_OBJECT, _named(relation)).rows
    return Found(*rows[0]) if rows else None


def find_oid(link: Link, relation: Relation) -> int:
    """What the name means by now, also in a transaction that sees the rows of the catalog as they were."""
    name = statements.table(relation).sql("redshift")
    return int(link.send("SELECT %(name)s::regclass::oid", {"name": name}).rows[0][0])


def fetch_columns(link: Link, relation: Relation) -> tuple[tuple[str, str], ...]:
    """The columns (name, type); empty where there is nothing of the name."""
    return tuple((name, kind) for name, kind, _ in _columns(link, relation))


def fetch_comments(link: Link, relation: Relation) -> dict[str, str]:
    """The comments on columns."""
    return {name: comment for name, _, comment in _columns(link, relation) if comment is not None}


def fetch_kinds(link: Link, schema: str) -> dict[str, ObjectKind]:
    """What is in a schema."""
    rows = link.send(_KINDS, {"schema": REDSHIFT.fold(schema)}).rows
    return {str(name): "view" if kind in _AS_VIEW else "table" for name, kind in rows}


def fetch_views(link: Link) -> tuple[tuple[Relation, str], ...]:
    """All views that are no part of the server, each with its SQL."""
    return tuple((Relation(str(schema), str(name)), str(sql)) for schema, name, sql in link.send(_VIEWS, {}).rows)


def find_readers(link: Link, oid: int) -> tuple[Reader, ...]:
    """The ordinary views that read a table, also by way of others, each behind all those that it reads."""
    reads: dict[int, set[int]] = {}
    names: dict[int, Relation] = {}
    for read, reader, schema, name in link.send(_READS, {}).rows:
        reads.setdefault(int(read), set()).add(int(reader))
        names[int(reader)] = Relation(str(schema), str(name))
    depths: dict[int, int] = {}
    level, depth = {oid}, 0
    while level:
        level, depth = {reader for each in level for reader in reads.get(each, ())}, depth + 1
        depths.update(dict.fromkeys(level, depth))
    near = reads.get(oid, set())
    ordered = sorted(depths, key=lambda each: (depths[each], each))
    return tuple(Reader(each, names[each], each in near) for each in ordered)


def find_definition(link: Link, oid: int) -> str:
    """The query of a view."""
    return str(link.send(_DEFINITION, {"oid": oid}).rows[0][0]).rstrip().rstrip(";")


def find_grants(link: Link, relation: Relation) -> frozenset[Grant]:
    """Who may do what with a table or view."""
    rows = link.send(_GRANTS, _named(relation)).rows
    return frozenset(Grant(privilege, name, kind, bool(more), column) for privilege, name, kind, more, column in rows)


def find_holders(link: Link, relation: Relation) -> list[tuple[int, str | None, datetime | None]]:
    """Who has locks on a table: process, user, and since when, in UTC; only one's own where one may see no others."""
    found = find_object(link, relation)
    if found is None:
        return []
    rows = link.send(_HOLDERS, {"oid": found.oid}).rows
    return [(int(pid), owner, since.replace(tzinfo=None) if since else None) for pid, owner, since in rows]


def fetch_usage(link: Link, label: str) -> Usage:
    """What the statements with a label took, as far as the cluster has written it down by now."""
    queued, scanned = link.send(_USAGE, {"label": label}).rows[0]
    return Usage(float(queued or 0) / 1e6, int(scanned or 0))


def _columns(link: Link, relation: Relation) -> Sequence[tuple[str, str, str | None]]:
    return [(str(name), str(kind), told) for name, kind, told in link.send(_COLUMNS, _named(relation)).rows]


def _named(relation: Relation) -> dict[str, object]:
    return {"schema": REDSHIFT.fold(relation.schema), "name": REDSHIFT.fold(relation.name)}
