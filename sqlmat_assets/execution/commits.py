"""What became of a transaction whose COMMIT was not answered: what it has recorded is there, or it is not."""

from __future__ import annotations

from sqlmat_assets.errors import LostCommitError, TransientWarehouseError, UnknownOutcomeError, WarehouseError
from sqlmat_assets.execution.records import Record, claim_record
from sqlmat_assets.warehouses.base import Session


def settle(error: LostCommitError, record: Record, session: Session) -> None:
    """Return where the transaction was committed.

    Args:
        error: What was met at its end.
        record: What it has written to the records; no other transaction writes one with the same moment.
        session: Where to ask, with a new connection.

    Raises:
        TransientWarehouseError: It was not; another try does it.
        UnknownOutcomeError: Nobody answers.
    """
    try:
        # A statement that writes waits for the transaction, should it be on its way still.
        is_committed = claim_record(session, record, record.run, is_exact=True)
    except WarehouseError as trouble:
        raise UnknownOutcomeError(error.message, error.statement) from trouble
    if not is_committed:
        raise TransientWarehouseError(error.message, error.statement) from error
