"""What PostgreSQL's catalog tells: columns, kinds, views, and what hangs on a table.

The statements are constant texts, with values of their own; where one of them tells a statement to be sent later, the
server itself has quoted the names in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import ObjectKind
from sqlmat_assets.warehouses.postgres.connections import Link

_OBJECT = """
    SELECT c.oid::bigint, c.relkind::text, format('%%I.%%I', n.nspname, c.relname),
        quote_ident(pg_get_userbyid(c.relowner)), concat_ws(' ', c.relacl::text, (
            SELECT 'and columns' FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attacl IS NOT NULL LIMIT 1
        )),
        c.relhasindex OR EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conrelid = c.oid AND k.contype <> 'n'),
        EXISTS (SELECT 1 FROM pg_description AS d WHERE d.classoid = 'pg_class'::regclass AND d.objoid = c.oid),
        c.reloptions IS NOT NULL OR c.relhastriggers OR c.relrowsecurity
            OR EXISTS (SELECT 1 FROM pg_policy AS p WHERE p.polrelid = c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
"""
_COLUMNS = """
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod)
    FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
        AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
_KINDS = """
    SELECT c.relname::text, c.relkind::text
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = %(schema)s AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
"""
_SCHEMA = "SELECT 1 FROM pg_namespace WHERE nspname = %(name)s"
_VIEWS = """
    SELECT n.nspname::text, c.relname::text, pg_get_viewdef(c.oid)
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('v', 'm') AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
        AND NOT EXISTS (SELECT 1 FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
"""
_READERS = """
    WITH RECURSIVE reads AS (
        SELECT DISTINCT d.refobjid AS read, r.ev_class AS reader
        FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS c ON c.oid = r.ev_class
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass
            AND d.refobjid <> r.ev_class AND c.relkind IN ('v', 'm')
    ), readers AS (
        SELECT reader, 1 AS depth FROM reads WHERE read = %(oid)s
        UNION
        SELECT reads.reader, readers.depth + 1 FROM reads JOIN readers ON reads.read = readers.reader
    ), placed AS (SELECT reader, max(depth) AS depth, min(depth) AS nearest FROM readers GROUP BY reader)
    SELECT c.oid::bigint, c.relkind::text, format('%%I.%%I', n.nspname, c.relname), n.nspname::text, c.relname::text,
        quote_ident(pg_get_userbyid(c.relowner)), CASE WHEN %(are_told)s THEN pg_get_viewdef(c.oid) ELSE '' END,
        array_to_string(c.reloptions, ', '),
        c.relispopulated, p.depth, p.nearest = 1
    FROM placed AS p JOIN pg_class AS c ON c.oid = p.reader JOIN pg_namespace AS n ON n.oid = c.relnamespace
    ORDER BY p.depth DESC, c.oid
"""
_DEPENDENTS = """
    SELECT DISTINCT pg_describe_object(d.classid, d.objid, d.objsubid)
    FROM pg_class AS c JOIN pg_type AS t ON t.oid = c.reltype
    JOIN pg_depend AS d ON (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
        OR (d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray))
    LEFT JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
    LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
    LEFT JOIN pg_policy AS p ON d.classid = 'pg_policy'::regclass AND p.oid = d.objid
    LEFT JOIN pg_trigger AS g ON d.classid = 'pg_trigger'::regclass AND g.oid = d.objid
    WHERE c.oid = %(oid)s AND d.deptype = 'n' AND k.conrelid IS DISTINCT FROM c.oid
        AND r.ev_class IS DISTINCT FROM c.oid AND p.polrelid IS DISTINCT FROM c.oid AND g.tgrelid IS DISTINCT FROM c.oid
    ORDER BY 1
"""
_GRANTS = """
    WITH old AS (SELECT * FROM pg_class WHERE oid = %(oid)s),
    new AS (
        SELECT c.*, format('%%I.%%I', n.nspname, c.relname) AS named
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = %(new)s
    ), revoked AS (
        SELECT DISTINCT 0 AS place, a.grantee, format('REVOKE ALL ON %%s FROM %%s', new.named, w.who) AS told
        FROM new CROSS JOIN old CROSS JOIN LATERAL aclexplode(new.relacl) AS a CROSS JOIN LATERAL (
            SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        ) AS w(who)
        WHERE old.relacl IS DISTINCT FROM new.relacl AND (old.relacl IS NOT NULL OR a.grantee <> new.relowner)
    ), granted AS (
        SELECT 1 AS place, a.grantee, format(
            'GRANT %%s ON %%s TO %%s%%s', a.privilege_type, new.named, w.who,
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
        ) AS told
        FROM new CROSS JOIN old CROSS JOIN LATERAL aclexplode(old.relacl) AS a CROSS JOIN LATERAL (
            SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        ) AS w(who)
        WHERE old.relacl IS DISTINCT FROM new.relacl
    ), columns AS (
        SELECT 2 AS place, a.grantee, format(
            'GRANT %%s (%%I) ON %%s TO %%s%%s', a.privilege_type, o.attname, new.named, w.who,
            CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
        ) AS told
        FROM new JOIN pg_attribute AS o ON o.attrelid = %(oid)s AND NOT o.attisdropped
        JOIN pg_attribute AS p ON p.attrelid = new.oid AND p.attname = o.attname AND NOT p.attisdropped
        CROSS JOIN LATERAL aclexplode(o.attacl) AS a CROSS JOIN LATERAL (
            SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
        ) AS w(who)
    )
    SELECT told FROM (SELECT * FROM revoked UNION ALL SELECT * FROM granted UNION ALL SELECT * FROM columns) AS f
    ORDER BY place, told
"""
_COMMENTS = """
    SELECT format('COMMENT ON %%s %%I.%%I IS %%L',
        CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END,
        n.nspname, c.relname, obj_description(%(oid)s, 'pg_class'))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.oid = %(new)s AND obj_description(%(oid)s, 'pg_class') IS NOT NULL
        AND obj_description(c.oid, 'pg_class') IS NULL
    UNION ALL
    SELECT format('COMMENT ON COLUMN %%I.%%I.%%I IS %%L',
        n.nspname, c.relname, p.attname, col_description(o.attrelid, o.attnum))
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS p ON p.attrelid = c.oid AND p.attnum > 0 AND NOT p.attisdropped
    JOIN pg_attribute AS o ON o.attrelid = %(oid)s AND o.attname = p.attname AND NOT o.attisdropped
    WHERE c.oid = %(new)s AND col_description(o.attrelid, o.attnum) IS NOT NULL
        AND col_description(p.attrelid, p.attnum) IS NULL
"""
# The text of an index begins in one way; what it is on is put in its place.
_INDEXES = """
    WITH found AS (
        SELECT i.oid, i.relname, k.conname, pg_get_indexdef(i.oid) AS text,
            format('CREATE %%sINDEX %%I ON %%I.%%I USING ', u.word, i.relname, n.nspname, c.relname) AS begins,
            u.word, pg_get_constraintdef(k.oid) AS stated, obj_description(i.oid, 'pg_class') AS comment
        FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid JOIN pg_class AS c ON c.oid = x.indrelid
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        CROSS JOIN LATERAL (SELECT CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END) AS u(word)
        LEFT JOIN pg_constraint AS k ON k.conindid = i.oid AND k.conrelid = c.oid AND k.contype IN ('p', 'u', 'x')
        WHERE c.oid = %(oid)s AND x.indisvalid
    ), new AS (
        SELECT c.oid, format('%%I.%%I', n.nspname, c.relname) AS named, n.nspname AS schema
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE c.oid = %(new)s
    )
    SELECT
        format(CASE WHEN f.conname IS NULL THEN 'the index `%%s`' ELSE 'the constraint `%%s`' END, f.relname),
        CASE WHEN f.conname IS NULL THEN format(
            'CREATE %%sINDEX %%I ON %%s USING %%s', f.word, t.name, new.named, substr(f.text, length(f.begins) + 1)
        ) ELSE format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', new.named, t.name, f.stated) END,
        CASE WHEN f.conname IS NULL THEN format('DROP INDEX %%I.%%I', new.schema, f.relname)
        ELSE format('ALTER TABLE %%s DROP CONSTRAINT %%I', '%%s', f.conname) END,
        format('ALTER INDEX %%I.%%I RENAME TO %%I', new.schema, t.name, f.relname),
        CASE WHEN f.comment IS NOT NULL
        THEN format('COMMENT ON INDEX %%I.%%I IS %%L', new.schema, f.relname, f.comment) END,
        f.conname IS NOT NULL OR starts_with(f.text, f.begins)
    FROM found AS f CROSS JOIN new
    CROSS JOIN LATERAL (SELECT format('sqlmat_%%s_%%s', new.oid, f.oid)) AS t(name)
    ORDER BY f.relname
"""
# Names of these are those of one table only.
_CONSTRAINTS = """
    SELECT format('the constraint `%%s`', k.conname), format(
        'ALTER TABLE %%I.%%I ADD CONSTRAINT %%I %%s', n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid)
    )
    FROM pg_constraint AS k CROSS JOIN pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE k.conrelid = %(oid)s AND k.contype IN ('c', 'f') AND c.oid = %(new)s
    ORDER BY k.contype, k.conname
"""
# What is told with the name of the table itself, and so can only be sent when the new one has it.
_RULES = """
    SELECT 1 AS place, format('ALTER TABLE %%s SET (%%s)', %(named)s::text, array_to_string(reloptions, ', '))
    FROM pg_class WHERE oid = %(oid)s AND reloptions IS NOT NULL AND relkind = 'r'
    UNION ALL
    SELECT 2, format('CREATE POLICY %%I ON %%s AS %%s FOR %%s TO %%s%%s%%s', p.polname, %(named)s::text,
        CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
        ELSE 'ALL' END,
        (SELECT string_agg(CASE role WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(role)) END, ', ')
        FROM unnest(p.polroles) AS role),
        ' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
        ' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
    FROM pg_policy AS p WHERE p.polrelid = %(oid)s
    UNION ALL
    SELECT 3, format('ALTER TABLE %%s ENABLE ROW LEVEL SECURITY', %(named)s::text)
    FROM pg_class WHERE oid = %(oid)s AND relrowsecurity
    UNION ALL
    SELECT 4, format('ALTER TABLE %%s FORCE ROW LEVEL SECURITY', %(named)s::text)
    FROM pg_class WHERE oid = %(oid)s AND relforcerowsecurity
    UNION ALL
    SELECT 5, pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %(oid)s AND NOT tgisinternal
    ORDER BY 1
"""
_HOLDERS = """
    SELECT DISTINCT a.pid, a.usename::text, a.application_name, a.state, extract(epoch FROM now() - a.xact_start)::float
    FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid
    WHERE l.granted AND l.relation = ANY(%(oids)s::bigint[]) AND l.database = (
        SELECT oid FROM pg_database WHERE datname = current_database()
    ) AND a.pid <> pg_backend_pid()
    ORDER BY a.pid
"""

_AS_VIEW = frozenset("vm")


@dataclass(frozen=True, slots=True)
class Found:
    """A table or view in the catalog; `named` and `owner` are quoted by the server, `granted` says who may do what.

    It `has_keys` where there is an index or a constraint, `has_rules` where there are policies, triggers or options.
    """

    oid: int
    relkind: str
    named: str
    owner: str
    granted: str | None = None
    has_keys: bool = True
    has_comments: bool = True
    has_rules: bool = True

    @property
    def is_table(self) -> bool:
        return self.relkind not in _AS_VIEW

    @property
    def holds_rows(self) -> bool:
        return self.relkind in "rpm"


@dataclass(frozen=True, slots=True)
class Reader:
    """A view that reads a table, near or far; the greater its depth the farther. `is_near` reads it itself."""

    found: Found
    relation: Relation
    sql: str
    options: str | None
    is_populated: bool
    depth: int
    is_near: bool

    @property
    def oid(self) -> int:
        return self.found.oid

    @property
    def named(self) -> str:
        return self.found.named

    @property
    def owner(self) -> str:
        return self.found.owner

    @property
    def is_materialized(self) -> bool:
        return self.found.relkind == "m"


@dataclass(frozen=True, slots=True)
class IndexOf:
    """An index, or a constraint with one, and the statements that move it to another table.

    `drop` has a place for the name of the table that has lost it, where it is a constraint.
    """

    told: str
    create: str
    drop: str
    rename: str
    comment: str | None
    can_be_moved: bool


def find_object(link: Link, relation: Relation) -> Found | None:
    """The table or view of a name."""
    rows = link.send(_OBJECT, _named(relation)).rows
    return Found(*rows[0]) if rows else None


def fetch_columns(link: Link, relation: Relation) -> tuple[tuple[str, str], ...]:
    """The columns (name, type); empty where there is nothing of the name."""
    return tuple((str(name), str(kind)) for name, kind in link.send(_COLUMNS, _named(relation)).rows)


def fetch_kinds(link: Link, schema: str) -> dict[str, ObjectKind]:
    """What is in a schema."""
    rows = link.send(_KINDS, {"schema": schema}).rows
    return {str(name): "view" if kind in _AS_VIEW else "table" for name, kind in rows}


def has_schema(link: Link, name: str) -> bool:
    """Whether there is a schema."""
    return bool(link.send(_SCHEMA, {"name": name}).rows)


def fetch_views(link: Link) -> tuple[tuple[Relation, str], ...]:
    """All views that are no part of the server or of an extension, each with its SQL."""
    return tuple((Relation(str(schema), str(name)), str(sql)) for schema, name, sql in link.send(_VIEWS, {}).rows)


def find_readers(link: Link, oid: int, *, are_told: bool = False) -> tuple[Reader, ...]:
    """The views that read a table, also by way of others, the farthest first; `are_told` asks for their SQL too."""
    found: list[Reader] = []
    for number, kind, named, schema, name, owner, sql, options, is_populated, depth, is_near in link.send(
        _READERS, {"oid": oid, "are_told": are_told}
    ).rows:
        own, place = Found(number, kind, named, owner), Relation(str(schema), str(name))
        found.append(Reader(own, place, sql, options, is_populated, depth, is_near))
    return tuple(found)


def find_dependents(link: Link, oid: int) -> list[str]:
    """What else cannot be without a table, in the server's words."""
    return [str(told) for (told,) in link.send(_DEPENDENTS, {"oid": oid}).rows]


def find_indexes(link: Link, oid: int, new: int) -> tuple[IndexOf, ...]:
    """The indexes of a table, as another one can have them."""
    return tuple(IndexOf(*row) for row in link.send(_INDEXES, {"oid": oid, "new": new}).rows)


def find_constraints(link: Link, oid: int, new: int) -> list[tuple[str, str]]:
    """The constraints of a table that need no index: what they are called, and the statement for another one."""
    return [(str(told), str(text)) for told, text in link.send(_CONSTRAINTS, {"oid": oid, "new": new}).rows]


def find_grants(link: Link, oid: int, new: int) -> list[str]:
    """The statements after which another table can be used by those who can use this one."""
    return [str(text) for (text,) in link.send(_GRANTS, {"oid": oid, "new": new}).rows]


def find_comments(link: Link, oid: int, new: int) -> list[str]:
    """The statements that put comments where another table has none."""
    return [str(text) for (text,) in link.send(_COMMENTS, {"oid": oid, "new": new}).rows]


def find_rules(link: Link, oid: int, named: str) -> list[str]:
    """The statements that give a table the row policies, triggers and storage of another one."""
    return [str(text) for _, text in link.send(_RULES, {"oid": oid, "named": named}).rows]


def find_holders(link: Link, oids: list[int]) -> list[tuple[int, str | None, str | None, str | None, float | None]]:
    """Who has locks on tables: process, user, program, state, and for how many seconds."""
    rows = link.send(_HOLDERS, {"oids": oids}).rows
    return [(int(pid), user, program, state, seconds) for pid, user, program, state, seconds in rows]


def _named(relation: Relation) -> Mapping[str, object]:
    return {"schema": relation.schema, "name": relation.name}
