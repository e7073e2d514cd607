"""Folders on a disk, in S3 and in Cloud Storage: the same contract, and what each has for itself."""

from __future__ import annotations

import urllib.request
from collections.abc import Generator
from contextlib import closing
from pathlib import Path

import pytest

from sqlmat_assets.connectors.gcs import GCSFolder
from sqlmat_assets.connectors.local_folder import LocalFolder
from sqlmat_assets.connectors.s3 import S3Folder
from sqlmat_assets.connectors.stores import Store
from sqlmat_assets.errors import ConnectorError, TerminalConnectorError, TransientConnectorError
from sqlmat_assets_tests.connectors.servers import SECRET_KEY, gcs_bucket, gcs_server, key_file, s3_bucket
from sqlmat_assets_tests.connectors.stores_contract import StoreContract
from sqlmat_assets_tests.redshift.fixtures import bucket

__all__ = ["bucket", "gcs_bucket", "gcs_server", "key_file", "s3_bucket"]


class TestLocalFolder(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalFolder:
        return LocalFolder(tmp_path / "store")

    def read(self, store: Store, name: str) -> bytes:
        return Path(store.url(name)).read_bytes()

    def test_there_are_no_links(self, store: Store) -> None:
        assert store.sign("a", 60) is None

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(ConnectorError) as caught:
            LocalFolder(tmp_path / "file" / "in").put_text("a", "a")
        assert str(caught.value) == f"`{tmp_path}/file/in` cannot be written: Not a directory"

    def test_a_draft_is_not_left_behind(self, store: LocalFolder, tmp_path: Path) -> None:
        with pytest.raises(ConnectorError):
            store.put(tmp_path / "nothing", "rows.csv")
        assert store.fetch_names("") == []


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, s3_bucket: str) -> Generator[S3Folder]:
        with closing(S3Folder(s3_bucket, "exports/cities")) as store:
            yield store

    def read(self, store: Store, name: str) -> bytes:
        with urllib.request.urlopen(store.sign(name, 60) or "") as answer:
            return answer.read()

    def test_a_whole_bucket(self, s3_bucket: str) -> None:
        store = S3Folder(s3_bucket, "")
        store.put_text("a", "a")
        assert (store.fetch_names(""), store.url("a")) == (["a"], f"s3://{s3_bucket}/a")

    def test_a_folder_with_a_longer_name_is_another(self, store: S3Folder, s3_bucket: str) -> None:
        S3Folder(s3_bucket, "exports/cities_old").put_text("a", "a")
        assert store.fetch_names("") == []

    def test_links_have_the_time_that_they_are_good_for(self, store: S3Folder) -> None:
        link = store.sign("a", 4 * 3600) or ""
        assert "X-Amz-Expires=14400" in link
        assert SECRET_KEY not in link

    def test_what_s3_refuses(self, s3_bucket: str) -> None:
        del s3_bucket
        with pytest.raises(TerminalConnectorError) as caught:
            S3Folder("no-such-bucket", "").put_text("a", "a")
        assert str(caught.value) == (
            "S3 refuses: An error occurred (NoSuchBucket) when calling the PutObject operation: "
            "The specified bucket does not exist"
        )

    def test_without_keys(self, s3_bucket: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        with pytest.raises(TerminalConnectorError) as caught:
            S3Folder(s3_bucket, "").put_text("a", "a")
        assert str(caught.value) == "S3 refuses: Unable to locate credentials"

    def test_a_server_that_is_not_there(self, s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(TransientConnectorError) as caught:
            S3Folder(s3_bucket, "", "http://127.0.0.1:9").put_text("a", "a")
        assert str(caught.value).startswith("S3 cannot be reached: Could not connect to the endpoint URL")


class TestCloudStorage(StoreContract):
    @pytest.fixture
    def store(self, gcs_bucket: str, gcs_server: str) -> Generator[GCSFolder]:
        with closing(GCSFolder(gcs_bucket, "exports/cities", gcs_server)) as store:
            yield store

    def read(self, store: Store, name: str) -> bytes:
        with urllib.request.urlopen(store.sign(name, 60) or "") as answer:
            return answer.read()

    def test_links_are_signed_by_the_key_of_the_account(self, store: GCSFolder) -> None:
        link = store.sign("a.csv", 4 * 3600) or ""
        assert "X-Goog-Expires=14400" in link
        assert "X-Goog-Credential=sender%40local.iam.gserviceaccount.com" in link

    def test_what_cloud_storage_refuses(self, gcs_bucket: str, gcs_server: str) -> None:
        del gcs_bucket
        store = GCSFolder("no-such-bucket", "", gcs_server)
        with closing(store), pytest.raises(TerminalConnectorError) as caught:
            store.put_text("a", "a")
        assert str(caught.value).startswith("Cloud Storage refuses: 404 POST ")
