"""What every place with files has to do; each place inherits it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from sqlmat_assets.connectors.base import Store
from sqlmat_assets.errors import SourceError


class Place(Protocol):
    """Where a test puts files."""

    def put(self, key: str, content: bytes | str) -> str:
        """Write a file, and tell its URL."""
        ...

    def remove(self, key: str) -> None: ...


class StoreContract:
    """To be inherited with two fixtures: `place` and `store`."""

    def test_a_folder_does_not_bring_another_that_begins_alike(self, place: Place, store: Store) -> None:
        inside = place.put("ev/a.csv", "a")
        for other in ("ev_old/a.csv", "ev/deeper/a.csv", "ev/a.csv.bak", "ev2/a.csv"):
            place.put(other, "a")
        pattern = inside.replace("ev/a.csv", "ev/*.csv")
        assert [each.url for each in store.find(pattern)] == [inside]

    def test_patterns(self, place: Place, store: Store) -> None:
        one = place.put("d/2019-01/a.csv", "a")
        base = one.removesuffix("d/2019-01/a.csv")
        for key in ("d/2019-02/b.csv", "d/2019-02/c1.csv", "d/x.csv", "d/2020/[1].csv"):
            place.put(key, "a")

        def found(pattern: str) -> list[str]:
            return [each.url.removeprefix(base) for each in store.find(base + pattern)]

        assert found("d/2019-*/*.csv") == ["d/2019-01/a.csv", "d/2019-02/b.csv", "d/2019-02/c1.csv"]
        assert found("d/2019-0[2-9]/?.csv") == ["d/2019-02/b.csv"]
        assert found("d/**/*.csv") == [
            "d/2019-01/a.csv",
            "d/2019-02/b.csv",
            "d/2019-02/c1.csv",
            "d/2020/[1].csv",
            "d/x.csv",
        ]
        assert found("d/2020/[[]1].csv") == ["d/2020/[1].csv"]
        assert found("d/x.csv") == ["d/x.csv"]
        assert found("e/*.csv") == []

    def test_names_with_other_letters(self, place: Place, store: Store) -> None:
        names = ["o/a b+c&d=e?f#g%20.csv", "o/ü é.csv", "o/'quoted'.csv"]
        base = [place.put(name, name) for name in names][-1].removesuffix(names[-1])
        assert sorted(each.url for each in store.find(f"{base}o/*.csv")) == sorted(base + name for name in names)

    def test_a_file_comes_whole(self, place: Place, store: Store, tmp_path: Path) -> None:
        content = bytes(range(256)) * 5000
        found = store.find(place.put("big.parquet", content))[0]
        assert found.size == len(content)
        store.fetch(found, tmp_path / "fetched")
        assert (tmp_path / "fetched").read_bytes() == content
        assert store.read_start(found, 300) == content[:300]
        assert store.read_end(found, 300) == content[-300:]
        assert store.read_end(found, len(content) * 2) == content

    def test_an_empty_file(self, place: Place, store: Store, tmp_path: Path) -> None:
        found = store.find(place.put("empty.csv", ""))[0]
        store.fetch(found, tmp_path / "fetched")
        assert ((tmp_path / "fetched").read_bytes(), store.read_start(found, 10), store.read_end(found, 10)) == (
            b"",
            b"",
            b"",
        )

    def test_another_content_has_another_etag(self, place: Place, store: Store) -> None:
        url = place.put("a.csv", "one")
        first = store.find(url)[0]
        assert store.look(first) == first
        place.put("a.csv", "two")
        second = store.find(url)[0]
        assert first.etag != second.etag
        assert store.look(first) == second
        place.remove("a.csv")
        assert store.look(first) is None


class FetchingContract(StoreContract):
    """The same of a place whose files have to be fetched."""

    def test_what_was_changed_since_it_was_found_is_not_fetched(
        self, place: Place, store: Store, tmp_path: Path
    ) -> None:
        found = store.find(place.put("a.csv", "one"))[0]
        place.put("a.csv", "two, and longer")
        with pytest.raises(SourceError) as caught:
            store.fetch(found, tmp_path / "fetched")
        assert str(caught.value) == (
            f"`{found.url}` was changed while it was read, and nothing was loaded\n  hint: build the table again"
        )

    def test_what_is_gone_is_not_fetched(self, place: Place, store: Store, tmp_path: Path) -> None:
        found = store.find(place.put("a.csv", "one"))[0]
        place.remove("a.csv")
        with pytest.raises(SourceError) as caught:
            store.fetch(found, tmp_path / "fetched")
        assert str(caught.value) == (
            f"`{found.url}` is gone since it was found, and nothing was loaded\n  hint: build the table again"
        )
