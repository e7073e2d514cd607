"""COPY from S3: the lines are read here, and those that are good go into the table in the client's own transaction.

https://docs.aws.amazon.com/redshift/latest/dg/r_COPY.html
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sqlmat_assets_tests.redshift.fields import BadField, Column, convert
from sqlmat_assets_tests.redshift.lexer import Name, closing, find_words, literal, name_at, quoted
from sqlmat_assets_tests.redshift.objects import Object, ObjectStore
from sqlmat_assets_tests.redshift.options import Options, read_options
from sqlmat_assets_tests.redshift.refusals import INTERNAL, NO_COLUMN, UNSUPPORTED, Refused
from sqlmat_assets_tests.redshift.statements import Statement

if TYPE_CHECKING:
    from sqlmat_assets_tests.redshift.plans import Host

Row = tuple[str | None, ...]


def _is_text(kind: Any) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _fits(_: Any) -> bool:
    return True


PARQUET: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "smallint": ("SMALLINT", pa.types.is_int16),
    "integer": ("INT", pa.types.is_int32),
    "bigint": ("BIGINT", pa.types.is_int64),
    "real": ("REAL", pa.types.is_float32),
    "double precision": ("DOUBLE PRECISION", pa.types.is_float64),
    "numeric": ("DECIMAL", pa.types.is_decimal),
    "boolean": ("BOOLEAN", pa.types.is_boolean),
    "date": ("DATE", pa.types.is_date),
    "timestamp without time zone": ("TIMESTAMP", pa.types.is_timestamp),
    "timestamp with time zone": ("TIMESTAMPTZ", pa.types.is_timestamp),
    "character varying": ("VARCHAR", _is_text),
    "character": ("CHAR", _is_text),
}


@dataclass(slots=True)
class BadLine:
    """A line that could not be loaded."""

    url: str
    number: int
    raw: str
    error: BadField


@dataclass(slots=True)
class Load:
    """One COPY as it goes on."""

    table: Name
    columns: Sequence[Column]
    options: Options
    limit: int
    paths: list[list[str]] = field(default_factory=list[list[str]])
    rows: list[Row] = field(default_factory=list[Row])
    bad: list[BadLine] = field(default_factory=list[BadLine])
    files: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])

    def is_over(self) -> bool:
        return len(self.bad) >= self.limit


def copy(statement: Statement, table: Name, host: Host) -> str:
    """Run a COPY and return the command tag."""
    tokens, at = statement.tokens, statement.behind
    names: list[str] = []
    if at < len(tokens) and tokens[at].is_symbol("("):
        end = closing(tokens, at)
        names = [token.value for token in tokens[at + 1 : end] if token.is_name]
        at = end + 1
    source = tokens[at + 1] if at + 1 < len(tokens) and tokens[at].is_word("from") else None
    if source is None or source.kind != "string" or not source.value.startswith("s3://"):
        raise Refused("the double of Redshift copies from s3:// only", UNSUPPORTED)
    options = read_options(tokens[at + 2 :], statement.text)
    if host.store is None:
        raise Refused("S3ServiceException: no S3 is known to this cluster", INTERNAL)
    load = Load(table, _columns(table, names, options, host), options, max(options.numbers.get("maxerror", 0), 1))
    if "json" in options.texts:
        load.paths = read_paths(host.store, options.texts["json"])
    read = host.store.read_manifest if "manifest" in options.words else host.store.read_prefix
    for found in read(source.value):
        host.query.loaded += len(found.data)
        _read(load, found)
        if load.is_over():
            break
    _write_bad(load, host)
    if load.is_over():
        raise Refused(
            f"Load into table '{table.name}' failed.  Check 'stl_load_errors' system table for details.", INTERNAL
        )
    _store(load, host)
    return "COPY"


def _columns(table: Name, names: Sequence[str], options: Options, host: Host) -> list[Column]:
    found = host.run(
        "select attname, format_type(atttypid, null), case when atttypid in (1042, 1043) and "
        "atttypmod > 4 then atttypmod - 4 end,"
        " attnotnull, coalesce(information_schema._pg_numeric_precision(atttypid, atttypmod), 18),"
        " coalesce(information_schema._pg_numeric_scale(atttypid, atttypmod), 0), attidentity <> ''"
        f" from pg_catalog.pg_attribute where attrelid = {literal(table.sql)}::regclass and attnum > "
        f"0 and not attisdropped order by attnum"
    )
    columns = {
        name or "": Column(
            name or "",
            kind or "",
            None if length is None else int(length),
            required == "t",
            int(precision or 0),
            int(scale or 0),
        )
        for name, kind, length, required, precision, scale, _ in found
    }
    if not names:
        own = {row[0] for row in found if row[6] == "t"} if "explicit_ids" not in options.words else set[str | None]()
        return [column for name, column in columns.items() if name not in own]
    for name in names:
        if name not in columns:
            raise Refused(f'column "{name}" of relation "{table.name}" does not exist', NO_COLUMN)
    return [columns[name] for name in names]


def _read(load: Load, found: Object) -> None:
    before = len(load.rows)
    if "parquet" in load.options.words:
        load.rows += _parquet_rows(load, found)
        load.files.append((found.url, len(load.rows) - before))
        return
    data = gzip.decompress(found.data) if "gzip" in load.options.words else found.data
    text = data.decode("utf-8-sig", errors="surrogateescape")
    if "json" in load.options.texts:
        _read_json(load, found, text)
        load.files.append((found.url, len(load.rows) - before))
        return
    for number, raw, values in _lines(text, load.options):
        if number <= load.options.numbers.get("ignoreheader", 0) or (
            not raw.strip() and "ignoreblanklines" in load.options.words
        ):
            continue
        try:
            load.rows.append(_row(load, values))
        except BadField as error:
            load.bad.append(BadLine(found.url, number, raw, error))
            if load.is_over():
                return
    load.files.append((found.url, len(load.rows) - before))


def read_paths(store: ObjectStore, url: str) -> list[list[str]]:
    """Return the names on the way to each value: https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-format.html#copy-json-jsonpaths."""
    if not url.startswith("s3://"):
        raise Refused(f"the double of Redshift does not emulate JSON '{url}'", UNSUPPORTED)
    paths: list[str] = json.loads(store.read(url))["jsonpaths"]
    found: list[list[str]] = []
    for path in paths:
        if not re.fullmatch(r"\$(\['(?:[^'\\]|\\.)*'\])+", path):
            raise Refused(
                "Invalid JSONPath format: Supported notations are 'dot-notation' and 'bracket-notation'", INTERNAL
            )
        names = re.findall(r"\['((?:[^'\\]|\\.)*)'\]", path)
        found.append([re.sub(r"\\(.)", r"\1", name) for name in names])
    return found


def _read_json(load: Load, found: Object, text: str) -> None:
    if len(load.paths) != len(load.columns):
        raise Refused("Number of jsonpaths and the number of columns should match", INTERNAL)
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            try:
                value: Any = json.loads(line, parse_float=Decimal)
            except ValueError:
                raise BadField(1216, "Invalid input line", None, line) from None
            load.rows.append(
                tuple(
                    _json_value(load, column, value, path)
                    for column, path in zip(load.columns, load.paths, strict=True)
                )
            )
        except BadField as error:
            load.bad.append(BadLine(found.url, number, line, error))
            if load.is_over():
                return


def _json_value(load: Load, column: Column, value: Any, path: Sequence[str]) -> str | None:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None  # pyright: ignore[reportUnknownVariableType] - JSON
    if value is None:
        if column.required:
            raise BadField(1213, "Missing data for not-null field", column, "")
        return None
    written = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else None
    if written is None:
        written = json.dumps(value) if isinstance(value, dict | list) else str(value)
    return convert(column, written, load.options)


def _lines(text: str, options: Options) -> Iterator[tuple[int, str, list[str]]]:
    """Yield the number, the text and the fields of each line."""
    delimiter = options.texts.get("delimiter", "," if "csv" in options.words else "|")
    if "csv" in options.words:
        lines = text.splitlines()
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=delimiter, quotechar=options.texts.get("quote", '"')
        )
        begin = 0
        for values in reader:
            raw = "\n".join(lines[begin : reader.line_num])
            yield begin + 1, raw, values or [""]
            begin = reader.line_num
        return
    for number, line in enumerate(text.split("\n"), 1):
        raw = line.removesuffix("\r")
        if number > 1 and not raw and text.endswith("\n") and number == text.count("\n") + 1:
            return
        yield number, raw, _plain_fields(raw, delimiter, options)


def _plain_fields(line: str, delimiter: str, options: Options) -> list[str]:
    if "removequotes" in options.words:
        return next(csv.reader([line], delimiter=delimiter), [""])
    if "escape" not in options.words:
        return line.split(delimiter)
    values, held = [""], False
    for letter in line:
        if held:
            values[-1] += letter
            held = False
        elif letter == "\\":
            held = True
        elif letter == delimiter:
            values.append("")
        else:
            values[-1] += letter
    return values


def _row(load: Load, values: list[str]) -> Row:
    if len(values) > len(load.columns):
        raise BadField(1202, "Extra column(s) found", load.columns[-1], values[-1])
    if len(values) < len(load.columns):
        if "fillrecord" not in load.options.words:
            raise BadField(1214, "Delimiter not found", load.columns[len(values) - 1], values[-1])
        values = [*values, *["" for _ in load.columns[len(values) :]]]
    return tuple(convert(column, value, load.options) for column, value in zip(load.columns, values, strict=True))


def _parquet_rows(load: Load, found: Object) -> list[Row]:
    """Columns go by their place, and their types must be the same.

    https://docs.aws.amazon.com/redshift/latest/dg/copy-usage_notes-copy-from-columnar.html
    """
    table = pq.read_table(io.BytesIO(found.data))
    if len(table.schema) != len(load.columns):
        detail = f"File '{found.url}' has {len(table.schema)} columns, but table expects {len(load.columns)}"
        raise Refused("Spectrum Scan Error", INTERNAL, detail=detail)
    for column, told in zip(load.columns, table.schema, strict=True):
        name, fits = PARQUET.get(column.type, (column.type, _fits))
        if not fits(told.type):
            detail = (
                f"File '{found.url}' has an incompatible Parquet schema for column '{told.name}'."
                f" Column type: {name}, Parquet schema: optional {told.type} {told.name}"
            )
            raise Refused("Spectrum Scan Error", INTERNAL, detail=detail)
    rows: list[Row] = []
    for values in zip(*(column.to_pylist() for column in table.columns), strict=True):
        row: list[str | None] = []
        for column, value in zip(load.columns, values, strict=True):
            if value is None and column.required:
                raise Refused(
                    "Spectrum Scan Error", INTERNAL, detail=f"NULL in column '{column.name}', which is NOT NULL"
                )
            if column.length is not None and value is not None and len(str(value).encode()) > column.length:
                detail = f"The length of the data column {column.name} is longer than the length defined in the table."
                raise Refused("Spectrum Scan Error", INTERNAL, detail=detail)
            row.append(None if value is None else str(value))
        rows.append(tuple(row))
    return rows


def _store(load: Load, host: Host) -> None:
    if load.rows:
        lines = (",".join("\\N" if value is None else quoted(value) for value in row) for row in load.rows)
        names = ", ".join(quoted(column.name) for column in load.columns)
        sql = f"copy {load.table.sql} ({names}) from stdin (format csv, null {literal(chr(92) + 'N')})"
        host.backend.load(sql, ("\n".join(lines) + "\n").encode())
    host.query.rows = len(load.rows)
    host.words.answers |= {"pg_last_copy_id": host.query.number, "pg_last_copy_count": len(load.rows)}
    for url, count in load.files:
        host.admin(
            "insert into pg_catalog.stl_load_commits (userid, query, slice, name, filename, "
            "lines_scanned, errors, curtime, status, file_format)"
            f" values (100, {host.query.number}, 0, 0, {literal(url[:256])}, {count}, "
            f"{len(load.bad)}, now() at time zone 'utc', 1,"
            f" {literal('Parquet' if 'parquet' in load.options.words else 'Text')})"
        )
    host.tell("INFO", f"Load into table '{load.table.name}' completed, {len(load.rows)} record(s) loaded successfully.")
    if load.bad:
        host.tell(
            "INFO",
            f"Load into table '{load.table.name}' completed, {len(load.bad)} record(s) could not be loaded."
            "  Check 'stl_load_errors' system table for details.",
        )


def _write_bad(load: Load, host: Host) -> None:
    """Write the bad lines down where a rollback does not reach them."""
    for line in load.bad:
        column = line.error.column
        kind = {
            "character varying": "varchar",
            "character": "char",
            "integer": "int4",
            "bigint": "int8",
            "smallint": "int2",
        }
        typed = "" if column is None else kind.get(column.type, column.type)[:10]
        length = "" if column is None or column.length is None else str(column.length)
        raw, value = (shown.encode(errors="replace").decode()[:1024] for shown in (line.raw, line.error.value))
        host.admin(
            "insert into pg_catalog.stl_load_errors (userid, slice, tbl, starttime, session, query, "
            "filename, line_number, colname, type,"
            " col_length, position, raw_line, raw_field_value, err_code, err_reason, is_partial, "
            "start_offset) values (100, 0,"
            f" to_regclass({literal(load.table.sql)})::oid::int, now() at time zone 'utc', "
            f"{host.backend.pid}, {host.query.number},"
            f" {literal(line.url[:256])}, {line.number}, {literal(column.name if column else '')}, "
            f"{literal(typed)}, {literal(length)}, 0,"
            f" {literal(raw)}, {literal(value)}, {line.error.code}, {literal(line.error.reason[:100])}, 0, 0)"
        )


def append(statement: Statement, host: Host) -> str:
    """Move all rows of a table to another one: https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE_APPEND.html."""
    target = statement.target or Name(None, "")
    at = next(iter(find_words(statement.tokens, "from")))
    source, behind = name_at(statement.tokens, at + 1)
    words = {token.value for token in statement.tokens[behind:]}
    here, there = (set(_names(table, host)) for table in (target, source))
    if (there - here and "ignoreextra" not in words) or (here - there and "filltarget" not in words):
        raise Refused(
            "ALTER TABLE APPEND: the columns of the two tables differ; use IGNOREEXTRA or FILLTARGET", UNSUPPORTED
        )
    names = ", ".join(quoted(name) for name in _names(target, host) if name in there)
    host.run(f"insert into {target.sql} ({names}) select {names} from {source.sql}")
    host.run(f"truncate {source.sql}")
    return "ALTER TABLE APPEND"


def _names(table: Name, host: Host) -> list[str]:
    found = host.run(
        f"select attname from pg_catalog.pg_attribute where attrelid = {literal(table.sql)}::regclass "
        f"and attnum > 0 and not attisdropped"
        " order by attnum"
    )
    return [row[0] or "" for row in found]
