"""The script of a processed table and its requirements, read without running or installing anything."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import processors as wording
from sqlmat_assets.project.local_imports import find_imports

_PROCESS = "process"
_COMMENT = re.compile(r"(?:^|\s)#.*$")
# Options of a requirement itself, such as `--hash=sha256:…`, stand behind it.
_OWN_OPTIONS = re.compile(r"\s--?[a-z].*$")
_ELSEWHERE = ("-r", "--requirement", "-c", "--constraint", "-e", "--editable")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class ParsedScript:
    """What a script says: with `takes_frame` it defines `process(df)`, else it reads and writes CSV files.

    `imports` are the names of the modules that it imports, wherever they are.
    """

    takes_frame: bool = False
    problems: tuple[Problem, ...] = ()
    imports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ParsedRequirements:
    """The packages that a `_requirements.txt` names, as `pip` normalizes them, and what is wrong with it."""

    packages: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


def parse_script(text: str, path: str) -> ParsedScript:
    """Read a script; never raises."""
    try:
        with warnings.catch_warnings():
            # What Python has to say of its style is said when it runs.
            warnings.simplefilter("ignore")
            tree = compile(text, path, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    except SyntaxError as error:
        problem = wording.bad_syntax(error.msg).at(path, error.lineno or 1, error.offset or 1)
        return ParsedScript(problems=(problem,))
    except (ValueError, RecursionError, MemoryError) as error:
        return ParsedScript(problems=(wording.bad_syntax(str(error) or "it is nested too deep").at(path, 1, 1),))
    found = [
        node
        for node in ast.iter_child_nodes(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == _PROCESS
    ]
    imports = find_imports(tree)
    if not found:
        return ParsedScript(imports=imports)
    last = found[-1]
    if _takes_one(last):
        return ParsedScript(takes_frame=True, imports=imports)
    return ParsedScript(True, (wording.not_callable().at(path, last.lineno, last.col_offset + 1),), imports)


def _takes_one(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function can be called with one argument, and gives back what it returns."""
    given = function.args
    positional = len(given.posonlyargs) + len(given.args)
    required = positional - len(given.defaults)
    named = any(default is None for default in given.kw_defaults)
    takes = required <= 1 and (positional >= 1 or given.vararg is not None) and not named
    return takes and isinstance(function, ast.FunctionDef)


def parse_requirements(text: str, path: str) -> ParsedRequirements:
    """Read the lines of a `_requirements.txt`; never raises."""
    packages: list[str] = []
    problems: list[Problem] = []
    for number, line in _joined_lines(text):
        option = line.partition("=")[0].split()[0]
        if option in _ELSEWHERE:
            problems.append(wording.requirement_elsewhere(option).at(path, number, 1))
        elif not line.startswith("-"):
            name = _package(line)
            if name is None:
                problems.append(wording.not_a_requirement(line).at(path, number, 1))
            else:
                packages.append(name)
    return ParsedRequirements(tuple(packages), tuple(problems))


def _joined_lines(text: str) -> Iterator[tuple[int, str]]:
    """Each line without its comment, with those that it goes on in; only those that say something."""
    begun, start = "", 1
    for number, line in enumerate(text.split("\n"), 1):
        start = start if begun else number
        stripped = _COMMENT.sub("", line).rstrip()
        if stripped.endswith("\\"):
            begun += stripped[:-1]
            continue
        whole, begun = (begun + stripped).strip(), ""
        if whole:
            yield start, whole
    if begun.strip():
        yield start, begun.strip()


def _package(line: str) -> str | None:
    """The package that a line asks for; None where it asks for nothing."""
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    written = _OWN_OPTIONS.sub("", line)
    try:
        return str(canonicalize_name(Requirement(written).name))
    except InvalidRequirement:
        # A wheel or a folder, which tells its name only where it is built.
        if "://" not in written and ("/" in written or written.endswith((".whl", ".tar.gz", ".zip"))):
            found = _NAME.match(written.rpartition("/")[2].partition("-")[0])
            return str(canonicalize_name(found[0])) if found else ""
        return "" if re.match(r"(?:[a-z]+\+)?[a-z]+://", written) else None
