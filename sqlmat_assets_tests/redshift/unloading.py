"""UNLOAD to S3: one object a slice, or one for all with PARALLEL OFF.

https://docs.aws.amazon.com/redshift/latest/dg/r_UNLOAD.html
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from sqlmat_assets_tests.redshift import late_views
from sqlmat_assets_tests.redshift.lexer import literal
from sqlmat_assets_tests.redshift.options import Options, read_options
from sqlmat_assets_tests.redshift.refusals import INTERNAL, SYNTAX, Refused, check_statement
from sqlmat_assets_tests.redshift.rewriting import rewrite, without_foreign_clauses
from sqlmat_assets_tests.redshift.statements import Statement, parse_statement

if TYPE_CHECKING:
    from sqlmat_assets_tests.redshift.plans import Host

Row = list[str | None]
SLICES = 2
NOT_EMPTY = (
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, "
    "manually removing the target"
    " files in S3, or using the ALLOWOVERWRITE option."
)
TYPES: dict[str, tuple[pa.DataType, Callable[[str], Any]]] = {
    "smallint": (pa.int16(), int),
    "integer": (pa.int32(), int),
    "bigint": (pa.int64(), int),
    "real": (pa.float32(), float),
    "double precision": (pa.float64(), float),
    "boolean": (pa.bool_(), lambda value: value == "t"),
    "date": (pa.date32(), dt.date.fromisoformat),
    "timestamp without time zone": (pa.timestamp("us"), dt.datetime.fromisoformat),
    "timestamp with time zone": (
        pa.timestamp("us", tz="UTC"),
        lambda value: dt.datetime.fromisoformat(value).astimezone(dt.UTC),
    ),
}


def unload(statement: Statement, host: Host) -> str:
    """Run an UNLOAD and return the command tag."""
    tokens = statement.tokens
    shape = [token.kind for token in tokens[1:6]]
    if shape[:1] != ["symbol"] or len(tokens) < 6 or not tokens[4].is_word("to") or tokens[5].kind != "string":
        raise Refused('syntax error at or near "unload"', SYNTAX)
    options = read_options(tokens[6:], statement.text)
    if host.store is None:
        raise Refused("S3ServiceException: no S3 is known to this cluster", INTERNAL)
    target = tokens[5].value
    query = _query(tokens[2].value, host)
    present = host.store.list(target)
    if "cleanpath" in options.words:
        host.store.delete(present)
    elif present and "allowoverwrite" not in options.words:
        raise Refused(NOT_EMPTY, INTERNAL)
    columns = host.backend.describe(query)
    rows = _rows(query, host)
    entries = _write(target, columns, rows, options, host)
    if "manifest" in options.words:
        listed = [{"url": url, "meta": {"content_length": size, "record_count": count}} for url, size, count in entries]
        host.store.write(f"{target}manifest", json.dumps({"entries": listed}).encode())
    host.query.rows = len(rows)
    host.words.answers["pg_last_unload_count"] = len(rows)
    for url, size, count in entries:
        host.admin(
            "insert into pg_catalog.stl_unload_log values (100,"
            f" {host.query.number}, 0, {host.backend.pid}, {literal(url)}, now() at time zone 'utc', "
            f"now() at time zone 'utc', {count}, {size},"
            f" {literal('PARQUET' if 'parquet' in options.words else 'TEXT')})"
        )
    host.tell("INFO", f"UNLOAD completed, {len(rows)} record(s) unloaded successfully.")
    return "UNLOAD"


def _query(text: str, host: Host) -> str:
    statement = parse_statement(without_foreign_clauses(text.strip().removesuffix(";")))
    check_statement(statement)
    return rewrite(late_views.expanded(statement.text, statement, host), host.words)


def _rows(query: str, host: Host) -> list[Row]:
    written = host.backend.unload(
        f"copy ({query}) to stdout (format csv, force_quote *, null {literal(chr(92) + 'N')})"
    )
    return [
        [None if value == "\\N" else value for value in row]
        for row in csv.reader(io.StringIO(written.decode(), newline=""))
    ]


def _write(
    target: str, columns: list[tuple[str, str, int]], rows: list[Row], options: Options, host: Host
) -> list[tuple[str, int, int]]:
    """Write the rows as objects and return the URL, size and number of rows of each."""
    slices = 1 if "serial" in options.words else SLICES
    entries: list[tuple[str, int, int]] = []
    for number in range(slices):
        part = rows[number::slices]
        if not part and number:
            continue
        data, ending = _encode(columns, part, options)
        name = f"{target}{number:03d}{ending}" if slices == 1 else f"{target}{number:04d}_part_00{ending}"
        if host.store is not None:
            host.store.write(name, data)
        entries.append((name, len(data), len(part)))
    return entries


def _encode(columns: list[tuple[str, str, int]], rows: list[Row], options: Options) -> tuple[bytes, str]:
    if "parquet" in options.words:
        return _parquet(columns, rows), ".parquet"
    out = io.StringIO()
    delimiter = options.texts.get("delimiter", "," if "csv" in options.words else "|")
    null = options.texts.get("null", "")
    if "header" in options.words:
        out.write(delimiter.join(name for name, _, _ in columns) + "\n")
    if "csv" in options.words:
        writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
        writer.writerows([null if value is None else value for value in row] for row in rows)
    else:
        for row in rows:
            out.write(delimiter.join(_plain(value, delimiter, null, options) for value in row) + "\n")
    data = out.getvalue().encode()
    return (gzip.compress(data), ".gz") if "gzip" in options.words else (data, options.texts.get("extension", ""))


def _plain(value: str | None, delimiter: str, null: str, options: Options) -> str:
    if value is None:
        return null
    if "escape" in options.words:
        for letter in ("\\", delimiter, "\n", "\r", '"', "'"):
            value = value.replace(letter, "\\" + letter)
    return f'"{value}"' if "addquotes" in options.words else value


def _parquet(columns: list[tuple[str, str, int]], rows: list[Row]) -> bytes:
    arrays: list[Any] = []
    schema: list[Any] = []
    for place, (name, kind, modifier) in enumerate(columns):
        told, convert = TYPES.get(kind, (pa.string(), str))
        if kind == "numeric":
            told, convert = _decimal(modifier, [row[place] for row in rows]), Decimal
        values = [None if row[place] is None else convert(row[place] or "") for row in rows]
        arrays.append(pa.array(values, told))
        schema.append(pa.field(name, told))
    out = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(schema)), out)
    return out.getvalue()


def _decimal(modifier: int, values: list[str | None]) -> Any:
    """Return the type of a column of numbers; one that has no scale of its own gets that of its values."""
    if modifier > 4:
        return pa.decimal128((modifier - 4) >> 16, (modifier - 4) & 0xFFFF)
    return pa.decimal128(38, max((len(value.partition(".")[2]) for value in values if value is not None), default=0))
