"""The wording of everything that can be wrong with the files of a project, apart from the SQL inside them."""

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


def no_interval(text: str) -> TextError:
    """A suffix or a value that should be an interval."""
    return TextError(f"`{text}` is no interval", "write a whole number and a unit: `30m`, `24h`, `7d` or `2w`")


def minute_or_month(text: str) -> TextError:
    """An upper-case `M`."""
    lower = text.lower()
    return TextError(
        f"`{text}` could be minutes or months", f"write `{lower}` for minutes, or count the months in days"
    )


def under_a_minute(text: str) -> TextError:
    """Zero of a unit."""
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


# Settings


def not_a_setting(line: str) -> TextError:
    """A line of a `.conf` without a separator."""
    return TextError(f"`{line}` is no setting", "write `key = value`, or begin the line with `#` if it is a comment")


def unknown_key(key: str, near: str | None, known: Sequence[str]) -> TextError:
    """A key of a `.conf` that nobody reads."""
    return TextError(f"there is no setting `{key}`", _nearest(near) or f"the settings are {_listed(known)}")


def near_key(key: str, near: str) -> TextError:
    """A comment line that looks like a setting with a slip in its key."""
    return TextError(
        f"`{key}` is no setting and counts as description", f"write `{near}` if that is what you mean, else ignore this"
    )


def key_only_global(key: str) -> TextError:
    """A key of the project in another file."""
    return TextError(f"`{key}` is a setting of the whole project", "move it to `global.conf`")


def sign_not_here(key: str, sign: str) -> TextError:
    """`+=` or `-=` on a key that holds no list to edit."""
    return TextError(f"`{key}` cannot be changed with `{sign}=`", f"write the whole value: `{key} = …`")


def nothing_to_edit(key: str, sign: str) -> TextError:
    """`+=` or `-=` without a value."""
    return TextError(f"`{key} {sign}=` names nobody", f"write the users after it, or `{key} = null` for none at all")


def duplicate_key(key: str, line: int) -> TextError:
    """A key that one file sets twice."""
    return TextError(f"`{key}` is set twice, first in line {line}", "keep one of the two")


def bad_value(key: str, value: str, expected: str, example: str) -> TextError:
    """A value that the key cannot have; `expected` says what it can be."""
    return TextError(f"`{key}` cannot be `{value}`: it is {expected}", f"write it like `{key} = {example}`")


def bad_interval(key: str, error: TextError) -> TextError:
    """A value that should be an interval, with its key."""
    return TextError(f"`{key}`: {error.what}", error.hint)


def unknown_dialect(name: str, near: str | None, known: Sequence[str]) -> TextError:
    """A dialect that sqlglot does not know."""
    return TextError(f"there is no SQL dialect `{name}`", _nearest(near) or f"the dialects are {_listed(known)}")


def not_a_folder(path: str) -> str:
    """A project path that is no folder."""
    return f"`{path}` is no folder; name the folder that holds the SQL files"


# The whole project


def root_without_interval(relation: object, suggestion: str) -> TextError:
    """A table that would never be built by itself."""
    return TextError(
        f"`{relation}` has no interval, and no table that reads it has one", f"rename the file, say to `{suggestion}`"
    )


def cycle(way: Sequence[tuple[object, str]], members: int) -> TextError:
    """Name a cycle by the tables of one way round, each with its file."""
    first = way[0][0]
    steps = " → ".join(f"`{relation}` ({path})" for relation, path in way)
    more = members - len(way)
    rest = f", and {more} more with them" if more else ""
    return TextError(f"these tables read each other in a circle: {steps} → `{first}`{rest}", "remove one of the reads")


def key_column_missing(key: str, column: str, relation: object, columns: Sequence[str]) -> TextError:
    """A setting with a column that the table does not have."""
    return TextError(
        f"`{key}` names `{column}`, which is no column of `{relation}`", f"its columns are {_listed(columns)}"
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


def check_reads_unknown(read: object, near: object | None) -> TextError:
    """A table that only a check reads and nobody knows."""
    hint = _nearest(near) or "correct the name, or read the table in a query of the project too"
    return TextError(f"this check reads `{read}`, which is no table of the project and read by no query of it", hint)
