"""The PostgreSQL connection behind one client of the double."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import socket
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from hashlib import md5

from sqlmat_assets_tests.redshift import protocol
from sqlmat_assets_tests.redshift.protocol import Message, ServerError, Wire

INTERNAL = "redshift_internal"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the real PostgreSQL listens, and who may do everything there."""

    host: str
    port: int
    user: str
    password: str = ""


class Backend:
    """One connection to PostgreSQL, made as its superuser.

    Attributes:
        status: `I` (idle), `T` (in a transaction) or `E` (in one that has failed).
        parameters: What PostgreSQL told of itself at the start.
        last_words: Why it has ended the connection, if it said so.
    """

    def __init__(self, address: Address, database: str, options: Mapping[str, str]) -> None:
        self.wire = Wire(socket.create_connection((address.host, address.port), timeout=30))
        self.wire.connection.settimeout(None)
        self.status = "I"
        self.parameters: dict[str, str] = {}
        self.key = b""
        self.last_words: Message | None = None
        start = {"user": address.user, "database": database, "client_encoding": "UTF8", **options}
        self.wire.send_raw(protocol.start_message(start))
        try:
            self._log_in(address)
        except BaseException:
            self.wire.close()
            raise

    @property
    def pid(self) -> int:
        return int.from_bytes(self.key[:4], "big")

    def exchange(self, message: Message, *, tell: Callable[[Message], None] | None = None) -> Generator[Message]:
        """Send one message of the client and yield what comes back for it.

        Args:
            message: Any message but Sync; it is followed by one here, which ends nothing inside a transaction block.
            tell: Is given what concerns no statement: notices, changed parameters.

        Raises:
            ServerError: PostgreSQL refused it; everything that it had to say has been read.
            Gone: PostgreSQL has ended the connection.
        """
        self.wire.send(message, *(() if message.kind == b"Q" else (Message(b"S"),)))
        error: ServerError | None = None
        while True:
            answer = self.wire.receive()
            if answer.kind == b"Z":
                self.status = answer.body.decode()
                if error is not None:
                    raise error
                return
            if answer.kind == b"E":
                error = protocol.read_error(answer.body)
                if error.fields.get("S") == "FATAL":
                    self.last_words = answer
                continue
            if answer.kind in b"NSA":
                if tell is not None:
                    tell(answer)
                continue
            yield answer

    def run(self, sql: str) -> list[tuple[str | None, ...]]:
        """Run a statement of the double's own and return its rows as text.

        It leaves the client's unnamed statement and portal as they are.

        Raises:
            ServerError: PostgreSQL refused it.
        """
        self.wire.send(
            # Those of the last time, which an error has left behind.
            protocol.close("P", INTERNAL),
            protocol.close("S", INTERNAL),
            protocol.parse(INTERNAL, sql),
            protocol.bind(INTERNAL, INTERNAL),
            protocol.execute(INTERNAL),
            Message(b"S"),
        )
        return self._collect(Message(b"c"))

    def run_all(self, *statements: str) -> None:
        """Run several statements at one go; one that is refused keeps those behind it from being run.

        Raises:
            ServerError: PostgreSQL refused one.
        """
        messages: list[Message] = []
        for sql in statements:
            messages += [
                protocol.close("P", INTERNAL),
                protocol.close("S", INTERNAL),
                protocol.parse(INTERNAL, sql),
                protocol.bind(INTERNAL, INTERNAL),
                protocol.execute(INTERNAL),
            ]
        self.wire.send(*messages, Message(b"S"))
        self._collect(Message(b"c"))

    def describe(self, sql: str) -> list[tuple[str, str, int]]:
        """Return the name, the type and the type's modifier of each column of a query's result."""
        self.wire.send(
            protocol.close("S", INTERNAL),
            protocol.parse(INTERNAL, sql),
            Message(b"D", b"S" + protocol.text(INTERNAL)),
            Message(b"S"),
        )
        told: list[Message] = []
        self._collect(Message(b"c"), described=told)
        columns = [column for message in told for column in protocol.read_columns(message.body)]
        if not columns:
            return []
        asked = ", ".join(f"format_type({kind}, null)" for _, kind, _ in columns)
        types = self.run(f"select {asked}")[0]
        return [(name, found or "", modifier) for (name, _, modifier), found in zip(columns, types, strict=True)]

    def load(self, sql: str, data: bytes) -> None:
        """Run a COPY FROM STDIN and give it its data."""
        self.wire.send(Message(b"Q", protocol.text(sql)))
        self._collect(Message(b"c"), data)

    def unload(self, sql: str) -> bytes:
        """Run a COPY TO STDOUT and return what it wrote."""
        self.wire.send(Message(b"Q", protocol.text(sql)))
        written: list[bytes] = []
        self._collect(Message(b"c"), written=written)
        return b"".join(written)

    def cancel_code(self) -> bytes:
        return self.key

    def close(self) -> None:
        self.wire.close()

    def _collect(
        self,
        done: Message,
        data: bytes | None = None,
        written: list[bytes] | None = None,
        described: list[Message] | None = None,
    ) -> list[tuple[str | None, ...]]:
        found: list[Message] = []
        error: ServerError | None = None
        while True:
            answer = self.wire.receive()
            match answer.kind:
                case b"Z":
                    self.status = answer.body.decode()
                    break
                case b"E":
                    error = protocol.read_error(answer.body)
                    if error.fields.get("S") == "FATAL":
                        break
                case b"G":
                    self.wire.send(*([Message(b"d", data)] if data else []), done)
                case b"d" if written is not None:
                    written.append(answer.body)
                case b"D":
                    found.append(answer)
                case b"T" if described is not None:
                    described.append(answer)
                case _:
                    continue
        if error is not None:
            if error.fields.get("S") == "FATAL":
                self.last_words = error.encoded()
                raise protocol.Gone
            raise error
        return protocol.rows_of(found)

    def _log_in(self, address: Address) -> None:
        scram: _Scram | None = None
        while True:
            answer = self.wire.receive()
            match answer.kind:
                case b"E":
                    raise protocol.read_error(answer.body)
                case b"S":
                    name, rest = protocol.cut(answer.body)
                    self.parameters[name] = protocol.cut(rest)[0]
                case b"K":
                    self.key = answer.body
                case b"Z":
                    return
                case b"R":
                    code, rest = int.from_bytes(answer.body[:4], "big"), answer.body[4:]
                    if code == 3:
                        self.wire.send(Message(b"p", protocol.text(address.password)))
                    elif code == 5:
                        self.wire.send(Message(b"p", protocol.text(md5_answer(address, rest))))
                    elif code == 10:
                        scram = _Scram(address.password)
                        first = scram.first()
                        body = b"SCRAM-SHA-256\0" + len(first).to_bytes(4, "big") + first
                        self.wire.send(Message(b"p", body))
                    elif code == 11 and scram is not None:
                        self.wire.send(Message(b"p", scram.final(rest)))
                case _:
                    continue


def md5_hash(password: str, user: str) -> str:
    """Return what PostgreSQL and Redshift store of a password."""
    return md5(f"{password}{user}".encode()).hexdigest()


def md5_answer(address: Address, salt: bytes) -> str:
    return "md5" + md5(md5_hash(address.password, address.user).encode() + salt).hexdigest()


class _Scram:
    """The client's side of SCRAM-SHA-256 (RFC 5802), without a check of the server."""

    def __init__(self, password: str) -> None:
        self.password = password.encode()
        self.bare = b"n=,r=" + base64.b64encode(secrets.token_bytes(18))

    def first(self) -> bytes:
        return b"n,," + self.bare

    def final(self, challenge: bytes) -> bytes:
        parts = dict(part.split(b"=", 1) for part in challenge.split(b","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password, base64.b64decode(parts[b"s"]), int(parts[b"i"]))
        client = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = b"c=biws,r=" + parts[b"r"]
        signed = hmac.digest(
            hashlib.sha256(client).digest(), b",".join([self.bare, challenge, without_proof]), "sha256"
        )
        proof = bytes(left ^ right for left, right in zip(client, signed, strict=True))
        return without_proof + b",p=" + base64.b64encode(proof)
