"""An environment for each that is compared, made from its list of pins on first use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from peers.base import FailedError

HERE = Path(__file__).parents[1]
PINS = HERE / "environments"
MADE = HERE / ".environments"


def find_uv() -> str:
    """The uv of this repository, else the one on the path."""
    own = HERE.parent / ".tools" / "bin" / "uv"
    found = str(own) if own.exists() else shutil.which("uv")
    if found is None:
        raise FailedError("no uv in .tools/bin or on the path: `python3 make.py` brings one")
    return found


def environment(name: str) -> Path:
    """The folder of the programs of an environment; it is made unless it holds the versions of its list.

    Raises:
        FailedError: Something in it cannot be installed.
    """
    pins, folder = PINS / f"{name}.txt", MADE / name
    stamp = folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != pins.read_text():
        python = folder / "bin" / "python"
        if not python.exists():
            _run([find_uv(), "venv", "--quiet", "--python", sys.executable, str(folder)])
        # Each list is complete, so that what one package asks of another can never bring a version that is not in it.
        install = [find_uv(), "pip", "install", "--quiet", "--no-deps", "--python", str(python)]
        _run([*install, "--only-binary", ":all:", "-r", str(pins)])
        stamp.write_text(pins.read_text())
    return folder / "bin"


def pinned(name: str) -> dict[str, str]:
    """The versions of an environment by package."""
    lines = (line.strip() for line in (PINS / f"{name}.txt").read_text().splitlines())
    return dict(line.split("==") for line in lines if "==" in line)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, env=dict(os.environ), capture_output=True, text=True, check=False)
    if done.returncode:
        raise FailedError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
