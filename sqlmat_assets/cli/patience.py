"""Waiting for a warehouse that somebody else holds."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from sqlmat_assets.errors.usage import waiting


class Patience:
    """Waits as a session that is being opened asks for, and says once on standard error what is waited for.

    Args:
        label: The warehouse, as people know it.
    """

    def __init__(self, label: str) -> None:
        self._untold: Iterator[str] = iter([waiting(label)])

    def __call__(self, seconds: float) -> None:
        for said in self._untold:
            click.echo(said, err=True)
        time.sleep(seconds)
