"""Amazon S3, and what answers like it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlmat_assets.errors import deliveries as wording

_NAME = "S3"
# As many as one request takes.
_AT_ONCE = 1000
# What may pass, beside every answer that begins with a 5.
_TRANSIENT = frozenset({"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestTimeTooSkewed"})


class S3Store:
    """A folder in a bucket.

    Args:
        bucket: Its name.
        prefix: The folder, without a `/` at its ends; empty for all of the bucket.
        endpoint: Where the service is, if not at Amazon.
    """

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client = _open_client(endpoint)

    def close(self) -> None:
        self._client.close()

    def put(self, file: Path, name: str) -> None:
        with _refused():
            self._client.upload_file(str(file), self._bucket, self._key(name))

    def put_text(self, text: str, name: str) -> None:
        with _refused():
            self._client.put_object(
                Bucket=self._bucket, Key=self._key(name), Body=text.encode(), ContentType="application/json"
            )

    def fetch_names(self, folder: str) -> list[str]:
        base = self._key("")
        below = self._key(f"{folder.rstrip('/')}/" if folder else "")
        with _refused():
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=below)
            keys = [str(each["Key"]) for page in pages for each in page.get("Contents", ())]
        return sorted(key.removeprefix(base) for key in keys)

    def remove(self, names: Iterable[str]) -> None:
        keys = [{"Key": self._key(name)} for name in names]
        with _refused():
            for start in range(0, len(keys), _AT_ONCE):
                some = {"Objects": keys[start : start + _AT_ONCE], "Quiet": True}
                told = self._client.delete_objects(Bucket=self._bucket, Delete=some)
                for each in told.get("Errors", ()):
                    raise wording.refused(_NAME, f"{each.get('Code')}: {each.get('Message')} ({each.get('Key')})")

    def url(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._key(name)}"

    def sign(self, name: str, seconds: int) -> str | None:
        with _refused():
            parameters = {"Bucket": self._bucket, "Key": self._key(name)}
            return str(self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


def _open_client(endpoint: str | None) -> Any:
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise wording.not_installed("boto3", "aws") from None
    # A link that is good for days needs the newer signature.
    config = Config(signature_version="s3v4", connect_timeout=10, retries={"mode": "standard", "max_attempts": 4})
    with _refused():
        # A session of its own: the one that boto3 keeps is not made for several threads.
        session: Any = boto3.Session()
        return session.client("s3", endpoint_url=endpoint, config=config)


@contextmanager
def _refused() -> Generator[None]:
    """Word what S3, or the way to it, says."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
    from botocore.exceptions import ConnectionError as NoConnection

    try:
        yield
    except ClientError as error:
        told: Any = error.response
        code, status = told.get("Error", {}).get("Code"), told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = wording.not_reached if code in _TRANSIENT or status >= 500 else wording.refused
        raise kind(_NAME, str(error)) from error
    except (HTTPClientError, NoConnection) as error:
        raise wording.not_reached(_NAME, str(error)) from error
    except (Boto3Error, BotoCoreError) as error:
        raise wording.refused(_NAME, str(error)) from error
