"""What holds of every place for files."""

from __future__ import annotations

from pathlib import Path

from sqlmat_assets.connectors.stores import Store


class StoreContract:
    """Inherited with a fixture `store`, which is empty."""

    def test_files_are_there_under_their_names(self, store: Store, tmp_path: Path) -> None:
        file = tmp_path / "rows"
        file.write_bytes(b"a" * 3_000_000)
        store.put(file, "one/rows.csv")
        store.put_text('{"é": 1}', "latest.json")
        assert store.fetch_names("") == ["latest.json", "one/rows.csv"]
        assert store.fetch_names("one") == ["one/rows.csv"]
        assert store.fetch_names("on") == []
        assert self.read(store, "one/rows.csv") == b"a" * 3_000_000
        assert self.read(store, "latest.json") == '{"é": 1}'.encode()

    def test_a_file_takes_the_place_of_another(self, store: Store, tmp_path: Path) -> None:
        for text in ("first", "second"):
            (tmp_path / "rows").write_text(text)
            store.put(tmp_path / "rows", "rows.csv")
        assert store.fetch_names("") == ["rows.csv"]
        assert self.read(store, "rows.csv") == b"second"

    def test_files_are_removed_also_those_that_are_gone(self, store: Store) -> None:
        for name in ("one/a", "one/b", "two/c"):
            store.put_text(name, name)
        store.remove(["one/a", "one/b", "one/never"])
        store.remove([])
        assert store.fetch_names("") == ["two/c"]

    def read(self, store: Store, name: str) -> bytes:
        raise NotImplementedError
