"""The wording of what goes wrong while tables are built."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlmat_assets.errors import (
    CheckFailedError,
    MaterializeError,
    Problem,
    TerminalWarehouseError,
    TransientWarehouseError,
    UsageError,
)


def span(duration: timedelta) -> str:
    """A duration for people.

    Examples:
        >>> span(timedelta(seconds=90)), span(timedelta(seconds=0.25)), span(timedelta(hours=26))
        ('1m 30s', '0.25s', '1d 2h')
    """
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:g}s"
    parts: list[str] = []
    left = round(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts)


def holds_now(relation: str, *, is_built: bool | None, is_known: bool = True) -> str:
    """What readers of a table see after a failure.

    Args:
        relation: The table.
        is_built: Whether there was one before; None where that could not be asked.
        is_known: Whether it is known that nothing was published.
    """
    if not is_known:
        before = "does not exist or" if is_built is False else "holds its previous rows or"
        return (
            f"it is not known whether `{relation}` {before} holds the new rows\n"
            "  hint: build it again when the warehouse answers"
        )
    match is_built:
        case None:
            return f"`{relation}` was not touched"
        case True:
            return f"`{relation}` still holds its previous rows"
        case False:
            return f"`{relation}` was never built"


def engine_refused(message: str, held: str, statement: str | None) -> str:
    """The driver's words, what the target holds now, and the whole statement."""
    return f"{message}\n{held}" if statement is None else f"{message}\n{held}\nstatement: {statement}"


def with_state(message: str, held: str) -> str:
    """What went wrong, and what the target holds now."""
    return f"{message}\n{held}"


def checks_failed(relation: str, failed: Sequence[tuple[str, str]]) -> CheckFailedError:
    """Blocking checks did not hold; `failed` has their names and what was wrong with each."""
    head = f"{len(failed)} {'check' if len(failed) == 1 else 'checks'} of `{relation}` failed"
    lines = [f"  `{name}`: {message}" for name, message in failed]
    return CheckFailedError("\n".join([head, *lines]))


def quarantined(relation: str, problems: Sequence[Problem], held: str) -> str:
    """The file of a table has errors."""
    return "\n".join([f"`{relation}` is not built while its files have problems", *map(str, problems), held])


def held_by(relation: str, because: str, held: str) -> str:
    """A table depends on one whose file has errors."""
    return f"`{relation}` waits: it depends on `{because}`, whose files have problems\n  hint: mend those first\n{held}"


def reserved_name(relation: str) -> str:
    """A table of the project is named like what sqlmat keeps for itself."""
    return (
        f"`{relation}` is a name that sqlmat uses itself\n"
        "  hint: choose another; the schema `_sqlmat` and names with `__sqlmat_` are taken"
    )


def not_ours(relation: str, kind: str) -> str:
    """A table or view stands in the target's place and sqlmat has no record of it."""
    return (
        f"`{relation}` is a {kind} that sqlmat did not make\n"
        f"  hint: set `adopt = true` in its settings to replace it, or give the file another name"
    )


def in_file(message: str, path: str, line: int) -> str:
    """The driver's words, and the place in a file that they are about."""
    return f"{message}\n  in {path}:{line}"


def reads_itself_unbuilt(relation: str) -> str:
    """A hint below the driver's words: the query reads the table that it would build."""
    return f"  hint: `{relation}` reads itself and was never built; build it once from a query that does not"


def reads_unbuilt(relations: Sequence[str]) -> str:
    """A hint below the driver's words: the query reads tables of the project that are not there."""
    names = ", ".join(f"`{relation}`" for relation in relations)
    return f"  hint: build {names} first, which {'was' if len(relations) == 1 else 'were'} never built"


def reads_unbegun(histories: Sequence[str]) -> str:
    """A hint below the driver's words: the query reads snapshots of which there are none yet."""
    names, is_one = ", ".join(f"`{history}`" for history in histories), len(histories) == 1
    return (
        f"  hint: there {'is' if is_one else 'are'} no {names} yet; build the table of the snapshots with "
        "`snapshots_interval` first, or make an empty history with its columns and `snapshot_timestamp`"
    )


def not_partitioned(relation: str) -> str:
    """Partitions of a table were asked for that has none."""
    return f"`{relation}` has no partitions\n  hint: set `partition_by`, or build all of it"


def no_partition_to_build(relation: str) -> str:
    """No partition of a table has ended, or none was named."""
    return f"no partition of `{relation}` has ended yet\n  hint: name one to build it before its end"


def only_queries_in_part(path: str, setting: str) -> str:
    """A setting that needs a query stands on a table of another kind."""
    return f"`{path}` is no query, and `{setting}` needs one"


def partitioned_by_other_type(column: str, type_name: str) -> str:
    """A table is partitioned by time, and its column holds something else."""
    return f"`partition_by` names `{column}`, which is {type_name}\n  hint: make it a DATE or a TIMESTAMP in the SELECT"


def no_key(mode: str) -> str:
    """Rows are to be merged, and nothing says by what."""
    return f"`mode = {mode}` needs to know which rows are the same\n  hint: set `unique_key`"


def key_not_in_columns(column: str, names: Sequence[str]) -> str:
    """The query does not give a column of `unique_key` or `order_by`."""
    listed = ", ".join(f"`{name}`" for name in names)
    return f"the query does not give `{column}`, by which rows are merged\n  hint: its columns are {listed}"


def key_is_null(columns: Sequence[str], rows: int) -> str:
    """Some rows have no key."""
    names = ", ".join(f"`{column}`" for column in columns)
    counted = f"{rows:,} {'row' if rows == 1 else 'rows'}"
    return f"`unique_key` ({names}) is NULL in {counted}\n  hint: leave them out in the SELECT"


def keys_repeat(columns: Sequence[str], examples: Sequence[str]) -> str:
    """Rows of one batch differ and have one key."""
    names = ", ".join(f"`{column}`" for column in columns)
    return (
        f"rows that differ have the same `unique_key` ({names}): {'; '.join(examples)}\n"
        "  hint: set `order_by`, whose first row of each key is taken"
    )


def columns_changed(added: Sequence[str], gone: Sequence[str], retyped: Sequence[tuple[str, str, str]]) -> str:
    """The query gives other columns than the table has; `retyped` are (name, type there, type now)."""
    lines = [f"  `{name}` is new" for name in added]
    lines += [f"  `{name}` is gone" for name in gone]
    lines += [f"  `{name}` was {before} and is {now}" for name, before, now in retyped]
    hint = "set `on_schema_change = rebuild`, or build it once with `--full-refresh`"
    if not gone and not retyped:
        hint = "set `on_schema_change = add` or `rebuild`, or build it once with `--full-refresh`"
    return "\n".join(["the query gives other columns than the table has", *lines, f"  hint: {hint}"])


def reads_itself_untold(relation: str) -> str:
    """A first build needs the columns of the table that the query reads, and nothing tells them."""
    return (
        f"`{relation}` reads itself, was never built, and its SQL does not tell its columns\n"
        "  hint: name the columns in the SELECT instead of `*`"
    )


def columns_untold(path: str) -> str:
    """Statements that name every column are to be shown, and only the warehouse knows the columns."""
    return f"`{path}` does not tell its columns\n  hint: name them in the SELECT instead of `*`"


def published_meanwhile(relation: str) -> str:
    """Another run has published a table while this one built a batch for it."""
    return (
        f"another run has published `{relation}` since this one read it, so its batch could come in twice\n"
        "  hint: build it again, or set `unique_key`"
    )


def time_limit_passed(limit: timedelta) -> str:
    """The query ran longer than it may."""
    return f"cancelled after its time limit of {span(limit)}\n  hint: set `time_limit` to allow more"


def cancelled() -> str:
    """Somebody stopped the run."""
    return "cancelled"


def no_data_file(path: str) -> str:
    """The file that a table is loaded from is gone."""
    return f"the data file `{path}` does not exist"


def kind_not_built(path: str, kind: str) -> str:
    """A kind of table that is only read, checked and shown so far."""
    return f"`{path}`: tables of kind `{kind}` cannot be built yet"


def unknown_data_format(path: str) -> str:
    """The ending of a data file is none that can be loaded."""
    return f"`{path}` is no CSV, Parquet or NDJSON file\n  hint: name it `.csv`, `.parquet` or `.ndjson`"


def another_dialect(written: str, spoken: str, warehouse: str, hint: str | None = None) -> str:
    """The SQL of the project is not that of the warehouse."""
    return (
        f"the SQL of the project is that of {written}, and `{warehouse}` reads {spoken}\n"
        f"  hint: {hint or f'write `dialect = {spoken}` into `global.conf`'}"
    )


def unsupported_scheme(scheme: str, known: Sequence[str]) -> UsageError:
    """No adapter for the scheme of a warehouse URL."""
    names = ", ".join(f"`{name}://`" for name in known)
    return UsageError(f"warehouse URLs starting with `{scheme}://` are not supported\n  hint: use one of {names}")


def no_scheme(known: Sequence[str]) -> UsageError:
    """A warehouse URL without a scheme; the text is not repeated, for it may hold a password."""
    names = ", ".join(f"`{name}://`" for name in known)
    return UsageError(f"the warehouse URL has no scheme\n  hint: start it with one of {names}")


def no_file_named() -> UsageError:
    """A DuckDB URL that names no file."""
    return UsageError("the warehouse URL names no file\n  hint: write `duckdb:///path/to/warehouse.duckdb`")


def no_login_to_a_file() -> UsageError:
    """A DuckDB URL with a user and perhaps a password, which is not repeated."""
    return UsageError(
        "the warehouse URL names a user, and a DuckDB file has none\n  hint: write `duckdb:///path/to/warehouse.duckdb`"
    )


def nothing_kept_in_memory() -> UsageError:
    """DuckDB's `:memory:`."""
    return UsageError("a warehouse in memory keeps nothing\n  hint: name a file, as in `duckdb:///warehouse.duckdb`")


def unknown_parameter(name: str, known: Sequence[str]) -> UsageError:
    """A parameter in a warehouse URL that its adapter does not know."""
    names = ", ".join(f"`{key}`" for key in known)
    return UsageError(f"the warehouse URL has an unknown parameter `{name}`\n  hint: known parameters are {names}")


def impossible_wait(value: str) -> UsageError:
    """The parameter `wait` of a warehouse URL is no number of seconds."""
    return UsageError(f"`wait={value}` in the warehouse URL is no number of seconds\n  hint: write `wait=60`")


def impossible_memory(value: str) -> UsageError:
    """The parameter `memory_limit` of a warehouse URL is no amount of memory."""
    return UsageError(
        f"`memory_limit={value}` in the warehouse URL is no amount of memory\n  hint: write `memory_limit=4GB`"
    )


def file_is_held(path: str, holder: str | None, waited: timedelta) -> TransientWarehouseError:
    """Another process has the DuckDB file open."""
    who = holder or "another process"
    return TransientWarehouseError(
        f"`{path}` is held by {who}, waited {span(waited)}\n  hint: close it there, or wait longer with `?wait=300`"
    )


def cannot_open(path: str, message: str, hint: str | None) -> TerminalWarehouseError:
    """The DuckDB file cannot be opened, for another reason than that somebody holds it."""
    text = f"cannot open `{path}`: {message}"
    return TerminalWarehouseError(text if hint is None else f"{text}\n  hint: {hint}")


def check_is_false(false: int, null: int, rows: int) -> str:
    """Some values of a check are false or NULL."""
    if rows == 1:
        return "is false" if false else "is NULL"
    parts = [f"{word} in {count:,}" for word, count in (("false", false), ("NULL", null)) if count]
    return f"{' and '.join(parts)} of {rows:,} rows"


def check_has_no_rows() -> str:
    """A check's query returned nothing."""
    return "returned no rows"


def check_is_not_boolean(type_name: str) -> str:
    """A check's column has another type than boolean."""
    return f"is {type_name}, not boolean\n  hint: compare it with something, as in `count(*) = 0`"


def check_has_no_column(name: str) -> str:
    """A check's query does not return the column that was expected."""
    return f"returned no column `{name}`"


def values_repeat(columns: Sequence[str], values: int, rows: int) -> str:
    """The rule `unique` does not hold."""
    names = ", ".join(f"`{column}`" for column in columns)
    counted = f"{values:,} {'value' if values == 1 else 'values'}"
    return f"{counted} of {names} {'repeats' if values == 1 else 'repeat'}, in {rows:,} rows"


def value_is_null(column: str, nulls: int, rows: int) -> str:
    """The rule `not_null` does not hold."""
    return f"`{column}` is NULL in {nulls:,} of {rows:,} rows"


def rule_column_missing(column: str, place: tuple[str, int], columns: Sequence[str], near: str | None) -> str:
    """A setting that adds a check names a column that the table does not have; `place` is where it stands."""
    meant = "" if near is None else f"did you mean `{near}`? "
    listed = ", ".join(f"`{name}`" for name in columns)
    return f"{in_file(f'`{column}` is no column of the table', *place)}\n  hint: {meant}its columns are {listed}"


def too_few_rows(rows: int, limit: int) -> str:
    """The rule `min_rows` does not hold."""
    return f"{rows:,} {'row' if rows == 1 else 'rows'}, at least {limit:,} expected"


def rows_changed_too_much(before: int, after: int, limit: float) -> str:
    """The rule `max_row_change` does not hold."""
    counted = f"{after:,} {'row' if after == 1 else 'rows'}"
    if before == 0:
        return f"{counted}, none before: more than {limit:.1%} of change"
    change = abs(after - before) / before
    return f"{counted}, after {before:,} before: a change of {change:.1%}, at most {limit:.1%} allowed"


def cannot_be_moved(relation: str, what: str, said: str) -> MaterializeError:
    """An index or a constraint of the table in place cannot be had by the rows that would replace it."""
    return MaterializeError(
        f"`{relation}` cannot be replaced: it has {what}, and the new table cannot: {said}\n"
        "  hint: drop it, or mend the query"
    )


def index_in_the_way(message: str) -> str:
    """DuckDB does not rename a table, or retype its column, while somebody's index is on it."""
    return f"{message}\n  hint: drop the index that was made on this table; DuckDB changes no table with an index"
