"""A folder in S3 for a while, and what a cluster is told so that it may read and write there."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp

from sqlmat_assets.errors import TransientWarehouseError
from sqlmat_assets.errors import redshift as wording
from sqlmat_assets.warehouses.redshift.connections import Staging

_SECRETS = re.compile(r"(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN) '(?:[^'\\]|''|\\.)*'")


@dataclass(frozen=True, slots=True)
class Folder:
    """Some objects of one bucket that go when the work is done."""

    staging: Staging
    name: str
    client: Any

    def url(self, key: str) -> str:
        """The address of an object, or of all that begin so."""
        return f"s3://{self.staging.bucket}/{self._key(key)}"

    def put(self, file: Path) -> str:
        """Write a file there, and tell its address."""
        self.client.upload_file(str(file), self.staging.bucket, self._key(file.name))
        return self.url(file.name)

    def write(self, name: str, content: Any) -> str:
        """Write a document of JSON there, and tell its address."""
        body = json.dumps(content).encode()
        self.client.put_object(Bucket=self.staging.bucket, Key=self._key(name), Body=body)
        return self.url(name)

    def fetch(self, into: Path) -> list[Path]:
        """Read all objects into a local folder."""
        found: list[Path] = []
        for key in self.keys():
            found.append(into / f"{len(found)}.parquet")
            self.client.download_file(self.staging.bucket, key, str(found[-1]))
        return found

    def keys(self) -> list[str]:
        """All objects that are there."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.staging.bucket, Prefix=self._key(""))
        return [str(each["Key"]) for page in pages for each in page.get("Contents", ())]

    def _key(self, key: str) -> str:
        return "/".join(part for part in (self.staging.prefix, f"sqlmat-{self.name}", key) if part)


@contextmanager
def open_folder(staging: Staging, name: str) -> Generator[Folder]:
    """A new folder, that is emptied at the end.

    Raises:
        WarehouseError: S3 refuses, or there is no client for it.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError:
        raise wording.no_client_of_s3() from None
    try:
        client: Any = boto3.client("s3", region_name=staging.region, endpoint_url=staging.endpoint)  # pyright: ignore[reportUnknownMemberType] - it says nothing of types
        folder = Folder(staging, name, client)
        try:
            yield folder
        finally:
            for key in folder.keys():  # noqa: SIM118 - no mapping
                client.delete_object(Bucket=staging.bucket, Key=key)
    except ClientError as error:
        raise wording.refused_by_s3(staging.bucket, str(error)) from error
    except BotoCoreError as error:
        raise TransientWarehouseError(f"S3 cannot be reached: {error}") from error


def authorization(staging: Staging) -> str:
    """What a COPY or UNLOAD is told: the role of the cluster, or the keys of this environment.

    Raises:
        TerminalWarehouseError: There is neither.
    """
    region = "" if staging.region is None else f" REGION {_quoted(staging.region)}"
    if staging.iam_role is not None:
        return f"IAM_ROLE {'DEFAULT' if staging.iam_role == 'default' else _quoted(staging.iam_role)}{region}"
    import boto3

    session: Any = boto3.Session()
    keys = session.get_credentials()
    if keys is None:
        raise wording.no_keys_of_s3()
    told = f"ACCESS_KEY_ID {_quoted(keys.access_key)} SECRET_ACCESS_KEY {_quoted(keys.secret_key)}"
    return f"{told}{'' if keys.token is None else f' SESSION_TOKEN {_quoted(keys.token)}'}{region}"


def without_secrets(text: str) -> str:
    """The text with no keys in it.

    Examples:
        >>> without_secrets("COPY t FROM 's3://b/k' ACCESS_KEY_ID 'AKIA' SECRET_ACCESS_KEY 'x''y' CSV")
        "COPY t FROM 's3://b/k' ACCESS_KEY_ID '...' SECRET_ACCESS_KEY '...' CSV"
    """
    return _SECRETS.sub(r"\1 '...'", text)


def _quoted(text: str) -> str:
    return exp.Literal.string(text).sql("redshift")
