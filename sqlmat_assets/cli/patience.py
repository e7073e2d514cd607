"""Waiting for a warehouse that somebody else holds."""

from __future__ import annotations

import time

import click

from sqlmat_assets.errors.usage import waiting

# How long a command may stand still without saying what it waits for.
SECONDS_UNTIL_TOLD = 1.0


class Patience:
    """Waits as a session that is being opened asks for, and says once on standard error what is waited for.

    Args:
        label: The warehouse, as people know it.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._since = time.monotonic()
        self._is_told = False

    def __call__(self, seconds: float) -> None:
        time.sleep(seconds)
        if not self._is_told and time.monotonic() - self._since >= SECONDS_UNTIL_TOLD:
            self._is_told = True
            click.echo(waiting(self._label), err=True)
