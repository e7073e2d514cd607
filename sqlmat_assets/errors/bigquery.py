"""Wording of what can go wrong between sqlmat and BigQuery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmat_assets.errors import LostCommitError, TerminalWarehouseError, TransientWarehouseError, UsageError

CHANGED = "what is noted of the table has changed meanwhile"


def no_project_named() -> UsageError:
    """A BigQuery URL that does not say which project."""
    return UsageError("the warehouse URL names no project\n  hint: write `bigquery://project?location=EU`")


def no_login_in_the_url() -> UsageError:
    """A user or a password in a BigQuery URL; the text is not repeated."""
    return UsageError(
        "a BigQuery URL has no user and no password\n"
        "  hint: sign in with `gcloud auth application-default login`, or name the key file of a service account in "
        "`GOOGLE_APPLICATION_CREDENTIALS`"
    )


def bad_priority(given: str) -> UsageError:
    """A priority that there is not."""
    return UsageError(f"`{given}` is no priority\n  hint: write `priority=interactive` or `priority=batch`")


def bad_bytes(given: str) -> UsageError:
    """A number of bytes that is none."""
    return UsageError(f"`{given}` is no number of bytes\n  hint: write `max_bytes_billed=100GB`, or all its digits")


def no_folder_in_storage(given: str) -> UsageError:
    """A staging folder that is none."""
    return UsageError(
        f"`{given}` is no folder in Cloud Storage\n  hint: write `?staging=gs://bucket/folder` in the warehouse URL"
    )


def no_client(package: str) -> TerminalWarehouseError:
    """The driver is not installed."""
    return TerminalWarehouseError(f"`{package}` is not installed\n  hint: run `pip install 'sqlmat[bigquery]'`")


def no_credentials(label: str, said: str) -> TerminalWarehouseError:
    """Google does not know who asks."""
    return TerminalWarehouseError(
        f"cannot sign in to `{label}`: {said}\n"
        "  hint: run `gcloud auth application-default login`, or name the key file of a service account in "
        "`GOOGLE_APPLICATION_CREDENTIALS`"
    )


def resource_names_no_project() -> UsageError:
    """A `BigQueryResource` without a project, and no URL that names one."""
    return UsageError(
        "the `BigQueryResource` names no project\n"
        '  hint: write `BigQueryResource(project=…)`, or give the warehouse `url="bigquery://project?location=EU"`'
    )


def unreadable_credentials() -> TerminalWarehouseError:
    """The `gcp_credentials` of a `BigQueryResource` are none; they are not repeated."""
    return TerminalWarehouseError(
        "the `gcp_credentials` of the `BigQueryResource` are no key of a service account\n"
        "  hint: give it what `base64 -w0 key.json` prints"
    )


def connection_lost(label: str, said: str, statement: str | None) -> TransientWarehouseError:
    """No answer, for longer than is waited."""
    return TransientWarehouseError(f"lost the connection to `{label}`: {said}", statement)


def is_no(relation: str, kind: str) -> TerminalWarehouseError:
    """There is no table, or no view, of a name where one was believed to be."""
    return TerminalWarehouseError(f"`{relation}` is no {kind}")


def is_there(relation: str, kind: str) -> TerminalWarehouseError:
    """There is something of a name that was believed to be free."""
    return TerminalWarehouseError(f"`{relation}` is there already, as a {kind}")


def not_there(relation: str, statement: str) -> TerminalWarehouseError:
    """What is to be dropped or renamed is not there."""
    return TerminalWarehouseError(f"Not found: Table {relation}", statement)


def still_in_use(schema: str, statement: str) -> TerminalWarehouseError:
    """A dataset that is to go has tables in it."""
    return TerminalWarehouseError(f"Dataset {schema} is still in use", statement)


def is_published_by(relation: str, holder: str, since: str) -> TransientWarehouseError:
    """Somebody else is about to publish the table, for longer than is waited."""
    return TransientWarehouseError(f"`{relation}` is being published by {holder} since {since}")


def changed_meanwhile(statement: str | None = None) -> TransientWarehouseError:
    """What is noted of a table is not what a transaction has read."""
    return TransientWarehouseError(CHANGED, statement)


def lost_its_place(relation: str) -> TransientWarehouseError:
    """Another run has taken over, because this one was not heard of for long."""
    return TransientWarehouseError(f"another run has taken over the publishing of `{relation}`")


def not_kept(relation: str, what: Iterable[str]) -> TerminalWarehouseError:
    """Something that the table in place has could not be had by the one that replaces it."""
    return TerminalWarehouseError(
        f"`{relation}` cannot be replaced: the new table has not {', '.join(what)} of the one in place\n"
        "  hint: see that the account of sqlmat may set it, or take it away from the table in place"
    )


def outcome_unknown(relation: str, said: str) -> LostCommitError:
    """The connection was lost in the middle of a publish, and did not come back."""
    return LostCommitError(
        f"the connection was lost while `{relation}` was published, and what became of it is not known: {said}\n"
        "  hint: the next command of sqlmat that reaches the warehouse completes it, or takes it back"
    )


def no_staging(what: str) -> TerminalWarehouseError:
    """Something goes by way of Cloud Storage, and no folder there is named."""
    return TerminalWarehouseError(
        f"{what} goes by way of Cloud Storage, and no folder is named\n"
        "  hint: write `?staging=gs://bucket/folder` in the warehouse URL"
    )
