"""The wording of what is wrong with the places that tables are loaded from."""

from __future__ import annotations

from collections.abc import Sequence

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


# Databases


def no_database(name: str) -> UsageError:
    """The URL of a connection is none of a database; it is not repeated, for it may hold a password."""
    return UsageError(
        f"the URL of the connection `{name}` leads to no database\n"
        "  hint: write it like `postgresql://user:password@host/database` or `mysql://user:password@host/database`"
    )


def no_such_column(label: str, name: str, near: str | None) -> SourceError:
    """A column is declared that the table or the query does not have."""
    hint = f"did you mean `{near}`?" if near else "take it out of `columns`, or ask for it in a `query`"
    return SourceError(f"{label}: there is no column `{name}`, which `columns` declares\n  hint: {hint}")


def does_not_fit(label: str, name: str, type_: str, kind: str, declared: str, hint: str) -> SourceError:
    """A type is declared into which values do not go as they are."""
    return SourceError(f"{label}: `{name}` is `{type_}` ({kind}), which does not go into `{declared}`\n  hint: {hint}")


def too_many_digits(label: str, name: str, value: str, declared: str) -> SourceError:
    """A number without a declared scale has more digits than the table has place for."""
    return SourceError(
        f"{label}: `{value}` in the column `{name}` has more digits behind the point than `{declared}`\n"
        f"  hint: declare more of them, or round `{name}` in a `query`"
    )


def no_counterpart(label: str, name: str, type_: str) -> SourceError:
    """A type that nothing here reads."""
    return SourceError(
        f"{label}: nothing reads `{name}`, which is `{type_}`\n  hint: ask for it as a text in a `query`"
    )


def beyond_time(label: str, name: str) -> SourceError:
    """`infinity`, or the year 300,000."""
    return SourceError(
        f"{label}: in the column `{name}` is `infinity`, or a time behind the year 294,246\n"
        f"  hint: leave it out in a `query`, with `nullif({name}, 'infinity')`"
    )


def no_such_moment(label: str, value: str) -> SourceError:
    """`0000-00-00`."""
    return SourceError(
        f"{label}: `{value}` is no date and no time\n  hint: make it NULL in a `query`, with `nullif(…, '0000-00-00')`"
    )


def no_key_kind(label: str, name: str, type_: str) -> SourceError:
    """A key whose order is not that of its values."""
    return SourceError(
        f"{label}: `{name}` is `{type_}`, and no key that grows\n  hint: name a column with numbers, dates or times"
    )


def without_key(label: str, name: str) -> SourceError:
    """Rows of which nothing tells when they came, so that they would be left out, or come again and again."""
    return SourceError(
        f"{label}: there are rows whose `{name}`, the key, is NULL\n"
        "  hint: leave them out in a `query`, or name a key that every row has"
    )


def key_without_end(label: str, name: str, value: str) -> SourceError:
    """A key that no other is greater than, so that nothing would ever be new behind it."""
    return SourceError(
        f"{label}: the greatest `{name}`, the key, is `{value}`, and nothing can come behind it\n"
        "  hint: leave such rows out in a `query`"
    )


def unknown_parameter(label: str, name: str, known: Sequence[str]) -> SourceError:
    """A parameter of a URL that nothing reads, such as one that is misspelt and should have kept a connection safe."""
    return SourceError(f"{label}: nothing reads the parameter `{name}`\n  hint: it has {', '.join(known)}")


def unknown_tls_mode(label: str, known: Sequence[str]) -> SourceError:
    """`ssl-mode` says nothing that is known."""
    return SourceError(f"{label}: `ssl-mode` is none of {', '.join(known)}")


def no_certificate(label: str, said: str) -> SourceError:
    """A file with certificates or a key cannot be read."""
    return SourceError(f"{label}: a certificate cannot be read: {said}\n  hint: check the file in `ssl-ca`")


def not_trusted(label: str, said: str, parameter: str) -> SourceError:
    """The certificate of a server is not one of it, or of nobody who is known; a `parameter` of the URL says who is."""
    return SourceError(
        f"{label}: the certificate of the server is refused: {said}\n"
        f"  hint: name the certificate of its authority in `{parameter}`, and the server as its certificate does"
    )


def no_tls(label: str, said: str) -> SourceError:
    """A server of PostgreSQL has no TLS, and the URL asks for it."""
    return SourceError(f"{label}: no TLS with the server: {said}")


def offers_no_tls(label: str) -> SourceError:
    """A server that has no TLS, or whoever stands before it and says so; it is told no password."""
    return SourceError(
        f"{label}: the server offers no TLS\n  hint: set it up there, or take `ssl-mode` and `ssl-ca` out of the URL"
    )
