"""The page that says what each engine guarantees."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmat_assets.warehouses.base import Capabilities, Fact


def describe(engines: tuple[Capabilities, ...]) -> str:
    """`docs/warehouses.md`."""
    return "\n".join(["# Warehouses", "", *_INTRODUCTION, *(line for engine in engines for line in _section(engine))])


_INTRODUCTION = (
    "Written by `python -m sqlmat_assets.warehouses.config`; change the facts in the engine's module. Each names its",
    "source: a page of the vendor, or the test that measures it on every change of sqlmat; and where it was verified.",
    "What only a page says was not.",
    "",
)


def _section(engine: Capabilities) -> Iterator[str]:
    yield f"## {engine.name}"
    yield ""
    yield "| | | verified on | source |"
    yield "|---|---|---|---|"
    for fact in engine.facts:
        yield _row(fact, engine)
    taken = "Taken with each build" if engine.has_fingerprints else "Not taken"
    for about, says, source in (
        ("transactions", f"Tables are replaced {_in_transactions(engine)}", "has_transactional_ddl"),
        ("fingerprints of rows", taken, "has_fingerprints"),
        ("length of names", f"At most {engine.max_identifier_bytes} bytes", "max_identifier_bytes"),
        ("grants", "Kept" if engine.has_grants else f"Not given: {engine.why_no_grants}", "has_grants"),
    ):
        yield f"| {about} | {says}. | {engine.tested_on} | `Capabilities.{source}` |"
    yield ""


def _row(fact: Fact, engine: Capabilities) -> str:
    sources = [source if source.startswith("https:") else f"measured, see `{source}`" for source in fact.sources]
    is_measured = any(not source.startswith("https:") for source in fact.sources)
    verified = fact.verified or (engine.tested_on if is_measured else "")
    return f"| {fact.about} | {fact.says} | {verified} | {'; '.join(sources)} |"


def _in_transactions(engine: Capabilities) -> str:
    return "inside one" if engine.has_transactional_ddl else "without one"
