"""Why a table is not built or not published, and how an error says what is there instead."""

from __future__ import annotations

from sqlmat_assets.errors import (
    BadRowError,
    MaterializeError,
    TerminalWarehouseError,
    UnknownOutcomeError,
    WarehouseError,
    environments,
    failures,
    transpiling,
)
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.events import Checked
from sqlmat_assets.execution.state import Standing, is_reserved
from sqlmat_assets.project.model import Model
from sqlmat_assets.project.transpiling.pairs import can_translate
from sqlmat_assets.relation import Relation


def find_refusal(model: Model, context: Context, untouched: str) -> str | None:
    """Why a table is not even tried; None where it is.

    Args:
        model: The table.
        context: The run.
        untouched: What to say of what is there.
    """
    if model.is_quarantined:
        problems = [problem for problem in model.problems if not problem.is_warning]
        return failures.quarantined(str(model.relation), problems, untouched)
    if is_reserved(model.relation, context.warehouse.capabilities):
        return failures.with_state(failures.reserved_name(str(model.relation)), untouched)
    spoken, written = context.spoken, context.names.dialect
    if spoken == written:
        return None
    if not can_translate(written, spoken):
        return failures.with_state(failures.another_dialect(written, spoken, context.warehouse.label), untouched)
    from sqlmat_assets.project.transpiling.files import unsupported

    problems = unsupported(model, context.names, spoken)
    if problems:
        return transpiling.not_transpiled(str(model.relation), written, spoken, problems, untouched)
    return None


def refuse_foreign(model: Model, standing: Standing, context: Context) -> None:
    """Keep what is there and was made by somebody else, or for another environment.

    Raises:
        MaterializeError: There is such a thing in the place of the table.
    """
    record, environment = standing.record, context.environment
    if record is not None and record.environment != (environment and environment.name):
        raise MaterializeError(environments.is_another(str(model.relation), record.environment))
    if standing.is_foreign and not model.settings.adopt:
        raise MaterializeError(failures.not_ours(str(model.relation), standing.in_place or "table"))


def refuse_blocked(checked: Checked) -> None:
    """Keep the published rows where a check that blocks has failed.

    Raises:
        MaterializeError: One has; it names all of them.
    """
    if checked.is_blocked:
        failed = [
            (result.name, result.message) for result in checked.results if result.is_blocking and not result.passed
        ]
        raise failures.checks_failed(str(checked.relation), failed)


def find_held(relation: Relation, standing: Standing, error: MaterializeError) -> str:
    """What a table holds after an error, as far as that is known."""
    is_built, is_known = standing.in_place is not None, not isinstance(error, UnknownOutcomeError)
    return failures.holds_now(str(relation), is_built=is_built, is_known=is_known)


def with_state(error: MaterializeError, held: str) -> MaterializeError:
    """The same error, saying what the target holds now."""
    if isinstance(error, WarehouseError):
        # Whoever wants to know which row it was has asked by now.
        kind = TerminalWarehouseError if isinstance(error, BadRowError) else type(error)
        told = kind(failures.engine_refused(error.message, held, error.statement), error.statement)
    else:
        told = type(error)(failures.with_state(str(error), held))
    told.__cause__ = error
    return told
