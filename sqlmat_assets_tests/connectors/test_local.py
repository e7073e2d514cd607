"""Files on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.connectors.base import Store
from sqlmat_assets.connectors.local import LocalFiles
from sqlmat_assets_tests.connectors.contract import Place, StoreContract


class Folder:
    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, key: str, content: bytes | str) -> str:
        file = self._path / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(file)

    def remove(self, key: str) -> None:
        (self._path / key).unlink()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Folder(tmp_path / "files")


@pytest.fixture
def store() -> Store:
    return LocalFiles()


class TestLocal(StoreContract):
    """The contract."""


def test_a_file_is_where_it_was_found(place: Place, store: Store) -> None:
    found = store.find(place.put("a.csv", "x"))[0]
    assert store.path_of(found) == Path(found.url)
