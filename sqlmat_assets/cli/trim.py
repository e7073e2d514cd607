"""What Dagster's processes print, without what hides the one sentence that a person looks for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_RECORD = re.compile(r"\S*\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \+\d{4} - dagster - ")
# A failure that was raised on purpose, with all that a person needs to know in its words.
_TOLD = "dagster._core.definitions.events.Failure: "
_ECHO = re.compile(r" - RUN_FAILURE - Execution of run for .* failed\. Steps failed: \[")
_STACK = "Stack Trace:"


def trim(lines: Iterable[str]) -> Iterator[str]:
    """Leave out the stacks of failures that were raised on purpose, and the runs that failed because of them.

    The stack of anything else stays: it is a bug, and the stack says where.
    """
    is_told = is_stack = is_echo = False
    for line in lines:
        bare = line.rstrip()
        if _RECORD.match(bare):
            is_told = is_stack = False
            is_echo = _ECHO.search(bare) is not None
        elif bare.startswith(_TOLD):
            is_told = True
            line = line.removeprefix(_TOLD)  # noqa: PLW2901 - the same line, shorter
        elif is_told and bare == _STACK:
            is_stack = True
        elif is_stack and bare and not bare[0].isspace():
            is_stack = is_told = False
        if not (is_stack or is_echo):
            yield line
