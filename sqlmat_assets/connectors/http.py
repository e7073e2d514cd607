"""Files behind web servers."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError

from sqlmat_assets.connectors.base import Found
from sqlmat_assets.errors import sources as wording

_CHUNK = 1 << 20
_THREADS = 32
_BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
_CHANGED = 412
# Some servers know no HEAD.
_NO_HEAD = frozenset({400, 403, 404, 405, 501})


@dataclass(frozen=True, slots=True)
class HTTPPlace:
    """How to get past a web server's door.

    Args:
        host: Its name, with the port where there is one; None for any server, without a login.
        user: Who reads; an empty name for a token.
        password: Theirs, or the token.
    """

    host: str | None = None
    user: str = ""
    password: str = ""


def read_place(name: str, url: str) -> HTTPPlace:
    """Read the URL of a connection: `https://user:password@example.com`, or `https://:token@example.com`.

    Raises:
        UsageError: It is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.password:
        raise wording.bad_connection(name, "https://user:password@example.com")
    return HTTPPlace(parts.netloc.rpartition("@")[2], unquote(parts.username or ""), unquote(parts.password))


class HTTPStore:
    """The files behind all web servers, with one login at most; `pause` is how long a busy one is left alone first."""

    def __init__(self, place: HTTPPlace, pause: float = 0.2) -> None:
        self._place = place
        retries = urllib3.Retry(
            total=4,
            backoff_factor=pause,
            status_forcelist=_BUSY,
            raise_on_status=False,
            respect_retry_after_header=False,
        )
        timeout = urllib3.Timeout(connect=10, read=60)
        self._pool = urllib3.PoolManager(maxsize=_THREADS, retries=retries, timeout=timeout)

    def find(self, pattern: str) -> list[Found]:
        with _explained(pattern):
            answer = self._ask("HEAD", pattern)
            answer.drain_conn()
            if answer.status in _NO_HEAD:
                answer = self._ask("GET", pattern)
                answer.release_conn()
        if answer.status in (404, 410):
            return []
        _refuse(pattern, answer)
        return [_found(pattern, answer.headers)]

    def path_of(self, found: Found) -> Path | None:
        del found  # none is here
        return None

    def fetch(self, found: Found, into: Path) -> None:
        with _explained(found.url), into.open("wb") as file:
            answer = self._ask("GET", found.url)
            try:
                _refuse(found.url, answer)
                came = _found(found.url, answer.headers)
                if came.etag != found.etag:
                    raise wording.changed_meanwhile(found.url)
                for chunk in answer.stream(_CHUNK, decode_content=False):
                    file.write(chunk)
            finally:
                answer.close()
            if came.size is not None and file.tell() != came.size:
                raise wording.is_cut_off(found.url, file.tell(), came.size)

    def look(self, found: Found) -> Found | None:
        return next(iter(self.find(found.url)), None)

    def read_start(self, found: Found, count: int) -> bytes:
        with _explained(found.url):
            answer = self._ask("GET", found.url)
            try:
                _refuse(found.url, answer)
                return answer.read(count, decode_content=False)
            finally:
                answer.close()

    def read_end(self, found: Found, count: int) -> bytes:
        with _explained(found.url):
            answer = self._ask("GET", found.url, {"Range": f"bytes=-{count}"})
            try:
                if answer.status != 206:
                    _refuse(found.url, answer)
                # A server that knows no ranges sends all of it.
                return answer.read(decode_content=False)[-count:]
            finally:
                answer.close()

    def _ask(self, method: str, url: str, more: Mapping[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        # What a server packs for the way has no size that could be compared.
        headers = {"Accept-Encoding": "identity", **self._login(url), **(more or {})}
        return self._pool.request(method, url, headers=headers, preload_content=False)

    def _login(self, url: str) -> Mapping[str, str]:
        place = self._place
        if place.host is None or urlsplit(url).netloc != place.host:
            return {}
        if not place.user:
            return {"Authorization": f"Bearer {place.password}"}
        return urllib3.make_headers(basic_auth=f"{place.user}:{place.password}")


def _found(url: str, headers: Mapping[str, str]) -> Found:
    size = headers.get("Content-Length")
    etag = headers.get("ETag") or headers.get("Last-Modified")
    return Found(url, int(size) if size is not None and size.isdigit() else None, etag)


def _refuse(url: str, answer: urllib3.BaseHTTPResponse) -> None:
    """Stop where the answer is not the file.

    Raises:
        SourceError: It is not.
    """
    said = f"{answer.status} {answer.reason}".strip()
    if answer.status in (401, 403):
        hint = "write `connection: shop`, with `https://user:password@example.com` in `SQLMAT_CONNECTION_SHOP`"
        raise wording.may_not_read(url, said, hint)
    if answer.status in (404, 410):
        raise wording.is_gone(url)
    if answer.status in _BUSY:
        raise wording.cannot_reach(url, said)
    if answer.status != 200:
        raise wording.refused(url, said)


@contextmanager
def _explained(url: str) -> Generator[None]:
    try:
        yield
    except (IncompleteRead, ProtocolError) as error:
        cut = next((each for each in (error, *error.args) if isinstance(each, IncompleteRead)), None)
        if cut is None:
            raise wording.cannot_reach(url, str(error)) from error
        raise wording.is_cut_off(url, int(cut.partial or 0), int(cut.partial or 0) + cut.expected) from error
    except HTTPError as error:
        raise wording.cannot_reach(url, str(error)) from error
