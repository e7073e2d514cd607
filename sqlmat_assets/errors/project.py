"""The wording of everything that can be wrong with the files of a project, apart from the SQL and settings in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmat_assets.errors import Problem, SqlmatError


class TextError(SqlmatError, ValueError):
    """A name, a key or a value that cannot be; the place is added by whoever knows it."""

    def __init__(self, what: str, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def at(self, path: str, line: int = 0, column: int = 0, *, is_warning: bool = False) -> Problem:
        """Give the error its place."""
        return Problem(path, line, column, self.what, self.hint, is_warning=is_warning)


def _listed(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _table(relation: object) -> str:
    return str(relation).rpartition(".")[2]


def _nearest(near: object | None) -> str | None:
    return None if near is None else f"did you mean `{near}`?"


# Intervals


def no_interval(text: str, meant: str | None = None) -> TextError:
    """A suffix or a value that should be an interval; `meant` writes it as one."""
    hint = f"write `{meant}`" if meant else "write a whole number and a unit: `30m`, `24h`, `7d` or `2w`"
    return TextError(f"`{text}` is no interval", hint)


def minute_or_month(text: str) -> TextError:
    """An upper-case `M`."""
    lower = text.lower()
    return TextError(
        f"`{text}` could be minutes or months", f"write `{lower}` for minutes, or count the months in days"
    )


def under_a_minute(text: str) -> TextError:
    """Zero of a unit, or seconds."""
    return TextError(f"the interval `{text}` is under a minute", "write `1m` or more")


# File names


def no_table_name(file: str) -> TextError:
    """A file name that begins with its interval, or with nothing."""
    return TextError(f"`{file}` has no table name", "begin the file's name with the table: `cities - 24h.sql`")


def no_schema(file: str) -> TextError:
    """A file at the root whose name has no dot."""
    return TextError(
        f"`{file}` has no schema", f"put it into a folder named after the schema, or rename it to `schema.{file}`"
    )


def too_many_parts(file: str) -> TextError:
    """A file name with two dots or more."""
    return TextError(f"`{file}` has more than a schema and a table in its name", "keep one dot: `schema.table.sql`")


def folder_with_dot(folder: str) -> TextError:
    """A folder that would be a schema."""
    return TextError(f"the folder `{folder}` has a dot in its name, which no schema can have", "rename the folder")


def separator_in_name(file: str, suggestion: str) -> TextError:
    """A hyphen, a dash or a space before the last piece."""
    return TextError(
        f"`{file}` has a separator inside the table's name",
        f"rename it to `{suggestion}`: only an interval stands after a hyphen, a dash or a space",
    )


def interval_in_words(file: str, written: str, suggestion: str) -> TextError:
    """`cities - daily.sql`, `cities - 24 hours.sql`."""
    return TextError(f"`{written}` in `{file}` is no interval", f"rename it to `{suggestion}`")


def reserved_schema(file: str, schema: str) -> TextError:
    """The schema of this project's own records."""
    return TextError(
        f"`{file}` is in the schema `{schema}`, which holds what is recorded about the tables", "take another schema"
    )


def reserved_table(file: str, name: str) -> TextError:
    """A table called like those that a build writes aside."""
    return TextError(
        f"`{name}` is a name for what a build writes aside, and such tables are dropped",
        f"rename `{file}`, without `__sqlmat_`",
    )


def separator_at_end(file: str, bare: str, spaced: str) -> TextError:
    """A separator with nothing after it."""
    return TextError(f"`{file}` ends where an interval should be", f"rename it to `{bare}` or, say, `{spaced}`")


def interval_not_here(file: str, suggestion: str) -> TextError:
    """A companion file with an interval."""
    return TextError(f"`{file}` belongs to a table and has no interval of its own", f"rename it to `{suggestion}`")


def name_not_text(file: str) -> TextError:
    """A name with control characters or undecodable bytes, shown escaped."""
    return TextError(f"the name `{file}` has bytes that are no text", "rename it")


# Files


def cannot_read(reason: str) -> TextError:
    """A file or folder that the system does not let us read."""
    return TextError(f"cannot be read: {reason}")


def not_text(byte: int) -> TextError:
    """The first byte of a file that does not decode."""
    return TextError(f"the byte 0x{byte:02x} is not UTF-8", "save the file as UTF-8")


def _unused(file: str, hint: str) -> TextError:
    return TextError(f"`{file}` is not used", hint)


def unused_file(file: str) -> TextError:
    """A file that makes no part of a table."""
    return _unused(file, "move it elsewhere, or begin its name with `.`")


def unused_spelling(file: str, meant: str) -> TextError:
    """A file with another ending for what is read."""
    return _unused(file, f"rename it to `{meant}`")


def unused_export(file: str, meant: str) -> TextError:
    """A spreadsheet, or text with another separator."""
    return _unused(file, f"save it as `{meant}`")


def unused_json(file: str, meant: str) -> TextError:
    """One JSON document instead of one in each line."""
    return _unused(file, f"write one object in each line and name it `{meant}`")


def unused_yaml(file: str) -> TextError:
    """A YAML file beside the tables, as dbt has them."""
    return _unused(file, "write settings into `schema.conf` or `table.conf`, and checks into `table_test.sql`")


def unused_packed(file: str, meant: str) -> TextError:
    """A packed file."""
    return _unused(file, f"unpack it to `{meant}`")


def no_tables() -> TextError:
    """A folder without a table, and without anything that should be one."""
    return TextError(
        "there are no tables here", "write a SELECT into a folder named after its schema: `first/cities - 24h.sql`"
    )


def duplicate_table(relation: object, first: str, second: str) -> TextError:
    """Two files that define one table."""
    return TextError(
        f"`{relation}` is defined twice: in `{first}` and in `{second}`", "remove or rename one of the two"
    )


def duplicate_part(relation: object, first: str, second: str) -> TextError:
    """Two files for one part of a processed table."""
    return TextError(
        f"`{relation}` has two files for one purpose: `{first}` and `{second}`", "remove or rename one of the two"
    )


def checks_without_table(relation: object, near: object | None) -> TextError:
    """A `_test.sql` alone."""
    hint = _nearest(near) or f"add a file for `{relation}` or remove this one"
    return TextError(f"these are checks of `{relation}`, which is no table", hint)


def file_without_table(relation: object, near: object | None) -> TextError:
    """A companion file alone."""
    hint = _nearest(near) or f"add a file for `{relation}` or remove this one"
    return TextError(f"this belongs to `{relation}`, which is no table", hint)


def settings_without_schema(schema: str, near: str | None) -> TextError:
    """A schema's `.conf` alone."""
    hint = _nearest(near) or "rename or remove the file"
    return TextError(f"these are settings of the schema `{schema}`, which has no tables", hint)


def script_without_table(relation: object) -> TextError:
    """A `.py` alone."""
    name = _table(relation)
    return TextError(
        f"this script belongs to no table: there is neither a query nor a CREATE TABLE for `{relation}`",
        f"add `{name}_select.sql` and `{name}.sql`, or begin its name with `_` if others import it",
    )


def processor_without_query(relation: object) -> TextError:
    """A script with a CREATE TABLE and no `_select.sql`."""
    return TextError(
        f"the processed table `{relation}` has no query",
        f"add `{_table(relation)}_select.sql` with the SELECT whose rows the script gets",
    )


def processor_without_definition(relation: object) -> TextError:
    """A script with a `_select.sql` and no CREATE TABLE."""
    return TextError(
        f"the processed table `{relation}` has no CREATE TABLE",
        f"add `{_table(relation)} - 24h.sql` with a CREATE TABLE that names the columns the script returns",
    )


def not_a_definition() -> TextError:
    """The SQL of a processed table that is no CREATE TABLE with columns."""
    return TextError(
        "the columns that the script returns cannot be read here",
        "write one CREATE TABLE statement with types: `create table first.cities (id bigint, name text)`",
    )


# The whole project


def unknown_dialect(name: str, near: str | None, known: Sequence[str]) -> TextError:
    """A dialect that sqlglot does not know."""
    return TextError(f"there is no SQL dialect `{name}`", _nearest(near) or f"the dialects are {_listed(known)}")


def not_a_folder(path: str) -> str:
    """A project path that is no folder."""
    return f"`{path}` is no folder; name the folder that holds the SQL files"


def root_without_interval(relation: object, suggestion: str) -> TextError:
    """A table that would never be built by itself."""
    return TextError(
        f"`{relation}` has no interval, and no table that reads it has one",
        f"rename the file, say to `{suggestion}`, or set a `schedule`",
    )


def interval_and_schedule(file: str) -> TextError:
    """A table with an interval in its name and a schedule of its own."""
    return TextError(
        f"`{file}` has an interval in its name and a `schedule`",
        "keep one of the two: rename the file, or remove the `schedule`",
    )


def conditions_leave_nothing(cron: str, conditions: str) -> TextError:
    """Conditions that hold at no time of a schedule."""
    return TextError(f"the conditions `{conditions}` hold at no time of the schedule `{cron}`", "change one of the two")


def checks_called_table(relation: object, file: str, table: object) -> TextError:
    """A file that is called nearly like the checks of a table, and is a table by that."""
    return TextError(
        f"`{relation}` has no interval, and no table that reads it has one",
        f"rename the file to `{file}` if it holds the checks of `{table}`",
    )


def cycle(way: Sequence[tuple[object, str]], members: int) -> TextError:
    """Name a cycle by the tables of one way round, each with its file."""
    first = way[0][0]
    steps = " → ".join(f"`{relation}` ({path})" for relation, path in way)
    more = members - len(way)
    rest = f", and {more} more with them" if more else ""
    return TextError(f"these tables read each other in a circle: {steps} → `{first}`{rest}", "remove one of the reads")


def key_column_missing(
    key: str, column: str, relation: object, columns: Sequence[str], near: str | None = None
) -> TextError:
    """A setting with a column that the table does not have."""
    meant = "" if near is None else f"{_nearest(near)} "
    return TextError(
        f"`{key}` names `{column}`, which is no column of `{relation}`", f"{meant}its columns are {_listed(columns)}"
    )


def no_distkey() -> TextError:
    """Rows are to be distributed by a column, and none is named."""
    return TextError("`diststyle = key` names no column", "add `distkey =` and the column that rows are distributed by")


def distkey_of_no_use(style: str, key: str) -> TextError:
    """Rows are to be distributed in two ways."""
    return TextError(
        f"`diststyle = {style}` does not distribute rows by a column, and `distkey = {key}` does",
        "leave out one of the two, or take back what is inherited with `distkey = null`",
    )


def rule_name_taken(name: str, relation: object, path: str, line: int) -> TextError:
    """Two checks of one table with the same name."""
    return TextError(
        f"`{relation}` has another check called `{name}`, in `{path}` line {line}",
        "give that column another alias, or remove one of the two",
    )


def source_like_table(read: object, near: object) -> TextError:
    """A table from outside with nearly the name of one of the project."""
    return TextError(
        f"`{read}` is no table of this project but looks like `{near}`",
        f"write `{near}` if that is what you mean; else it is taken for a table from outside",
    )


def _written(near: Sequence[object]) -> str | None:
    return "write " + " or ".join(f"`{table}`" for table in near) if near else None


def source_without_schema(read: str, near: Sequence[object]) -> TextError:
    """A table that is read by its name alone, with nearly the name of some of the project."""
    said = "in one pair of quotes" if "." in read else "without a schema"
    return TextError(
        f"`{read}` is read {said}, which makes it no table of this project",
        f"{_written(near)} if that is what you mean; else it is taken for a table from outside",
    )


def check_without_schema(read: str, near: Sequence[object]) -> TextError:
    """A table that a check reads by its name alone."""
    hint = _written(near) or f"write the schema too, `schema.{read}`"
    return TextError(f"this check reads `{read}` without a schema, which makes it no table of this project", hint)


def check_reads_unknown(read: object, near: object | None) -> TextError:
    """A table that only a check reads and nobody knows."""
    hint = _nearest(near) or "correct the name, or read the table in a query of the project too"
    return TextError(f"this check reads `{read}`, which is no table of the project and read by no query of it", hint)
