"""Whether the process of a run is still there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sqlmat_assets.components.processes import Process


def test_this_process_is_there_as_it_was_written() -> None:
    process = Process.current("run")
    assert (process.host, process.pid, process.run) == (socket.gethostname(), os.getpid(), "run")
    assert Process.parse(str(process)) == process
    assert not process.is_gone()


@pytest.mark.parametrize("written", ["", "here", "host/pid/run/boot/namespace/born", "host/1/run"])
def test_any_other_text_is_no_process(written: str) -> None:
    assert Process.parse(written) is None


def test_a_process_that_was_killed_is_gone_before_anybody_has_asked_for_its_exit_code() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process = replace(Process.current("run"), pid=child.pid, born=born(child.pid))
    try:
        assert not process.is_gone()
        child.kill()
        until = time.monotonic() + 10
        while not process.is_gone() and time.monotonic() < until:
            time.sleep(0.01)
        assert process.is_gone()
    finally:
        child.wait()
    assert process.is_gone()


def test_a_process_without_a_birth_is_known_by_its_id() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not replace(Process.current("run"), born="").is_gone()
    assert replace(Process.current("run"), born="", pid=child.pid).is_gone()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this machine")
def test_another_process_with_the_same_id_is_not_taken_for_it() -> None:
    assert replace(Process.current("run"), born="1").is_gone()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc on this machine")
def test_a_restarted_machine_has_lost_all_of_its_processes() -> None:
    assert replace(Process.current("run"), boot="earlier").is_gone()


def test_nothing_is_certain_of_what_runs_elsewhere() -> None:
    current = Process.current("run")
    assert not replace(current, host="elsewhere", born="1").is_gone()
    assert not replace(current, namespace="of another container", born="1").is_gone()


def born(pid: int) -> str:
    stat = Path(f"/proc/{pid}/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.exists() else ""
