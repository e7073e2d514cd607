#!/usr/bin/env python3
"""Every task of this repository, on a machine that has only Python 3.11 and pip: `python3 make.py TASK`.

The first task sets up `.venv` from `uv.lock`, with the `uv` on PATH or with one that pip puts into `.tools`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")


def run(*command: str | Path, env: dict[str, str] | None = None) -> None:
    """Run a command from the repository's root; a failure ends this script with the command's exit code."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env={**os.environ, **(env or {})}, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def find_uv() -> str:
    """The path of uv; pip installs one into `.tools` when there is none."""
    found = shutil.which("uv")
    if found:
        return found
    tools = ROOT / ".tools"
    own = tools / "bin" / "uv"
    if not own.exists():
        run(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", tools, "uv")
    return str(own)


def newest_python() -> str:
    """The newest Python on this machine that is supported and starts: on PATH, or one of pyenv's."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for minor in (13, 12):
        found = [shutil.which(f"python3.{minor}"), *map(str, sorted(pyenv.glob(f"3.{minor}.*/bin/python3")))]
        for path in filter(None, found):
            # What is on PATH may be a stand-in of pyenv for a version that is not switched on.
            if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
                return path
    return sys.executable


def setup() -> None:
    """Make `.venv` hold exactly what `uv.lock` says; nothing happens when it already does."""
    if sys.version_info < (3, 11):
        sys.exit(
            f"sqlmat needs Python 3.11 or newer, and this is {sys.version.split()[0]}\n"
            "hint: run this script with a newer one, for example `python3.12 make.py`"
        )
    wanted = hashlib.sha256((ROOT / "uv.lock").read_bytes() + (ROOT / "pyproject.toml").read_bytes()).hexdigest()
    stamp = VENV / ".synced"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("setting up .venv, once", file=sys.stderr, flush=True)
    run(
        find_uv(),
        "sync",
        "--frozen",
        "--quiet",
        "--python",
        sys.executable,
        env={"UV_PROJECT_ENVIRONMENT": str(VENV), "UV_PYTHON_DOWNLOADS": "never"},
    )
    stamp.write_text(wanted)


def build() -> None:
    """Build the example project in `sql/`; arguments go to `sqlmat build`."""
    run(BIN / "sqlmat", "build", *sys.argv[2:])


def dev() -> None:
    """Open the Dagster UI on the example project; arguments go to `sqlmat dev`."""
    run(BIN / "sqlmat", "dev", *sys.argv[2:])


def lint() -> None:
    """Ruff, pyright strict, and the rules on who may import whom."""
    run(BIN / "ruff", "check", ".")
    run(BIN / "ruff", "format", "--check", ".")
    run(BIN / "basedpyright")
    run(BIN / "lint-imports", "--no-cache")


def test() -> None:
    """Lint, then every test; arguments go to pytest."""
    lint()
    # Twice as many as two processors: the slowest wait for a browser, a service or a process that was killed.
    run(BIN / "python", "-m", "pytest", "-n", "4", "--dist", "worksteal", *sys.argv[2:])


def matrix() -> None:
    """The tests of the engine on the oldest DuckDB and the newest Python that are supported."""
    newest = newest_python()
    print(f"with {newest} and DuckDB 1.5.5", file=sys.stderr, flush=True)
    run(
        find_uv(),
        "run",
        "--isolated",
        "--frozen",
        "--quiet",
        "--python",
        newest,
        "--with",
        "duckdb==1.5.5",
        "python",
        "-m",
        "pytest",
        "-n",
        "4",
        "--dist",
        "worksteal",
        "sqlmat_assets_tests/warehouses",
        "sqlmat_assets_tests/execution",
        "sqlmat_assets_tests/project/transpiling",
        # The environments of scripts are made by uv and pip, and know neither.
        "--ignore=sqlmat_assets_tests/execution/test_packages.py",
        "--ignore=sqlmat_assets_tests/execution/test_processed.py",
        # What is killed or fails does not depend on the version, and no other engine changes with it.
        "-m",
        "not slow",
        "-k",
        "not fault and not postgres and not redshift and (not bigquery or on_duckdb)",
        env={"UV_PYTHON_DOWNLOADS": "never"},
    )


def fix() -> None:
    """Format, and mend what ruff can."""
    run(BIN / "ruff", "check", "--fix", ".")
    run(BIN / "ruff", "format", ".")


TASKS: dict[str, Callable[[], None]] = {task.__name__: task for task in (setup, build, dev, test, lint, matrix, fix)}


def main() -> None:
    """Run the task that is named."""
    task = TASKS.get(sys.argv[1]) if len(sys.argv) > 1 else None
    if task is None:
        lines = [f"  {name:8}{task.__doc__.splitlines()[0]}" for name, task in TASKS.items() if task.__doc__]
        sys.exit("\n".join(["usage: python3 make.py TASK [ARGUMENTS]", "", *lines]))
    setup()
    if task is not setup:
        task()


if __name__ == "__main__":
    main()
