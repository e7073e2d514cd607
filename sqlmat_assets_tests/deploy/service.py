"""A service as the files in `deploy/` describe it: the commands of its systemd units, started by hand."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

DEPLOY = Path(__file__).parents[2] / "deploy"
T = TypeVar("T")


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens at."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def wait_for(what: str, look: Callable[[], T | None], seconds: float = 90, log: Callable[[], str] = str) -> T:
    """Look until there is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds:.0f} s\n{log()}")


@dataclass(slots=True)
class Service:
    """The files of `deploy/` put where they say, below `root` in place of `/`, and the processes started from them.

    `told` replaces what stands in the files of variables; what does not stand there, every process is told as well.
    """

    root: Path
    told: Mapping[str, str]
    dagster_yaml: str = "dagster.yaml"
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, subprocess.Popen[bytes]])

    def put(self) -> None:
        """Put the files in their places."""
        for folder in ("etc/sqlmat", "srv/sqlmat/home", "srv/sqlmat/logs"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "srv/sqlmat/venv").symlink_to(sys.prefix)
        shutil.copy(DEPLOY / self.dagster_yaml, self.home / "dagster.yaml")
        shutil.copy(DEPLOY / "workspace.yaml", self.home)
        for file in DEPLOY.glob("*.env"):
            lines = [self._tell(line) for line in file.read_text().splitlines()]
            (self.root / "etc/sqlmat" / file.name).write_text(self._below_root("\n".join(lines)))

    @property
    def home(self) -> Path:
        """The folder of the instance."""
        return self.root / "srv/sqlmat/home"

    def start(self, unit: str, project: str = "") -> None:
        """Run the command of a unit, `unit@` for a project."""
        lines = self._below_root((DEPLOY / "systemd" / f"{unit}.service").read_text()).replace("%i", project)
        variables = self.variables(*map(Path, re.findall("^EnvironmentFile=(.+)$", lines, re.MULTILINE)))
        (command,) = re.findall("^ExecStart=(.+)$", lines, re.MULTILINE)
        words = [re.sub(r"\$\{(\w+)\}", lambda name: variables[name[1]], word) for word in shlex.split(command)]
        (folder,) = re.findall("^WorkingDirectory=(.+)$", lines, re.MULTILINE)
        with (self.root / f"{unit}{project}.log").open("ab") as log:
            self.processes[unit + project] = subprocess.Popen(
                words,
                cwd=folder,
                env=variables,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )

    def variables(self, *files: Path) -> dict[str, str]:
        """What a process is told by these files."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        for file in files:
            lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
            kept |= dict(line.split("=", 1) for line in lines)
        return {**self.told, **kept}

    def kill(self, name: str) -> None:
        """End one process, and only that, as `kill -9` does."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        """End every process, and what it has started."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        for process in self.processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def run(self, *command: str, project: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command of the environment, as the user of the service would; with what a project is told."""
        files = [self.root / f"etc/sqlmat/{name}.env" for name in ("service", project) if name]
        program = self.root / "srv/sqlmat/venv/bin" / command[0]
        return subprocess.run(
            [program, *command[1:]],
            cwd=self.home,
            env=self.variables(*files),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def logs(self) -> str:
        """What the processes have said, for a test that fails."""
        return "\n".join(f"== {log.name}\n{log.read_text()[-3000:]}" for log in sorted(self.root.glob("*.log")))

    def wait_for(self, what: str, look: Callable[[], T | None], seconds: float = 90) -> T:
        """Look until there is something."""
        return wait_for(what, look, seconds, self.logs)

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Ask the web server."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        url = f"http://127.0.0.1:{self.told['SQLMAT_WEB_PORT']}/graphql"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                told = json.load(answer)
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error
        assert "errors" not in told, told
        return told["data"]

    def _tell(self, line: str) -> str:
        name = line.partition("=")[0]
        return f"{name}={self.told[name]}" if name in self.told else line

    def _below_root(self, text: str) -> str:
        return re.sub(r"/(srv|etc)/sqlmat", lambda found: str(self.root) + found[0], text)
