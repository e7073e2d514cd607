"""The wording of what the Dagster catalogue and its runs say about tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmat_assets.errors import Problem


def age(interval: str, *, is_own: bool) -> str:
    """How old a table may become, and who says so."""
    return f"At most {interval} old." if is_own else f"At most {interval} old, because of a table that reads it."


def view_age() -> str:
    """What a view has in the place of an age."""
    return "A view: always as fresh as what it reads."


def delivers(table: str, shown: str | None, interval: str | None) -> str:
    """What a delivery does, and how often.

    Examples:
        >>> delivers("first.cities", "s3://exports/cities", None)
        'Delivers `first.cities` to s3://exports/cities after each publish.'
        >>> delivers("first.cities", "s3://exports/cities", "24h")
        'Delivers `first.cities` to s3://exports/cities; what is there is at most 24h old.'
    """
    where = "" if shown is None else f" to {shown}"
    often = " after each publish" if interval is None else f"; what is there is at most {interval} old"
    return f"Delivers `{table}`{where}{often}."


def scheduled(times: str, timezone: str) -> str:
    """When a table is built by the calendar; `times` are in words."""
    return f"Built {times}, {timezone}."


def only_at(conditions: str, timezone: str) -> str:
    """At which times a table is built at all; `conditions` are as people write them."""
    return f"Built only at these times, {timezone}: `{conditions}`."


def not_built(title: str, problems: Iterable[Problem]) -> str:
    """Problems under a title, as Markdown that keeps their lines."""
    lines = "\n".join(str(problem) for problem in problems)
    return f"**{title}**\n\n{fenced(lines)}"


def waits_for(because: str) -> str:
    """A table depends on one whose file has errors."""
    return f"**Not built while the files of `{because}` have problems: it depends on them**"


def fenced(text: str, language: str = "text") -> str:
    """Text as a Markdown block; the fence is longer than any in the text.

    Examples:
        >>> print(fenced("SELECT 1", "sql"))
        ```sql
        SELECT 1
        ```
    """
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text}\n{fence}"


def unfenced(text: str) -> str:
    """What stands in a Markdown block.

    Examples:
        >>> unfenced(fenced("SELECT 1", "sql"))
        'SELECT 1'
    """
    return text.partition("\n")[2].rpartition("\n")[0]


def shortened(text: str, most: int = 20_000) -> str:
    r"""The beginning of a long text, and how much of it is left out.

    Examples:
        >>> print(shortened("SELECT 1\nFROM a\nJOIN b", 15))
        SELECT 1
        FROM a
        … and 7 more characters
    """
    return text if len(text) <= most else f"{text[:most]}\n… and {len(text) - most:,} more characters"


def blocked(error: str, samples: Iterable[tuple[str, Sequence[str]]]) -> str:
    """Why a table was not replaced, followed by the offending rows of each check that failed.

    The page of a failed run shows text as it is, so the rows are aligned and not marked up.

    Args:
        error: What went wrong and what the table holds now.
        samples: The name of a check and its rows as lines.
    """
    parts = [
        "\n".join([f"rows where `{name}` does not hold:", *(f"  {line}" for line in lines)]) for name, lines in samples
    ]
    return "\n\n".join([error, *parts])
