"""What Dagster loads."""

import dagster as dg

from sqlmat_assets.defs.deployment import build_deployment


@dg.definitions
def defs() -> dg.Definitions:
    """Everything of this deployment."""
    return build_deployment()
