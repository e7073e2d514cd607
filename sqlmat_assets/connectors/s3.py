"""Objects in S3, and in what speaks like it: those that are loaded, and folders that are delivered to."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from sqlmat_assets.connectors.base import Found
from sqlmat_assets.connectors.patterns import compile_pattern, escape, fixed_part
from sqlmat_assets.errors import SourceError, deliveries
from sqlmat_assets.errors import sources as wording

_NAME = "S3"
# As many as one request takes.
_AT_ONCE = 1000
_CHUNK = 1 << 20
_THREADS = 32
_CHANGED = frozenset({"412", "PreconditionFailed"})
_GONE = frozenset({"404", "NoSuchKey", "NotFound"})
_NO_RIGHTS = frozenset({"403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken"})
# What may pass, beside every answer that begins with a 5.
_PASSING = frozenset({"SlowDown", "RequestTimeout", "Throttling", "ThrottlingException", "RequestTimeTooSkewed"})
_BUSY = frozenset({"429", "500", "502", "503", "504", "SlowDown", "InternalError", "ServiceUnavailable"})


@dataclass(frozen=True, slots=True)
class S3Place:
    """How to get to S3.

    Args:
        key: An access key; None for what the machine has: variables, a profile, a role.
        secret: That of the key.
        region: Where the buckets are; None for what the machine says.
        endpoint: Another S3 than Amazon's.
    """

    key: str | None = None
    secret: str | None = None
    region: str | None = None
    endpoint: str | None = None


def read_place(name: str, url: str) -> S3Place:
    """Read the URL of a connection: `s3://KEY:SECRET@minio.example.com:9000?region=eu-central-1&tls=false`.

    Raises:
        UsageError: It is none.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not options.keys() <= {"region", "tls"} or parts.path not in ("", "/"):
        raise wording.bad_connection(name, "s3://KEY:SECRET@minio.example.com:9000?region=eu-central-1")
    host = parts.netloc.rpartition("@")[2]
    protocol = "http" if options.get("tls") == "false" else "https"
    return S3Place(
        None if parts.username is None else unquote(parts.username),
        None if parts.password is None else unquote(parts.password),
        options.get("region"),
        f"{protocol}://{host}" if host else None,
    )


class S3Store:
    """The buckets that one login can read; `page` is how many objects are asked for at a time."""

    def __init__(self, place: S3Place, page: int = 1000) -> None:
        self._client = _open_client(place)
        self._pages = {"PageSize": page}

    def find(self, pattern: str) -> list[Found]:
        bucket, key = _split(pattern)
        prefix, expression = fixed_part(key), compile_pattern(key)
        found: list[Found] = []
        with _explained(f"s3://{bucket}"):
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix, PaginationConfig=self._pages):
                for each in page.get("Contents", ()):
                    name = str(each["Key"])
                    if expression.fullmatch(name) and not name.endswith("/"):
                        found.append(Found(f"s3://{bucket}/{name}", int(each["Size"]), str(each["ETag"]).strip('"')))
        return found

    def path_of(self, found: Found) -> Path | None:
        del found  # none is here
        return None

    def fetch(self, found: Found, into: Path) -> None:
        with _explained(found.url), into.open("wb") as file:
            answer = self._get(found)
            for chunk in answer["Body"].iter_chunks(_CHUNK):
                file.write(chunk)
            if found.size is not None and file.tell() != found.size:
                raise wording.is_cut_off(found.url, file.tell(), found.size)

    def look(self, found: Found) -> Found | None:
        return next(iter(self.find(escape(found.url))), None)

    def read_start(self, found: Found, count: int) -> bytes:
        if found.size == 0:
            return b""  # which no range is in
        with _explained(found.url):
            return bytes(self._get(found, Range=f"bytes=0-{count - 1}")["Body"].read())

    def read_end(self, found: Found, count: int) -> bytes:
        if found.size == 0:
            return b""  # which no range is in
        with _explained(found.url):
            return bytes(self._get(found, Range=f"bytes=-{count}")["Body"].read())

    def _get(self, found: Found, **more: str) -> Any:
        bucket, key = _split(found.url)
        # As it was listed, or not at all.
        match = {} if found.etag is None else {"IfMatch": f'"{found.etag}"'}
        return self._client.get_object(Bucket=bucket, Key=key, **match, **more)


class S3Folder:
    """A folder in a bucket.

    Args:
        bucket: Its name.
        prefix: The folder, without a `/` at its ends; empty for all of the bucket.
        endpoint: Where the service is, if not at Amazon.
    """

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._client = _open_client(S3Place(endpoint=endpoint))

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
                    raise deliveries.refused(_NAME, f"{each.get('Code')}: {each.get('Message')} ({each.get('Key')})")

    def url(self, name: str) -> str:
        return f"s3://{self._bucket}/{self._key(name)}"

    def sign(self, name: str, seconds: int) -> str | None:
        with _refused():
            parameters = {"Bucket": self._bucket, "Key": self._key(name)}
            return str(self._client.generate_presigned_url("get_object", Params=parameters, ExpiresIn=seconds))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


def _split(url: str) -> tuple[str, str]:
    bucket, _, key = url.partition("://")[2].partition("/")
    return bucket, key


def _open_client(place: S3Place) -> Any:
    try:
        import boto3
        from botocore.config import Config
        from botocore.session import get_session
    except ImportError:
        raise wording.no_client("S3", "aws") from None
    config: Any = Config(
        # A link that is good for days needs the newer signature.
        signature_version="s3v4",
        max_pool_connections=_THREADS,
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=10,
        read_timeout=60,
    )
    own: Any = get_session()
    own.register_component("data_loader", _loader())
    session: Any = boto3.Session(botocore_session=own)
    with _explained("s3://"):
        return session.client(
            "s3",
            aws_access_key_id=place.key,
            aws_secret_access_key=place.secret,
            region_name=place.region,
            endpoint_url=place.endpoint,
            config=config,
        )


@cache
def _loader() -> Any:
    """What knows how S3 is spoken to, and takes its time to read that."""
    from botocore.loaders import create_loader

    return create_loader(None)


@contextmanager
def _explained(url: str) -> Generator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        told: Any = error.response
        raise _explain(url, str(told["Error"].get("Code", "")), str(error)) from error
    except NoCredentialsError as error:
        hint = "set `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`, or give the machine a role"
        raise wording.may_not_read(url, str(error), hint) from error
    except BotoCoreError as error:
        raise wording.cannot_reach(url, str(error)) from error


def _explain(url: str, code: str, said: str) -> SourceError:
    if code in _CHANGED:
        return wording.changed_meanwhile(url)
    if code == "NoSuchBucket":
        return wording.not_there(url, "bucket")
    if code in _GONE:
        return wording.is_gone(url)
    if code in _NO_RIGHTS:
        return wording.may_not_read(url, said, "give this login the rights to list the bucket and to read its objects")
    return wording.cannot_reach(url, said) if code in _BUSY else wording.refused(url, said)


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
        kind = deliveries.not_reached if code in _PASSING or status >= 500 else deliveries.refused
        raise kind(_NAME, str(error)) from error
    except (HTTPClientError, NoConnection) as error:
        raise deliveries.not_reached(_NAME, str(error)) from error
    except (Boto3Error, BotoCoreError) as error:
        raise deliveries.refused(_NAME, str(error)) from error
