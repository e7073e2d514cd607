"""Statements as they run: locks, the queue, the snapshot, what they touch, and the end of their transaction."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlmat_assets_tests.redshift import protocol, readers
from sqlmat_assets_tests.redshift.conflicts import Transaction
from sqlmat_assets_tests.redshift.lexer import literal, quoted
from sqlmat_assets_tests.redshift.plans import Plan, named
from sqlmat_assets_tests.redshift.protocol import Message, ServerError
from sqlmat_assets_tests.redshift.refusals import ACTIVE, Refused
from sqlmat_assets_tests.redshift.statements import ENDS, Statement, parse_statement

if TYPE_CHECKING:
    from sqlmat_assets_tests.redshift.session import Session

ABORTED, NO_RIGHT = "25P02", "42501"
CONTROL = frozenset({"begin", *ENDS})
# https://docs.aws.amazon.com/redshift/latest/dg/c_serial_isolation.html lists what takes one; nothing of these.
NO_SNAPSHOT = frozenset({*CONTROL, "lock", "set", "show", "reset", "comment", "grant", "revoke"})
READS_WHAT_IT_WRITES = frozenset({"update", "delete", "merge"})
FLUSH_AT = 1 << 16


class Dropped(Exception):  # noqa: N818 - it is no error
    """The connection ends here, because that was asked for."""


class Runner:
    """Carries out the plans of one session.

    Attributes:
        several: Whether the statement stands in one message with others.
        query: The statement that runs, as it is measured.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.backend = session.backend
        self.words = session.words
        self.store = session.cluster.store
        self.several = False
        self.query = session.fresh_query(Statement("", [], "set"))
        self.label = "default"
        self._transaction: Transaction | None = None
        self._implicit = False
        self._drop: str | None = None
        self._performed = False

    @property
    def has_late_views(self) -> bool:
        """Whether anybody has made one, so that names have to be looked up."""
        return self.session.cluster.has_late_views

    def note_late_view(self) -> None:
        self.session.cluster.has_late_views = True

    @property
    def has_snapshot(self) -> bool:
        """Whether the client's transaction has looked at something."""
        return self._transaction is not None and self._transaction.seen is not None

    @property
    def is_alone(self) -> bool:
        """Whether nobody else has a transaction open, and so a lock."""
        return not self.session.cluster.transactions.are_others_open(self.backend.pid)

    def run(self, sql: str) -> list[tuple[str | None, ...]]:
        return self.backend.run(sql)

    def admin(self, sql: str) -> list[tuple[str | None, ...]]:
        return self.session.cluster.admin(self.session.database, sql)

    def look(self, sql: str) -> list[tuple[str | None, ...]]:
        """Ask the catalogue without taking a snapshot for the client's transaction, which may have to wait yet."""
        if self.has_snapshot:
            return self.run(sql)
        path = (self.run("show search_path")[0][0] or "").replace('"$user"', quoted(self.session.user)) or "''"
        return self.session.cluster.look(self.session.database, path, sql)

    def tell(self, severity: str, message: str) -> None:
        self.session.tell(severity, message)

    def arrive(self, sql: str) -> None:
        """Take note of a statement of the client, and of the faults that wait for it."""
        drop = self.session.cluster.faults.arrive(sql)
        if drop == "before":
            raise Dropped
        self._drop, self._performed = drop or self._drop, False
        statement = parse_statement(sql)
        if self.backend.status == "E" and statement.verb not in ENDS:
            raise Refused("current transaction is aborted, commands ignored until end of transaction block", ABORTED)
        if statement.verb not in CONTROL and statement.verb not in {"vacuum", "create database", "drop database"}:
            self._open()

    def prepare(self, plan: Plan) -> None:
        """Wait for the locks of a statement; only then does it get its snapshot."""
        verb = plan.statement.verb
        if plan.outside and ((self.backend.status != "I" and not self._implicit) or self.several):
            raise Refused(f"{plan.outside} cannot run inside a transaction block", ACTIVE)
        if verb in CONTROL or plan.bare:
            return
        self._open()
        began = time.perf_counter()
        readers.wait(plan.statement, self, self._transaction)
        lock = self._lock_mode(verb)
        if lock and plan.statement.target is not None:
            self._lock(named(plan.statement, self).sql, lock)
        self.query.locked += time.perf_counter() - began
        if self._transaction is not None and verb not in NO_SNAPSHOT:
            self.session.cluster.transactions.snapshot(self._transaction)

    def perform(self, plan: Plan, message: Message) -> None:
        """Carry out a statement and send the client what comes of it."""
        verb = plan.statement.verb
        self._measure(plan)
        self._performed = True
        try:
            if plan.action is not None:
                self.prepare(plan)
                tag = self._in_queue(plan, message)
            else:
                tag = self._in_queue(plan, message)
            self._after(plan)
        except (Refused, ServerError) as error:
            self.query.error = error.message
            self._write_down()
            raise
        self._write_down()
        if self._drop == "after" and (verb in CONTROL or not self._implicit):
            raise Dropped
        if tag:
            self.session.wire.send(protocol.command_complete(tag))

    def note_refusal(self, text: str, error: Refused) -> None:
        """Write down a statement that was refused before it ran."""
        self._performed = True
        self.query = self.session.fresh_query(parse_statement(text))
        self.query.error = error.message
        self._write_down()

    def fail(self) -> None:
        """Bring the transaction into the failed state, wherever the error came from."""
        if self.backend.status != "T":
            return
        try:
            self.run("select redshift_refused")
        except ServerError:
            return

    def end_of_message(self) -> None:
        """End the transaction that only the last message had."""
        if self._implicit:
            committed = self.backend.status == "T"
            self._ended(committed=committed)
            self.run("commit" if committed else "rollback")
        if self._drop == "after" and self._performed:
            raise Dropped

    def abandon(self) -> None:
        """Forget the open transaction of a client that is gone."""
        self._ended(committed=False)

    def _open(self) -> None:
        if self.backend.status == "I":
            self.run("begin isolation level repeatable read")
            self._implicit = True
            self._transaction = self.session.cluster.transactions.begin(self.backend.pid)

    def _ended(self, *, committed: bool) -> None:
        if self._transaction is not None:
            self.session.cluster.transactions.end(self._transaction, committed=committed)
        self._transaction, self._implicit = None, False

    def _lock_mode(self, verb: str) -> str | None:
        """Return the write lock: of the whole table, which INSERT and COPY share under snapshot isolation.

        https://docs.aws.amazon.com/redshift/latest/dg/c_write_readwrite.html
        """
        if verb in READS_WHAT_IT_WRITES:
            return "share row exclusive"
        if verb in {"insert", "copy"}:
            return "share row exclusive" if self.session.cluster.isolation == "serializable" else "row exclusive"
        return None

    def _lock(self, table: str, mode: str) -> None:
        """Lock a table; who may only insert has no right to more than PostgreSQL's own lock for that."""
        try:
            self.backend.run_all(
                "savepoint redshift_lock", f"lock table {table} in {mode} mode", "release savepoint redshift_lock"
            )
        except ServerError as error:
            # The whole transaction is to fail, and to let go of its locks at once: outside the savepoint.
            self.run("rollback to savepoint redshift_lock")
            self.run("release savepoint redshift_lock")
            if error.sqlstate != NO_RIGHT:
                raise

    def _measure(self, plan: Plan) -> None:
        locked = self.query.locked
        self.query = self.session.fresh_query(plan.statement)
        self.query.began_earlier(locked)
        self.query.label = self.label
        self.query.transaction = self._transaction.number if self._transaction else 0

    def _in_queue(self, plan: Plan, message: Message) -> str:
        slots = self.session.cluster.slots
        if not plan.statement.queues:
            return self._run_plan(plan, message)
        began = time.perf_counter()
        slots.acquire()
        self.query.queued = time.perf_counter() - began
        try:
            return self._run_plan(plan, message)
        finally:
            slots.release()

    def _run_plan(self, plan: Plan, message: Message) -> str:
        if plan.action is not None:
            return plan.action(self)
        if plan.before is not None:
            plan.before(self)
        tag = self._stream(message)
        if plan.finish is not None:
            plan.finish(self)
        return tag

    def _stream(self, message: Message) -> str:
        """Send a message on and its answers back, all but the last one, whose command tag is returned."""
        tag, held, size = "", list[Message](), 0
        for answer in self.backend.exchange(message, tell=self.session.wire.send):
            if answer.kind == b"C":
                tag, _ = protocol.cut(answer.body)
                continue
            if answer.kind == b"D":
                self.query.rows += 1
                self.query.sent += len(answer.body)
            elif answer.kind == b"T":
                held.append(Message(b"T", protocol.renamed_columns(answer.body, self.words.long)))
                continue
            held.append(answer)
            size += len(answer.body)
            if size > FLUSH_AT:
                self.session.wire.send(*held)
                held, size = [], 0
        self.session.wire.send(*held)
        return tag

    def _after(self, plan: Plan) -> None:
        verb = plan.statement.verb
        if plan.commits and self.backend.status == "T":
            self._ended(committed=True)
            self.run("commit")
        if verb == "set":
            self._keep_label(plan.statement)
        if self.backend.status != "T" or verb in NO_SNAPSHOT or self._transaction is None:
            return
        if verb == "select" and not readers.tables_read(plan.statement, self):
            return
        reads, writes = self._touched(plan)
        self.session.cluster.transactions.touch(self._transaction, reads, writes)

    def _touched(self, plan: Plan) -> tuple[set[int], set[int]]:
        """Return the tables that the transaction has read and written, by the locks that PostgreSQL took for it."""
        found = self.run(
            "select l.relation, l.mode, pg_catalog.pg_table_size(l.relation), c.relkind from pg_catalog.pg_locks l"
            " join pg_catalog.pg_class c on c.oid = l.relation where l.pid = pg_catalog.pg_backend_pid()"
            " and l.relation >= 16384 and c.relnamespace <> 11 and c.relkind in ('r', 'm')"
        )
        reads = {int(relation or 0) for relation, mode, _, _ in found if mode == "AccessShareLock"}
        writes = {int(relation or 0) for relation, mode, _, _ in found if mode == "RowExclusiveLock"}
        if plan.statement.verb in READS_WHAT_IT_WRITES and plan.statement.target is not None:
            own = self.run(f"select to_regclass({literal(named(plan.statement, self).sql)})::oid")
            reads |= {int(own[0][0])} if own and own[0][0] else set()
        if plan.statement.reads:
            self.query.scanned = {
                int(relation or 0): int(size or 0) for relation, mode, size, _ in found if mode == "AccessShareLock"
            }
        return reads, writes

    def control(self, statement: Statement) -> str:
        """Begin or end a transaction and return the command tag."""
        if statement.verb == "begin":
            if self.backend.status == "I":
                only = " read only" if any(token.is_word("only") for token in statement.tokens) else ""
                self.run(f"begin isolation level repeatable read{only}")
                self._transaction = self.session.cluster.transactions.begin(self.backend.pid)
            elif not self._implicit:
                self.tell("WARNING", "there is already a transaction in progress")
            self._implicit = False
            return "BEGIN"
        # Before PostgreSQL lets go of the locks: who has waited for one sees what is committed.
        self._ended(committed=statement.verb == "commit" and self.backend.status == "T")
        tag = ""
        for answer in self.backend.exchange(Message(b"Q", protocol.text(statement.verb)), tell=self.session.wire.send):
            if answer.kind == b"C":
                tag, _ = protocol.cut(answer.body)
        return tag

    def _keep_label(self, statement: Statement) -> None:
        if any(token.is_word("query_group") for token in statement.tokens):
            self.label = statement.tokens[-1].value

    def _write_down(self) -> None:
        self.words.answers["pg_last_query_id"] = self.query.number
        self.session.cluster.remember(self.query)
