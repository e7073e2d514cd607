"""Objects in Cloud Storage, read and written over its JSON API.

https://cloud.google.com/storage/docs/json_api
"""

from __future__ import annotations

import fnmatch
import http.client
import json
from urllib.parse import quote, urlsplit

from sqlmat_assets_tests.bigquery.wire import invalid, not_found


class Objects:
    """A client of a Cloud Storage, or of a double of it; without an address there are no objects."""

    def __init__(self, url: str | None) -> None:
        self.url = url

    def find(self, uri: str) -> list[tuple[str, str]]:
        """Bucket and name of each object that a `gs://` address, in which a `*` may stand, means."""
        bucket, name = self._parts(uri)
        if "*" not in name:
            return [(bucket, name)]
        prefix = name.partition("*")[0]
        told = self._ask("GET", f"/storage/v1/b/{quote(bucket, safe='')}/o?prefix={quote(prefix, safe='')}")
        names = [str(each["name"]) for each in json.loads(told).get("items", ())]
        found = [(bucket, each) for each in names if fnmatch.fnmatchcase(each, name)]
        if not found:
            raise not_found("URI", uri)
        return found

    def read(self, bucket: str, name: str) -> bytes:
        return self._ask("GET", f"/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}?alt=media")

    def write(self, uri: str, content: bytes) -> None:
        bucket, name = self._parts(uri)
        path = f"/upload/storage/v1/b/{quote(bucket, safe='')}/o?uploadType=media&name={quote(name, safe='')}"
        self._ask("POST", path, content)

    def _parts(self, uri: str) -> tuple[str, str]:
        parts = urlsplit(uri)
        if parts.scheme != "gs" or not parts.netloc:
            raise invalid(f"Source URI must be a Google Cloud Storage location: {uri}")
        return parts.netloc, uri.partition("gs://")[2].partition("/")[2]

    def _ask(self, method: str, path: str, body: bytes | None = None) -> bytes:
        if self.url is None:
            raise invalid("this double of BigQuery knows no Cloud Storage")
        address = urlsplit(self.url)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
        try:
            connection.request(method, path, body, {"content-type": "application/octet-stream"})
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status == 404:
            raise not_found("URI", path)
        if answer.status >= 400:
            raise invalid(f"Cloud Storage says {answer.status}: {content[:200]!r}")
        return content
