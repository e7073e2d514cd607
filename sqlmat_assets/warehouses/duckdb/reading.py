"""How DuckDB reads a local data file: strictly, so that what it cannot read is an error and not other rows."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlglot import exp

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.errors.failures import unknown_data_format
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Capabilities
from sqlmat_assets.warehouses.csv_headers import CsvHeader, read_csv_header
from sqlmat_assets.warehouses.data_files import explain_csv, explain_ndjson
from sqlmat_assets.warehouses.text_files import refuse_other_encodings

_WHOLE_FILE = exp.Literal.number(-1)


class DataFile:
    """A local CSV, Parquet or NDJSON file; `columns` (name, type) override what its values look like.

    Raises:
        TerminalWarehouseError: The file's ending is another one, or its first bytes tell that it cannot be loaded.
    """

    def __init__(self, path: Path, columns: Sequence[tuple[str, str]], capabilities: Capabilities) -> None:
        self._path = path
        self._columns = columns
        self._format = path.suffix.lower()
        self._header: CsvHeader | None = None
        match self._format:
            case ".parquet":
                pass
            case ".ndjson" | ".jsonl":
                refuse_other_encodings(path)
            case ".csv":
                self._header = read_csv_header(path, capabilities.fold)
                self._refuse_unknown_columns(self._header.names, capabilities)
            case _:
                raise TerminalWarehouseError(unknown_data_format(str(path)))

    def create_table(self, target: Relation) -> exp.Expr:
        """`CREATE TABLE ... AS` with the rows of the file."""
        query = exp.select(*self._values()).from_(exp.Table(this=self._reader()))
        return exp.Create(this=statements.table(target), kind="TABLE", expression=query)

    def explain(self, error: TerminalWarehouseError) -> TerminalWarehouseError:
        """What is wrong with the file that DuckDB refuses: the line where that can be found, else DuckDB's words."""
        found = None
        if self._header is not None:
            found = explain_csv(self._path, self._header)
        elif self._format != ".parquet":
            found = explain_ndjson(self._path)
        if found is not None:
            return found
        words = without_options(error.message, self._path)
        return wording.driver_refused(str(self._path), words, error.statement)

    def refuse_other_columns(self, found: Sequence[str]) -> None:
        """Compare what DuckDB made of a CSV file with its header.

        Raises:
            TerminalWarehouseError: They differ.
        """
        if self._header is not None and [name.strip() for name in found] != list(self._header.names):
            raise wording.header_misread(str(self._path), found, self._header.names)

    def _refuse_unknown_columns(self, names: Sequence[str], capabilities: Capabilities) -> None:
        known = {capabilities.fold(name) for name in names}
        for name, _ in self._columns:
            if capabilities.fold(name) not in known:
                raise wording.column_not_in_file(str(self._path), name, names)

    def _values(self) -> list[exp.Expr]:
        """Every column of the file; those with a declared type as that type."""
        if not self._columns:
            return [exp.Star()]
        casts = [
            exp.alias_(
                exp.Cast(this=statements.column(name), to=exp.DataType.build(kind, dialect="duckdb", udt=True)),
                name,
                quoted=True,
            )
            for name, kind in self._columns
        ]
        return [exp.Star(replace=casts)]

    def _reader(self) -> exp.Expr:
        source = path_literal(self._path)
        if self._format == ".parquet":
            return exp.Anonymous(this="read_parquet", expressions=[source])
        if self._header is None:
            chosen: dict[str, exp.Expr] = {
                "format": exp.Literal.string("newline_delimited"),
                "sample_size": _WHOLE_FILE,
                # Without these, a line that is no object makes all of the file one column.
                "records": exp.true(),
                "map_inference_threshold": _WHOLE_FILE,
            }
            return exp.Anonymous(this="read_json", expressions=[source, *options(chosen)])
        return exp.Anonymous(this="read_csv", expressions=[source, *options(self._csv_options(self._header))])

    def _csv_options(self, header: CsvHeader) -> dict[str, exp.Expr]:
        """How the file is read; a column of a declared type is read as text."""
        chosen = csv_options(header)
        if self._columns:
            # A declared column is read as text, so that the cast sees what the file says and not a guess of it.
            text = exp.Literal.string("VARCHAR")
            types = [exp.PropertyEQ(this=statements.identifier(name), expression=text) for name, _ in self._columns]
            chosen["types"] = exp.Struct(expressions=types)
        return chosen


def without_options(message: str, path: Path) -> str:
    """The driver's words without the list of all CSV options that DuckDB puts below them."""
    words, begins, _ = message.rpartition(f"\n  file = {path}\n  delimiter = ")
    return words.rstrip() if begins else message.rstrip()


def path_literal(path: Path) -> exp.Expr:
    """The path of one file, as an argument of a reader; a star in its name is no pattern."""
    return exp.Literal.string(glob.escape(str(path)))


def csv_options(header: CsvHeader) -> dict[str, exp.Expr]:
    """Everything that DuckDB would otherwise guess, but the types."""
    quote = exp.Literal.string('"')
    return {
        "header": exp.true(),
        "sample_size": _WHOLE_FILE,
        "delim": exp.Literal.string(header.separator),
        "quote": quote,
        "escape": quote,
        "comment": exp.Literal.string(""),
        "skip": exp.Literal.number(0),
        "strict_mode": exp.true(),
    }


def options(chosen: Mapping[str, exp.Expr]) -> list[exp.Expr]:
    """Arguments of a reader by their names."""
    return [exp.EQ(this=exp.column(name), expression=value.copy()) for name, value in chosen.items()]
