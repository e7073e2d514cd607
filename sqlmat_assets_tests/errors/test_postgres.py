"""What is said of a PostgreSQL server, word for word."""

from __future__ import annotations

from datetime import timedelta

from sqlmat_assets.errors import TerminalWarehouseError, TransientWarehouseError
from sqlmat_assets.errors import postgres as wording

LABEL = "postgresql://dev@host/db"


def test_what_cannot_be_replaced() -> None:
    assert str(wording.cannot_be_replaced("first.cities", ["function first.f()", "table first.heirs"])) == (
        "`first.cities` cannot be replaced: `function first.f()`, `table first.heirs` depend on it\n"
        "  hint: drop what depends on it"
    )
    assert str(wording.cannot_be_replaced("first.cities", ["table first.heirs"])).startswith(
        "`first.cities` cannot be replaced: `table first.heirs` depends on it\n"
    )


def test_a_connection_that_was_lost() -> None:
    error = wording.connection_lost(LABEL, "server closed the connection unexpectedly", "SELECT 1")
    assert isinstance(error, TransientWarehouseError)
    assert (str(error), error.statement) == (
        f"the connection to `{LABEL}` was lost: server closed the connection unexpectedly",
        "SELECT 1",
    )


def test_who_cannot_connect_now_and_who_never() -> None:
    later = wording.cannot_connect(LABEL, "the database system is starting up", None, passes=True)
    assert isinstance(later, TransientWarehouseError)
    assert str(later) == f"cannot connect to `{LABEL}`: the database system is starting up"
    never = wording.cannot_connect(LABEL, "no such role", "create it")
    assert isinstance(never, TerminalWarehouseError)
    assert str(never) == f"cannot connect to `{LABEL}`: no such role\n  hint: create it"


def test_who_holds_a_table() -> None:
    wait = timedelta(minutes=1)
    assert wording.holder(7, None, None, None, None) == "the server process 7"
    assert wording.holder(7, "joan", "", "active", 61.2) == "the server process 7 of `joan`, active since 1m 1s"
    nobody = str(wording.lock_not_given("first.cities", [], wait))
    assert nobody.startswith("`first.cities` is held by somebody, waited 1m\n")
    two = str(wording.lock_not_given("first.cities", ["one", "another"], wait))
    assert two.startswith("`first.cities` is held by one and another, waited 1m\n")


def test_a_table_that_another_run_has_replaced() -> None:
    error = wording.replaced_meanwhile("first.cities")
    assert isinstance(error, TransientWarehouseError)
    assert str(error) == "`first.cities` was replaced meanwhile, or a view on it was"
