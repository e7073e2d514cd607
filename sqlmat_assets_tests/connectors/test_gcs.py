"""Cloud Storage, over a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.connectors.base import Store
from sqlmat_assets.connectors.gcs import GCSPlace, GCSStore, read_place
from sqlmat_assets.errors import SourceError, UsageError
from sqlmat_assets_tests.connectors.contract import FetchingContract, Place
from sqlmat_assets_tests.connectors.fixtures import GCSBucket


@pytest.fixture
def place(gcs_bucket: GCSBucket) -> Place:
    return gcs_bucket


@pytest.fixture
def store(gcs_bucket: GCSBucket) -> Store:
    del gcs_bucket  # which sets the environment
    return GCSStore(GCSPlace())


class TestGCS(FetchingContract):
    """The contract."""


def test_a_bucket_that_nobody_has(store: Store) -> None:
    with pytest.raises(SourceError) as caught:
        store.find("gs://no-such-bucket/*.csv")
    assert str(caught.value) == "there is no bucket `gs://no-such-bucket`\n  hint: check its name in `files`"


def test_no_login_at_all(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    with pytest.raises(SourceError, match=r"`gs://` may not be read: .*\n  hint: set `GOOGLE_APPLICATION_CREDENTIALS`"):
        GCSStore(GCSPlace(credentials=str(tmp_path / "none.json")))


def test_urls_of_connections() -> None:
    assert read_place("g", "gs://?credentials=/a/b.json&project=p") == GCSPlace("/a/b.json", "p")
    with pytest.raises(UsageError, match="the URL of the connection `g` cannot be used here"):
        read_place("g", "gs://bucket")
