"""The verdict on one file."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmat_assets.errors import Problem
from sqlmat_assets.project.transpiling.verdicts import Verdict


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """How well a file can be said: `emulated` names what is, `problems` have what is unsupported, in its order."""

    path: str
    verdict: Verdict
    emulated: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
