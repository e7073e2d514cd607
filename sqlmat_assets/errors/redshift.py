"""Wording of what can go wrong between sqlmat and a Redshift cluster."""

from __future__ import annotations

from sqlmat_assets.errors import TerminalWarehouseError, TransientWarehouseError, UsageError, WarehouseError


def no_database_named() -> UsageError:
    """A Redshift URL that does not say which cluster or which database."""
    return UsageError(
        "the warehouse URL names no host or no database\n  hint: write `redshift://user@host:5439/database`"
    )


def malformed_url() -> UsageError:
    """A Redshift URL that cannot be read; the text is not repeated, for it may hold a password."""
    return UsageError(
        "the warehouse URL cannot be read\n  hint: write `redshift://user:password@host:5439/database`, "
        "and `%40` for an `@` in the password"
    )


def no_folder_in_s3(given: str) -> UsageError:
    """A staging folder that is none."""
    return UsageError(f"`{given}` is no folder in S3\n  hint: write `?staging=s3://bucket/folder` in the warehouse URL")


def unknown_sign_in(given: str) -> UsageError:
    """What `iam` says is none of the ways to sign in."""
    return UsageError(
        f"`iam={given}` is no way to sign in\n"
        "  hint: write `?iam=auto`, or `?iam=cluster/NAME` or `?iam=workgroup/NAME` where the host does not tell it"
    )


def no_name_in_the_host(host: str) -> UsageError:
    """The host is none of Amazon's, so it does not tell which cluster it is."""
    return UsageError(
        f"`{host}` does not tell which cluster or workgroup it is\n"
        "  hint: write `?iam=cluster/NAME` or `?iam=workgroup/NAME`, and `&region=` where it is"
    )


def password_and_iam() -> UsageError:
    """A URL says two ways to sign in."""
    return UsageError(
        "the warehouse URL has a password and signs in by IAM\n  hint: leave out the password, or `?iam=`"
    )


def no_client_of_iam() -> TerminalWarehouseError:
    """The package that asks AWS for a password is not installed."""
    return TerminalWarehouseError(
        "signing in by IAM takes `boto3`, which is not installed\n  hint: `pip install 'sqlmat[redshift]'`"
    )


def no_keys_of_iam(name: str) -> TerminalWarehouseError:
    """Nothing says as whom AWS is to be asked."""
    return TerminalWarehouseError(
        f"cannot sign in to `{name}` by IAM: there are no keys of AWS\n"
        "  hint: set `$AWS_PROFILE` or `$AWS_ACCESS_KEY_ID`, or run where there is a role"
    )


def no_region(name: str) -> TerminalWarehouseError:
    """Nothing says where a cluster is."""
    return TerminalWarehouseError(
        f"cannot sign in to `{name}` by IAM: nothing says where it is\n"
        "  hint: write `&region=eu-west-1` in the warehouse URL, or set `$AWS_REGION`"
    )


def not_signed_in(name: str, said: str, *, passes: bool) -> WarehouseError:
    """AWS gives no password, or does not answer."""
    kind = TransientWarehouseError if passes else TerminalWarehouseError
    return kind(f"cannot sign in to `{name}` by IAM: {said}")


def is_no(relation: str, kind: str) -> TerminalWarehouseError:
    """There is no table, or no view, of a name where one was believed to be."""
    return TerminalWarehouseError(f"`{relation}` is no {kind}")


def no_staging() -> TerminalWarehouseError:
    """Files are to be loaded or written, and there is no way for them."""
    return TerminalWarehouseError(
        "files get into Redshift and out of it by way of S3, and no folder is named\n"
        "  hint: write `?staging=s3://bucket/folder` in the warehouse URL, and `&iam_role=` with its role"
    )


def no_client_of_s3() -> TerminalWarehouseError:
    """The package that reads and writes S3 is not installed."""
    return TerminalWarehouseError(
        "files get into Redshift by way of S3, and `boto3` is not installed\n  hint: `pip install 'sqlmat[redshift]'`"
    )


def no_keys_of_s3() -> TerminalWarehouseError:
    """Nothing says as whom the cluster is to read and write S3."""
    return TerminalWarehouseError(
        "nothing says how the cluster may read and write S3\n"
        "  hint: write `&iam_role=` with its role, or `default`, in the warehouse URL, or set `$AWS_ACCESS_KEY_ID`"
    )


def refused_by_s3(bucket: str, said: str) -> TerminalWarehouseError:
    """S3 does not do what it is asked for."""
    return TerminalWarehouseError(f"the bucket `{bucket}` cannot be used: {said}")
