"""The objects of S3 as COPY and UNLOAD use them, over a real socket."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import boto3

from sqlmat_assets_tests.redshift.refusals import INTERNAL, Refused


@dataclass(frozen=True, slots=True)
class Object:
    """One object: where it is and what is in it."""

    url: str
    data: bytes


@functools.cache
def s3_client(endpoint: str) -> Any:
    """Return a client; making one takes longer than using it."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        region_name="us-east-1",
    )


class ObjectStore:
    """A client of the S3 that listens at an address.

    Args:
        endpoint: The URL of the S3 server, which is not Amazon's.
    """

    def __init__(self, endpoint: str) -> None:
        self.client = s3_client(endpoint)

    def list(self, url: str) -> list[str]:
        """Return the URLs of all objects whose URL begins like this."""
        bucket, prefix = split_url(url)
        found: list[str] = []
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                found += [f"s3://{bucket}/{entry['Key']}" for entry in page.get("Contents", [])]
        except self.client.exceptions.NoSuchBucket:
            message = "S3ServiceException:The specified bucket does not exist,Status 404,Error NoSuchBucket"
            raise Refused(message, INTERNAL) from None
        return found

    def read(self, url: str) -> bytes:
        bucket, key = split_url(url)
        return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()

    def write(self, url: str, data: bytes) -> None:
        bucket, key = split_url(url)
        self.client.put_object(Bucket=bucket, Key=key, Body=data)

    def delete(self, urls: Iterable[str]) -> None:
        for url in urls:
            bucket, key = split_url(url)
            self.client.delete_object(Bucket=bucket, Key=key)

    def read_prefix(self, url: str) -> list[Object]:
        """Return what a COPY of a prefix loads.

        https://docs.aws.amazon.com/redshift/latest/dg/copy-parameters-data-source-s3.html
        """
        urls = self.list(url)
        if not urls:
            raise Refused(f"The specified S3 prefix '{split_url(url)[1]}' does not exist", INTERNAL)
        return [Object(found, self.read(found)) for found in urls if not found.endswith("/")]

    def read_manifest(self, url: str) -> list[Object]:
        """Return the objects that a manifest names; those that are not mandatory may be missing.

        https://docs.aws.amazon.com/redshift/latest/dg/loading-data-files-using-manifest.html
        """
        if url not in self.list(url):
            raise Refused(f"The specified S3 prefix '{split_url(url)[1]}' does not exist", INTERNAL)
        entries: list[dict[str, Any]] = json.loads(self.read(url))["entries"]
        objects: list[Object] = []
        for entry in entries:
            if entry["url"] in self.list(entry["url"]):
                objects.append(Object(entry["url"], self.read(entry["url"])))
            elif entry.get("mandatory", False):
                raise Refused(f"Manifest file {entry['url']} is mandatory but does not exist", INTERNAL)
        return objects


def split_url(url: str) -> tuple[str, str]:
    """Return bucket and key."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
