"""One client's conversation: simple and extended queries, one transaction at a time."""

from __future__ import annotations

import re
import secrets
import threading
from hashlib import md5
from typing import TYPE_CHECKING

from sqlmat_assets_tests.redshift import protocol
from sqlmat_assets_tests.redshift.backend import Backend
from sqlmat_assets_tests.redshift.history import Query
from sqlmat_assets_tests.redshift.lexer import literal, quoted, split
from sqlmat_assets_tests.redshift.names import Words
from sqlmat_assets_tests.redshift.plans import Plan, make_plan
from sqlmat_assets_tests.redshift.protocol import Message, ServerError, Wire
from sqlmat_assets_tests.redshift.refusals import SYNTAX, Refused
from sqlmat_assets_tests.redshift.running import Dropped, Runner
from sqlmat_assets_tests.redshift.statements import Statement
from sqlmat_assets_tests.redshift.wording import as_redshift

if TYPE_CHECKING:
    from sqlmat_assets_tests.redshift.cluster import RedshiftDouble

# Those that tell what was run.
HISTORY = re.compile(r"\b(?:stl|svl|sys)_|\bredshift_(?:queries|scans)\b", re.IGNORECASE)
ALLOWED_OPTIONS = ("application_name",)
# What PostgreSQL 8.0 did not tell, or tells differently.
UNTOLD = frozenset({"standard_conforming_strings", "in_hot_standby", "default_transaction_read_only", "IntervalStyle"})
TOLD = {"server_version": "8.0.2", "client_encoding": "UNICODE", "server_encoding": "UNICODE"}
SETTINGS = {
    "default_transaction_isolation": "repeatable read",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "backslash_quote": "on",
    "password_encryption": "md5",
    "TimeZone": "UTC",
}


class Session:
    """One client.

    Args:
        start: What it said of itself.
    """

    def __init__(self, cluster: RedshiftDouble, wire: Wire, start: dict[str, str]) -> None:
        self.cluster = cluster
        self.wire = wire
        self.user = start.get("user", "")
        self.database = start.get("database") or self.user
        self.start = start
        self.words = Words(cluster.long_names)
        self._backend: Backend | None = None
        self._statements: dict[str, Plan] = {}
        self._portals: dict[str, Plan] = {}
        self._skips = False
        self.over = threading.Event()

    @property
    def backend(self) -> Backend:
        if self._backend is None:
            raise protocol.Gone
        return self._backend

    def serve(self) -> None:
        """Talk to the client until one of the two has enough."""
        try:
            self._log_in()
            self._runner = Runner(self)
            while True:
                message = self.wire.receive()
                if message.kind == b"X":
                    return
                self._answer(message)
        except Dropped:
            return
        except protocol.Gone:
            if self._backend is not None and self._backend.last_words is not None:
                self.wire.send(self._backend.last_words)
            raise
        finally:
            self.close()

    def close(self) -> None:
        runner = getattr(self, "_runner", None)
        if runner is not None:
            runner.abandon()
        if self._backend is not None:
            self._backend.close()
        self.wire.close()
        self.cluster.forget(self)
        self.over.set()

    def hang_up(self) -> None:
        """End the conversation from another thread, and wait until it is over."""
        self.wire.shut_down()
        if self._backend is not None:
            self._backend.wire.shut_down()
        self.over.wait(10)

    def tell(self, severity: str, message: str) -> None:
        self.wire.send(protocol.notice(severity, "00000", message))

    def fresh_query(self, statement: Statement) -> Query:
        return Query(
            next(self.cluster.queries), statement.text, statement.verb, self.backend.pid, self.user, self.database
        )

    def _log_in(self) -> None:
        real = self.cluster.real_database(self.database)
        salt = secrets.token_bytes(4)
        self.wire.send(Message(b"R", (5).to_bytes(4, "big") + salt))
        answer, _ = protocol.cut(self.wire.receive().body)
        stored = self.cluster.password_hash(self.user)
        if stored is None or answer != "md5" + md5(stored.removeprefix("md5").encode() + salt).hexdigest():
            self._refuse_login("28000", f'password authentication failed for user "{self.user}"')
        if real is None:
            self._refuse_login("3D000", f'database "{self.database}" does not exist')
        # Who is let in by IAM is the user of that name.
        self.user = self.user.removeprefix("IAM:")
        options = {name: self.start[name] for name in ALLOWED_OPTIONS if name in self.start}
        self._backend = Backend(self.cluster.address, real or "", {**SETTINGS, **options})
        self._backend.run(f"set redshift.database = {literal(self.database)}")
        self._backend.run(f"set session authorization {quoted(self.user)}")
        self.cluster.note_user(self.database, self._backend.pid, self.user)
        if "options" in self.start:
            self._apply(self.start["options"])
        told = {name: value for name, value in self._backend.parameters.items() if name not in UNTOLD} | TOLD
        told["session_authorization"] = self.user
        self.wire.send(
            Message(b"R", (0).to_bytes(4, "big")),
            *(protocol.parameter_status(name, value) for name, value in told.items()),
            Message(b"K", self._backend.key),
            protocol.ready("I"),
        )

    def _apply(self, options: str) -> None:
        """Take settings as libpq's `options` has them: `-c name=value`."""
        for part in options.split("-c")[1:]:
            name, _, value = part.strip().partition("=")
            self.backend.run(f"set {name} = {literal(value)}")

    def _refuse_login(self, sqlstate: str, message: str) -> None:
        error = ServerError({"S": "FATAL", "C": sqlstate, "M": message})
        self.wire.send(error.encoded())
        raise Dropped

    def _answer(self, message: Message) -> None:
        match message.kind:
            case b"Q":
                self._simple(protocol.cut(message.body)[0])
            case b"S":
                self._skips = False
                self._end_of_message()
            case b"P" | b"B" | b"D" | b"E" | b"C" if not self._skips:
                self._extended(message)
            case _:
                return

    def _simple(self, text: str) -> None:
        statements = split(text)
        if not statements:
            self.wire.send(Message(b"I"))
        self._runner.several = len(statements) > 1
        for statement in statements:
            try:
                plan = self._plan(statement)
                self._runner.prepare(plan)
                self._runner.perform(plan, Message(b"Q", protocol.text(plan.sql)))
            except (Refused, ServerError) as error:
                self._tell_error(error)
                break
        self._end_of_message()

    def _plan(self, text: str) -> Plan:
        self._runner.arrive(text)
        if HISTORY.search(text):
            self.cluster.write_down()
        try:
            known = len(self.cluster.long_names)
            plan = make_plan(text, self._runner)
            if len(self.cluster.long_names) > known:
                self.cluster.remember_names(self.database)
        except Refused as error:
            self._runner.note_refusal(text, error)
            raise
        return plan

    def _extended(self, message: Message) -> None:
        try:
            match message.kind:
                case b"P":
                    self._parse(message.body)
                case b"B":
                    self._bind(message)
                case b"D":
                    self._describe(message)
                case b"E":
                    name, _ = protocol.cut(message.body)
                    plan = self._portals.get(name)
                    if plan is None:
                        self._forward(message)
                    else:
                        self._runner.perform(plan, message)
                case _:
                    self._close(message)
        except (Refused, ServerError) as error:
            self._tell_error(error)
            self._skips = True

    def _parse(self, body: bytes) -> None:
        name, rest = protocol.cut(body)
        sql, types = protocol.cut(rest)
        statements = split(sql)
        self._runner.several = False
        if len(statements) > 1:
            raise Refused("cannot insert multiple commands into a prepared statement", SYNTAX)
        if not statements:
            self._statements.pop(name, None)
            self._forward(Message(b"P", body))
            return
        plan = self._plan(statements[0])
        self._statements[name] = plan
        if plan.action is not None:
            self.wire.send(Message(b"1"))
            return
        self._runner.prepare(plan)
        self._forward(Message(b"P", protocol.text(name) + protocol.text(plan.sql) + types))

    def _bind(self, message: Message) -> None:
        portal, rest = protocol.cut(message.body)
        name, _ = protocol.cut(rest)
        plan = self._statements.get(name)
        if plan is None:
            self._portals.pop(portal, None)
            self._forward(message)
            return
        self._portals[portal] = plan
        if plan.action is not None:
            self.wire.send(Message(b"2"))
            return
        self._runner.prepare(plan)
        self._forward(message)

    def _describe(self, message: Message) -> None:
        kind, name = message.body[:1], protocol.cut(message.body[1:])[0]
        plan = (self._statements if kind == b"S" else self._portals).get(name)
        if plan is None or plan.action is None:
            self._forward(message)
        elif kind == b"S":
            self.wire.send(Message(b"t", b"\0\0"), Message(b"n"))
        else:
            self.wire.send(Message(b"n"))

    def _close(self, message: Message) -> None:
        kind, name = message.body[:1], protocol.cut(message.body[1:])[0]
        plan = (self._statements if kind == b"S" else self._portals).pop(name, None)
        if plan is not None and plan.action is not None:
            self.wire.send(Message(b"3"))
        else:
            self._forward(message)

    def _forward(self, message: Message) -> None:
        for answer in self.backend.exchange(message, tell=self.wire.send):
            self.wire.send(self._restored(answer))

    def _restored(self, message: Message) -> Message:
        if message.kind == b"T":
            return Message(b"T", protocol.renamed_columns(message.body, self.words.long))
        return message

    def _tell_error(self, error: Refused | ServerError) -> None:
        told = as_redshift(error, self.words, self.backend.pid, self._runner.query.number)
        self._runner.fail()
        self.wire.send(told.encoded())

    def _end_of_message(self) -> None:
        self._runner.end_of_message()
        self.wire.send(protocol.ready(self.backend.status))
