"""Google Cloud Storage."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmat_assets.errors import deliveries as wording

_NAME = "Cloud Storage"


class GcsStore:
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
        self._bucket = _open_bucket(bucket, endpoint)

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
                raise wording.cannot_sign(str(error).splitlines()[0]) from error

    def _blob(self, name: str) -> Any:
        return self._bucket.blob(self._key(name))

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


def _open_bucket(name: str, endpoint: str | None) -> Any:
    try:
        from google.cloud import storage
    except ImportError:
        raise wording.not_installed("google-cloud-storage", "gcp") from None
    with _refused():
        client: Any = storage.Client(client_options=None if endpoint is None else {"api_endpoint": endpoint})
        return client.bucket(name)


@contextmanager
def _refused() -> Generator[None]:
    """Word what Cloud Storage, or the way to it, says."""
    from google.api_core.exceptions import GoogleAPIError, ServerError, TooManyRequests
    from google.auth.exceptions import GoogleAuthError, TransportError
    from requests.exceptions import RequestException

    try:
        yield
    except (ServerError, TooManyRequests, TransportError, RequestException) as error:
        raise wording.not_reached(_NAME, str(error)) from error
    except (GoogleAPIError, GoogleAuthError) as error:
        raise wording.refused(_NAME, str(error)) from error
