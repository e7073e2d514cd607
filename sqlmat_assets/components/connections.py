"""The URLs of the connections that loads name."""

from __future__ import annotations

import dagster as dg

from sqlmat_assets.connectors.config import variable_of


def find_in_environment(name: str) -> str | None:
    """The URL of a connection, which a variable of the environment has: that of `shop` is `SQLMAT_CONNECTION_SHOP`."""
    return dg.EnvVar(variable_of(name)).get_value()
