"""The wording of what is wrong with the places that tables are loaded from."""

from __future__ import annotations

from sqlmat_assets.errors import SourceError, TransientSourceError, UsageError


def changed_meanwhile(url: str) -> SourceError:
    """A file was written to while it was read."""
    return SourceError(f"`{url}` was changed while it was read, and nothing was loaded\n  hint: build the table again")


def is_gone(url: str) -> SourceError:
    """A file was found, and is there no more."""
    return SourceError(f"`{url}` is gone since it was found, and nothing was loaded\n  hint: build the table again")


def is_cut_off(url: str, got: int, size: int | None) -> TransientSourceError:
    """Some bytes of a file did not come."""
    of = "" if size is None else f" of {size:,}"
    return TransientSourceError(f"`{url}` was cut off: {got:,}{of} bytes came")


def not_there(url: str, kind: str) -> SourceError:
    """A bucket that nobody has."""
    return SourceError(f"there is no {kind} `{url}`\n  hint: check its name in `files`")


def may_not_read(url: str, said: str, hint: str) -> SourceError:
    """Rights are missing, or a login is wrong."""
    return SourceError(f"`{url}` may not be read: {said}\n  hint: {hint}")


def refused(url: str, said: str) -> SourceError:
    """A server refuses for a reason of its own."""
    return SourceError(f"`{url}` cannot be read: {said}")


def cannot_reach(url: str, said: str) -> TransientSourceError:
    """A server is busy, or there is no way to it."""
    return TransientSourceError(f"`{url}` cannot be reached: {said}")


def no_client(system: str, extra: str) -> SourceError:
    """The library for a place is not installed."""
    return SourceError(f"there is no client for {system}\n  hint: install it with `pip install 'sqlmat[{extra}]'`")


def unknown_connection(name: str, variable: str) -> SourceError:
    """Nothing says what a connection is."""
    return SourceError(f"nothing says where the connection `{name}` leads\n  hint: put its URL into `{variable}`")


def bad_connection(name: str, example: str) -> UsageError:
    """The URL of a connection that cannot be used; it is not repeated, for it may hold a password."""
    return UsageError(f"the URL of the connection `{name}` cannot be used here\n  hint: write it like `{example}`")
