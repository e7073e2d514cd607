"""The packages of scripts: one virtual environment for each set of requirements, made once."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlmat_assets.errors import processors as wording
from sqlmat_assets.execution.processor.child import Stop
from sqlmat_assets.execution.processor.files import locked

_LOGIN = re.compile(r"(?<=://)[^/@\s]+@")
_SECRET = re.compile(r"([?&](?:\w*token|\w*key|password|sig\w*)=)[^&\s]+", re.IGNORECASE)
# Those of the interpreter that runs sqlmat would be found before those of the script.
_OF_ANOTHER_PYTHON = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")


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


def ensure_environment(requirements: Requirements, home: Path, stop: Stop) -> Path:
    """Give the interpreter of an environment with all that is required, and make it unless it is there.

    It is made where it stays, for most of its programs name their own place, and is found by a link that is set when it
    is complete. So nobody ever sees half of one, and of two who want it one waits for the other.

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
