"""Rows of files that DuckDB cannot read: left out, counted, and the first of them found again in their files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from sqlmat_assets.errors import data_files as wording
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Rows
from sqlmat_assets.warehouses.csv_headers import CsvHeader
from sqlmat_assets.warehouses.data_files import find_line, find_record, line_at
from sqlmat_assets.warehouses.duckdb.groups import FILE, Group, outer_types, type_of
from sqlmat_assets.warehouses.source_files import BadRow, FileColumn, SourceFile

MOST_SHOWN = 20
_SCANS, _ERRORS = "sqlmat_reject_scans", "sqlmat_reject_errors"
_NUMBER = "file_row_number"
_OBJECTS = ("OBJECT", "NULL")
_EMPTY = exp.Literal.string("")

Fetch = Callable[[exp.Expr], Rows]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """How many rows of some files cannot be read, and the first of them, each with its file."""

    count: int = 0
    first: tuple[tuple[SourceFile, BadRow], ...] = ()


def find_unreadable(groups: Iterable[Group], fetch: Fetch, most_shown: int = MOST_SHOWN) -> Unreadable:
    """Count the rows that cannot be read, and find the first of them.

    Args:
        groups: The files.
        fetch: Asks DuckDB.
        most_shown: How many are looked for.

    Raises:
        TerminalWarehouseError: A file cannot be read at all.
    """
    count = 0
    first: list[tuple[SourceFile, BadRow]] = []
    for group in groups:
        for found in (_find_refused(group, fetch, most_shown), _find_misfits(group, fetch, most_shown)):
            count += found.count
            first += found.first[: most_shown - len(first)]
    return Unreadable(count, tuple(first))


def readable_rows(group: Group) -> exp.Select:
    """The rows of a group without those that cannot be read."""
    look = _look(group)
    bad = exp.or_(*(trial.is_bad for trial in look.trials))
    # Of rows that are left out, nothing is cast that could not be.
    tried = [
        exp.TryCast(this=value, to=type_of(column.type))
        for value, column in zip(look.values, group.contents.columns, strict=True)
    ]
    rows = group.rows(*tried, reader=look.reader)
    if look.is_row is not None:
        rows = rows.where(look.is_row)
    return rows.where(exp.Not(this=exp.Paren(this=exp.func("coalesce", bad, exp.false()))))


@dataclass(frozen=True, slots=True)
class _Trial:
    """One way in which a row can be bad; `column` is None where it is the row as a whole."""

    column: FileColumn | None
    is_bad: exp.Expr
    text: exp.Expr


@dataclass(frozen=True, slots=True)
class _Look:
    """How the rows of a group are read one by one: what may be wrong, what tells where a row is, and what is one."""

    reader: exp.Expr
    values: tuple[exp.Expr, ...]
    trials: tuple[_Trial, ...]
    place: exp.Expr
    is_row: exp.Expr | None = None


def _look(group: Group) -> _Look:
    columns = group.contents.columns
    if group.format == "ndjson":
        return _look_at_json(group)
    values = tuple(group.value(column) for column in columns)
    trials = tuple(_cast_of(value, column) for value, column in zip(values, columns, strict=True))
    if group.header is None:
        reader = group.reader({_NUMBER: exp.true()}, with_name=True)
        return _Look(reader, values, trials, statements.column(_NUMBER))
    reader = group.reader({"ignore_errors": exp.true()}, with_name=True)
    every = [statements.column(name) for name in group.header.names]
    return _Look(reader, values, trials, exp.Anonymous(this="list_value", expressions=every))


def _cast_of(value: exp.Expr, column: FileColumn) -> _Trial:
    """A value is there, and is none of its type."""
    tried = exp.TryCast(this=value.copy(), to=type_of(column.type))
    is_bad = exp.and_(_is_null(tried), exp.Not(this=_is_null(value.copy())))
    return _Trial(column, is_bad, exp.Cast(this=value.copy(), to=type_of("VARCHAR")))


def _look_at_json(group: Group) -> _Look:
    columns = group.contents.columns
    line = statements.column("line")
    parsed = exp.TryCast(this=line, to=type_of("JSON"))
    fields = ", ".join(f"{statements.identifier(name).sql('duckdb')} {kind}" for name, kind in outer_types(columns))
    whole = exp.TryCast(this=parsed.copy(), to=type_of(f"STRUCT({fields})"))
    is_blank = exp.EQ(this=exp.Trim(this=line.copy()), expression=_EMPTY.copy())
    no_object = exp.or_(_is_null(parsed.copy()), _is_other(parsed, _OBJECTS))
    trials = [_Trial(None, exp.and_(exp.Not(this=is_blank), no_object), line.copy())]
    values: list[exp.Expr] = []
    parents: set[tuple[str, ...]] = set()
    for column in columns:
        value: exp.Expr = whole.copy()
        for depth, name in enumerate(column.keys):
            value = exp.Anonymous(this="struct_extract", expressions=[value, exp.Literal.string(name)])
            inside = column.keys[: depth + 1]
            if inside != column.keys and inside not in parents:
                parents.add(inside)
                found = _inside(parsed, inside)
                shown = FileColumn(".".join(inside), "object", inside)
                trials.append(
                    _Trial(shown, _is_other(found, _OBJECTS), exp.Cast(this=found.copy(), to=type_of("VARCHAR")))
                )
        values.append(value)
        found = _inside(parsed, column.keys)
        is_bad = exp.and_(_is_null(value.copy()), _is_other(found, ("NULL",)))
        trials.append(_Trial(column, is_bad, exp.Cast(this=found.copy(), to=type_of("VARCHAR"))))
    # A line without anything is passed over.
    is_row = exp.NEQ(this=exp.Trim(this=exp.func("coalesce", line.copy(), _EMPTY.copy())), expression=_EMPTY.copy())
    return _Look(group.lines(), tuple(values), tuple(trials), line.copy(), is_row)


def _inside(parsed: exp.Expr, keys: Sequence[str]) -> exp.Expr:
    pointer = "".join(f"/{key.replace('~', '~0').replace('/', '~1')}" for key in keys)
    return exp.Anonymous(this="json_extract", expressions=[parsed.copy(), exp.Literal.string(pointer)])


def _is_other(value: exp.Expr, kinds: Sequence[str]) -> exp.Expr:
    """A value of JSON is there, and of none of some kinds."""
    kind = exp.Anonymous(this="json_type", expressions=[value.copy()])
    return exp.Not(this=exp.In(this=kind, expressions=[exp.Literal.string(each) for each in kinds]))


def _is_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=value, expression=exp.null())


def _find_misfits(group: Group, fetch: Fetch, most_shown: int) -> Unreadable:
    """The rows with a value that is none of its column's type."""
    look = _look(group)
    bad = exp.or_(*(trial.is_bad.copy() for trial in look.trials))
    source = exp.Table(this=look.reader)
    counted = exp.select(exp.Count(this=exp.Star())).from_(source.copy()).where(bad.copy())
    count = int(fetch(counted).rows[0][0])
    if not count:
        return Unreadable()
    which = exp.Case(
        ifs=[exp.If(this=t.is_bad.copy(), true=exp.Literal.number(at)) for at, t in enumerate(look.trials)]
    )
    text = exp.Case(ifs=[exp.If(this=t.is_bad.copy(), true=t.text.copy()) for t in look.trials])
    file = statements.column(FILE)
    rows = fetch(exp.select(file, which, text, look.place).from_(source).where(bad).limit(most_shown)).rows
    files = _by_path(group)
    return Unreadable(
        count, tuple(_of_value(group, files[str(row[0])], look.trials[int(row[1])], row[2:]) for row in rows)
    )


def _of_value(group: Group, file: SourceFile, trial: _Trial, told: Sequence[object]) -> tuple[SourceFile, BadRow]:
    value, line = str(told[0]), _line_of(group, file, told[1])
    if trial.column is None:
        return file, BadRow(file.shown, line, *wording.said_of_object())
    column, kind = trial.column.name, trial.column.type.upper()
    if group.format == "parquet":
        said = wording.said_of_value(column, value, kind, line)
        return file, BadRow(file.shown, None, *said, line, column, value, kind)
    return file, BadRow(file.shown, line, *wording.said_of_value(column, value, kind))


def _line_of(group: Group, file: SourceFile, place: object) -> int | None:
    """Where a row is found again: its line, or its number in a file without lines."""
    if group.header is not None:
        assert isinstance(place, list)  # noqa: S101 - that is what was asked for
        return find_record(file.path, group.header, place)
    if group.format == "ndjson":
        return find_line(file.path, str(place))
    return int(str(place)) + 1


def _find_refused(group: Group, fetch: Fetch, most_shown: int) -> Unreadable:
    """The lines of CSV that DuckDB passes over because they are not built as rows."""
    if group.header is None:
        return Unreadable()
    notes = {
        "store_rejects": exp.true(),
        "rejects_scan": exp.Literal.string(_SCANS),
        "rejects_table": exp.Literal.string(_ERRORS),
        "rejects_limit": exp.Literal.number(0),
    }
    every = [exp.Count(this=exp.column(name, quoted=True)) for name in group.header.names]
    try:
        # Counting rows alone would read no value.
        fetch(exp.select(*every).from_(exp.Table(this=group.reader(notes))))
        count, rows = _read_notes(fetch, most_shown)
    finally:
        for name in (_ERRORS, _SCANS):
            fetch(exp.Drop(tables=[exp.to_table(name)], kind="TABLE", exists=True))
    return Unreadable(count, tuple(_of_note(group, group.header, _by_path(group), row) for row in rows))


def _read_notes(fetch: Fetch, most_shown: int) -> tuple[int, Sequence[tuple[object, ...]]]:
    # One line may be wrong in several ways.
    lines = exp.select(
        "scan_id", "file_id", "line_byte_position", "min(error_type) as kind", "min(error_message) as said"
    )
    lines = lines.from_(_ERRORS).group_by("scan_id", "file_id", "line_byte_position")
    count = int(fetch(exp.select("count(*)").from_(lines.subquery("l"))).rows[0][0])
    if not count:
        return 0, ()
    shown = exp.select("s.file_path", "l.line_byte_position", "l.kind", "l.said").from_(lines.subquery("l"))
    same = exp.and_("s.scan_id = l.scan_id", "s.file_id = l.file_id")
    shown = shown.join(exp.to_table(_SCANS, alias="s"), on=same).order_by("s.file_path", "l.line_byte_position")
    return count, fetch(shown.limit(most_shown)).rows


def _of_note(
    group: Group, header: CsvHeader, files: Mapping[str, SourceFile], row: Sequence[object]
) -> tuple[SourceFile, BadRow]:
    path, position, kind, said = row
    file = files.get(str(path), group.files[0])
    line = line_at(file.path, int(str(position)))
    return file, BadRow(file.shown, line, *wording.said_of_line(str(kind), str(said), len(header.names)))


def _by_path(group: Group) -> dict[str, SourceFile]:
    return {str(file.path): file for file in group.files}
