"""A server that takes mails over SMTP."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

USER, PASSWORD = "sender", "not to be seen"


@dataclass
class MailDouble:
    """`answers` are what the next senders get in place of 250. `tls` is None where it has none."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list[tuple[str, list[str]]])
    answers: list[str] = field(default_factory=list[str])
    tls: ssl.SSLContext | None = None
    encrypted: list[bool] = field(default_factory=list[bool])


@contextmanager
def mail_double(tls: ssl.SSLContext | None = None) -> Generator[MailDouble]:
    double = MailDouble(tls=tls)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.sender, self.to, self.is_encrypted = "", list[str](), False
            self.say("220 double")
            while line := self.rfile.readline():
                words = line.decode().strip()
                if not self.answer(words.partition(" ")[0].upper(), words):
                    return

        def answer(self, verb: str, words: str) -> bool:
            match verb:
                case "EHLO":
                    offers = ["STARTTLS"] if double.tls is not None and not self.is_encrypted else []
                    lines = ["double", *offers, "AUTH PLAIN"]
                    self.say(*(f"250{'-' if at + 1 < len(lines) else ' '}{each}" for at, each in enumerate(lines)))
                case "STARTTLS":
                    self.say("220 go ahead")
                    return self.encrypt()
                case "AUTH":
                    told = base64.b64decode(words.split()[2]).decode().split("\0")
                    self.say("235 welcome" if told[1:] == [USER, PASSWORD] else f"535 no such {told[1]}")
                case "MAIL":
                    self.sender = words.partition("<")[2].partition(">")[0]
                    self.say(double.answers.pop(0) if double.answers else "250 ok")
                case "RCPT":
                    self.to.append(words.partition("<")[2].partition(">")[0])
                    self.say("250 ok")
                case "DATA":
                    self.take()
                case "QUIT":
                    self.say("221 bye")
                    return False
                case _:
                    self.say("250 ok")
            return True

        def take(self) -> None:
            self.say("354 go on")
            lines: list[bytes] = []
            while (line := self.rfile.readline()) != b".\r\n":
                line = line.removesuffix(b"\r\n") + b"\n"
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            double.mails.append(message_from_bytes(b"".join(lines), policy=policy.default))
            double.envelopes.append((self.sender, self.to))
            double.encrypted.append(self.is_encrypted)
            self.say("250 taken")

        def encrypt(self) -> bool:
            assert double.tls is not None
            try:
                self.connection = double.tls.wrap_socket(self.connection, server_side=True)
            except OSError:
                return False
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
            self.is_encrypted = True
            return True

        def finish(self) -> None:
            super().finish()
            self.connection.close()

        def say(self, *lines: str) -> None:
            self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        double.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield double
        server.shutdown()
        thread.join()
