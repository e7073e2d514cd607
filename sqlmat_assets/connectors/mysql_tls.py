"""TLS to MariaDB and MySQL, for clients that have none.

connectorx has no TLS, and PyMySQL is not to be another place in which certificates are looked at. So both talk to a
socket in a folder of this process as to a server without TLS, and what is behind it does as the protocol says:
https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

from sqlmat_assets.errors import SourceError
from sqlmat_assets.errors import sources as wording

_SECONDS, _GOODBYE_SECONDS = 10, 0.5
_CLIENT_SSL = 0x0800
# Capabilities, the size of packets, a character set and what is reserved, with which a client asks for TLS.
_REQUEST_BYTES = 32
_OK, _ERROR = b"\x00", b"\xff"
_MODES = ("DISABLED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_FILES = ("ssl-ca", "ssl-cert", "ssl-key")
_CHUNK = 1 << 16


def read_tls(label: str, query: str) -> ssl.SSLContext | None:
    """What the parameters of a URL say about TLS; None where there is to be none.

    Args:
        label: The URL without anything secret.
        query: The parameters.

    Raises:
        SourceError: They cannot be used.
    """
    told = {name.lower().replace("_", "-"): value for name, value in parse_qsl(query, keep_blank_values=True)}
    told.pop("charset", None)  # is what it has to be
    for name in told:
        if name not in ("ssl-mode", *_FILES):
            raise wording.unknown_parameter(label, name, ("ssl-mode", *_FILES))
    mode = told.get("ssl-mode", "VERIFY_IDENTITY" if told else "DISABLED").upper()
    if mode not in _MODES:
        raise wording.unknown_tls_mode(label, _MODES)
    if mode == "DISABLED":
        return None
    try:
        context = ssl.create_default_context(cafile=told.get("ssl-ca"))
        if "ssl-cert" in told:
            context.load_cert_chain(told["ssl-cert"], told.get("ssl-key"))
    except OSError as error:
        raise wording.no_certificate(label, error.strerror or str(error)) from error
    context.check_hostname = mode == "VERIFY_IDENTITY"
    if mode == "REQUIRED":
        context.verify_mode = ssl.CERT_NONE
    return context


@dataclass(slots=True)
class Tunnel:
    """A socket behind which is a server, over TLS; `failure` is why there is no way to it."""

    label: str
    host: str
    port: int
    context: ssl.SSLContext
    socket: Path
    failure: SourceError | None = None
    _is_open: threading.Event = field(default_factory=threading.Event)
    _is_over: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _calls: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @contextmanager
    def open(self) -> Generator[None]:
        """Take calls, in a thread of its own, until the block ends."""
        thread = threading.Thread(target=self._run, name="sqlmat-tls", daemon=True)
        thread.start()
        self._is_open.wait()
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._is_over.set)
            thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            server = await asyncio.start_unix_server(self._answer, self.socket)
        finally:
            self._is_open.set()
        await self._is_over.wait()
        server.close()
        for call in tuple(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        # What was aborted is closed in the next turn.
        await asyncio.sleep(0)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        call = asyncio.current_task()
        if call is not None:
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
        try:
            await self._connect(reader, writer)
        except ssl.SSLCertVerificationError as error:
            self.failure = wording.not_trusted(self.label, error.verify_message, "ssl-ca")
        except ssl.SSLError as error:
            self.failure = wording.no_tls(self.label, error.reason or str(error))
        except SourceError as error:
            self.failure = error
        except (OSError, EOFError, TimeoutError) as error:
            self.failure = wording.cannot_reach(self.label, str(error) or type(error).__name__)
        finally:
            await _close(writer)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Do what comes before the first statement, and then pass on what comes."""
        async with asyncio.timeout(_SECONDS):
            from_server, to_server = await asyncio.open_connection(self.host, self.port)
        try:
            async with asyncio.timeout(_SECONDS):
                greeting = await _Packet.read(from_server)
                if greeting.body[:1] == _ERROR:
                    await greeting.write(writer)
                    return
                await _Packet(greeting.number, self._without_tls(greeting.body)).write(writer)
                answer = await _Packet.read(reader)
                asked = _with_tls(answer.body)
                await _Packet(answer.number, asked[:_REQUEST_BYTES]).write(to_server)
                await to_server.start_tls(self.context, server_hostname=self.host)
                await _Packet(answer.number + 1, asked).write(to_server)
                await _sign_in(reader, writer, from_server, to_server)
            await _pass_on(reader, writer, from_server, to_server)
        finally:
            await _close(to_server)

    def _without_tls(self, greeting: bytes) -> bytes:
        """What the client hears of what the server can do.

        Raises:
            SourceError: It has no TLS.
        """
        # The version of the protocol, that of the server as text, the number of the connection, 8 bytes of a nonce, 0.
        at = greeting.index(0, 1) + 14
        able = int.from_bytes(greeting[at : at + 2], "little")
        if not able & _CLIENT_SSL:
            raise wording.offers_no_tls(self.label)
        return greeting[:at] + (able & ~_CLIENT_SSL).to_bytes(2, "little") + greeting[at + 2 :]


@contextmanager
def tunnel(label: str, host: str, port: int, context: ssl.SSLContext) -> Generator[Tunnel]:
    """A way to a server, while it is needed.

    Args:
        label: The URL of the database, without anything secret.
        host: Where the server is, and whose name its certificate has to have.
        port: Of it.
        context: Whom to trust.
    """
    # Nobody else may look into this folder.
    with tempfile.TemporaryDirectory(prefix="sqlmat-") as folder:
        opened = Tunnel(label, host, port, context, Path(folder, "mysql.sock"))
        with opened.open():
            yield opened


async def _close(writer: asyncio.StreamWriter) -> None:
    """Say goodbye, and go where nobody answers."""
    writer.close()
    with suppress(OSError, TimeoutError):
        await asyncio.wait_for(writer.wait_closed(), _GOODBYE_SECONDS)
    writer.transport.abort()


@dataclass(frozen=True, slots=True)
class _Packet:
    """What one side says, with its number in the conversation."""

    number: int
    body: bytes

    @classmethod
    async def read(cls, reader: asyncio.StreamReader) -> _Packet:
        head = await reader.readexactly(4)
        return cls(head[3], await reader.readexactly(int.from_bytes(head[:3], "little")))

    async def write(self, writer: asyncio.StreamWriter) -> None:
        writer.write(len(self.body).to_bytes(3, "little") + bytes([self.number % 256]) + self.body)
        await writer.drain()


def _with_tls(answer: bytes) -> bytes:
    return (int.from_bytes(answer[:4], "little") | _CLIENT_SSL).to_bytes(4, "little") + answer[4:]


async def _sign_in(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    from_server: asyncio.StreamReader,
    to_server: asyncio.StreamWriter,
) -> None:
    """Pass on what is said until the server lets somebody in, or not; it has heard one packet more than was sent."""

    async def ask() -> None:
        while True:
            said = await _Packet.read(reader)
            await _Packet(said.number + 1, said.body).write(to_server)

    asking = asyncio.ensure_future(ask())
    try:
        while True:
            said = await _Packet.read(from_server)
            if said.body[:1] in (_OK, _ERROR):
                # What comes next is a statement, which has a number of its own.
                asking.cancel()
                with suppress(asyncio.CancelledError, EOFError, OSError):
                    await asking
                await _Packet(said.number - 1, said.body).write(writer)
                return
            await _Packet(said.number - 1, said.body).write(writer)
    finally:
        asking.cancel()


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    from_server: asyncio.StreamReader,
    to_server: asyncio.StreamWriter,
) -> None:
    """Both ways, until one of them ends."""

    async def one_way(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(_CHUNK):
                target.write(data)
                await target.drain()

    ways = [asyncio.ensure_future(each) for each in (one_way(reader, to_server), one_way(from_server, writer))]
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for way in ways:
        way.cancel()
    await asyncio.wait(ways)
