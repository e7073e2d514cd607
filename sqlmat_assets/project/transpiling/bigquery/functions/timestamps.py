"""Timestamps as numbers and as texts."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.transpiling.bigquery import pages
from sqlmat_assets.project.transpiling.bigquery.calls import Call, function
from sqlmat_assets.project.transpiling.bigquery.numbers import plain
from sqlmat_assets.project.transpiling.bigquery.texts import timestamp_text
from sqlmat_assets.project.transpiling.bigquery.translator import Said, brackets, call, cast, number
from sqlmat_assets.project.transpiling.verdicts import Verdict

_EMULATED = Verdict.EMULATED
_PAGE = pages.TIMESTAMPS
_UNITS = {"SECONDS": 1_000_000, "MILLIS": 1000, "MICROS": 1}


@function("TIMESTAMP_SECONDS, TIMESTAMP_MILLIS, TIMESTAMP_MICROS", _EMULATED, f"{_PAGE}timestamp_seconds")
def _of_number(c: Call) -> Said:
    units = _UNITS[c.name.removeprefix("TIMESTAMP_")]
    value = cast(plain(c.say(0)), "BIGINT")
    micros = value if units == 1 else exp.Mul(this=value, expression=number(units))
    return Said(call("MAKE_TIMESTAMPTZ", micros), "TIMESTAMP")


@function("UNIX_SECONDS, UNIX_MILLIS, UNIX_MICROS", _EMULATED, f"{_PAGE}unix_seconds", "rounded down")
def _to_number(c: Call) -> Said:
    micros = call("EPOCH_US", cast(c.tree(0), "TIMESTAMPTZ"))
    units = _UNITS[c.name.removeprefix("UNIX_")]
    if units == 1:
        return Said(micros, "INT64")
    # The remainder of a negative number is negative; rounded down means away from zero there.
    rest = exp.Mod(
        this=exp.Paren(
            this=exp.Add(this=exp.Mod(this=micros.copy(), expression=number(units)), expression=number(units))
        ),
        expression=number(units),
    )
    whole = exp.Paren(this=exp.Sub(this=micros, expression=brackets(rest)))
    return Said(exp.IntDiv(this=whole, expression=number(units)), "INT64")


@function("STRING", _EMULATED, f"{_PAGE}string", "of a TIMESTAMP, with a time zone of its own or in UTC", count=(1, 2))
def _string(c: Call) -> Said:
    said = c.say(0)
    if said.kind != "TIMESTAMP" or c.has(1):
        return c.refuse("of what is not known to be a TIMESTAMP")
    return Said(timestamp_text(said.tree), "STRING")
