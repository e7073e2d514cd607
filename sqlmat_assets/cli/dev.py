"""`sqlmat dev`: the Dagster UI and daemon on this project."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import IO

import click

from sqlmat_assets.cli import GOOD, PROBLEMS
from sqlmat_assets.cli.place import (
    dagster_home,
    default_warehouse,
    env_option,
    find_root,
    folder_argument,
    open_for,
    read_project,
    warehouse_option,
)
from sqlmat_assets.cli.trim import trim
from sqlmat_assets.components.home import (
    FRESHNESS_SENSOR,
    LOCK,
    location_of,
    open_instance,
    prepare_home,
    write_workspace,
)
from sqlmat_assets.errors.usage import (
    already_running,
    bad_host,
    builds_are_off,
    builds_are_on,
    dagster_ended,
    location_broken,
    port_in_use,
)
from sqlmat_assets.execution.environment import Environment, find_environment

_SECONDS_TO_STOP = 20.0
_SECONDS_BETWEEN_LOOKS = 0.25
# https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
_PR_SET_PDEATHSIG = 1
# Dagster would rather be started by `dg dev`, which wants a project of its own layout.
_DISCOURAGED = "ignore:Function `dev_command` is superseded"
_LOCATIONS = """
{ workspaceOrError { ... on Workspace { locationEntries {
    loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }
"""


class _Stopped(Exception):  # noqa: N818 - a request, not an error
    """Somebody asked this process to end."""


def _free_port(host: str, port: int) -> int:
    """A port from `port` on that nobody listens at.

    Raises:
        OSError: The host is no address of this machine.
    """
    for candidate in range(port, min(port + 100, 65536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                    raise
            else:
                return candidate
    return port


def _require_port(host: str, port: int) -> None:
    try:
        free = _free_port(host, port)
    except OSError as error:
        raise bad_host(host, error.strerror or str(error)) from error
    if free != port:
        raise port_in_use(host, port, free)


@contextmanager
def _hold(home: Path, url: str) -> Generator[None]:
    """Be the only one to run a daemon on this instance: two would start everything twice.

    Raises:
        UsageError: Another `sqlmat dev` runs on it.
    """
    with (home / LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise already_running(file.read().strip()) from None
        file.truncate(0)
        file.write(url)
        file.flush()
        yield


@contextmanager
def _stoppable() -> Generator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into `_Stopped`.

    A handler also makes what is started here begin with SIGINT at its default: a shell starts its background
    jobs with SIGINT ignored, `dagster dev` would inherit that, and nothing could end it.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise _Stopped

    watched = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, stop) for number in watched]
    try:
        yield
    finally:
        for number, handler in zip(watched, before, strict=True):
            signal.signal(number, handler)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End `dagster dev` and everything that it started, which all live in its process group."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # ending is under way; a second Ctrl-C must not cut it short
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_SECONDS_TO_STOP)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _look(url: str) -> tuple[bool, str | None]:
    """Whether the web server has loaded the project, and what went wrong when it could not."""
    body = json.dumps({"query": _LOCATIONS}).encode()
    request = urllib.request.Request(f"{url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310 - our own URL
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - the same
            entries = json.load(answer)["data"]["workspaceOrError"]["locationEntries"]
    except (OSError, ValueError, LookupError, TypeError):
        return False, None
    if not entries or any(entry["loadStatus"] != "LOADED" for entry in entries):
        return False, None
    broken = [entry["locationOrLoadError"].get("message") for entry in entries]
    return True, next((message for message in broken if message), None)


def _watch(process: subprocess.Popen[bytes], url: str, builds: str) -> int:
    """Say when the UI is ready, and `builds`, then wait until `dagster dev` ends by itself, which is an error."""
    is_ready = False
    while (code := process.poll()) is None:
        if not is_ready:
            is_ready, broken = _look(url)
            if broken:
                click.echo(location_broken(broken), err=True)
            elif is_ready:
                click.echo(f"ready: {url}\n{builds}")
                sys.stdout.flush()
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    click.echo(dagster_ended(code), err=True)
    return PROBLEMS


def _switch(home: Path, environment: Environment | None, *, is_paused: bool) -> str:
    """Switch the building of tables off if that is asked for, and say whether it is on."""
    from sqlmat_assets.components.switch import forget_tick_ahead, is_on, switch_off

    location = location_of(environment and environment.name)
    instance = open_instance(home)
    try:
        if is_paused:
            switch_off(instance, FRESHNESS_SENSOR, location)
        forget_tick_ahead(instance, FRESHNESS_SENSOR, time.time(), location)
        runs = is_on(instance, FRESHNESS_SENSOR, location, is_on_by_default=environment is None)
        return builds_are_on(FRESHNESS_SENSOR) if runs else builds_are_off(FRESHNESS_SENSOR)
    finally:
        instance.dispose()


def _end_with_parent() -> None:
    """Let Linux end `dagster dev` in order when this command is killed; elsewhere it would go on alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _pass_on(output: IO[bytes]) -> None:
    """Print what Dagster's processes say, without what nobody can read."""
    with io.TextIOWrapper(output, errors="backslashreplace") as said, suppress(OSError, ValueError):
        for line in trim(said):
            sys.stderr.write(line)
            sys.stderr.flush()


def _start(
    root: Path, home: Path, warehouse: str, environment: Environment | None, host: str, port: int
) -> subprocess.Popen[bytes]:
    name = environment and environment.name
    variables = {
        **os.environ,
        "SQLMAT_ENV": name or "",
        "DAGSTER_HOME": str(home),
        "SQLMAT_PROJECT": str(root),
        "SQLMAT_WAREHOUSE": warehouse,
        # Else a file of the current folder hides the module of its name, such as `gql.py`.
        "PYTHONSAFEPATH": "1",
    }
    workspace = write_workspace(home, location_of(name))
    arguments = ["dev", "--workspace", str(workspace), "--host", host, "--port", str(port)]
    process = subprocess.Popen(  # noqa: S603 - this Python, with arguments that click has checked
        [sys.executable, "-W", _DISCOURAGED, "-m", "dagster", *arguments, "--log-level", "warning"],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=_end_with_parent,  # noqa: PLW1509 - no other thread runs here
        start_new_session=True,  # Ctrl-C reaches this process alone, which ends the others in order
    )
    if process.stdout is not None:
        threading.Thread(target=_pass_on, args=(process.stdout,), name="dagster-output", daemon=True).start()
    return process


@click.command("dev", short_help="Open the Dagster UI on the tables.")
@folder_argument
@warehouse_option
@env_option
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", metavar="N", type=click.IntRange(1, 65535), default=3000, show_default=True, help="The port to listen at."
)
@click.option("--paused", is_flag=True, help="Build nothing until that is switched on in the UI.")
def command(folder: Path | None, warehouse: str | None, env: str | None, host: str, port: int, *, paused: bool) -> int:
    """Open the Dagster UI, with its daemon, on the tables of DIR (default: sql).

    The daemon builds the tables as their intervals ask, and takes up edited files. It shares its memory with `sqlmat
    build`: the instance in $DAGSTER_HOME, else in .sqlmat beside DIR. Ctrl-C ends all of it.

    In an environment nothing is built by itself until that is switched on in the UI.
    """
    root = find_root(folder)
    url_of_warehouse = warehouse or default_warehouse(root)
    # Nothing is connected; a URL that names nothing is told now and not by every run.
    project = read_project(root)
    opened = open_for(project, warehouse)
    environment = find_environment(env, project, opened.capabilities) if env else None
    home = prepare_home(dagster_home(root, environment))
    shown = "127.0.0.1" if host == "0.0.0.0" else f"[{host}]" if ":" in host else host  # noqa: S104 - compared
    url = f"http://{shown}:{port}"
    with _hold(home, url), _stoppable():
        _require_port(host, port)
        process = None
        try:
            click.echo(f"starting Dagster on {root}, which takes some seconds")
            builds = _switch(home, environment, is_paused=paused)
            process = _start(root, home, url_of_warehouse, environment, host, port)
            return _watch(process, url, builds)
        except _Stopped:
            click.echo("stopping", err=True)
            return GOOD
        finally:
            if process is not None:
                _end(process)
