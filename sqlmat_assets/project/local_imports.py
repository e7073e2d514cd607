"""The modules beside a script that it imports, near and far: an edit of one of them is an edit of the script."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator


def find_imports(tree: ast.AST) -> tuple[str, ...]:
    """What a module imports anywhere in it, as dotted names; of `from a import b`, `b` may be a module or not.

    Examples:
        >>> find_imports(ast.parse("import csv, _a.b"))
        ('csv', '_a.b')
        >>> find_imports(ast.parse("from _a import c; from . import d; from ..e import *"))
        ('_a', '_a.c', '.', '.d', '..e')
    """
    found: dict[str, None] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(dict.fromkeys(alias.name for alias in node.names))
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            found[base] = None
            gap = "" if base.endswith(".") else "."
            found.update(dict.fromkeys(f"{base}{gap}{alias.name}" for alias in node.names if alias.name != "*"))
    return tuple(found)


def find_modules(
    script: str, imports_of: Callable[[str], tuple[str, ...]], is_file: Callable[[str], bool]
) -> list[str]:
    """The files that a script imports from its own folder, where Python looks first, and those that they import.

    Args:
        script: Its path in the project folder, like every other one here.
        imports_of: What a file imports, as `find_imports` gives it; nothing where it cannot be read.
        is_file: Whether there is such a file.

    Returns:
        The paths, in their order.
    """
    folder = script.rpartition("/")[0]
    # Each file with the package that it is in, as its names: what begins with a dot is looked for from there.
    seen: dict[str, tuple[str, ...]] = {script: ()}
    ahead = [script]
    for path in ahead:
        for name in imports_of(path):
            wanted = _absolute(name, seen[path])
            for found, package in () if wanted is None else _files(wanted, folder, is_file):
                if found not in seen:
                    seen[found] = package
                    ahead.append(found)
    return sorted(path for path in seen if path != script)


def _absolute(name: str, package: tuple[str, ...]) -> tuple[str, ...] | None:
    """The parts of a name from the folder on; None where it leads out of it."""
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    parts = tuple(filter(None, bare.split(".")))
    if level == 0:
        return parts
    return (*package[: len(package) - level + 1], *parts) if level <= len(package) else None


def _files(
    parts: tuple[str, ...], folder: str, is_file: Callable[[str], bool]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The files that are run when a module is imported, those of the packages around it too, each with its package."""
    for length in range(1, len(parts) + 1):
        path = "/".join((*filter(None, (folder,)), *parts[:length]))
        if is_file(f"{path}/__init__.py"):
            yield f"{path}/__init__.py", parts[:length]
        elif is_file(f"{path}.py"):
            yield f"{path}.py", parts[: length - 1]
            return
