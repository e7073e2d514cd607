"""The messages of the PostgreSQL protocol, version 3, as bytes.

https://www.postgresql.org/docs/15/protocol-message-formats.html
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

PROTOCOL = 196608
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104
CANCEL_REQUEST = 80877102
JSONB, SUPER = struct.pack("!I", 3802), struct.pack("!I", 4000)


class Gone(ConnectionError):  # noqa: N818 - a state
    """The other side has closed the connection."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message: its letter and what follows its length."""

    kind: bytes
    body: bytes = b""

    def encoded(self) -> bytes:
        return self.kind + struct.pack("!I", len(self.body) + 4) + self.body


class ServerError(Exception):
    """An error as a server words it.

    Attributes:
        fields: The letters of ErrorResponse and their texts.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields.get("M", ""))
        self.fields = fields

    @property
    def message(self) -> str:
        return self.fields.get("M", "")

    @property
    def sqlstate(self) -> str:
        return self.fields.get("C", "")

    def encoded(self) -> Message:
        body = b"".join(letter.encode() + text.encode() + b"\0" for letter, text in self.fields.items())
        return Message(b"E", body + b"\0")


class Wire:
    """A socket that is read and written in messages."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reader = connection.makefile("rb")

    def exactly(self, count: int) -> bytes:
        data = self._reader.read(count)
        if len(data) < count:
            raise Gone
        return data

    def receive(self) -> Message:
        kind = self.exactly(1)
        (length,) = struct.unpack("!I", self.exactly(4))
        return Message(kind, self.exactly(length - 4))

    def receive_start(self) -> tuple[int, bytes]:
        """Return the code and the body of a message without a letter: the first one of a connection."""
        length, code = struct.unpack("!II", self.exactly(8))
        return code, self.exactly(length - 8)

    def send(self, *messages: Message) -> None:
        self.connection.sendall(b"".join(message.encoded() for message in messages))

    def send_raw(self, data: bytes) -> None:
        self.connection.sendall(data)

    def shut_down(self) -> None:
        """Wake up whoever waits for a message, in this process and in the other."""
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.shut_down()
        with suppress(OSError):
            self._reader.close()
        self.connection.close()


def read_error(body: bytes) -> ServerError:
    """Return what an ErrorResponse or NoticeResponse says."""
    return ServerError({part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part})


def read_pairs(body: bytes) -> dict[str, str]:
    """Return the names and values of a start-up message."""
    parts = body.rstrip(b"\0").split(b"\0")
    return {name.decode(): value.decode() for name, value in zip(parts[::2], parts[1::2], strict=False)}


def cut(body: bytes) -> tuple[str, bytes]:
    """Return the text in front of the first zero byte, and what follows it."""
    text, _, rest = body.partition(b"\0")
    return text.decode(), rest


def text(value: str) -> bytes:
    return value.encode() + b"\0"


def start_message(pairs: Mapping[str, str]) -> bytes:
    body = b"".join(text(name) + text(value) for name, value in pairs.items()) + b"\0"
    return struct.pack("!II", len(body) + 8, PROTOCOL) + body


def command_complete(tag: str) -> Message:
    return Message(b"C", text(tag))


def ready(status: str) -> Message:
    return Message(b"Z", status.encode())


def parameter_status(name: str, value: str) -> Message:
    return Message(b"S", text(name) + text(value))


def notice(severity: str, sqlstate: str, words: str) -> Message:
    return Message(b"N", b"S" + text(severity) + b"C" + text(sqlstate) + b"M" + text(words) + b"\0")


def parse(name: str, sql: str, types: Sequence[int] = ()) -> Message:
    return Message(b"P", text(name) + text(sql) + struct.pack(f"!H{len(types)}I", len(types), *types))


def bind(portal: str, statement: str) -> Message:
    return Message(b"B", text(portal) + text(statement) + struct.pack("!HHH", 0, 0, 0))


def execute(portal: str) -> Message:
    return Message(b"E", text(portal) + struct.pack("!I", 0))


def close(kind: str, name: str) -> Message:
    return Message(b"C", kind.encode() + text(name))


def read_row(body: bytes) -> tuple[str | None, ...]:
    """Return the values of a DataRow, as text."""
    (count,) = struct.unpack_from("!H", body)
    values: list[str | None] = []
    at = 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, at)
        at += 4
        if length < 0:
            values.append(None)
            continue
        values.append(body[at : at + length].decode())
        at += length
    return tuple(values)


def read_columns(body: bytes) -> list[tuple[str, int, int]]:
    """Return the names, types and modifiers of a RowDescription."""
    (count,) = struct.unpack_from("!H", body)
    columns: list[tuple[str, int, int]] = []
    at = 2
    for _ in range(count):
        end = body.index(b"\0", at)
        _, _, kind, _, modifier, _ = struct.unpack_from("!IHIhiH", body, end + 1)
        columns.append((body[at:end].decode(), kind, modifier))
        at = end + 19
    return columns


def renamed_columns(body: bytes, names: Mapping[str, str]) -> bytes:
    """Return a RowDescription with other column names, and SUPER for jsonb."""
    (count,) = struct.unpack_from("!H", body)
    parts, at = [body[:2]], 2
    for _ in range(count):
        end = body.index(b"\0", at)
        name = body[at:end].decode()
        place, kind, form = body[end + 1 : end + 7], body[end + 7 : end + 11], body[end + 11 : end + 19]
        parts.append(text(names.get(name, name)) + place + (SUPER if kind == JSONB else kind) + form)
        at = end + 19
    return b"".join(parts)


def rows_of(messages: Iterable[Message]) -> list[tuple[str | None, ...]]:
    return [read_row(message.body) for message in messages if message.kind == b"D"]
