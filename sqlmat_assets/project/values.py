"""The values of settings: text to value, one function for each way of writing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

# Both as Dagster demands of an asset's owners and tags; what it would refuse must not get that far.
_EMAIL = re.compile(r"\b[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}")
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_TAG_KEY = re.compile(r"([A-Za-z0-9_.-]{1,63}/)?[A-Za-z0-9_.-]{1,63}")
_TAG_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}")
_TEAM = re.compile(r"team:\s*(\S.*)")
_USD = re.compile(r"\$?\s*(\d+(?:\.\d+)?)\s*(?:usd)?", re.IGNORECASE | re.ASCII)
_PERCENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*%")
_ORDER = re.compile(r"(.+?)\s+(asc|desc)", re.IGNORECASE | re.DOTALL)
_SORT_KEY = re.compile(r"(compound|interleaved)\s*\((.*)\)", re.IGNORECASE | re.DOTALL)
_COUNT = re.compile(r"[0-9]{1,18}")
_GRANTEE = re.compile(r'(?:(group|role)\s+)?([^\s"]+|"[^"]+")', re.IGNORECASE)
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


# https://docs.aws.amazon.com/redshift/latest/dg/c_Compression_encodings.html
ENCODINGS = (
    "az64",
    "bytedict",
    "delta",
    "delta32k",
    "lzo",
    "mostly8",
    "mostly16",
    "mostly32",
    "raw",
    "runlength",
    "text255",
    "text32k",
    "zstd",
)
# https://docs.aws.amazon.com/redshift/latest/dg/t_Sorting_data-interleaved.html
_MOST_INTERLEAVED = 8


class ValueRefused(Exception):  # noqa: N818 - says what happened; caught beside the key, which words it
    """A value that the key cannot have; the text says what it can be."""


@dataclass(frozen=True, slots=True)
class GrantEdit:
    """What one line says about grantees: those who replace the inherited ones (None: nobody does), and edits."""

    replaced_by: tuple[str, ...] | None = None
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def apply(self, inherited: frozenset[str]) -> frozenset[str]:
        """Give the grantees after this line."""
        start = inherited if self.replaced_by is None else frozenset(self.replaced_by)
        return (start | frozenset(self.added)) - frozenset(self.removed)


def split_list(text: str) -> tuple[str, ...]:
    """Split at the commas that stand in no parentheses; items are stripped.

    Raises:
        ValueRefused: An item is empty, or the parentheses do not match.

    Examples:
        >>> split_list("(a, b), c")
        ('(a, b)', 'c')
    """
    items = [""]
    depth = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if depth < 0:
            break
        if letter == "," and not depth:
            items.append("")
        else:
            items[-1] += letter
    stripped = tuple(item.strip() for item in items)
    if depth or not all(stripped):
        raise ValueRefused("a list with commas between its items")
    return stripped


def parse_grants(text: str, sign: str) -> GrantEdit:
    """Read grantees; `sign` is that of the key, and each item may have its own (`-jane, +joan`)."""
    replaced: list[str] = []
    edits: dict[str, list[str]] = {"+": [], "-": []}
    for item in split_list(text):
        own = item[0] if item[0] in edits else ""
        name = item[len(own) :].strip()
        if not name or (own and sign):
            raise ValueRefused("a list of users, or of `+user` to add and `-user` to take away")
        edits.get(own or sign, replaced).append(_parse_grantee(name))
    return GrantEdit(tuple(replaced) or None, tuple(edits["+"]), tuple(edits["-"]))


def _parse_grantee(text: str) -> str:
    """One spelling for one grantee, so that what one file adds another can take away.

    Examples:
        >>> _parse_grantee("GROUP  analysts"), _parse_grantee("Public"), _parse_grantee('"My User"')
        ('group analysts', 'public', '"My User"')
    """
    match = _GRANTEE.fullmatch(text)
    if match is None:
        raise ValueRefused(
            "a list of users, of `group name`, `role name` or `public`, a name with spaces in double quotes"
        )
    if match[1] is not None:
        return f"{match[1].lower()} {match[2]}"
    return "public" if text.lower() == "public" else text


def parse_owners(text: str) -> tuple[str, ...]:
    """Read e-mail addresses and `team:name`."""
    owners: list[str] = []
    for item in split_list(text):
        team = _TEAM.fullmatch(item)
        if team is None and not _EMAIL.fullmatch(item):
            raise ValueRefused("an e-mail address or `team:name`")
        owners.append(f"team:{team[1]}" if team else item)
    return tuple(owners)


def parse_tags(text: str) -> tuple[tuple[str, str], ...]:
    """Read `key=value` and bare keys."""
    tags: dict[str, str] = {}
    for item in split_list(text):
        key, _, value = (part.strip() for part in item.replace(":", "=", 1).partition("="))
        if not _TAG_KEY.fullmatch(key) or not _TAG_VALUE.fullmatch(value) or key.startswith("dagster/"):
            raise ValueRefused("a list of `key` or `key=value` made of letters, digits, `_`, `-` and `.`")
        tags[key] = value
    return tuple(tags.items())


def parse_labels(text: str) -> tuple[tuple[str, str], ...]:
    """Read `key=value`, as BigQuery takes labels.

    https://cloud.google.com/bigquery/docs/labels-intro#requirements
    """
    labels: dict[str, str] = {}
    for item in split_list(text):
        key, _, value = (part.strip() for part in item.replace(":", "=", 1).partition("="))
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(value):
            raise ValueRefused("a list of `key=value` made of small letters, digits, `_` and `-`")
        labels[key] = value
    return tuple(labels.items())


def parse_column(text: str) -> str:
    """Read the name of one column, in double quotes or not."""
    name = text.strip().strip('"`').strip()
    if not name or any(letter in name for letter in ',()="`'):
        raise ValueRefused("the name of a column")
    return name


def parse_columns(text: str) -> tuple[str, ...]:
    """Read names of columns, in parentheses or not."""
    inner = text[1:-1] if text.startswith("(") and text.endswith(")") else text
    return tuple(parse_column(item) for item in split_list(inner))


def parse_column_groups(text: str) -> tuple[tuple[str, ...], ...]:
    """Read columns and groups of columns: `(a, b), c`."""
    return tuple(parse_columns(item) for item in split_list(text))


@dataclass(frozen=True, slots=True)
class SortKey:
    """The columns that rows are sorted by, and how: `compound`, `interleaved`, or `auto`, which has no columns."""

    columns: tuple[str, ...] = ()
    style: str = "compound"

    def __str__(self) -> str:
        return self.style if not self.columns else f"{self.style}({', '.join(self.columns)})"


UNSORTED = SortKey()


def parse_sortkey(text: str) -> SortKey:
    """Read the columns that rows are sorted by, and how.

    Examples:
        >>> parse_sortkey("country, city_id").style, str(parse_sortkey("interleaved(country, city_id)"))
        ('compound', 'interleaved(country, city_id)')
        >>> str(parse_sortkey("AUTO"))
        'auto'
    """
    if text.strip().lower() == "auto":
        return SortKey(style="auto")
    match = _SORT_KEY.fullmatch(text.strip())
    try:
        columns = parse_columns(text if match is None else match[2])
    except ValueRefused:
        raise ValueRefused("a list of columns, `interleaved(...)` with one, or `auto`") from None
    style = "compound" if match is None else match[1].lower()
    if style == "interleaved" and len(columns) > _MOST_INTERLEAVED:
        raise ValueRefused(f"at most {_MOST_INTERLEAVED} columns that are interleaved")
    return SortKey(columns, style)


def parse_encodings(text: str) -> tuple[tuple[str, str], ...]:
    """Read the encodings of columns.

    Examples:
        >>> parse_encodings("name:zstd, id: AZ64")
        (('name', 'zstd'), ('id', 'az64'))
    """
    found: dict[str, str] = {}
    for item in split_list(text):
        name, colon, encoding = item.rpartition(":")
        if not colon or encoding.strip().lower() not in ENCODINGS:
            raise ValueRefused(f"a list of `column:encoding`, each one of {', '.join(f'`{one}`' for one in ENCODINGS)}")
        column = parse_column(name)
        if column.lower() in (known.lower() for known in found):
            raise ValueRefused(f"one encoding for each column, and `{column}` has two")
        found[column] = encoding.strip().lower()
    return tuple(found.items())


def parse_order(text: str) -> tuple[tuple[str, bool], ...]:
    """Read columns to sort by, each with whether it goes down.

    Examples:
        >>> parse_order("updated_at desc, id")
        (('updated_at', True), ('id', False))
    """
    order: list[tuple[str, bool]] = []
    for item in split_list(text):
        match = _ORDER.fullmatch(item)
        column = parse_column(item if match is None else match[1])
        if " " in column and not item.startswith(('"', "`")):
            raise ValueRefused("a list of columns, each with `asc` or `desc` behind it or nothing")
        order.append((column, match is not None and match[2].lower() == "desc"))
    return tuple(order)


def parse_typed_columns(text: str) -> tuple[tuple[str, str], ...]:
    """Read `name type` pairs: `id bigint, price decimal(10, 2)`."""
    columns: list[tuple[str, str]] = []
    for item in split_list(text):
        name, _, kind = item.partition(" ")
        if not kind.strip():
            raise ValueRefused("a list of columns, each with its type")
        columns.append((parse_column(name), kind.strip()))
    return tuple(columns)


def parse_choice(*choices: str) -> Callable[[str], str]:
    """Make a reader of one of a few words in any case."""

    def parse(text: str) -> str:
        if text.lower() not in choices:
            raise ValueRefused(f"one of {', '.join(f'`{choice}`' for choice in choices)}")
        return text.lower()

    return parse


def parse_boolean(text: str) -> bool:
    """Read `true` or `false` (also yes, no, on, off)."""
    if text.lower() not in _BOOLEANS:
        raise ValueRefused("`true` or `false`")
    return _BOOLEANS[text.lower()]


def parse_count(text: str) -> int:
    """Read a whole number from 1 on."""
    if not _COUNT.fullmatch(text) or not int(text):
        raise ValueRefused("a whole number from 1 on")
    return int(text)


def parse_amount(text: str) -> int:
    """Read a whole number from 0 on."""
    if not _COUNT.fullmatch(text):
        raise ValueRefused("a whole number")
    return int(text)


def parse_usd(text: str) -> float:
    """Read a sum of money.

    Examples:
        >>> parse_usd("$0.50"), parse_usd("25 usd")
        (0.5, 25.0)
    """
    match = _USD.fullmatch(text)
    if match is None:
        raise ValueRefused("a sum in US dollars, such as `2.50`")
    return float(match[1])


def parse_fraction(text: str) -> float:
    """Read a percentage; 20% is 0.2."""
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise ValueRefused("a percentage")
    return float(match[1]) / 100


def parse_word(text: str) -> str:
    """Read one word."""
    if any(letter in text for letter in " ,\t"):
        raise ValueRefused("one name")
    return text


def parse_words(text: str) -> tuple[str, ...]:
    """Read words with commas between them."""
    return tuple(parse_word(item) for item in split_list(text))
