"""Web servers, over a socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from sqlmat_assets.connectors.config import Connectors
from sqlmat_assets.connectors.http import HTTPPlace, HTTPStore, read_place
from sqlmat_assets.errors import SourceError, TransientSourceError, UsageError
from sqlmat_assets_tests.connectors.http_double import WebServer
from sqlmat_assets_tests.postgres import free_port

STORE = HTTPStore(HTTPPlace(), pause=0)


@pytest.mark.parametrize("kind", ["plain", "chunked", "no head"])
def test_a_file_comes_whole(web: WebServer, tmp_path: Path, kind: str) -> None:
    content = bytes(range(256)) * 5000
    url = web.put("/a.csv", content) + "?token=1"
    if kind == "chunked":
        web.chunked.add("/a.csv")
    if kind == "no head":
        web.no_head.add("/a.csv")
    found = STORE.find(url)[0]
    assert (found.url, found.size) == (url, None if kind == "chunked" else len(content))
    STORE.fetch(found, tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == content
    assert STORE.read_start(found, 100) == content[:100]
    assert STORE.read_end(found, 100) == content[-100:]
    assert STORE.look(found) == found


def test_a_file_that_is_not_there_is_no_error(web: WebServer) -> None:
    assert STORE.find(f"{web.url}/none.csv") == []


def test_a_body_that_is_cut_off(web: WebServer, tmp_path: Path) -> None:
    url = web.put("/a.csv", b"x" * 10_000)
    found = STORE.find(url)[0]
    web.cut["/a.csv"] = 4_000
    with pytest.raises(TransientSourceError) as caught:
        STORE.fetch(found, tmp_path / "fetched")
    assert str(caught.value) == f"`{url}` was cut off: 4,000 of 10,000 bytes came"


def test_what_was_changed_since_it_was_found_is_not_fetched(web: WebServer, tmp_path: Path) -> None:
    found = STORE.find(web.put("/a.csv", b"one"))[0]
    web.put("/a.csv", b"two")
    with pytest.raises(SourceError, match=r"was changed while it was read"):
        STORE.fetch(found, tmp_path / "fetched")


def test_what_is_gone_is_not_fetched(web: WebServer, tmp_path: Path) -> None:
    found = STORE.find(web.put("/a.csv", b"one"))[0]
    web.files.clear()
    with pytest.raises(SourceError, match="is gone since it was found"):
        STORE.fetch(found, tmp_path / "fetched")
    assert STORE.look(found) is None


def test_a_busy_server_is_asked_again(web: WebServer, tmp_path: Path) -> None:
    url = web.put("/a.csv", b"one")
    web.busy["/a.csv"] = 2
    found = STORE.find(url)[0]
    web.busy["/a.csv"] = 1
    STORE.fetch(found, tmp_path / "fetched")
    web.busy["/a.csv"] = 99
    with pytest.raises(TransientSourceError) as caught:
        STORE.find(url)
    assert str(caught.value) == f"`{url}` cannot be reached: 503 Service Unavailable"


def test_nobody_there() -> None:
    with pytest.raises(TransientSourceError, match="cannot be reached"):
        STORE.find(f"http://127.0.0.1:{free_port()}/a.csv")


def test_a_login_goes_to_its_own_server_alone(web: WebServer, tmp_path: Path) -> None:
    url = web.put("/a.csv", b"one")
    web.lock("joan", "p@ss")
    with pytest.raises(SourceError) as caught:
        STORE.find(url)
    assert str(caught.value) == (
        f"`{url}` may not be read: 401 Unauthorized\n"
        "  hint: write `connection: shop`, with `https://user:password@example.com` in `SQLMAT_CONNECTION_SHOP`"
    )
    host = web.url.removeprefix("http://")
    store = Connectors.of({"SQLMAT_CONNECTION_SHOP": f"http://joan:p%40ss@{host}"}).open_store("http", "shop")
    store.fetch(store.find(url)[0], tmp_path / "fetched")
    elsewhere = Connectors.of({"SQLMAT_CONNECTION_SHOP": "http://joan:p%40ss@example.com"}).open_store("http", "shop")
    with pytest.raises(SourceError, match="may not be read"):
        elsewhere.find(url)


def test_a_token_and_a_file_that_has_moved(web: WebServer, tmp_path: Path) -> None:
    web.put("/b.csv", b"two")
    web.moved["/a.csv"] = "/b.csv"
    web.login = "Bearer t0ken"
    store = HTTPStore(HTTPPlace(web.url.removeprefix("http://"), "", "t0ken"))
    store.fetch(store.find(f"{web.url}/a.csv")[0], tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == b"two"


def test_urls_of_connections() -> None:
    assert read_place("shop", "https://joan:p%40ss@example.com:8443") == HTTPPlace("example.com:8443", "joan", "p@ss")
    assert read_place("shop", "https://:t0ken@example.com") == HTTPPlace("example.com", "", "t0ken")
    for url in ("https://example.com", "ftp://a:b@example.com"):
        with pytest.raises(UsageError) as caught:
            read_place("shop", url)
        assert str(caught.value) == (
            "the URL of the connection `shop` cannot be used here\n"
            "  hint: write it like `https://user:password@example.com`"
        )


def test_a_connection_that_nothing_says() -> None:
    with pytest.raises(SourceError) as caught:
        Connectors.of({}).open_store("https", "shop")
    assert str(caught.value) == (
        "nothing says where the connection `shop` leads\n  hint: put its URL into `SQLMAT_CONNECTION_SHOP`"
    )
