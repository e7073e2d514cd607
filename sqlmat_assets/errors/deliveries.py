"""The wording of what is wrong with a `*.deliver.yaml`, and of what keeps a delivery from arriving."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmat_assets.errors import MaterializeError, TerminalConnectorError, TransientConnectorError, UsageError
from sqlmat_assets.errors.project import TextError


def _listed(words: Iterable[object]) -> str:
    return ", ".join(f"`{word}`" for word in words)


# The file itself


def not_yaml(problem: str) -> TextError:
    """The file is no YAML; `problem` is what its parser says."""
    return TextError(f"this is no YAML: {problem}", "indent with spaces, and put quotes around a value with `: ` in it")


def no_mapping() -> TextError:
    """The file holds a list, a word, or nothing."""
    return TextError("this names no delivery", "write a name and, below it, `to: exports/cities.csv`")


def no_delivery(name: str) -> TextError:
    """What stands behind a name is no mapping."""
    return TextError(f"`{name}` does not say where the table goes", "write `to: exports/cities.csv` below it")


def bad_name(name: str) -> TextError:
    """A name that cannot be a part of the name of an asset."""
    return TextError(f"`{name}` cannot name a delivery", "write it in small letters, digits and `_`: `partner_bucket`")


def doubled_key(key: str, line: int) -> TextError:
    """One key twice."""
    return TextError(f"`{key}` stands in line {line} already", "remove one of the two lines")


def missing(key: str, example: str) -> TextError:
    """A key without which nothing can be delivered."""
    return TextError(f"`{key}` is missing", f"write `{key}: {example}`")


def unknown_key(key: str, kind: str, near: str | None, known: Iterable[str]) -> TextError:
    """A key that this kind of delivery has not."""
    hint = f"did you mean `{near}`?" if near else f"the keys are {_listed(known)}"
    return TextError(f"{kind} has no key `{key}`", hint)


def bad_value(key: str, example: str) -> TextError:
    """A value of another type than the key has."""
    return TextError(f"`{key}` cannot be this", f"write `{key}: {example}`")


def needs_quotes(key: str) -> TextError:
    """`secret: {{ env.NAME }}`, which YAML takes for something else."""
    return TextError(f"`{key}` begins with a brace, which YAML does not read as text", "put quotes around it")


def no_reference(text: str) -> TextError:
    """Braces that stand for nothing that is known."""
    return TextError(f"`{text}` stands for nothing", "write `{{ env.NAME }}` for a variable of the environment")


def plain_secret(key: str) -> TextError:
    """A password or a key in a file that everybody reads."""
    return TextError(f"`{key}` holds a secret in plain text", "put it into the environment, and write `{{ env.NAME }}`")


# Where to


def unknown_scheme(to: str) -> TextError:
    """`ftp://…`."""
    return TextError(
        f"`{to}` is no place that tables are delivered to",
        "write a path, `s3://…`, `gs://…`, `postgresql://…`, `https://…` or the address of a Google spreadsheet",
    )


def no_bucket(to: str) -> TextError:
    """`s3://`, without the name of a bucket."""
    return TextError(f"`{to}` names no bucket", "write `s3://bucket/folder` or `gs://bucket/folder`")


def no_spreadsheet(to: str) -> TextError:
    """An address of Google Sheets without the part that says which one."""
    return TextError(
        f"`{to}` names no spreadsheet", "write `https://docs.google.com/spreadsheets/d/…`, as the browser shows it"
    )


def no_database(to: str) -> TextError:
    """An address of PostgreSQL without a database."""
    return TextError(f"`{to}` names no database", "write `postgresql://user:{{ env.PASSWORD }}@host/database`")


def no_host(to: str) -> TextError:
    """An address of HTTP without a host."""
    return TextError(f"`{to}` names no host", "write `https://partner.example.com/hook`")


def not_a_table(text: str) -> TextError:
    """`table: cities`."""
    return TextError(f"`{text}` is no table with its schema", "write `table: public.cities`")


def not_one_of(key: str, known: Iterable[str]) -> TextError:
    """A word that a key does not have."""
    known = tuple(known)
    return TextError(f"`{key}` cannot be this", f"write one of {_listed(known)}")


def other_format(to: str, key: str, value: str) -> TextError:
    """The name of the file says one format, and a key another."""
    return TextError(f"`{to}` is not `{key}: {value}` by its ending", f"leave `{key}` out, or name the file otherwise")


def not_compressed_so(format_: str, compression: str, known: Iterable[str]) -> TextError:
    """A compression that a format does not have."""
    return TextError(f"{format_} is not compressed by `{compression}`", f"write one of {_listed(known)}")


def only_csv(key: str) -> TextError:
    """`header` or `delimiter` of a Parquet file."""
    return TextError(f"`{key}` is for CSV files only", "leave it out, or write `format: csv`")


def only_folders(key: str, to: str) -> TextError:
    """Several files, or several deliveries, where one file is named."""
    return TextError(f"`{key}` is for a folder, and `{to}` is one file", "leave it out, or name a folder")


def no_links_here(to: str) -> TextError:
    """Links to files that are on this machine."""
    return TextError(f"there are no links to `{to}`", "leave `links` out; files in S3 and Cloud Storage have links")


def long_links(text: str) -> TextError:
    """Links that are good for longer than the services sign them."""
    return TextError(f"`{text}` is longer than a link can be good for", "write `links: 7d` or less")


def one_character(key: str) -> TextError:
    """`delimiter: ", "`."""
    return TextError(f"`{key}` has to be one character", f'write `{key}: ";"`')


def no_such_delivery(name: str, near: str | None) -> TextError:
    """`files_of` of a delivery that is not there."""
    hint = f"did you mean `{near}`?" if near else "name another delivery of the same file"
    return TextError(f"there is no delivery `{name}` of this table", hint)


def delivers_no_files(name: str) -> TextError:
    """`files_of` of a delivery without files."""
    return TextError(f"`{name}` delivers no files", "name a delivery to a folder, S3 or Cloud Storage")


def name_taken(relation: object, path: str) -> TextError:
    """A table of the project is called as the asset of a delivery is."""
    return TextError(f"`{relation}` is the table of `{path}` as well", "give the delivery another name")


# While it is delivered


def no_value(name: str) -> MaterializeError:
    """A variable of the environment that is not set."""
    return MaterializeError(f"`{{{{ env.{name} }}}}` has no value\n  hint: set the variable `{name}` where this runs")


def not_built(table: object) -> MaterializeError:
    """There is nothing to deliver."""
    return MaterializeError(f"`{table}` was never built, so there is nothing to deliver\n  hint: build it first")


def never_from(environment: str) -> str:
    """A delivery was asked for in an environment."""
    return f"nothing is delivered from the environment `{environment}`\n  hint: deliveries are made from production"


def arrived_before(delivery: object) -> str:
    """What is there after a delivery has failed, where an earlier one has arrived."""
    return f"what `{delivery}` has delivered before is still there"


def never_arrived(delivery: object) -> str:
    """What is there after the first delivery has failed."""
    return f"`{delivery}` has delivered nothing yet"


def not_noted(shown: str, message: str) -> MaterializeError:
    """Rows have arrived, and that could not be written down."""
    return MaterializeError(
        f"the rows have arrived at {shown}, and that could not be noted: {message}\n"
        "  hint: nothing; they are delivered once more"
    )


def not_installed(package: str, extra: str) -> MaterializeError:
    """A package that a connector needs is not there."""
    return MaterializeError(f"`{package}` is not installed\n  hint: install `sqlmat[{extra}]`")


def refused(system: str, message: str) -> TerminalConnectorError:
    """An outside system says no; `message` is what it says."""
    return TerminalConnectorError(f"{system} refuses: {message}")


def not_reached(system: str, message: str) -> TransientConnectorError:
    """An outside system does not answer, or says that it may do so later."""
    return TransientConnectorError(f"{system} cannot be reached: {message}")


def folder_refused(path: str, message: str) -> TerminalConnectorError:
    """The file system says no."""
    return TerminalConnectorError(f"`{path}` cannot be written: {message}")


def too_many_files(rows: int, per_file: int, most: int) -> MaterializeError:
    """So few rows in each file that there are thousands."""
    return MaterializeError(
        f"{rows:,} rows in files of {per_file:,} are more than {most:,} files\n"
        f"  hint: write `rows_per_file: {-(-rows // most)}` or more"
    )


def quarantined(delivery: object, problems: Iterable[object]) -> str:
    """The file of a delivery has errors."""
    return "\n".join([f"`{delivery}` is not delivered while its file has problems", *map(str, problems)])


def no_statements(delivery: object) -> UsageError:
    """`sqlmat render` of a delivery."""
    return UsageError(f"`{delivery}` is a delivery, which no statements make\n  hint: `sqlmat plan` says where it goes")


def held_by(delivery: object, because: object) -> str:
    """The table of a delivery, or one that it depends on, has errors in its files."""
    return f"`{delivery}` waits: it depends on `{because}`, whose files have problems\n  hint: mend those first"


def cannot_sign(message: str) -> TerminalConnectorError:
    """The account can write files, and not make links to them."""
    return TerminalConnectorError(
        f"Cloud Storage makes no links for this account: {message}\n"
        "  hint: use the key of a service account, or leave `links` out"
    )


def answers_later(host: str, status: str, body: str, after: float) -> TransientConnectorError:
    """A server that says to come again."""
    return TransientConnectorError(f"{host} answers {status}{_body(body)}", after)


def answers_no(host: str, status: str, body: str) -> TerminalConnectorError:
    """A server that does not take what it gets."""
    return TerminalConnectorError(f"{host} answers {status}{_body(body)}")


def answers_elsewhere(host: str, status: str, location: str) -> TerminalConnectorError:
    """A server that sends a call to another address, where it would arrive without its body."""
    return TerminalConnectorError(f"{host} answers {status}, to `{location}`\n  hint: deliver to that address")


def _body(body: str) -> str:
    return f": {body}" if body else ""


def not_delivered_here(table: object, kind: str) -> MaterializeError:
    """A table in another database that something else has made."""
    return MaterializeError(
        f"`{table}` is a {kind} that this delivery did not make\n"
        "  hint: write `adopt: true` to replace it, or name another table"
    )


def sheet_full(cells: int, staying: int, most: int) -> MaterializeError:
    """More cells than a spreadsheet has."""
    return MaterializeError(
        f"{cells:,} cells are too many: the spreadsheet has {staying:,} others, and takes {most:,}\n"
        "  hint: deliver a smaller table, keep fewer tabs with `keep`, or deliver files"
    )
