"""Hashes and spellings of bytes."""

from __future__ import annotations

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.translator import Said, call
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EXACT, _EMULATED = Verdict.EXACT, Verdict.EMULATED


@function("MD5, SHA1, SHA256", _EMULATED, f"{pages.HASHES}md5", "gives bytes")
def _hash(c: Call) -> Said:
    return Said(call("UNHEX", call(c.name, c.tree(0))), "BYTES")


@function("TO_HEX", _EMULATED, f"{pages.STRINGS}to_hex", "in small letters")
def _to_hex(c: Call) -> Said:
    return Said(call("LOWER", call("HEX", c.tree(0))), "STRING")


@function("FROM_HEX", _EXACT, f"{pages.STRINGS}from_hex", "is UNHEX")
def _from_hex(c: Call) -> Said:
    return Said(call("UNHEX", c.tree(0)), "BYTES")


@function("TO_BASE64, FROM_BASE64", _EXACT, f"{pages.STRINGS}to_base64")
def _base64(c: Call) -> Said:
    is_to = c.name == "TO_BASE64"
    return Said(call(c.name, c.tree(0)), "STRING" if is_to else "BYTES")
