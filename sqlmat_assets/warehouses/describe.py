"""The page that says what each engine guarantees."""

from __future__ import annotations

from collections.abc import Iterator

from sqlmat_assets.warehouses.base import Capabilities, Fact


def describe(engines: tuple[Capabilities, ...]) -> str:
    """`docs/warehouses.md`."""
    return "\n".join(["# Warehouses", "", *_INTRODUCTION, *(line for engine in engines for line in _section(engine))])


_INTRODUCTION = (
    "Written by `python -m sqlmat_assets.warehouses.config`; change the facts in the engine's module. Each names its",
    "source: a page of the vendor, or the test that measures it on every change of sqlmat.",
    "",
)


def _section(engine: Capabilities) -> Iterator[str]:
    yield f"## {engine.name}"
    yield ""
    yield "| | | source |"
    yield "|---|---|---|"
    for fact in engine.facts:
        yield _row(fact)
    yield f"| transactions | Tables are replaced {_in_transactions(engine)}. | `Capabilities.has_transactional_ddl` |"
    taken = "Taken with each build" if engine.has_fingerprints else "Not taken"
    yield f"| fingerprints of rows | {taken}. | `Capabilities.has_fingerprints` |"
    yield f"| length of names | At most {engine.max_identifier_bytes} bytes. | `Capabilities.max_identifier_bytes` |"
    yield f"| grants | {'Kept' if engine.has_grants else 'There are none'}. | `Capabilities.has_grants` |"
    yield ""


def _row(fact: Fact) -> str:
    sources = [source if source.startswith("https:") else f"measured, see `{source}`" for source in fact.sources]
    return f"| {fact.about} | {fact.says} | {'; '.join(sources)} |"


def _in_transactions(engine: Capabilities) -> str:
    return "inside one" if engine.has_transactional_ddl else "without one"
