"""Filling the intermediate table of a processed table."""

from __future__ import annotations

from collections.abc import Callable

from sqlmat_assets.errors import BadRowError, MaterializeError, TerminalWarehouseError
from sqlmat_assets.errors import processors as wording
from sqlmat_assets.execution.context import Context
from sqlmat_assets.execution.designs import design_of
from sqlmat_assets.execution.events import Printed
from sqlmat_assets.execution.phases import Stopwatch, Work
from sqlmat_assets.execution.processor.child import Stop
from sqlmat_assets.execution.processor.workshop import GIVEN, RESULT, Task, command_line
from sqlmat_assets.execution.speaking import say, spoken_types
from sqlmat_assets.project.model import Model, Processor
from sqlmat_assets.project.parse import statement_text
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.base import Session
from sqlmat_assets.warehouses.source_files import Contents, SourceFile


def write_processed(
    model: Model,
    processor: Processor,
    intermediate: Relation,
    session: Session,
    context: Context,
    tell: Callable[[Printed], None],
    stopwatch: Stopwatch | None = None,
) -> tuple[int, str]:
    """Create the intermediate table with the declared columns, from the rows that the script gives back.

    Args:
        model: The table.
        processor: Its script.
        intermediate: The table to create.
        session: Where.
        context: The run.
        tell: Takes what the script prints.
        stopwatch: Measures how long the script takes, with making its packages.

    Returns:
        How many rows it has, and what was sent and run.

    Raises:
        MaterializeError: The engine refuses, or the script or its rows cannot be used.
        CancelledError: The end was asked for.
    """
    stop = Stop()
    query = say(statement_text(model), context)
    required = [column.name for column in processor.columns if column.is_required]
    columns = spoken_types([(column.name, column.type) for column in processor.columns], context)
    contents = Contents.of(columns, required)
    design = design_of(model.settings, context.warehouse.capabilities)
    with (
        context.cancellation.along(session, stop),
        context.workshop.open_folder(context.own, f"{context.run.id}.{model.relation}", stop) as folder,
    ):
        task = Task(processor, context.root, context.own, folder)
        given, result = folder / GIVEN, [SourceFile(folder / RESULT)]
        context.retries.run(lambda: session.unload(query, given), context.sleep)
        with (stopwatch or Stopwatch(context.now)).measure(Work.SCRIPT):
            context.workshop.work(
                task, stop, lambda text, is_cut: tell(Printed(model.relation, processor.script, text, is_cut))
            )
        _refuse_misfits(task, context)
        try:
            loaded = context.retries.run(
                lambda: session.load_files(intermediate, result, contents, design=design), context.sleep
            )
        except BadRowError as error:
            place = context.workshop.place(task, error.row)
            raise wording.bad_value(processor.script, place, error.column, error.value, error.type) from error
        except TerminalWarehouseError as error:
            # The file is about to go, so its name would help nobody.
            message = error.message.replace(str(folder / RESULT), wording.result_of(processor.script))
            raise TerminalWarehouseError(message, error.statement) from error
        sent = [
            *context.warehouse.render_unload(query, given),
            f"-- {command_line(processor)}",
            *context.warehouse.render_load_files(intermediate, result, contents, design=design),
        ]
    return loaded.rows, ";\n".join(sent)


def _refuse_misfits(task: Task, context: Context) -> None:
    """Refuse rows that are not as they are declared.

    Raises:
        MaterializeError: They are not.
    """
    file, script, declared = task.folder / RESULT, task.processor.script, task.processor.columns
    if not file.exists():
        return  # nothing is run where statements are only shown
    # pyarrow is not imported where no table is processed.
    from sqlmat_assets.execution.processor.columns import find_null, match_columns

    fold = context.warehouse.capabilities.fold_column
    try:
        match_columns(file, declared, fold, script)
        found = find_null(file, declared, fold)
    except OSError as error:
        raise MaterializeError(f"{script}: {error}") from error
    if found is not None:
        row, column = found
        raise wording.null_in_required(script, context.workshop.place(task, row), column)
