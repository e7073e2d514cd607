"""Signing in to Redshift by IAM: a user and a password for some minutes, which AWS gives to whoever may have them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from sqlmat_assets.errors import WarehouseError
from sqlmat_assets.errors import redshift as wording

# Another is asked for before one has run out.
_SPARE = timedelta(minutes=1)
_PASSING = frozenset({"Throttling", "ThrottlingException", "InternalFailure", "InternalServerException"})


@dataclass(frozen=True, slots=True)
class SignIn:
    """What AWS is asked.

    Args:
        kind: A provisioned cluster, or a workgroup of Redshift Serverless.
        name: Its name.
        database: The database.
        user: The user of a cluster; None for the one that IAM's role or user has there.
        region: Where it is; None for that of the environment.
    """

    kind: Literal["cluster", "workgroup"]
    name: str
    database: str
    user: str | None = None
    region: str | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with a password that ends."""

    user: str
    password: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Credentials(user={self.user!r})"


_kept: dict[SignIn, Credentials] = {}
_guard = threading.Lock()


def find_credentials(sign_in: SignIn, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Credentials:
    """Those that this process has, as long as they last; else new ones.

    Raises:
        WarehouseError: AWS gives none, or cannot be reached.
    """
    with _guard:
        found = _kept.get(sign_in)
        if found is None or found.expires_at - now() < _SPARE:
            found = _kept[sign_in] = _fetch(sign_in)
        return found


def forget_credentials() -> None:
    """Have the next connection ask for new ones."""
    with _guard:
        _kept.clear()


def _fetch(sign_in: SignIn) -> Credentials:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError
    except ImportError:
        raise wording.no_client_of_iam() from None
    service = "redshift" if sign_in.kind == "cluster" else "redshift-serverless"
    try:
        # A session of its own: that of the module keeps the keys that it has found first.
        session: Any = boto3.Session()
        client: Any = session.client(service, region_name=sign_in.region)
        return _ask(client, sign_in)
    except ClientError as error:
        told: Any = error.response.get("Error", {})
        raise _refused(sign_in, str(told.get("Code", "")), str(told.get("Message", error))) from None
    except NoCredentialsError:
        raise wording.no_keys_of_iam(sign_in.name) from None
    except NoRegionError:
        raise wording.no_region(sign_in.name) from None
    except BotoCoreError as error:
        raise wording.not_signed_in(sign_in.name, str(error), passes=True) from None


def _ask(client: Any, sign_in: SignIn) -> Credentials:
    """Each way, as on the pages of these actions below https://docs.aws.amazon.com/redshift/latest/APIReference/."""
    if sign_in.kind == "workgroup":
        found = client.get_credentials(workgroupName=sign_in.name, dbName=sign_in.database)
        return Credentials(str(found["dbUser"]), str(found["dbPassword"]), found["expiration"])
    where = {"ClusterIdentifier": sign_in.name, "DbName": sign_in.database}
    if sign_in.user is None:
        found = client.get_cluster_credentials_with_iam(**where)
    else:
        found = client.get_cluster_credentials(**where, DbUser=sign_in.user, AutoCreate=False)
    return Credentials(str(found["DbUser"]), str(found["DbPassword"]), found["Expiration"])


def _refused(sign_in: SignIn, code: str, message: str) -> WarehouseError:
    return wording.not_signed_in(sign_in.name, message, passes=code in _PASSING)
