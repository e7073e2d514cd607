"""How the rows of a table lie in a cluster, and the statements that make such a table.

sqlglot has no words for some of it, so these are texts, with names quoted by it.
https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_NEW.html
https://docs.aws.amazon.com/redshift/latest/dg/r_CREATE_TABLE_AS.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.storage import Storage

_DIALECT = "redshift"


@dataclass(frozen=True, slots=True)
class Design:
    """What a table is told when it is made; all is left to the cluster where nothing is said.

    Args:
        diststyle: `auto`, `even`, `key` or `all`.
        distkey: The column that rows are distributed by.
        sortkey: The columns that they are sorted by.
        sortstyle: `compound`, `interleaved`, or `auto`, which has no columns.
        encodings: The encoding of some columns; that of the others is the cluster's choice.
        storage: The partitions of an engine that keeps rows in such.
    """

    diststyle: str | None = None
    distkey: str | None = None
    sortkey: tuple[str, ...] = ()
    sortstyle: str = "compound"
    encodings: tuple[tuple[str, str], ...] = ()
    storage: Storage | None = None

    @property
    def attributes(self) -> str:
        """What stands behind the columns of a CREATE TABLE.

        Examples:
            >>> Design("key", "a", ("b", "c"), "interleaved").attributes
            'DISTSTYLE KEY DISTKEY("a") INTERLEAVED SORTKEY("b", "c")'
            >>> Design(sortstyle="auto").attributes
            'SORTKEY AUTO'
        """
        return " ".join(self._attributes())

    def _attributes(self) -> Iterator[str]:
        if self.diststyle is not None:
            yield f"DISTSTYLE {self.diststyle.upper()}"
        if self.distkey is not None:
            yield f"DISTKEY({_quoted(self.distkey)})"
        if self.sortstyle == "auto":
            yield "SORTKEY AUTO"
        elif self.sortkey:
            how = "INTERLEAVED " if self.sortstyle == "interleaved" else ""
            yield f"{how}SORTKEY({', '.join(map(_quoted, self.sortkey))})"

    def with_columns(self, columns: Sequence[str]) -> Design:
        """The same, with the columns spelt as the table has them, whatever the case in the settings."""
        spelt = {name.lower(): name for name in columns}

        def spell(name: str) -> str:
            return spelt.get(name.lower(), name)

        return Design(
            self.diststyle,
            None if self.distkey is None else spell(self.distkey),
            tuple(map(spell, self.sortkey)),
            self.sortstyle,
            tuple((spell(name), encoding) for name, encoding in self.encodings),
        )


NO_DESIGN = Design()


def create_table_as(target: Relation, query: str, design: Design) -> exp.Expr:
    """`CREATE TABLE ... AS` with the query as it was written; the encodings have no place in it."""
    if design.storage is not None:
        return design.storage.create_table_as(target, query)
    if not design.attributes:
        return statements.create_table_as(target, query)
    return exp.Command(this="CREATE", expression=f"TABLE {_named(target)} {design.attributes} AS {query}")


def create_table(target: Relation, columns: Sequence[tuple[str, str]], design: Design) -> exp.Expr:
    """`CREATE TABLE` with columns (name, type in the engine's own words)."""
    design = design.with_columns([name for name, _ in columns])
    encodings = dict(design.encodings)
    # Where the types are not known, as where statements are only shown.
    typed = [f"{_quoted(name)} {kind or '/* its type */'}" for name, kind in columns]
    encoded = [
        f"{text} ENCODE {encodings[name].upper()}" if name in encodings else text
        for (name, _), text in zip(columns, typed, strict=True)
    ]
    attributes = f" {design.attributes}" if design.attributes else ""
    return exp.Command(this="CREATE", expression=f"TABLE {_named(target)} ({', '.join(encoded)}){attributes}")


def designed(created: str, design: Design) -> str:
    """A CREATE TABLE with columns, and how its rows are to lie.

    Examples:
        >>> designed('CREATE TABLE "t" ("a" BIGINT NOT NULL)', Design(distkey="a", encodings=(("A", "az64"),)))
        'CREATE TABLE "t" ("a" BIGINT NOT NULL ENCODE AZ64) DISTKEY("a")'
    """
    import sqlglot

    tree = sqlglot.parse_one(created, dialect=_DIALECT)
    columns = list(tree.find_all(exp.ColumnDef))
    own = design.with_columns([column.name for column in columns])
    encodings = dict(own.encodings)
    for column in columns:
        if column.name in encodings:
            kind = exp.EncodeColumnConstraint(this=exp.Var(this=encodings[column.name].upper()))
            column.append("constraints", exp.ColumnConstraint(kind=kind))
    return f"{tree.sql(_DIALECT)} {own.attributes}".rstrip()


def _named(relation: Relation) -> str:
    return statements.table(relation).sql(_DIALECT)


def _quoted(name: str) -> str:
    return statements.identifier(name).sql(_DIALECT)
