"""The wording of what is wrong with a `*.load.yaml`, and with the files that it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmat_assets.errors import MaterializeError
from sqlmat_assets.errors.project import TextError

_EXAMPLE = "write `files: data/trips_{partition}.csv.gz` or `files: data/trips_*.csv`"
_MOST_SHOWN = 5


def _listed(words: Iterable[object]) -> str:
    every = [f"`{word}`" for word in words]
    return ", ".join([*every[:_MOST_SHOWN], "…"] if len(every) > _MOST_SHOWN else every)


# The file itself


def not_yaml(problem: str) -> TextError:
    """The file is no YAML; `problem` is what its parser says."""
    return TextError(f"this is no YAML: {problem}", "indent with spaces, and put quotes around a value with `: ` in it")


def no_mapping() -> TextError:
    """The file holds a list, a word, or nothing."""
    return TextError("this says nothing of files and columns", "write `files: …` and, below `columns:`, `name: type`")


def unknown_key(key: str, near: str | None, known: Iterable[str]) -> TextError:
    """`file: …`."""
    hint = f"did you mean `{near}`?" if near else f"the keys are {_listed(known)}"
    return TextError(f"there is no key `{key}`", hint)


def setting_here(key: str, conf: str) -> TextError:
    """`owner: …` among the keys of the load."""
    hint = f"write it into `{conf}`, or into a comment on top of this file"
    return TextError(f"`{key}` is a setting, and no key of a load", hint)


def doubled_key(key: str, line: int) -> TextError:
    """One key twice."""
    return TextError(f"`{key}` stands in line {line} already", "remove one of the two lines")


def no_files() -> TextError:
    """Nothing says which files are loaded."""
    return TextError("`files` is missing", _EXAMPLE)


def no_columns() -> TextError:
    """Nothing says what columns the files have."""
    return TextError("`columns` is missing", "write each column of the files below `columns:`, as `name: type`")


def not_a_text(key: str, example: str) -> TextError:
    """A list or a mapping where one value belongs."""
    return TextError(f"`{key}` has to be one text", f"write `{example}`")


def not_columns() -> TextError:
    """`columns` is no mapping."""
    return TextError("`columns` has to say the type of each column", "write each in a line of its own, as `name: type`")


def no_type(name: str, type_: str) -> TextError:
    """What stands behind a column is no type of the dialect."""
    return TextError(f"`{type_}` is no type for `{name}`", "write a type such as `bigint`, `varchar` or `timestamp`")


def doubled_column(name: str, other: str) -> TextError:
    """Two columns that the engine takes for one."""
    return TextError(f"`{name}` is the name of another column, `{other}`", "give each column a name of its own")


# The pattern of files


def unknown_scheme(files: str, near: str | None, known: Iterable[str]) -> TextError:
    """`ftp://…`."""
    hint = f"did you mean `{near}://`?" if near else f"write a path, or a URL that begins with one of {_listed(known)}"
    return TextError(f"nothing here reads `{files}`", hint)


def secret_here() -> TextError:
    """`https://user:password@example.com/…`."""
    return TextError(
        "a user or a password stands in the URL",
        "write `connection: shop`, and put the URL with the password into `SQLMAT_CONNECTION_SHOP`",
    )


def nothing_lists(files: str) -> TextError:
    """`https://example.com/*.csv`."""
    return TextError(
        f"nothing tells which files `{files}` could mean: a web server lists none",
        "name one file, with `{partition}` in its name where there are several",
    )


def nothing_inside(path: str, where: str = "CSV") -> TextError:
    """A nested column of CSV, or of a table."""
    return TextError(
        f"`{path}` stands inside of another value, and there are none in {where}",
        "write its column's name, as `name: type`",
    )


def no_connection_name(name: str) -> TextError:
    """A connection that is a URL, or has spaces."""
    return TextError(
        f"`{name}` is no name of a connection", "write a word such as `shop`, whose URL is in `SQLMAT_CONNECTION_SHOP`"
    )


def unknown_format(files: str, known: Iterable[str]) -> TextError:
    """Files that no reader is there for."""
    return TextError(f"`{files}` names files of no known format", f"the endings are {_listed(known)}")


def unknown_placeholder(written: str) -> TextError:
    """`{month}` in a pattern."""
    return TextError(
        f"`{{{written}}}` stands for nothing",
        "write `{partition}`, or `{number}`, `{day}` or `{hour}` for folders with `strategy: time_series`",
    )


def several_folders() -> TextError:
    """`{day}/{number}` in a pattern."""
    return TextError("the pattern has several placeholders for folders", "leave one, with a format: `{day:%Y/%m/%d}`")


def bad_format(written: str) -> TextError:
    """A format that does not tell one partition from another, or partitions that are no times."""
    return TextError(
        f"`{{{written}}}` has one text for several partitions", "write `{partition}`, or a format that tells them apart"
    )


def no_placeholder(column: str) -> TextError:
    """The table has partitions, and nothing says which file is in which."""
    return TextError(
        f"`files` does not say which files belong to a partition of `{column}`", "put `{partition}` into the pattern"
    )


def no_partitions() -> TextError:
    """`{partition}` in the pattern of a table without partitions."""
    return TextError(
        "`{partition}` is in the pattern, and the table has no partitions",
        "set `partition_by = month(…) from …`, or write `*`",
    )


def column_of_its_own(name: str, source: str) -> TextError:
    """A column that sqlmat fills in is declared as one of the files."""
    return TextError(
        f"`{name}` is a column of the files, and is also to be made from {source}", "name one of the two otherwise"
    )


# Strategies


def unknown_strategy(written: str, near: str | None, known: Iterable[str]) -> TextError:
    """`strategy: append`."""
    hint = f"did you mean `{near}`?" if near else f"the strategies are {_listed(known)}"
    return TextError(f"there is no strategy `{written}`", hint)


def no_count(key: str, written: str) -> TextError:
    """`max_bad_rows: some`."""
    return TextError(f"`{written}` is no number of rows", f"write `{key}: 10`")


def no_bound(key: str, written: str, kind: str) -> TextError:
    """`from: yesterday`."""
    example = {"number": "17", "day": "2019-01-01", "hour": "2019-01-01/06"}[kind]
    return TextError(f"`{written}` is no {kind}", f"write `{key}: {example}`")


def no_folders() -> TextError:
    """`strategy: time_series` of files in no order."""
    return TextError(
        "`strategy: time_series` needs folders that have an order",
        "write `{number}`, `{day}` or `{hour}` in the place of their names: `files: s3://bucket/events/{day}/*.csv`",
    )


def no_column_for_folders(kind: str) -> TextError:
    """`strategy: time_series` without a column for the folder."""
    return TextError(
        f"`strategy: time_series` needs a column for the {kind}", f"name it in a line of its own: `folder: {kind}`"
    )


def only_time_series(key: str) -> TextError:
    """`folder`, or `{day}`, without the strategy."""
    return TextError(f"`{key}` has no effect without `strategy: time_series`", f"write that, or remove `{key}`")


# Databases


def only_databases(key: str) -> TextError:
    """`key: id` beside `files`."""
    return TextError(f"`{key}` is for tables of a database", "write `table: …` and `connection: …`, or remove it")


def only_files(key: str) -> TextError:
    """`filename` beside `table`."""
    return TextError(f"`{key}` is for files, and not for tables of a database", "remove it")


def table_and_query() -> TextError:
    """Both are there."""
    return TextError("`table` and `query` are two ways to say what is read", "leave one of them")


def no_table_name(written: str) -> TextError:
    """`table: select …`."""
    return TextError(f"`{written}` is no name of a table", "write `table: public.orders`, or `query: select …`")


def no_connection() -> TextError:
    """A database without a name for its login."""
    return TextError("`connection` is missing", "write `connection: shop`, whose URL is in `SQLMAT_CONNECTION_SHOP`")


def strategy_of_files(strategy: str) -> TextError:
    """`strategy: manifest` of a table of a database."""
    return TextError(f"`strategy: {strategy}` is for files", "write `bulk`, or `incremental` with `key: …`")


def no_key() -> TextError:
    """`strategy: incremental` without a key."""
    return TextError("`strategy: incremental` needs a column that grows", "name it in a line of its own: `key: id`")


def only_incremental(key: str) -> TextError:
    """`key: id` without the strategy."""
    return TextError(f"`{key}` has no effect without `strategy: incremental`", f"write that, or remove `{key}`")


def key_not_declared(key: str) -> TextError:
    """The key is no column of the table."""
    return TextError(f"`{key}` is none of the `columns`", f"add `{key}: bigint` to them")


def no_partitions_of_databases() -> TextError:
    """`partition_by` of a table that comes from a database."""
    return TextError(
        "a table that is loaded from a database has no partitions",
        "leave `partition_by` out, or make a table with partitions of it by a query",
    )


def no_arrival_of_partitions() -> TextError:
    """`arrival` of a table with partitions."""
    return TextError(
        "`arrival` has no effect on a table with partitions, each of which waits for its own files",
        "write a `schedule`, or leave `partition_by` out and write `strategy: manifest`",
    )


def no_partitions_in_parts(strategy: str) -> TextError:
    """Partitions of a table that is loaded in parts of another kind."""
    return TextError(
        f"`strategy: {strategy}` and `partition_by` are two ways to load a part of the table",
        "leave `strategy` out, or write `partition_by: null` into a comment on top of this file",
    )


# The files, when the table is built


def missing_files(paths: Sequence[str]) -> MaterializeError:
    """Partitions without their files."""
    more = len(paths) - _MOST_SHOWN
    shown = [f"  {path}" for path in paths[:_MOST_SHOWN]]
    if more > 0:
        shown.append(f"  and {more:,} more")
    what = "1 file is missing" if len(paths) == 1 else f"{len(paths):,} files are missing"
    return MaterializeError("\n".join([f"{what}, nothing was loaded:", *shown]))


def would_lose(urls: Sequence[str]) -> MaterializeError:
    """All files are to be loaded anew, and some of those whose rows are there are gone."""
    more = len(urls) - _MOST_SHOWN
    shown = [f"  {url}" for url in urls[:_MOST_SHOWN]]
    if more > 0:
        shown.append(f"  and {more:,} more")
    what = "1 file that was loaded is gone" if len(urls) == 1 else f"{len(urls):,} files that were loaded are gone"
    hint = "`sqlmat build --full-refresh` loads what is there; with `filename`, a file that has changed is loaded alone"
    return MaterializeError(
        "\n".join([f"all files have to be loaded anew, and {what}, so that rows would be lost:", *shown])
        + f"\n  hint: {hint}"
    )


def nothing_matches(pattern: str, *, is_relative: bool) -> MaterializeError:
    """No file at all."""
    hint = "\n  hint: a relative path begins where the `.load.yaml` is" if is_relative else ""
    return MaterializeError(f"no file matches `{pattern}`{hint}")
