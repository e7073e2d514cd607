"""Notifications over HTTP: what is in them, that they are signed, and when they are tried again."""

from __future__ import annotations

import gzip
import hashlib
import hmac
import re
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from sqlmat_assets.execution.events import Delivered
from sqlmat_assets.project.deliveries import delivery_of
from sqlmat_assets_tests.connectors.receiver import Receiver, receiving
from sqlmat_assets_tests.execution.deliveries.sending import CITIES, Sending

PAGE = Path(__file__).parents[3] / "docs" / "deliveries.md"
HOOK = "hook:\n  to: {url}/hooks/{{{{ env.PATH_OF_HOOK }}}}\n"


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture
def hooked(sending: Sending, receiver: Receiver) -> Sending:
    sending.secrets = {"PATH_OF_HOOK": "t0ps3cret", "KEY": "signing key", "TOKEN": "bearer token"}
    sending.write(HOOK.format(url=receiver.url))
    return sending


def test_what_it_says(hooked: Sending, receiver: Receiver) -> None:
    event = hooked.deliver("hook")
    (call,) = receiver.calls
    assert call.path == "/hooks/t0ps3cret"
    assert call.document == {
        "event": "published",
        "id": event.data_version,
        "table": "first.cities",
        "published_at": "2026-01-02T04:04:05+00:00",
        "rows": 3,
        "columns": [{"name": "id", "type": "BIGINT"}, {"name": "name", "type": "VARCHAR"}],
        "run": "r1",
    }
    assert call.headers["content-type"] == "application/json"
    assert call.headers["idempotency-key"] == event.data_version
    assert "x-sqlmat-signature" not in call.headers
    assert (event.rows, event.details) == (3, (("answer", "204 No Content"),))
    assert event.shown == receiver.url


def test_it_is_signed_with_the_time(hooked: Sending, receiver: Receiver) -> None:
    more = '  secret: "{{ env.KEY }}"\n  headers:\n    Authorization: "Bearer {{ env.TOKEN }}"\n'
    hooked.write(HOOK.format(url=receiver.url) + more)
    hooked.deliver("hook")
    (call,) = receiver.calls
    assert call.headers["authorization"] == "Bearer bearer token"
    parts = dict(part.split("=", 1) for part in call.headers["x-sqlmat-signature"].split(","))
    assert parts["t"] == "1767326645"
    expected = hmac.new(b"signing key", f"{parts['t']}.".encode() + call.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(parts["v1"], expected)
    # What docs/deliveries.md tells a receiver to do.
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    said: dict[str, Any] = {}
    exec(code, said)
    asked = call.headers["x-sqlmat-signature"], call.body
    assert said["is_genuine"]("signing key", *asked, 1767326700)
    assert not said["is_genuine"]("another key", *asked, 1767326700)
    assert not said["is_genuine"]("signing key", asked[0], call.body + b" ", 1767326700)
    assert not said["is_genuine"]("signing key", *asked, 1767327000)


def test_what_may_pass_is_tried_again_with_the_same_key(hooked: Sending, receiver: Receiver) -> None:
    receiver.answers = [(503, {}), (429, {"Retry-After": "7"}), (502, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"})]
    hooked.deliver("hook")
    assert len(receiver.calls) == 4
    assert len({call.headers["idempotency-key"] for call in receiver.calls}) == 1
    assert len({call.body for call in receiver.calls}) == 1
    assert hooked.pauses == [1.0, 7.0, 4.0]


def test_what_does_not_pass_is_given_up(hooked: Sending, receiver: Receiver) -> None:
    receiver.answers = [(500, {})] * 9
    receiver.said = b"out\n of   order"
    host = receiver.url.removeprefix("http://")
    assert hooked.refused("hook") == (
        f"{host} answers 500 Internal Server Error: out of order\n"
        "`first.cities__deliver__hook` has delivered nothing yet"
    )
    assert hooked.pauses == [1.0, 2.0, 4.0, 8.0]
    receiver.answers.clear()
    assert hooked.deliver("hook").is_new


@pytest.mark.parametrize("status", [400, 401, 404, 410, 422])
def test_what_the_receiver_does_not_take_is_not_tried_again(hooked: Sending, receiver: Receiver, status: int) -> None:
    receiver.answers = [(status, {})]
    assert f"answers {status} " in hooked.refused("hook")
    assert (len(receiver.calls), hooked.pauses) == (1, [])


def test_another_address_is_no_place_to_go(hooked: Sending, receiver: Receiver) -> None:
    receiver.answers = [(302, {"Location": "/elsewhere"})]
    said = hooked.refused("hook").splitlines()
    assert said[0].endswith("answers 302 Found, to `/elsewhere`")
    assert said[1] == "  hint: deliver to that address"
    assert len(receiver.calls) == 1


def test_a_server_that_is_not_there(hooked: Sending) -> None:
    hooked.write("hook:\n  to: http://127.0.0.1:9/{{ env.PATH_OF_HOOK }}\n")
    said = hooked.refused("hook").splitlines()
    assert said[0].startswith("127.0.0.1:9 cannot be reached: ")
    assert "Connection refused" in said[0]
    assert "t0ps3cret" not in said[0]
    assert len(hooked.pauses) == 4


def test_what_the_receiver_says_of_a_secret_is_not_told(hooked: Sending, receiver: Receiver) -> None:
    receiver.answers = [(400, {})]
    receiver.said = b"no such hook: t0ps3cret"
    said = hooked.refused("hook")
    assert "no such hook: {{ env.PATH_OF_HOOK }}" in said
    assert "t0ps3cret" not in said


def test_the_same_rows_are_told_of_once(hooked: Sending, receiver: Receiver) -> None:
    hooked.deliver("hook")
    assert not hooked.deliver("hook").is_new
    assert len(receiver.calls) == 1


def test_a_crash_before_the_note_calls_again_with_the_same_key(hooked: Sending, receiver: Receiver) -> None:
    from sqlmat_assets_tests.tables import ask

    hooked.deliver("hook")
    ask(hooked.root / "warehouse.duckdb", "DELETE FROM _sqlmat.deliveries")
    hooked.deliver("hook")
    first, again = receiver.calls
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]


def test_it_names_the_files_of_another_delivery(
    hooked: Sending, receiver: Receiver, s3_bucket: str, s3_server: str
) -> None:
    del s3_server
    bucket = f"bucket:\n  to: s3://{s3_bucket}/cities\n  format: csv\n  links: 4h\n"
    hooked.write(f"{bucket}hook:\n  to: {receiver.url}/\n  files_of: bucket\n")
    hooked.build()
    (call,) = receiver.calls
    (file,) = call.document["files"]
    assert (file["name"], file["rows"]) == ("cities.csv.gz", 3)
    assert file["url"] == f"s3://{s3_bucket}/cities/20260102T040405Z-r1/cities.csv.gz"
    with urllib.request.urlopen(file["link"]) as answer:
        data = answer.read()
    assert (len(data), gzip.decompress(data)[:7]) == (file["bytes"], b"id,name")
    assert call.document["links_until"] == "2026-01-02T08:04:05+00:00"
    # Another delivery of the same rows is told of as well.
    event = hooked.build("bucket", "hook", named=frozenset({delivery_of(CITIES, "bucket")}))["cities__deliver__hook"]
    assert isinstance(event, Delivered)
    assert event.is_new
    assert receiver.calls[1].document["files"][0]["url"] != file["url"]


def test_without_files_nothing_is_told(hooked: Sending, receiver: Receiver) -> None:
    hooked.write(f"disk:\n  to: ../../exports\n  keep: 1\nhook:\n  to: {receiver.url}/\n  files_of: disk\n")
    (hooked.root / "exports").write_text("in the way")
    assert "Skipped" in str(hooked.build()["cities__deliver__hook"])
    assert receiver.calls == []
