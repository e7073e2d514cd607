"""Errors of PostgreSQL in the words of Redshift."""

from __future__ import annotations

import re

from sqlmat_assets_tests.redshift.names import Words
from sqlmat_assets_tests.redshift.protocol import ServerError
from sqlmat_assets_tests.redshift.refusals import INTERNAL, Refused

CHECK_VIOLATION, SERIALIZATION, CANCELED, TOO_LONG = "23514", "40001", "57014", "22001"


def as_redshift(error: Refused | ServerError, words: Words, pid: int, query: int) -> ServerError:
    """Return what the client is told."""
    if isinstance(error, Refused):
        fields = {"S": "ERROR", "C": error.sqlstate, "M": error.message}
        fields |= {letter: text for letter, text in (("D", error.detail), ("H", error.hint)) if text}
        return ServerError(fields)
    fields = {letter: words.restored(text) for letter, text in error.fields.items() if letter in "SCMDHP"}
    match error.sqlstate:
        case "23514" if "redshift_bytes_" in error.message:
            length = re.search(r"redshift_bytes_\d+_(\d+)", error.message)
            return ServerError(
                {
                    "S": "ERROR",
                    "C": TOO_LONG,
                    "M": f"value too long for type character varying({length[1] if length else 0})",
                }
            )
        case "40001":
            detail = (
                f"Serializable isolation violation on table - 0, transactions forming the cycle are: 0, 0 (pid:{pid})"
            )
            return ServerError({"S": "ERROR", "C": INTERNAL, "M": "1023", "D": detail})
        case "57014" if "user request" in error.message:
            return ServerError({"S": "ERROR", "C": CANCELED, "M": f"Query ({query}) cancelled on user's request"})
        case _:
            return ServerError(fields)
