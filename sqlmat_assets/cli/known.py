"""Asking a warehouse something that a command can also do without."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from sqlmat_assets.errors import CancelledError, WarehouseError
from sqlmat_assets.errors import outlooks as wording
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.config import is_there, open_warehouse

_Answer = TypeVar("_Answer")


def ask_in_silence(url: str, ask: Callable[[Session], _Answer]) -> _Answer | None:
    """What a warehouse tells, if it is there and can be read at this moment."""
    if not is_there(url):
        return None
    try:
        with open_warehouse(url).open_session(_do_not_wait) as session:
            return ask(session)
    except (CancelledError, WarehouseError):
        return None


def ask_warehouse(url: str, ask: Callable[[Session], _Answer]) -> _Answer | None:
    """What a warehouse tells, if it is there and nobody else holds it; else it is said that it was not asked."""
    warehouse = open_warehouse(url)
    if not is_there(url):
        click.echo(wording.not_asked(warehouse.label, wording.not_there()), err=True)
        return None
    try:
        with warehouse.open_session(_do_not_wait) as session:
            return ask(session)
    except CancelledError:
        click.echo(wording.not_asked(warehouse.label, wording.is_held()), err=True)
    except WarehouseError as error:
        click.echo(wording.not_asked(warehouse.label, error.message), err=True)
    return None


def _do_not_wait(seconds: float) -> None:
    del seconds
    raise CancelledError(wording.is_held())
