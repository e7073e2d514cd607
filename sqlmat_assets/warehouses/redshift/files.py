"""How rows get from files into Redshift and out of it: by way of a folder in S3."""

from __future__ import annotations

import gzip
import re
import tempfile
import uuid
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError, TransientWarehouseError, WarehouseError
from sqlmat_assets.errors import redshift as wording
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import row_statements, statements
from sqlmat_assets.warehouses.design import NO_DESIGN, Design, designed
from sqlmat_assets.warehouses.duckdb.unloading import unload_statement
from sqlmat_assets.warehouses.postgres import files as postgres_files
from sqlmat_assets.warehouses.postgres.connections import Answer, Link, Place
from sqlmat_assets.warehouses.postgres.types import to_duckdb
from sqlmat_assets.warehouses.redshift.connections import Staging
from sqlmat_assets.warehouses.redshift.staging import Folder, authorization, open_folder, without_secrets
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceFile

_Columns = Sequence[tuple[str, str]]
# What stands for NULL, since an empty value and none are told apart by nothing else.
_NULL = "sqlmat:NULL"
_VALUES = re.compile(rb'("(?:[^"]|"")*")|(?<=[,\n])(?=[,\n])|\A(?=[,\n])')
_CREATES = "CREATE TABLE"
# COPY takes digits alone: https://docs.aws.amazon.com/redshift/latest/dg/copy-usage-varbyte.html
_BEFORE_HEX = ""
_MOST_DIGITS = 38
_TYPES = {
    exp.DataType.Type.JSON: "super",
    exp.DataType.Type.JSONB: "super",
    exp.DataType.Type.UUID: "varchar(36)",
    exp.DataType.Type.INTERVAL: "varchar(max)",
}


def load_file(
    link: Link,
    staging: Staging | None,
    target: Relation,
    path: Path,
    columns: _Columns,
    design: Design = NO_DESIGN,
) -> int:
    """Create a table from a file; `columns` (name, type) are declared, and the others are what all values look like."""
    with _staged(link, staging, design) as staged:
        return postgres_files.load_file(staged, target, path, columns, _BEFORE_HEX)


def load_files(
    link: Link,
    staging: Staging | None,
    target: Relation,
    files: Sequence[SourceFile],
    contents: Contents,
    design: Design = NO_DESIGN,
) -> Loaded:
    """Create a table from files whose columns are all declared."""
    with _staged(link, staging, design) as staged:
        loaded = postgres_files.load_files(staged, target, files, contents, _BEFORE_HEX)
    return replace(loaded, statement="\n".join(render_load_files(staging, target, files, contents, design)))


def unload(link: Link, staging: Staging | None, query: str, path: Path) -> int:
    """Write the rows of a query into a Parquet file."""
    asked = exp.select("*").from_(statements.derived_table(query, "rows")).limit(0)
    columns = link.send(asked.sql("redshift")).columns
    with staging_folder(staging) as folder, tempfile.TemporaryDirectory(prefix="sqlmat-") as local:
        send_hidden(link, _unload(query, folder.url("part_"), authorization(folder.staging)))
        parts = folder.fetch(Path(local))
        with duckdb.connect(":memory:") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            rows = _read_parts(parts) if parts else _no_rows(columns)
            return int(connection.execute(unload_statement(rows, path).sql("duckdb")).fetchall()[0][0])


def render_load_file(
    staging: Staging | None, target: Relation, path: Path, columns: _Columns, design: Design = NO_DESIGN
) -> list[str]:
    """What `load_file` sends, without secrets."""
    return _as_shown(staging, target, postgres_files.render_load_file(target, path, columns), design)


def render_load_files(
    staging: Staging | None,
    target: Relation,
    files: Sequence[SourceFile],
    contents: Contents,
    design: Design = NO_DESIGN,
) -> list[str]:
    """What `load_files` sends, without secrets."""
    return _as_shown(staging, target, postgres_files.render_load_files(target, files, contents), design)


def render_unload(staging: Staging | None, query: str) -> str:
    """What `unload` sends, without secrets."""
    return _unload(query, _shown(staging), "IAM_ROLE '...'")


def send_hidden(link: Link, text: str) -> Answer:
    """Send a statement that may hold keys, and have them in no error."""
    try:
        return link.send(text)
    except (TransientWarehouseError, TerminalWarehouseError) as error:
        # Without its cause, in whose words the keys may stand.
        raise type(error)(without_secrets(error.message), without_secrets(text)) from None


@dataclass(slots=True)
class _Staged:
    """A connection on which rows do not come with the statement, but lie in S3 before."""

    link: Link
    folder: Folder
    design: Design = NO_DESIGN

    @property
    def place(self) -> Place:
        return self.link.place

    @property
    def is_in_transaction(self) -> bool:
        return self.link.is_in_transaction

    def send(self, text: str, values: Mapping[str, object] | None = None) -> Answer:
        return self.link.send(in_own_words(text, self.design), values)

    def copy_in(self, text: str, chunks: Iterable[bytes]) -> int:
        with tempfile.TemporaryDirectory(prefix="sqlmat-") as local:
            file = Path(local, "rows.csv.gz")
            with gzip.open(file, "wb", compresslevel=3) as rows:
                for chunk in chunks:
                    rows.write(mark_nulls(chunk))
            url = self.folder.put(file)
        send_hidden(self.link, _copy(text.partition(" FROM ")[0], url, authorization(self.folder.staging)))
        return int(self.link.send("SELECT pg_last_copy_count()").rows[0][0])

    def copy_out(self, text: str) -> Generator[bytes]:
        raise WarehouseError(text)

    def cancel(self) -> None:
        self.link.cancel()


def mark_nulls(chunk: bytes) -> bytes:
    r"""Write down where in CSV, in which all values are in quotes, there is none.

    Examples:
        >>> mark_nulls(b'"a",,""' + bytes([10]))
        b'"a",sqlmat:NULL,""\n'
    """
    return _VALUES.sub(lambda found: found[1] or _NULL.encode(), chunk)


@contextmanager
def _staged(link: Link, staging: Staging | None, design: Design) -> Generator[_Staged]:
    with staging_folder(staging) as folder:
        yield _Staged(link, folder, design)


@contextmanager
def staging_folder(staging: Staging | None) -> Generator[Folder]:
    """A folder in S3 for a while.

    Raises:
        TerminalWarehouseError: The URL of the warehouse names no place for it.
    """
    if staging is None:
        raise wording.no_staging()
    with open_folder(staging, uuid.uuid4().hex) as folder:
        yield folder


def in_own_words(text: str, design: Design = NO_DESIGN) -> str:
    """The statement with Redshift's types, and how the rows of a table that it makes are to lie."""
    if not text.startswith(_CREATES):
        return text
    tree = sqlglot.parse_one(text, dialect="redshift")
    for kind in list(tree.find_all(exp.DataType)):
        if kind.this in _TYPES:
            kind.replace(exp.DataType.build(_TYPES[kind.this], dialect="redshift"))
        elif kind.this == exp.DataType.Type.DECIMAL and kind.expressions and _is_too_long(kind):
            kind.expressions[0].replace(exp.DataTypeParam(this=exp.Literal.number(_MOST_DIGITS)))
    created = tree.sql("redshift")
    return created if design == NO_DESIGN else designed(created, design)


def _is_too_long(kind: exp.DataType) -> bool:
    return int(kind.expressions[0].name) > _MOST_DIGITS


def _copy(into: str, url: str, authorized: str) -> str:
    from_ = exp.Literal.string(url).sql("redshift")
    null = exp.Literal.string(_NULL).sql("redshift")
    options = "FORMAT AS CSV GZIP TIMEFORMAT AS 'auto' DATEFORMAT AS 'auto'"
    return f"{into} FROM {from_} {authorized} {options} NULL AS {null}"


def _unload(query: str, url: str, authorized: str) -> str:
    rows = exp.select("*").from_(statements.derived_table(query, "rows")).sql("redshift")
    asked, to = (exp.Literal.string(each).sql("redshift") for each in (rows, url))
    return f"UNLOAD ({asked}) TO {to} {authorized} FORMAT AS PARQUET"


def _as_shown(staging: Staging | None, target: Relation, texts: Sequence[str], design: Design) -> list[str]:
    into = f"COPY {statements.table(target).sql('redshift')}"
    copy = _copy(into, f"{_shown(staging)}.csv.gz", "IAM_ROLE '...'")
    return [copy if each.startswith("COPY") else in_own_words(each, design) for each in texts]


def _shown(staging: Staging | None) -> str:
    return "s3://..." if staging is None else f"s3://{staging.bucket}/{staging.prefix}/..."


def _read_parts(parts: Sequence[Path]) -> str:
    files = exp.Array(expressions=[exp.Literal.string(str(part)) for part in parts])
    return exp.select("*").from_(exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[files]))).sql("duckdb")


def _no_rows(columns: _Columns) -> str:
    return row_statements.typed_nulls([(name, to_duckdb(kind)) for name, kind in columns]).sql("duckdb")
