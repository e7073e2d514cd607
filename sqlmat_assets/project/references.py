"""Where a query reads tables, and which tables of the project they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.project.folding import fold
from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.scope import iter_tables
from sqlmat_assets.relation import Relation

__all__ = ["Names", "Reference", "find_references", "iter_tables", "resolve"]

_DEFAULT_SCHEMAS = {"duckdb": "main", "postgres": "public", "redshift": "public"}
_SYSTEM_SCHEMAS = frozenset({"information_schema", "pg_catalog", "pg_internal", "pg_toast"})
_SYSTEM_PREFIXES = {
    "duckdb": ("duckdb_", "pragma_", "sqlite_", "pg_"),
    "postgres": ("pg_",),
    "redshift": ("pg_", "svv_", "svl_", "svcs_", "stl_", "stv_", "sys_", "#"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """How names are told apart: the dialect, the default catalog and other names for it."""

    dialect: str
    catalog: str | None = None
    catalog_aliases: tuple[str, ...] = ()

    def identity(self, parts: tuple[str, ...], quoted: tuple[bool, ...]) -> Relation | None:
        """Give the folded name of a table.

        A name alone is in the engine's default schema. The default catalog is left out, another one is kept.

        Returns:
            None for what is no table of a project: system views, files (`FROM 'x.csv'`), names that say too little.
        """
        folded = tuple(
            fold(part, self.dialect, is_quoted=is_quoted) for part, is_quoted in zip(parts, quoted, strict=True)
        )
        if any(part.lower() in _SYSTEM_SCHEMAS for part in folded[:-1]):
            return None
        if len(folded) == 1:
            return self._in_default_schema(folded[0])
        catalog = ".".join(folded[:-2])
        if not catalog or self._is_default(catalog):
            return Relation(folded[-2], folded[-1])
        return Relation(folded[-2], folded[-1], catalog)

    def bare_name(self, parts: tuple[str, ...], quoted: tuple[bool, ...]) -> str | None:
        """Give the folded name of a table that is written without a schema; None for everything else."""
        if len(parts) != 1:
            return None
        # A dot inside of quotes is DuckDB's way to read a file, and people's to quote schema and table together.
        is_dotted = "." in parts[0] and "/" not in parts[0]
        if not is_dotted and self.dialect in _DEFAULT_SCHEMAS and self.identity(parts, quoted) is None:
            return None
        return fold(parts[0], self.dialect, is_quoted=quoted[0])

    def fold(self, relation: Relation) -> Relation:
        """Fold a table's name as the project writes it, which counts as quoted."""
        key = relation.key
        return self.identity(key, (True,) * len(key)) or relation

    def _in_default_schema(self, name: str) -> Relation | None:
        schema = _DEFAULT_SCHEMAS.get(self.dialect)
        if schema is None or name.startswith(_SYSTEM_PREFIXES[self.dialect]):
            return None
        if self.dialect == "duckdb" and ("." in name or "/" in name):
            return None
        return Relation(schema, name)

    def _is_default(self, catalog: str) -> bool:
        return any(
            catalog == fold(own, self.dialect, is_quoted=False) or catalog == fold(own, self.dialect, is_quoted=True)
            for own in (self.catalog, *self.catalog_aliases)
            if own is not None
        )


@dataclass(frozen=True, slots=True)
class Reference:
    """One place where a query reads a table.

    `parts` from the widest to the narrowest, as written, without quotes and without BigQuery's partition decorators
    (`$20190101`); `is_wildcard`: the last part ends in `*` and stands for every table that begins like it. `start`
    and `end` are offsets in the text (characters; `text[start:end]` is the name), `line` and `column` those of
    `start`.
    """

    parts: tuple[str, ...]
    quoted: tuple[bool, ...]
    is_wildcard: bool
    line: int
    column: int
    start: int
    end: int

    def __str__(self) -> str:
        return ".".join(self.parts)


def find_references(tree: exp.Expr, dialect: str, positions: Positions) -> Iterator[Reference]:
    """Yield every reading of a table by one statement, in the order of the text."""
    found = (reference_of(table, dialect, positions) for table in iter_tables(tree, dialect))
    yield from sorted(found, key=lambda reference: (reference.start, reference.end))


def reference_of(table: exp.Table, dialect: str, positions: Positions) -> Reference:
    """Give name and place of one table."""
    written = [part for part in table.parts if isinstance(part, exp.Identifier)]
    parts = tuple(part.name for part in written)
    quoted = tuple(bool(part.quoted) for part in written)
    if dialect == "bigquery":
        parts = _bigquery_parts(parts)
        quoted = (any(quoted),) * len(parts)
    start, end = _span(written)
    line, column = positions.at(start)
    return Reference(parts, quoted, dialect == "bigquery" and parts[-1].endswith("*"), line, column, start, end)


def _span(parts: list[exp.Identifier]) -> tuple[int, int]:
    # The last of many parts in one pair of quotes has no place, and INFORMATION_SCHEMA views half of one.
    starts = [part.meta["start"] for part in parts if isinstance(part.meta.get("start"), int)]
    ends = [part.meta["end"] for part in parts if isinstance(part.meta.get("end"), int)]
    start = min(starts, default=0)
    return start, max(ends, default=start) + 1


def _bigquery_parts(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Split `project:dataset.table$20190101`, with domain-scoped projects: `example.com:project.dataset.table`."""
    whole = ".".join(parts)
    head, _, name = whole.rpartition(".")
    name = name.partition("$")[0].partition("@")[0] or name
    cut = max(head.rfind("."), head.rfind(":"))
    if not head:
        return (name,)
    return (head, name) if cut < 0 else (head[:cut], head[cut + 1 :], name)


def resolve(reference: Reference, names: Names, known: Mapping[Relation, Relation]) -> tuple[Relation, ...]:
    """Say which tables a reference reads.

    Args:
        reference: One place of a query.
        names: How names are told apart.
        known: The project's tables: the folded name of each (`Names.fold`) and the one the project writes.

    Returns:
        The known table or, for a wildcard, every known one that it fits; what is not known as its folded name (a
        source); nothing for what is no table (system views, files).
    """
    relation = names.identity(reference.parts, reference.quoted)
    if relation is None:
        return ()
    if reference.is_wildcard:
        prefix = relation.name.removesuffix("*")
        fits = tuple(
            written
            for folded, written in known.items()
            if (folded.catalog, folded.schema) == (relation.catalog, relation.schema) and folded.name.startswith(prefix)
        )
        return fits or (relation,)
    return (known.get(relation, relation),)
