"""A program of its own: gives the rows of a file to `process(df)` of a script, and writes down what that returns.

It runs in the environment of the script, where there is pandas and pyarrow and nothing of sqlmat. The arguments are the
script, the Parquet file with the rows, the one to be written, and a file for what is wrong in the words of a person.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import parquet as pq

# With these a NULL does not make another type of the column; the others have a way to say NULL.
_TYPES: dict[Any, Any] = {
    pa.int8(): pd.Int8Dtype(),
    pa.int16(): pd.Int16Dtype(),
    pa.int32(): pd.Int32Dtype(),
    pa.int64(): pd.Int64Dtype(),
    pa.uint8(): pd.UInt8Dtype(),
    pa.uint16(): pd.UInt16Dtype(),
    pa.uint32(): pd.UInt32Dtype(),
    pa.uint64(): pd.UInt64Dtype(),
    pa.bool_(): pd.BooleanDtype(),
}


class _ProblemError(Exception):
    """What is wrong, for a person."""


def _load(script: Path) -> Callable[[Any], Any]:
    sys.argv = [str(script)]
    sys.path[0] = str(script.parent)
    spec = importlib.util.spec_from_file_location("script", script)
    if spec is None or spec.loader is None:
        raise _ProblemError("it cannot be loaded")
    module = importlib.util.module_from_spec(spec)
    sys.modules["script"] = module
    spec.loader.exec_module(module)
    return module.process


def _table_of(returned: Any) -> Any:
    if not isinstance(returned, pd.DataFrame):
        raise _ProblemError(f"`process` returned {type(returned).__name__}, not a DataFrame")
    names = [str(name) for name in returned.columns]
    for name in names:
        if names.count(name) > 1:
            raise _ProblemError(f"`process` returned two columns named `{name}`")
    frame = returned.set_axis(names, axis=1)
    return pa.table({name: _array(frame[name], name) for name in names})


def _array(column: Any, name: str) -> Any:
    try:
        array: Any = pa.array(column, from_pandas=True)
    except (pa.ArrowException, OverflowError, TypeError, ValueError) as error:
        raise _ProblemError(_why(column, name, error)) from error
    if pa.types.is_duration(array.type):
        raise _ProblemError(f"the column `{name}` holds spans of time: return a number of seconds instead")
    # What holds nothing but NULL has no type, and as text it can become any.
    return array.cast(pa.string()) if pa.types.is_null(array.type) else array


def _why(column: Any, name: str, error: Exception) -> str:
    first: str | None = None
    for row, value in enumerate(column, 1):
        if value is None or value is pd.NA or value is pd.NaT:
            continue
        found = type(value).__name__
        if first is not None and found != first:
            return f"the column `{name}` holds {first}, and in row {row} {found}"
        first = found
    return f"the column `{name}`: {error}"


def _own_part(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from the script on, without what has called it."""
    while trace is not None and (
        trace.tb_frame.f_code.co_filename == __file__ or "importlib" in trace.tb_frame.f_code.co_filename
    ):
        trace = trace.tb_next
    return trace


def main() -> None:
    """Read, call, write."""
    script, given, result, problem = map(Path, sys.argv[1:5])
    try:
        process = _load(script)
        frame = pq.read_table(given).to_pandas(types_mapper=_TYPES.get)
        pq.write_table(_table_of(process(frame)), result)
    except _ProblemError as error:
        problem.write_text(str(error), encoding="utf-8")
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the script may raise anything
        traceback.print_exception(error.with_traceback(_own_part(error.__traceback__)))
        sys.exit(1)


if __name__ == "__main__":
    main()
