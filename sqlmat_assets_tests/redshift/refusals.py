"""What PostgreSQL does and Redshift refuses, each with the page of the vendor that says so.

The refusal is what the pages say; the words are Redshift's own only where `heard` names who has met them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlmat_assets_tests.redshift.lexer import Token, at_commas, closing, find_words, has_words, words_of
from sqlmat_assets_tests.redshift.statements import Statement
from sqlmat_assets_tests.redshift.vocabulary import (
    ABSENT_FUNCTIONS,
    ABSENT_TYPES,
    AGGREGATES,
    JSON_OPERATORS,
    LEADER_ONLY,
    OBJECTS,
    PARAMETERS,
)

VENDOR = "https://docs.aws.amazon.com/redshift/latest/dg/"
FEATURES = VENDOR + "c_unsupported-postgresql-features.html"
FUNCTIONS = VENDOR + "c_unsupported-postgresql-functions.html"
TYPES = VENDOR + "c_unsupported-postgresql-datatypes.html"
ALTER = VENDOR + "r_ALTER_TABLE.html"
ISSUES = "https://github.com/"

# The pages whose text was at hand; of the others only the address is known.
READ = words_of(
    """
    c_unsupported-postgresql-features.html c_unsupported-postgresql-datatypes.html r_ALTER_TABLE.html r_DELETE.html
    r_MERGE.html r_names.html c_Window_functions.html
    """
)

SYNTAX, UNSUPPORTED, NO_FUNCTION, NO_TYPE, TOO_LONG, ACTIVE = "42601", "0A000", "42883", "42704", "42622", "25001"
NOT_A_TABLE, NO_COLUMN, NO_PARAMETER, INTERNAL = "42809", "42703", "42704", "XX000"


class Refused(Exception):  # noqa: N818 - what has happened
    """Redshift would not run this statement."""

    def __init__(self, message: str, sqlstate: str = UNSUPPORTED, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message, self.sqlstate, self.detail, self.hint = message, sqlstate, detail, hint


@dataclass(frozen=True, slots=True)
class Refusal:
    """One thing that is refused.

    Attributes:
        page: The vendor's page that says so.
        heard: Where the words, or the refusal itself, were met on a real cluster; empty where nobody was found.
    """

    what: str
    find: Callable[[Statement], Refused | None]
    page: str
    heard: str = ""

    @property
    def is_read(self) -> bool:
        """Whether the text of the page was at hand when this was written."""
        return self.page.removeprefix(VENDOR) in READ


def check_statement(statement: Statement) -> None:
    """Raise what Redshift would answer, if it refuses the statement."""
    for refusal in REFUSALS:
        found = refusal.find(statement)
        if found is not None:
            raise found


def syntax_error(token: Token, text: str) -> Refused:
    return Refused(f'syntax error at or near "{text[token.start : token.end]}"', SYNTAX)


def unsupported_command(statement: Statement) -> Refused:
    return Refused(f'SQL command "{statement.text}" not supported on Redshift tables.', UNSUPPORTED)


def _objects(statement: Statement) -> Refused | None:
    verb, _, kind = statement.verb.partition(" ")
    refused = verb in {"create", "alter", "drop"} and kind in OBJECTS
    return unsupported_command(statement) if refused else None


def _savepoint(statement: Statement) -> Refused | None:
    other = statement.verb in {"savepoint", "release", "listen", "notify", "unlisten", "cluster", "reindex"}
    back = statement.verb == "rollback" and any(find_words(statement.tokens, "to"))
    return unsupported_command(statement) if other or back else None


def _deallocate(statement: Statement) -> Refused | None:
    if statement.verb == "deallocate" and statement.tokens[-1].is_word("all"):
        return syntax_error(statement.tokens[-1], statement.text)
    return None


def _words(*words: str, verbs: Sequence[str] = ()) -> Callable[[Statement], Refused | None]:
    def find(statement: Statement) -> Refused | None:
        if verbs and statement.verb not in verbs:
            return None
        for at in find_words(statement.tokens, *words):
            return syntax_error(statement.tokens[at], statement.text)
        return None

    return find


def _filter(statement: Statement) -> Refused | None:
    for at in find_words(statement.tokens, "filter"):
        behind = statement.tokens[at + 1 : at + 2]
        if at and statement.tokens[at - 1].is_symbol(")") and behind and behind[0].is_symbol("("):
            return syntax_error(behind[0], statement.text)
    return None


def _distinct_on(statement: Statement) -> Refused | None:
    for at in find_words(statement.tokens, "distinct", "on"):
        if statement.tokens[at + 2 : at + 3] and statement.tokens[at + 2].is_symbol("("):
            return Refused("SELECT DISTINCT ON is not supported")
    return None


def _locking(statement: Statement) -> Refused | None:
    for strength in ("update", "share"):
        for at in find_words(statement.tokens, "for", strength):
            if not statement.tokens[at - 1].is_symbol("("):
                return Refused("SELECT FOR UPDATE/SHARE is not supported")
    return None


def _operators(statement: Statement) -> Refused | None:
    for token in statement.tokens:
        if token.is_symbol(*JSON_OPERATORS):
            return Refused(
                f'operator does not exist: character varying {token.value} "unknown"',
                NO_FUNCTION,
                hint=(
                    "No operator matches the given name and argument type(s). You may need to add explicit type casts."
                ),
            )
    return None


def _calls(statement: Statement) -> Iterator[Token]:
    tokens = statement.tokens
    for at in range(len(tokens) - 1):
        if tokens[at].kind == "word" and tokens[at + 1].is_symbol("(") and not (at and tokens[at - 1].is_symbol(".")):
            yield tokens[at]


def _functions(statement: Statement) -> Refused | None:
    if statement.verb in {"create table", "alter table", "create function", "create procedure"} and not any(
        find_words(statement.tokens, "select")
    ):
        return None
    for call in _calls(statement):
        if call.value in ABSENT_FUNCTIONS:
            return Refused(
                f"function {call.value}() does not exist",
                NO_FUNCTION,
                hint="No function matches the given name and argument types. You may need to add explicit type casts.",
            )
    return None


def _leader_only(statement: Statement) -> Refused | None:
    """Some functions run on the leader node, which has no tables."""
    tokens = statement.tokens
    tables = [
        at
        for at, token in enumerate(tokens[:-2])
        if token.is_word("from", "join") and tokens[at + 1].is_name and not tokens[at + 2].is_symbol("(")
    ]
    if not tables and statement.verb not in {"create table", "insert", "unload"}:
        return None
    if any(call.value in LEADER_ONLY for call in _calls(statement)):
        return Refused(
            "Specified types or functions (one per INFO message) not supported on Redshift tables.", UNSUPPORTED
        )
    return None


def _types(statement: Statement) -> Refused | None:
    tokens = statement.tokens
    for at, token in enumerate(tokens[1:], 1):
        cast = tokens[at - 1].is_symbol("::") or (
            tokens[at - 1].is_word("as") and tokens[at + 1 : at + 2] and tokens[at + 1].is_symbol(")")
        )
        if cast and token.is_word(*ABSENT_TYPES):
            return absent_type(token.value)
    return None


def absent_type(name: str) -> Refused:
    return Refused(f'type "{name}" does not exist', NO_TYPE)


def _array(statement: Statement) -> Refused | None:
    for at in find_words(statement.tokens, "array"):
        if statement.tokens[at + 1 : at + 2] and statement.tokens[at + 1].is_symbol("["):
            return syntax_error(statement.tokens[at + 1], statement.text)
    return None


def _values(statement: Statement) -> Refused | None:
    """VALUES may only stand behind INSERT INTO."""
    for at in find_words(statement.tokens, "values"):
        before = statement.tokens[at - 1] if at else None
        if before is None or before.is_symbol("(") or before.is_word("as", "from", "union", "all"):
            return syntax_error(statement.tokens[at], statement.text)
    return None


def _frames(statement: Statement) -> Refused | None:
    """An aggregate over an ordered window needs a frame."""
    tokens = statement.tokens
    for at in find_words(tokens, "over"):
        if not (at + 1 < len(tokens) and tokens[at + 1].is_symbol("(") and tokens[at - 1].is_symbol(")")):
            continue
        window = tokens[at + 1 : closing(tokens, at + 1)]
        if any(token.is_word("range") for token in window):
            return Refused("RANGE clause of window functions not yet implemented")
        if any(find_words(window, "order", "by")) and not any(token.is_word("rows", "range") for token in window):
            depth, begin = 0, at - 1
            for begin in range(at - 1, -1, -1):
                depth += tokens[begin].is_symbol(")") - tokens[begin].is_symbol("(")
                if depth == 0:
                    break
            if begin and tokens[begin - 1].is_word(*AGGREGATES):
                return Refused("Aggregate window functions with an ORDER BY clause require a frame clause")
    return None


def _parameters(statement: Statement) -> Refused | None:
    if statement.verb != "set" or len(statement.tokens) < 2:
        return None
    name = next((token.value for token in statement.tokens[1:] if not token.is_word("session", "local", "to")), "")
    if name in PARAMETERS:
        return None
    return Refused(f'unrecognized configuration parameter "{name}"', NO_PARAMETER)


def _copy(statement: Statement) -> Refused | None:
    if statement.verb == "copy" and any(token.is_word("stdin", "stdout") for token in statement.tokens):
        return Refused("COPY from STDIN and to STDOUT is not supported")
    return None


def _delete(statement: Statement) -> Refused | None:
    if statement.verb != "delete" or statement.behind >= len(statement.tokens):
        return None
    behind = statement.tokens[statement.behind]
    return None if behind.is_word("using", "where") else syntax_error(behind, statement.text)


def _update(statement: Statement) -> Refused | None:
    for at in find_words(statement.tokens, "set"):
        if statement.verb == "update" and statement.tokens[at + 1].is_symbol("("):
            return syntax_error(statement.tokens[at + 1], statement.text)
    return None


def _merge(statement: Statement) -> Refused | None:
    tokens = statement.tokens
    if statement.verb != "merge":
        return None
    if any(find_words(tokens, "remove", "duplicates")):
        return Refused("the double of Redshift does not emulate MERGE REMOVE DUPLICATES")
    using = tokens[statement.behind : statement.behind + 2]
    if not using or not using[0].is_word("using"):
        return syntax_error(using[0], statement.text) if using else None
    if using[1:] and using[1].is_symbol("("):
        return syntax_error(using[1], statement.text)
    for words in (("matched", "and"), ("do", "nothing"), ("by", "source"), ("by", "target")):
        for at in find_words(tokens, *words):
            return syntax_error(tokens[at + 1], statement.text)
    if len(list(find_words(tokens, "when"))) != 2:
        return Refused("MERGE must have one WHEN MATCHED clause and one WHEN NOT MATCHED clause", SYNTAX)
    return None


def _truncate(statement: Statement) -> Refused | None:
    if statement.verb == "truncate" and statement.behind < len(statement.tokens):
        return syntax_error(statement.tokens[statement.behind], statement.text)
    return None


def _create_as(statement: Statement) -> Refused | None:
    if statement.verb != "create table" or not any(find_words(statement.tokens, "if", "not", "exists")):
        return None
    for at in find_words(statement.tokens[statement.behind :], "as"):
        return syntax_error(statement.tokens[statement.behind + at], statement.text)
    return None


def _table_words(statement: Statement) -> Refused | None:
    if statement.verb != "create table":
        return None
    if any(token.is_word("unlogged") for token in statement.tokens[:3]):
        return syntax_error(statement.tokens[1], statement.text)
    tokens = statement.tokens[statement.behind :]
    # A name for TIMESTAMPTZ: https://docs.aws.amazon.com/redshift/latest/dg/c_Supported_data_types.html
    of_types = {at for word in ("with", "without") for at in find_words(tokens, word, "time", "zone")}
    for at, token in enumerate(tokens):
        if token.is_word("as"):
            return None
        if at not in of_types and token.is_word("inherits", "partition", "tablespace", "with"):
            return syntax_error(token, statement.text)
    return None


def _alter(statement: Statement) -> Refused | None:
    if statement.verb != "alter table":
        return None
    actions = at_commas(statement.tokens[statement.behind :])
    if len(actions) > 1:
        comma = next(
            token
            for token in statement.tokens
            if token.is_symbol(",") and token.start < actions[1][0].start and token.end > actions[0][-1].start
        )
        return syntax_error(comma, statement.text)
    tokens = statement.tokens[statement.behind :]
    if (
        has_words(tokens, 0, "set", "schema")
        or has_words(tokens, 0, "add", "column", "if")
        or has_words(tokens, 0, "drop", "column", "if")
    ):
        return syntax_error(tokens[1 if tokens[0].is_word("set") else 2], statement.text)
    if has_words(tokens, 0, "alter") and any(token.is_word("default") for token in tokens):
        return Refused("ALTER COLUMN SET/DROP DEFAULT is not supported")
    if has_words(tokens, 0, "alter") and any(find_words(tokens, "not", "null")):
        return Refused("ALTER COLUMN SET/DROP NOT NULL is not supported")
    return None


def _long_names(statement: Statement) -> Refused | None:
    for token in statement.tokens:
        if token.is_name and len(token.value.encode()) > 127:
            return Refused(f'identifier "{token.value}" is longer than 127 bytes', TOO_LONG)
    return None


REFUSALS = (
    Refusal(
        "objects that are not there: indexes, triggers, sequences …",
        _objects,
        FEATURES,
        "https://www.itcodar.com/sql/how-to-create-an-index-in-amazon-redshift.html",
    ),
    Refusal("savepoints, LISTEN, CLUSTER, REINDEX", _savepoint, FEATURES),
    Refusal("DEALLOCATE ALL", _deallocate, VENDOR + "r_DEALLOCATE.html"),
    Refusal("INSERT … ON CONFLICT", _words("on", "conflict", verbs=["insert"]), VENDOR + "r_INSERT_30.html"),
    Refusal("RETURNING", _words("returning", verbs=["insert", "update", "delete"]), VENDOR + "r_INSERT_30.html"),
    Refusal("aggregates with FILTER", _filter, VENDOR + "c_Aggregate_Functions.html"),
    Refusal("SELECT DISTINCT ON", _distinct_on, VENDOR + "r_SELECT_list.html"),
    Refusal("SELECT … FOR UPDATE", _locking, VENDOR + "r_SELECT_synopsis.html"),
    Refusal("operators on jsonb", _operators, TYPES),
    Refusal("functions that are not there", _functions, FUNCTIONS),
    Refusal("functions of the leader node on tables", _leader_only, VENDOR + "c_sql-functions-leader-node.html"),
    Refusal("types that are not there", _types, TYPES, ISSUES + "jazzband/django-redshift-backend/issues/154"),
    Refusal("array constructors", _array, FEATURES),
    Refusal("VALUES as a table", _values, FEATURES),
    Refusal(
        "an aggregate over an ordered window without a frame",
        _frames,
        VENDOR + "c_Window_functions.html",
        ISSUES + "OHDSI/Achilles/issues/232",
    ),
    Refusal("settings that are not there: lock_timeout …", _parameters, VENDOR + "cm_chap_ConfigurationRef.html"),
    Refusal("COPY from or to the client", _copy, VENDOR + "r_COPY.html"),
    Refusal("an alias for the table of a DELETE", _delete, VENDOR + "r_DELETE.html"),
    Refusal("UPDATE … SET (a, b) = …", _update, VENDOR + "r_UPDATE.html"),
    Refusal("MERGE with conditions, or without both clauses", _merge, VENDOR + "r_MERGE.html"),
    Refusal("TRUNCATE of several tables, or with CASCADE", _truncate, VENDOR + "r_TRUNCATE.html"),
    Refusal("CREATE TABLE IF NOT EXISTS … AS", _create_as, VENDOR + "r_CREATE_TABLE_AS.html"),
    Refusal("unlogged, inherited and partitioned tables, tablespaces, storage parameters", _table_words, FEATURES),
    Refusal(
        "several actions in one ALTER TABLE, SET SCHEMA, changed defaults and NOT NULL",
        _alter,
        ALTER,
        ISSUES + "jazzband/django-redshift-backend/issues/96",
    ),
    Refusal("names of more than 127 bytes", _long_names, VENDOR + "r_names.html"),
)
