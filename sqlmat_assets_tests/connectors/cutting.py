"""A way to a server that ends in the middle of an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


class Cutting:
    """Forwards connections to a port of this machine; those that brought more than `most` bytes are cut, `times` times.

    `cut` counts them.
    """

    def __init__(self, port: int, most: int, times: int) -> None:
        self._port = port
        self._most = most
        self._left = times
        self._guard = threading.Lock()
        self.cut = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._port))
                threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._forward, args=(server, client, True), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, is_counted: bool) -> None:
        brought = 0
        with suppress(OSError):
            while data := source.recv(1 << 16):
                brought += len(data)
                if is_counted and brought > self._most and self._take():
                    break
                target.sendall(data)
        for each in (source, target):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _take(self) -> bool:
        with self._guard:
            if self._left == 0:
                return False
            self._left -= 1
            self.cut += 1
            return True


@contextmanager
def cutting(port: int, *, most: int, times: int) -> Generator[Cutting]:
    """Such a way for a while."""
    way = Cutting(port, most, times)
    try:
        yield way
    finally:
        way.close()
