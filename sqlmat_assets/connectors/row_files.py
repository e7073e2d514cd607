"""Rows that stand in a Parquet file, as files of the kind that others want."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
from sqlglot import exp

from sqlmat_assets.errors import deliveries as wording

_ENDINGS = {
    ("csv", "none"): ".csv",
    ("csv", "gzip"): ".csv.gz",
    ("csv", "zstd"): ".csv.zst",
}
_PLACE = "file_row_number"


@dataclass(frozen=True, slots=True)
class Form:
    """What is in the files: `rows_per_file` is None for all in one; `header` and `delimiter` are of CSV."""

    format: str
    compression: str
    header: bool = True
    delimiter: str = ","
    rows_per_file: int | None = None

    @property
    def ending(self) -> str:
        """How the names of such files end."""
        return _ENDINGS.get((self.format, self.compression), ".parquet")


@dataclass(frozen=True, slots=True)
class RowFile:
    """One file: where it is, its own name, and how many rows are in it."""

    path: Path
    name: str
    rows: int


def write_files(rows: Path, folder: Path, stem: str, form: Form) -> list[RowFile]:
    """Write rows into files; there is one even where there are no rows.

    Args:
        rows: The Parquet file that they are in.
        folder: Where the files are to be.
        stem: What their names begin with.
        form: What is to be in them.

    Returns:
        The files in the order of the rows.

    Raises:
        ConnectorError: They cannot be written.
    """
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        try:
            count = int(connection.execute(_count(rows)).fetchall()[0][0])
            size = form.rows_per_file or max(count, 1)
            shards = max(-(-count // size), 1)
            files: list[RowFile] = []
            for shard in range(shards):
                tail = f"-{shard:05}-of-{shards:05}" if form.rows_per_file else ""
                name = f"{stem}{tail}{form.ending}"
                part = None if shards == 1 else (shard * size, (shard + 1) * size)
                written = connection.execute(_copy(rows, folder / name, form, part)).fetchall()
                files.append(RowFile(folder / name, name, int(written[0][0])))
        except duckdb.Error as error:
            raise wording.refused("DuckDB, which writes the files,", str(error)) from error
        return files


def _count(rows: Path) -> str:
    return exp.select(exp.Count(this=exp.Star())).from_(_read(rows)).sql("duckdb")


def _read(rows: Path, *, numbered: bool = False) -> exp.Table:
    options = [exp.EQ(this=exp.column(_PLACE), expression=exp.true())] if numbered else []
    return exp.Table(this=exp.Anonymous(this="read_parquet", expressions=[exp.Literal.string(str(rows)), *options]))


def _copy(rows: Path, target: Path, form: Form, part: tuple[int, int] | None) -> str:
    """`COPY ... TO` a file, of all rows or of those from one to before another."""
    query = exp.select("*").from_(_read(rows))
    if part is not None:
        place = exp.column(_PLACE, quoted=True)
        everything = exp.Star(except_=[exp.to_identifier(_PLACE, quoted=True)])
        query = exp.select(everything).from_(_read(rows, numbered=True))
        query = query.where(exp.GTE(this=place, expression=exp.Literal.number(part[0])))
        query = query.where(exp.LT(this=place.copy(), expression=exp.Literal.number(part[1])))
    options: dict[str, exp.Expr] = {
        "FORMAT": exp.Var(this=form.format.upper()),
        "COMPRESSION": exp.Literal.string("uncompressed" if form.compression == "none" else form.compression),
    }
    if form.format == "csv":
        options |= {
            "COMPRESSION": exp.Literal.string(form.compression),
            "HEADER": exp.Boolean(this=form.header),
            "DELIMITER": exp.Literal.string(form.delimiter),
        }
    parameters = [exp.CopyParameter(this=exp.Var(this=name), expression=value) for name, value in options.items()]
    copy = exp.Copy(
        this=exp.Subquery(this=query), kind=False, files=[exp.Literal.string(str(target))], params=parameters
    )
    return copy.sql("duckdb")
