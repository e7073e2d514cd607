"""Putting one table in the place of another on Redshift, where views and rights hang on tables and not on names."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.errors import BreakingViewsError, TerminalWarehouseError
from sqlmat_assets.errors.postgres import replaced_meanwhile
from sqlmat_assets.errors.views import would_break
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.postgres.connections import Link
from sqlmat_assets.warehouses.redshift import catalog
from sqlmat_assets.warehouses.redshift.catalog import Found, Grant
from sqlmat_assets.warehouses.redshift.connections import is_gone
from sqlmat_assets.warehouses.redshift.locking import lock


@dataclass(frozen=True, slots=True)
class _Dress:
    """What a table or view has that is no part of its rows."""

    found: Found
    grants: frozenset[Grant]
    comments: Mapping[str, str]

    @property
    def has_grants_on_columns(self) -> bool:
        return any(each.column for each in self.grants)


@dataclass(frozen=True, slots=True)
class _View:
    relation: Relation
    sql: str
    is_near: bool
    dress: _Dress


@contextmanager
def replacing(link: Link, target: Relation, successor: Relation | None, *, is_locked: bool = False) -> Generator[None]:
    """Have all that hangs on a table hang on the one that has its name when the block ends.

    Ordinary views read that one, and it has the owner and the grants, and where it has none of its own the comments.

    Args:
        link: In a transaction.
        target: The table in place, if there is any.
        successor: What will have its name, where that is there already.
        is_locked: Whether this transaction has the table in place already.

    Raises:
        BreakingViewsError: A view cannot be made on the new table.
    """
    old = catalog.find_object(link, target)
    if old is None:
        yield
        return
    if old.kind == "table" and not is_locked:
        lock(link, target)
    elif old.kind == "view":
        _hold(link, target, target, old)
    dress = _dress(link, target, old)
    there = catalog.fetch_columns(link, target)
    views = [
        _View(each.relation, catalog.find_definition(link, each.oid), each.is_near, worn)
        for each in catalog.find_readers(link, old.oid)
        if (found := catalog.find_object(link, each.relation)) is not None
        and (worn := _dress(link, each.relation, found))
    ]
    for view in views:
        _hold(link, target, view.relation, view.dress.found)
    if successor is not None:
        _put_on(link, successor, dress)
    yield
    new = catalog.find_object(link, target)
    if new is None or new.oid == old.oid:
        return
    if successor is None:
        _put_on(link, target, dress)
    _repoint(link, target, views, keeps=set(there) <= set(catalog.fetch_columns(link, target)))


def _hold(link: Link, target: Relation, view: Relation, found: Found) -> None:
    """Have a view for this transaction, by a statement that changes nothing: LOCK is for tables.

    Raises:
        TransientWarehouseError: Somebody else has put another one in its place since it was found.
    """
    try:
        link.send(_sql(_own(view, found.owner)))
        oid = catalog.find_oid(link, view)
    except TerminalWarehouseError as error:
        if not is_gone(error):
            raise
        oid = None
    if oid != found.oid:
        raise replaced_meanwhile(str(target))


def _repoint(link: Link, target: Relation, views: Sequence[_View], *, keeps: bool) -> None:
    """Have views read the table that has the name now; where it `keeps` all columns, they need not be made anew."""
    at = None
    try:
        if keeps:
            for at in views:
                if at.is_near:
                    _create(link, at, replaces=True)
            return
        for at in reversed(views):
            link.send(_sql(statements.drop_view(at.relation)))
        for at in views:
            _create(link, at, replaces=False)
            _put_on(link, at.relation, at.dress)
    except TerminalWarehouseError as error:
        assert at is not None  # noqa: S101 - something was sent
        said = error.message.splitlines()[0]
        # Those that read it by way of others are made after it.
        broken = [at, *(each for each in views[views.index(at) + 1 :] if not each.is_near)]
        told = would_break(str(target), [(str(each.relation), said) for each in broken])
        raise BreakingViewsError(told, [(each.relation.schema, each.relation.name) for each in broken]) from error


def _create(link: Link, view: _View, *, replaces: bool) -> None:
    tree = row_statements.create_view(view.relation, statements.verbatim(view.sql))
    tree.set("replace", replaces)
    link.send(_sql(tree))


def _dress(link: Link, relation: Relation, found: Found) -> _Dress:
    return _Dress(found, catalog.find_grants(link, relation), catalog.fetch_comments(link, relation))


def _put_on(link: Link, relation: Relation, dress: _Dress) -> None:
    """Give a table or view the owner, the grants, and the comments that it has not."""
    new = catalog.find_object(link, relation)
    if new is None:
        return
    if new.owner != dress.found.owner:
        link.send(_sql(_own(relation, dress.found.owner)))
    columns = {name for name, _ in catalog.fetch_columns(link, relation)} if dress.has_grants_on_columns else set[str]()
    for statement in _grants(relation, catalog.find_grants(link, relation), dress, columns):
        link.send(_sql(statement))
    own = catalog.fetch_comments(link, relation)
    if dress.found.comment is not None and new.comment is None:
        tell = statements.comment_on_view if new.kind == "view" else statements.comment_on_table
        link.send(_sql(tell(relation, dress.found.comment)))
    if new.kind == "table" or dress.found.kind == "view":
        for name, _ in catalog.fetch_columns(link, relation):
            if name in dress.comments and name not in own:
                link.send(_sql(statements.comment_on_column(relation, name, dress.comments[name])))


def _grants(relation: Relation, there: frozenset[Grant], dress: _Dress, columns: Collection[str]) -> Iterator[exp.Expr]:
    """The statements after which a table or view has these grants; those on columns that are gone have gone as well."""
    owner = dress.found.owner
    for each in sorted(there - dress.grants):
        if each.name != owner:
            yield exp.Revoke(**_granted(relation, each, is_told=False))
    for each in sorted(dress.grants - there):
        if each.name != owner and (not each.column or each.column in columns):
            yield exp.Grant(**_granted(relation, each, is_told=each.is_grantable))


def _granted(relation: Relation, grant: Grant, *, is_told: bool) -> dict[str, object]:
    if grant.kind == "public":
        who = exp.GrantPrincipal(this=exp.Var(this="PUBLIC"))
    else:
        kind = None if grant.kind == "user" else grant.kind.upper()
        who = exp.GrantPrincipal(this=statements.identifier(grant.name), kind=kind)
    of = [statements.column(grant.column)] if grant.column else []
    what = exp.GrantPrivilege(this=exp.Var(this=grant.privilege), expressions=of)
    told: dict[str, object] = {"privileges": [what], "securable": statements.table(relation), "principals": [who]}
    return {**told, "grant_option": True} if is_told else told


def _own(relation: Relation, owner: str) -> exp.Expr:
    text = f"TABLE {statements.table(relation).sql('redshift')} OWNER TO {statements.identifier(owner).sql('redshift')}"
    return exp.Command(this="ALTER", expression=text)


def _sql(statement: exp.Expr) -> str:
    return statement.sql("redshift")
