"""Functions of strings."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function, same
from sqlmat_assets.project.transpiling.bigquery.numbers import plain
from sqlmat_assets.project.transpiling.bigquery.translator import (
    Said,
    brackets,
    call,
    case,
    cast,
    fail,
    is_type,
    number,
    once,
    text,
)
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED
_PAGE = pages.STRINGS
_MANY = 1000

same("LOWER", f"{_PAGE}lower", "STRING")
same("UPPER", f"{_PAGE}upper", "STRING")
same("STARTS_WITH", f"{_PAGE}starts_with", "BOOL", count=(2, 2))
same("ENDS_WITH", f"{_PAGE}ends_with", "BOOL", count=(2, 2))
same("STRPOS", f"{_PAGE}strpos", "INT64", count=(2, 2))


@function("CONCAT", _EMULATED, f"{_PAGE}concat", "becomes `||`, which gives NULL where one is", count=(1, _MANY))
def _concat(c: Call) -> Said:
    tree = c.tree(0)
    for index in range(1, c.count):
        tree = exp.DPipe(this=brackets(tree) if index == 1 else tree, expression=brackets(c.tree(index)))
    return Said(tree, "STRING")


@function("TRIM, LTRIM, RTRIM", _EMULATED, f"{_PAGE}trim", "white space is more than blanks", count=(1, 2))
def _trim(c: Call) -> Said:
    if c.has(1):
        return Said(call(c.name, c.tree(0), c.tree(1)), "STRING")
    start, end = r"^[\s\p{Z}\v]+", r"[\s\p{Z}\v]+$"
    pattern = {"TRIM": f"{start}|{end}", "LTRIM": start, "RTRIM": end}[c.name]
    return Said(call("REGEXP_REPLACE", c.tree(0), text(pattern), text(""), text("g")), "STRING")


@function("LENGTH, CHAR_LENGTH, CHARACTER_LENGTH", _EMULATED, f"{_PAGE}length", "of bytes it is that of bytes")
def _length(c: Call) -> Said:
    said = c.say(0)
    if c.name != "LENGTH" or said.kind == "STRING":
        return Said(call("LENGTH", said.tree), "INT64")
    bytes_ = call("OCTET_LENGTH", cast(said.tree.copy(), "BLOB"))
    return Said(case((is_type(said.tree, "BLOB"), bytes_), default=call("LENGTH", cast(said.tree, "VARCHAR"))), "INT64")


@function("BYTE_LENGTH, OCTET_LENGTH", _EMULATED, f"{_PAGE}byte_length", "is STRLEN")
def _byte_length(c: Call) -> Said:
    said = c.say(0)
    if said.kind == "STRING":
        return Said(call("STRLEN", said.tree), "INT64")
    bytes_ = call("OCTET_LENGTH", cast(said.tree.copy(), "BLOB"))
    return Said(case((is_type(said.tree, "BLOB"), bytes_), default=call("STRLEN", cast(said.tree, "VARCHAR"))), "INT64")


@function("SUBSTR, SUBSTRING", _EMULATED, f"{_PAGE}substr", "a place before the string is its start", count=(2, 3))
def _substr(c: Call) -> Said:
    value, start = c.tree(0), plain(c.say(1))
    length = [plain(c.say(2))] if c.has(2) else []
    if length and not isinstance(length[0], exp.Literal):
        wrong = exp.LT(this=brackets(length[0].copy()), expression=number(0))
        length = [case((wrong, fail("SUBSTR with a negative length")), default=length[0])]
    if isinstance(start, exp.Literal) and start.name != "0":
        return Said(call("SUBSTRING", value, start, *length), "STRING")

    def cut(whole: exp.Expr) -> exp.Expr:
        # 0 is the first place, and so is one that is further before the end than the string is long.
        before = exp.LT(this=brackets(start.copy()), expression=exp.Neg(this=call("LENGTH", whole.copy())))
        zero = exp.EQ(this=brackets(start.copy()), expression=number(0))
        first = case((exp.Or(this=zero, expression=before), number(1)), default=start)
        return call("SUBSTRING", whole, first, *length)

    return Said(once(value, cut), "STRING")


@function("LEFT, RIGHT", _EMULATED, f"{_PAGE}left", "a negative length is an error", count=(2, 2))
def _left(c: Call) -> Said:
    length = plain(c.say(1))
    if isinstance(length, exp.Literal):
        return Said(call(c.name, c.tree(0), length), "STRING")
    wrong = exp.LT(this=brackets(length.copy()), expression=number(0))
    return Said(
        call(c.name, c.tree(0), case((wrong, fail(f"{c.name} with a negative length")), default=length)), "STRING"
    )


@function("LPAD, RPAD", _EMULATED, f"{_PAGE}lpad", "with blanks where nothing else is named", count=(2, 3))
def _lpad(c: Call) -> Said:
    length = cast(plain(c.say(1)), "INTEGER")
    return Said(call(c.name, c.tree(0), length, c.tree(2) if c.has(2) else text(" ")), "STRING")


@function("REPEAT", _EXACT, f"{_PAGE}repeat", count=(2, 2))
def _repeat(c: Call) -> Said:
    return Said(call("REPEAT", c.tree(0), c.tree(1)), "STRING")


@function("REVERSE", _EMULATED, f"{_PAGE}reverse", "letter by letter; of known strings and arrays")
def _reverse(c: Call) -> Said:
    letters = call("LIST_REVERSE", call("REGEXP_EXTRACT_ALL", c.tree(0), text("(?s).")))
    return Said(call("ARRAY_TO_STRING", letters, text("")), "STRING")


@function("REPLACE", _EXACT, f"{_PAGE}replace", "of nothing it changes nothing", count=(3, 3))
def _replace(c: Call) -> Said:
    return Said(call("REPLACE", c.tree(0), c.tree(1), c.tree(2)), "STRING")


@function("INSTR", _EXACT, f"{_PAGE}instr", "from the start, the first", count=(2, 2))
def _instr(c: Call) -> Said:
    return Said(call("INSTR", c.tree(0), c.tree(1)), "INT64")


@function("SPLIT", _EMULATED, f"{_PAGE}split", "at commas where nothing else is named", count=(1, 2))
def _split(c: Call) -> Said:
    separator = c.literal(1) if c.has(1) else ","
    if separator is None:
        return c.refuse("at a string that is not written out")
    value = c.tree(0)
    if not separator:
        # Letter by letter; of a string without letters it is one without letters.
        letters = call("REGEXP_EXTRACT_ALL", value, text("(?s)."))
        empty = exp.EQ(this=brackets(value.copy()), expression=text(""))
        return Said(case((empty, exp.Array(expressions=[text("")])), default=letters), "ARRAY<STRING>")
    return Said(call("STRING_SPLIT", value, text(separator)), "ARRAY<STRING>")


@function("INITCAP", _EMULATED, f"{_PAGE}initcap", "with the delimiters that BigQuery takes for such", count=(1, 1))
def _initcap(c: Call) -> Said:
    delimiters = r"[\s\[\](){}/|!?@\"^#$&~_,.:;*%+\-]"
    words = call("REGEXP_EXTRACT_ALL", call("LOWER", c.tree(0)), text(f"{delimiters}*[^{delimiters[1:-1]}]*"))
    first = call("REGEXP_EXTRACT", exp.column("w"), text(f"^{delimiters}*."))
    rest = call("SUBSTRING", exp.column("w"), exp.Add(this=call("LENGTH", first.copy()), expression=number(1)))
    word = exp.DPipe(this=call("UPPER", first), expression=rest)
    changed = call("LIST_TRANSFORM", words, exp.Lambda(this=word, expressions=[exp.to_identifier("w")]))
    return Said(call("ARRAY_TO_STRING", changed, text("")), "STRING")


@function("TRANSLATE", _EXACT, f"{_PAGE}translate", count=(3, 3))
def _translate(c: Call) -> Said:
    return Said(call("TRANSLATE", c.tree(0), c.tree(1), c.tree(2)), "STRING")


@function("ASCII, UNICODE", _EMULATED, f"{_PAGE}unicode", "of a string without letters it is 0")
def _unicode(c: Call) -> Said:
    value = c.tree(0)
    empty = exp.EQ(this=brackets(value.copy()), expression=text(""))
    return Said(case((empty, number(0)), default=cast(call("UNICODE", value), "BIGINT")), "INT64")


@function("CHR", _EMULATED, f"{_PAGE}chr", "of 0 it is a string without letters")
def _chr(c: Call) -> Said:
    value = plain(c.say(0))
    zero = exp.EQ(this=brackets(value.copy()), expression=number(0))
    return Said(case((zero, text("")), default=call("CHR", cast(value, "INTEGER"))), "STRING")


@function("CONTAINS_SUBSTR", _EMULATED, f"{_PAGE}contains_substr", "in a string, by lower-case letters", count=(2, 2))
def _contains_substr(c: Call) -> Said:
    wanted = c.literal(1)
    if wanted is None or c.say(0).kind not in (None, "STRING") or not wanted:
        return c.refuse("of a string that is not written out")
    value = c.tree(0)
    wrong = exp.Not(this=is_type(value.copy(), "VARCHAR"))
    refused = fail("CONTAINS_SUBSTR of other values than strings is not the same in DuckDB")
    found = call("CONTAINS", call("LOWER", cast(value, "VARCHAR")), text(wanted.lower()))
    return Said(case((wrong, refused), default=found), "BOOL")


@function("NORMALIZE", _EXACT, f"{_PAGE}normalize", "to NFC")
def _normalize(c: Call) -> Said:
    return Said(call("NFC_NORMALIZE", c.tree(0)), "STRING")
