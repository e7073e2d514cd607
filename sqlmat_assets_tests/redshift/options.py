"""The options of COPY and UNLOAD, which stand behind the place of the data in any order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlmat_assets_tests.redshift.lexer import Token, words_of
from sqlmat_assets_tests.redshift.refusals import SYNTAX, UNSUPPORTED, Refused

WITH_TEXT = words_of(
    """
    delimiter null dateformat timeformat quote region encoding access_key_id secret_access_key session_token
    kms_key_id extension json
    """
)
WITH_NUMBER = words_of(
    """
    ignoreheader maxerror rowgroupsize maxfilesize
    """
)
ALONE = words_of(
    """
    csv gzip bzip2 zstd lzop parquet manifest header allowoverwrite cleanpath addquotes removequotes escape
    emptyasnull blanksasnull truncatecolumns acceptinvchars fillrecord trimblanks ignoreblanklines noload
    explicit_ids verbose encrypted auto avro orc
    """
)
SKIPPED = words_of(
    """
    format as with mb gb on off true false
    """
)
NOT_EMULATED = words_of(
    """
    avro orc bzip2 zstd lzop fixedwidth shapefile noload encrypted
    """
)


@dataclass(slots=True)
class Options:
    """What was asked for.

    Attributes:
        authorized: Says who may read or write the objects.
    """

    words: set[str] = field(default_factory=set[str])
    texts: dict[str, str] = field(default_factory=dict[str, str])
    numbers: dict[str, int] = field(default_factory=dict[str, int])
    authorized: bool = False

    def check(self) -> None:
        if not self.authorized:
            raise Refused("CREDENTIALS argument is required but was not specified", UNSUPPORTED)
        unknown = self.words & NOT_EMULATED
        if unknown:
            raise Refused(f"the double of Redshift does not emulate {', '.join(sorted(unknown)).upper()}", UNSUPPORTED)


def read_options(tokens: Sequence[Token], text: str) -> Options:
    """Return the options at the end of a statement."""
    options, at = Options(), 0
    while at < len(tokens):
        word = tokens[at].value
        after = at + 1
        if after < len(tokens) and tokens[after].is_word("as"):
            after += 1
        value = tokens[after] if after < len(tokens) else None
        if word in {"iam_role", "credentials"} and value is not None:
            options.authorized, at = True, after + 1
        elif word in WITH_TEXT and value is not None and value.kind == "string":
            options.texts[word], at = value.value, after + 1
            options.authorized = options.authorized or word == "access_key_id"
        elif word in WITH_NUMBER:
            number = value is not None and value.kind == "number"
            options.numbers[word] = int(float(value.value)) if number and value is not None else 1
            at = after + 1 if number else after
        elif word == "parallel" and value is not None:
            options.words.add("parallel" if value.is_word("on", "true") else "serial")
            at = after + 1
        elif word in ALONE or word in NOT_EMULATED:
            options.words.add(word)
            at += 1
        elif word in SKIPPED or tokens[at].kind != "word":
            at += 1
        else:
            raise Refused(f'syntax error at or near "{text[tokens[at].start : tokens[at].end]}"', SYNTAX)
    options.check()
    return options
