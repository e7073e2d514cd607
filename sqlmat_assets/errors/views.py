"""What is said of views that people have made on tables."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_NAMED = 10


def would_break(relation: str, broken: Sequence[tuple[str, str]]) -> str:
    """Views of people that could not be read after a publish: each with what the engine says."""
    named = [f"  `{view}`: {' '.join(said.split())}" for view, said in broken[:_MOST_NAMED]]
    if len(broken) > _MOST_NAMED:
        named.append(f"  and {len(broken) - _MOST_NAMED:,} more")
    count = "a view that reads it" if len(broken) == 1 else f"{len(broken):,} views that read it"
    hint = "  hint: change or drop what reads it first, or keep the columns"
    return "\n".join([f"`{relation}` was not replaced: {count} would no longer work", *named, hint])
