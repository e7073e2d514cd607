"""The packages of scripts: one virtual environment for each set of requirements, made once."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmat_assets.errors import processors as wording
from sqlmat_assets.execution.processor.child import Stop
from sqlmat_assets.execution.processor.files import locked, locked_if_free

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_SECRET = re.compile(r"([?&](?:\w*token|\w*key|password|sig\w*)=)[^&\s]+", re.IGNORECASE)
# Those of the interpreter that runs sqlmat would be found before those of the script.
_OF_ANOTHER_PYTHON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")

_UNUSED_SECONDS = 30 * 24 * 60 * 60
_USED = ".used"
"""The file of an environment that is touched at each use, and locked for as long as that takes."""


@dataclass(frozen=True, slots=True)
class Requirements:
    """A file of requirements, and packages beside it that it does not name."""

    file: Path
    shown: str
    more: tuple[str, ...] = ()

    def key(self) -> str:
        """Tell one environment from another: what is in it, and for which interpreter and machine."""
        system = (platform.python_version(), sys.implementation.name, sys.base_prefix, platform.platform())
        content = self.file.read_bytes()
        # What is named by a path is looked for from the file on.
        parts = (*self.more, *system, str(self.file.absolute().parent) if b"/" in content else "")
        digest = hashlib.blake2b(content, digest_size=10)
        for part in parts:
            digest.update(b"\0" + part.encode())
        return digest.hexdigest()


@contextmanager
def open_environment(requirements: Requirements, home: Path, stop: Stop) -> Generator[Path]:
    """Give the interpreter of an environment, as `ensure_environment` does; it is not removed while it is given."""
    used = home / f"{requirements.key()}{_USED}"
    with locked(used, stop.pause, is_shared=True):
        used.touch()
        yield ensure_environment(requirements, home, stop)


def ensure_environment(requirements: Requirements, home: Path, stop: Stop) -> Path:
    """Give the interpreter of an environment with all that is required, and make it unless it is there.

    It is made where it stays, for most of its programs name their own place, and is found by a link that is set when it
    is complete. So nobody ever sees half of one, and of two who want it one waits for the other. Those that nobody has
    used for a month are removed when another one is made.

    Args:
        requirements: What has to be in it.
        home: Where environments are kept.
        stop: Ends it.

    Raises:
        MaterializeError: The packages cannot be installed.
        CancelledError: The end was asked for.
    """
    key = requirements.key()
    link = home / key
    found = _interpreter(link)
    if found is not None:
        return found
    with locked(home / f"{key}.lock", stop.pause):
        found = _interpreter(link)
        if found is None:
            for left in home.glob(f"{key}.*/"):
                shutil.rmtree(left, ignore_errors=True)
            folder = home / f"{key}.{secrets.token_hex(4)}"
            try:
                _install(requirements, folder, stop)
                aside = folder / "link"
                aside.symlink_to(folder.name)
                aside.replace(link)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            found = folder / "bin" / "python"
            _remove_unused(link)
    return found


def variables_for(python: Path) -> dict[str, str]:
    """The environment variables of a script that an interpreter runs."""
    of_script = {"PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    is_own = python == Path(sys.executable)
    return {**(dict(os.environ) if is_own else _without(os.environ, _OF_ANOTHER_PYTHON)), **of_script}


def without_secrets(text: str) -> str:
    """The words of a tool without what may be a login in the address of an index.

    Examples:
        >>> without_secrets("GET https://joe:pw@pypi.example.com/simple?token=abc failed")
        'GET https://***@pypi.example.com/simple?token=*** failed'
    """
    return _SECRET.sub(r"\1***", _LOGIN.sub("***@", text))


def _interpreter(link: Path) -> Path | None:
    """The interpreter of a complete environment; None where it is gone, or what it was made from is."""
    python = link.resolve() / "bin" / "python"
    return python if link.is_symlink() and python.exists() else None


def _remove_unused(made: Path) -> None:
    """Remove the environments that nobody has used for long; what is left of one that cannot be removed does no harm.

    Args:
        made: The link to the one that was made last, by whose time the others are old: that of the same file system.
    """
    for link in (each for each in made.parent.iterdir() if each.is_symlink() and each != made):
        used = link.with_name(f"{link.name}{_USED}")
        with suppress(OSError):
            if not used.exists():
                # Of an earlier release, which noted no use: its month begins now.
                used.touch()
            if made.lstat().st_mtime - used.stat().st_mtime < _UNUSED_SECONDS:
                continue
            with locked_if_free(used) as is_held:
                # Somebody may have begun to use it since.
                if is_held and made.lstat().st_mtime - used.stat().st_mtime >= _UNUSED_SECONDS:
                    # The link first, so that nobody finds half of one.
                    link.unlink()
                    for folder in link.parent.glob(f"{link.name}.*/"):
                        shutil.rmtree(folder, ignore_errors=True)


def _install(requirements: Requirements, folder: Path, stop: Stop) -> None:
    uv = _find_uv()
    python = str(folder / "bin" / "python")
    wanted = ("-r", str(requirements.file.absolute()), *requirements.more)
    if uv is None:
        _run([sys.executable, "-m", "venv", str(folder)], requirements, stop)
        pip = (python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check")
        _run([*pip, *wanted], requirements, stop)
    else:
        _run([uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)], requirements, stop)
        _run([uv, "pip", "install", "--quiet", "--python", python, *wanted], requirements, stop)


def _run(command: Sequence[str], requirements: Requirements, stop: Stop) -> None:
    variables = _without(os.environ, _OF_ANOTHER_PYTHON) | {"UV_PYTHON_DOWNLOADS": "never"}
    ended = stop.run(command, requirements.file.absolute().parent, variables)
    if ended.code != 0:
        raise wording.not_installed(requirements.shown, without_secrets(ended.text))


def _find_uv() -> str | None:
    beside = Path(sys.executable).with_name("uv")
    return str(beside) if beside.exists() else shutil.which("uv")


def _without(variables: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in names}
