"""Objects in Google Cloud Storage: those that are loaded, and folders that are delivered to."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlmat_assets.connectors.base import Found
from sqlmat_assets.connectors.patterns import compile_pattern, escape, fixed_part
from sqlmat_assets.errors import ConnectorError, deliveries
from sqlmat_assets.errors import sources as wording

_NAME = "Cloud Storage"
_SECONDS = 60


@dataclass(frozen=True, slots=True)
class GCSPlace:
    """How to get to Cloud Storage.

    Args:
        credentials: The file of a service account; None for what the machine has.
        project: The project that is billed; None for that of the login.
        endpoint: Where the service is, if not at Google.
    """

    credentials: str | None = None
    project: str | None = None
    endpoint: str | None = None


def read_place(name: str, url: str) -> GCSPlace:
    """Read the URL of a connection: `gs://?credentials=/etc/sqlmat/account.json&project=shop`.

    Raises:
        UsageError: It is none.
    """
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "gs" or parts.netloc or not options.keys() <= {"credentials", "project"}:
        raise wording.bad_connection(name, "gs://?credentials=/etc/sqlmat/account.json")
    return GCSPlace(options.get("credentials"), options.get("project"))


class GCSStore:
    """The buckets that one login can read."""

    def __init__(self, place: GCSPlace) -> None:
        self._client = _open_client(place)

    def find(self, pattern: str) -> list[Found]:
        bucket, name = _split(pattern)
        prefix, expression = fixed_part(name), compile_pattern(name)
        with _explained(f"gs://{bucket}"):
            blobs = self._client.list_blobs(bucket, prefix=prefix, timeout=_SECONDS)
            found = [_found(blob) for blob in blobs if expression.fullmatch(blob.name) and not blob.name.endswith("/")]
        return sorted(found, key=lambda each: each.url)

    def path_of(self, found: Found) -> Path | None:
        del found  # none is here
        return None

    def fetch(self, found: Found, into: Path) -> None:
        with _explained(found.url):
            # As it is stored: what the server unpacks on the way has another size.
            self._blob(found).download_to_filename(str(into), raw_download=True, timeout=_SECONDS, **_same(found))
        if found.size is not None and into.stat().st_size != found.size:
            raise wording.is_cut_off(found.url, into.stat().st_size, found.size)

    def look(self, found: Found) -> Found | None:
        return next(iter(self.find(escape(found.url))), None)

    def read_start(self, found: Found, count: int) -> bytes:
        if found.size == 0:
            return b""  # which no range is in
        with _explained(found.url):
            blob = self._blob(found)
            return bytes(
                blob.download_as_bytes(start=0, end=count - 1, raw_download=True, timeout=_SECONDS, **_same(found))
            )

    def read_end(self, found: Found, count: int) -> bytes:
        if not found.size:
            return b""  # which no range is in
        start = max(found.size - count, 0)
        with _explained(found.url):
            blob = self._blob(found)
            return bytes(blob.download_as_bytes(start=start, raw_download=True, timeout=_SECONDS, **_same(found)))

    def _blob(self, found: Found) -> Any:
        bucket, name = _split(found.url)
        return self._client.bucket(bucket).blob(name)


class GCSFolder:
    """A folder in a bucket.

    Args:
        bucket: Its name.
        prefix: The folder, without a `/` at its ends; empty for all of the bucket.
        endpoint: Where the service is, if not at Google.
    """

    def __init__(self, bucket: str, prefix: str, endpoint: str | None = None) -> None:
        self._prefix = prefix
        self._name = bucket
        self._endpoint = endpoint
        with _refused():
            self._bucket = _open_client(GCSPlace(endpoint=endpoint)).bucket(bucket)

    def close(self) -> None:
        self._bucket.client.close()

    def put(self, file: Path, name: str) -> None:
        with _refused():
            self._blob(name).upload_from_filename(str(file))

    def put_text(self, text: str, name: str) -> None:
        with _refused():
            self._blob(name).upload_from_string(text, content_type="application/json")

    def fetch_names(self, folder: str) -> list[str]:
        base = self._key("")
        below = self._key(f"{folder.rstrip('/')}/" if folder else "")
        with _refused():
            return sorted(str(blob.name).removeprefix(base) for blob in self._bucket.list_blobs(prefix=below))

    def remove(self, names: Iterable[str]) -> None:
        from google.api_core.exceptions import NotFound

        with _refused():
            for name in names:
                with suppress(NotFound):
                    self._blob(name).delete()

    def fetch_size(self, name: str) -> int:
        with _refused():
            return int(self._found(name).size)

    def read_end(self, name: str, count: int) -> bytes:
        with _refused():
            blob = self._found(name)
            start = max(int(blob.size) - count, 0)
            return bytes(blob.download_as_bytes(start=start, raw_download=True, timeout=_SECONDS))

    def rename(self, name: str, new: str) -> None:
        source, target = self._blob(name), self._blob(new)
        with _refused():
            token, _, _ = target.rewrite(source, timeout=_SECONDS)
            while token is not None:
                token, _, _ = target.rewrite(source, token=token, timeout=_SECONDS)
        # All is there; what may stay is removed another time.
        with suppress(ConnectorError), _refused():
            source.delete(timeout=_SECONDS)

    def url(self, name: str) -> str:
        return f"gs://{self._name}/{self._key(name)}"

    def sign(self, name: str, seconds: int) -> str | None:
        where = {} if self._endpoint is None else {"api_access_endpoint": self._endpoint}
        with _refused():
            try:
                lasts = timedelta(seconds=seconds)
                return str(self._blob(name).generate_signed_url(version="v4", expiration=lasts, **where))
            except AttributeError as error:
                # Only an account with a key of its own can sign.
                raise deliveries.cannot_sign(str(error).splitlines()[0]) from error

    def _blob(self, name: str) -> Any:
        return self._bucket.blob(self._key(name))

    def _found(self, name: str) -> Any:
        blob = self._blob(name)
        blob.reload(timeout=_SECONDS)
        return blob

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


def _found(blob: Any) -> Found:
    generation = None if blob.generation is None else str(blob.generation)
    # The same content under a new generation is the same.
    etag = blob.md5_hash or blob.crc32c or generation
    return Found(f"gs://{blob.bucket.name}/{blob.name}", int(blob.size), etag, generation)


def _same(found: Found) -> dict[str, int]:
    return {} if found.version is None else {"if_generation_match": int(found.version)}


def _split(url: str) -> tuple[str, str]:
    bucket, _, name = url.partition("://")[2].partition("/")
    return bucket, name


def _open_client(place: GCSPlace) -> Any:
    try:
        from google.auth.exceptions import DefaultCredentialsError
        from google.cloud import storage
    except ImportError:
        raise wording.no_client("Cloud Storage", "gcp") from None
    kind: Any = storage.Client
    try:
        if place.credentials is not None:
            return kind.from_service_account_json(place.credentials, project=place.project)
        options = None if place.endpoint is None else {"api_endpoint": place.endpoint}
        return kind(project=place.project, client_options=options)
    except (DefaultCredentialsError, OSError, ValueError) as error:
        hint = "set `GOOGLE_APPLICATION_CREDENTIALS` to the file of a service account, or give the machine one"
        raise wording.may_not_read("gs://", str(error).splitlines()[0], hint) from error


@contextmanager
def _explained(url: str) -> Generator[None]:
    from google.api_core import exceptions as api
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except api.PreconditionFailed as error:
        raise wording.changed_meanwhile(url) from error
    except api.NotFound as error:
        raise (wording.is_gone(url) if url.count("/") > 2 else wording.not_there(url, "bucket")) from error
    except (api.Forbidden, api.Unauthorized) as error:
        raise wording.may_not_read(
            url, error.message, "give this login the rights to list the bucket and to read its objects"
        ) from error
    except (api.ServerError, api.TooManyRequests, api.RetryError, RequestException) as error:
        raise wording.cannot_reach(url, str(error)) from error
    except (api.GoogleAPICallError, GoogleAuthError) as error:
        raise wording.refused(url, str(error)) from error


@contextmanager
def _refused() -> Generator[None]:
    """Word what Cloud Storage, or the way to it, says."""
    from google.api_core.exceptions import GoogleAPIError, ServerError, TooManyRequests
    from google.auth.exceptions import GoogleAuthError, TransportError
    from requests.exceptions import RequestException

    try:
        yield
    except (ServerError, TooManyRequests, TransportError, RequestException) as error:
        raise deliveries.not_reached(_NAME, str(error)) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise deliveries.refused(_NAME, str(error)) from error
