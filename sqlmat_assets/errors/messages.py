"""The wording of what people are told in Slack, with its marks: `*bold*`, code in back-ticks, `<url|text>`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.verdicts import moment, span

GOOD, BAD, NEWS, DAY = ":white_check_mark:", ":scream_cat:", ":new:", ":sunrise:"
_NAMED = 20


def plain(text: str) -> str:
    """A text in which Slack sees no marks of its own.

    Examples:
        >>> plain("a < b & <c|d>")
        'a &lt; b &amp; &lt;c|d&gt;'
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def linked(text: str, url: str | None) -> str:
    """A name, with a link where there is one.

    Examples:
        >>> linked("first.cities", "http://ui/assets/first/cities"), linked("first.cities", None)
        ('<http://ui/assets/first/cities|first.cities>', 'first.cities')
    """
    return plain(text) if url is None else f"<{url}|{plain(text)}>"


def fails(name: str) -> str:
    """A table or a delivery has begun to fail; `name` may have a link."""
    return f"{BAD} *{name} fails*"


def fail(count: int) -> str:
    """Several have begun to fail at once."""
    return f"{BAD} *{count:,} tables fail*"


def more(names: Sequence[str]) -> str:
    """Those of which there is no room to say more.

    Examples:
        >>> more(["first.a", "first.b"])
        'and first.a, first.b'
    """
    return f"and {named(names)}"


def where(run: str | None, again: datetime | None, owners: Sequence[str]) -> str:
    """In which run, with its link, when it is tried again, and whom it belongs to.

    Examples:
        >>> where("<http://ui/runs/1b4e28ba|run 1b4e28ba>", None, ["joan@example.com"])
        '<http://ui/runs/1b4e28ba|run 1b4e28ba> · owner joan@example.com'
    """
    parts = [] if run is None else [run]
    parts += [] if again is None else [f"tried again at {moment(again)}"]
    parts += [f"owner {', '.join(map(plain, owners))}"] if owners else []
    return " · ".join(parts)


def run_link(run_id: str) -> str:
    """The name of a run.

    Examples:
        >>> run_link("1b4e28ba-2fa1-11d2-883f-0016d3cca427")
        'run 1b4e28ba'
    """
    return f"run {run_id[:8]}"


def command_link(run: str) -> str:
    """The name of a build from the command line.

    Examples:
        >>> command_link("3f2a9c1b")
        'sqlmat build, run 3f2a9c1b'
    """
    return f"sqlmat build, run {run[:8]}"


def works_again(names: Sequence[str]) -> str:
    """What failed does no longer.

    Examples:
        >>> works_again(["first.a"])
        ':white_check_mark: first.a no longer fails'
        >>> works_again(["first.a", "first.b"])
        ':white_check_mark: first.a, first.b no longer fail'
    """
    return f"{GOOD} {named(names)} no longer fail{'s' if len(names) == 1 else ''}"


def updated(new: Sequence[str], changed: Sequence[str]) -> str:
    """Tables whose files are new or edited are built.

    Examples:
        >>> updated(["first.a", "first.b"], ["first.c"])
        ':new: New tables: first.a, first.b. Updated tables: first.c.'
    """
    parts = [f"{what} tables: {named(names)}." for what, names in (("New", new), ("Updated", changed)) if names]
    return f"{NEWS} {' '.join(parts)}"


def named(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def day(tables: int, builds: int, share: float) -> str:
    """What was done in a day.

    Examples:
        >>> day(14, 96, 0.0234)
        ':sunrise: *Last 24 hours*: 14 tables were built in 96 builds, which took 2.3% of the time.'
        >>> day(0, 0, 0)
        ':sunrise: *Last 24 hours*: nothing was built.'
    """
    if not builds:
        return f"{DAY} *Last 24 hours*: nothing was built."
    what = "1 table was" if tables == 1 else f"{tables:,} tables were"
    times = "1 build" if builds == 1 else f"{builds:,} builds"
    return f"{DAY} *Last 24 hours*: {what} built in {times}, which took {share:.1%} of the time."


def day_of_deliveries(count: int) -> str:
    """What was delivered in a day."""
    return "1 delivery arrived." if count == 1 else f"{count:,} deliveries arrived."


def all_well() -> str:
    """Nothing fails."""
    return "Nothing fails."


def failing(name: str, failures: int, since: timedelta | None) -> str:
    """One that fails at the moment.

    Examples:
        >>> failing("first.a", 3, timedelta(hours=2))
        'first.a has failed 3 times, last 2h ago'
    """
    times = "once" if failures == 1 else f"{failures:,} times"
    return f"{name} has failed {times}" + ("" if since is None else f", last {span(since)} ago")


def oldest(name: str, age: timedelta) -> str:
    """The table that is furthest beyond the age that it may have.

    Examples:
        >>> oldest("first.a", timedelta(hours=2))
        'Furthest behind: first.a, by 2h.'
    """
    return f"Furthest behind: {name}, by {span(age)}."


# In the list of ticks


def sent(count: int) -> str:
    """What a tick has done."""
    return "nothing to tell" if not count else f"sent {count:,} message{'' if count == 1 else 's'}"


def not_sent(reason: str) -> str:
    """Slack does not take a message; it is tried again with the next tick."""
    return f"not sent, and tried again at the next tick: {reason}"


def no_mail_server() -> UsageError:
    """What is to be the address of a mail server is none; it may hold a password, and is not shown."""
    return UsageError(
        "the address of the mail server is none\n  hint: write `smtp://user:password@mail.example.com:587`, or `smtps://…`"
    )
