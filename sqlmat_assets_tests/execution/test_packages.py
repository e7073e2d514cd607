"""The packages of scripts: installed once, whoever asks and however many ask at once, whole or not at all."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from sqlmat_assets.errors import CancelledError, MaterializeError
from sqlmat_assets.execution.events import Discarded, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.processor.child import Stop
from sqlmat_assets.execution.processor.packages import (
    Requirements,
    ensure_environment,
    open_environment,
    without_secrets,
)
from sqlmat_assets.project.load import load_project
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_context, ask

pytestmark = pytest.mark.reopens

ROOT = Path(__file__).parents[2]
SCRIPT = """import csv, sys, greetings
with open(sys.argv[1], newline="") as given, open(sys.argv[2], "w", newline="") as result:
    rows = csv.reader(given, delimiter=";", escapechar="\\\\")
    out = csv.writer(result, delimiter=";", escapechar="\\\\")
    out.writerow(next(rows))
    out.writerows([number, greetings.greet(name)] for number, name in rows)
"""


def a_wheel(folder: Path, version: str = "1.0", greeting: str = "hello") -> Path:
    """A wheel of a package `greetings`."""
    folder.mkdir(exist_ok=True)
    info = f"greetings-{version}.dist-info"
    files = {
        "greetings.py": f"def greet(name):\n    return '{greeting} ' + name\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: greetings\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b'=').decode()},"
        f"{len(text)}\n"
        for name, text in files.items()
    )
    wheel = folder / f"greetings-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name, text in {**files, f"{info}/RECORD": f"{record}{info}/RECORD,,\n"}.items():
            file.writestr(name, text)
    return wheel


@pytest.fixture(params=["pip", "uv"])
def tool(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """With uv, and with the `venv` and `pip` that come with Python."""
    uv = ROOT / ".tools" / "bin" / "uv"
    path = [folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "uv").exists()]
    if request.param == "uv":
        if not uv.exists():
            found = [folder for folder in os.environ["PATH"].split(os.pathsep) if (Path(folder) / "uv").exists()]
            if not found:
                pytest.skip("there is no uv")
            uv = Path(found[0]) / "uv"
        path.insert(0, str(uv.parent))
    monkeypatch.setenv("PATH", os.pathsep.join(path))
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    return request.param


def required(folder: Path, text: str) -> Requirements:
    file = folder / "t_requirements.txt"
    file.write_text(text)
    return Requirements(file, "first/t_requirements.txt")


def greeting_of(python: Path) -> str:
    code = "import greetings; print(greetings.greet('you'))"
    return subprocess.run([str(python), "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_an_environment_is_made_once(tmp_path: Path, tool: str) -> None:
    wheel = a_wheel(tmp_path / "wheels")
    requirements = required(tmp_path, f"--no-index\n--find-links {wheel.parent}\ngreetings==1.0  # polite\n")
    python = ensure_environment(requirements, tmp_path / "home", Stop())
    assert greeting_of(python) == "hello you"
    wheel.unlink()
    assert ensure_environment(requirements, tmp_path / "home", Stop()) == python


@pytest.mark.parametrize("tool", ["uv"], indirect=True)
def test_another_text_is_another_environment(tmp_path: Path, tool: str) -> None:
    a_wheel(tmp_path / "wheels")
    a_wheel(tmp_path / "wheels", "2.0", "good day")
    base = f"--no-index\n--find-links {tmp_path}/wheels\n"
    one = ensure_environment(required(tmp_path, f"{base}greetings<2"), tmp_path / "home", Stop())
    other = ensure_environment(required(tmp_path, f"{base}greetings"), tmp_path / "home", Stop())
    assert (greeting_of(one), greeting_of(other)) == ("hello you", "good day you")


def test_a_wheel_is_named_by_a_path_from_the_file_on(tmp_path: Path, tool: str) -> None:
    a_wheel(tmp_path / "wheels")
    requirements = required(tmp_path, "./wheels/greetings-1.0-py3-none-any.whl\n")
    assert greeting_of(ensure_environment(requirements, tmp_path / "home", Stop())) == "hello you"


def test_what_cannot_be_installed_is_named(tmp_path: Path, tool: str) -> None:
    a_wheel(tmp_path / "wheels")
    text = f"--no-index\n--find-links {tmp_path}/wheels\ngreetings==7.5\n"
    with pytest.raises(MaterializeError) as error:
        ensure_environment(required(tmp_path, text), tmp_path / "home", Stop())
    first, *said = str(error.value).splitlines()
    assert first == "the packages in `first/t_requirements.txt` cannot be installed:"
    assert any("greetings==7.5" in line for line in said)
    assert [path.suffix for path in (tmp_path / "home").iterdir()] == [".lock"]


def test_a_login_is_never_shown(tmp_path: Path, tool: str) -> None:
    text = "--index-url http://joe:pass-word@127.0.0.1:9/simple?token=pass-word\ngreetings==7.5\n"
    with pytest.raises(MaterializeError) as error:
        ensure_environment(required(tmp_path, text), tmp_path / "home", Stop())
    assert "pass-word" not in str(error.value)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("GET https://u:p@x.org/simple failed", "GET https://***@x.org/simple failed"),
        ("https://token@x.org/a?a=1&access_token=abc&b=2", "https://***@x.org/a?a=1&access_token=***&b=2"),
        ("mail joe@x.org", "mail joe@x.org"),
    ],
)
def test_secrets_in_addresses(said: str, shown: str) -> None:
    assert without_secrets(said) == shown


@pytest.mark.parametrize("tool", ["uv"], indirect=True)
def test_many_who_want_it_at_once_get_one(tmp_path: Path, tool: str) -> None:
    """Threads here and two more processes."""
    a_wheel(tmp_path / "wheels")
    requirements = required(tmp_path, f"--no-index\n--find-links {tmp_path}/wheels\ngreetings\n")
    others = [in_child(tmp_path) for _ in range(2)]
    found: list[Path] = []

    def ensure() -> None:
        found.append(ensure_environment(requirements, tmp_path / "home", Stop()))

    threads = [threading.Thread(target=ensure) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outputs = [other.communicate()[0].strip() for other in others]
    assert {*map(str, found), *outputs} == {str(found[0])}
    assert len(found) == 4
    assert len([path for path in (tmp_path / "home").iterdir() if path.is_dir() and not path.is_symlink()]) == 1


def in_child(root: Path) -> subprocess.Popen[str]:
    code = f"""import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from sqlmat_assets.execution.processor.child import Stop
from sqlmat_assets.execution.processor.packages import Requirements, ensure_environment
root = Path(sys.argv[1])
requirements = Requirements(root / "t_requirements.txt", "first/t_requirements.txt")
print(ensure_environment(requirements, root / "home", Stop()))
"""
    return subprocess.Popen([sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("tool", ["pip"], indirect=True)
def test_killed_half_way_there_is_none_and_the_next_one_makes_it(tmp_path: Path, tool: str) -> None:
    a_wheel(tmp_path / "wheels")
    home = tmp_path / "home"
    requirements = required(tmp_path, f"--no-index\n--find-links {tmp_path}/wheels\ngreetings\n")
    with in_child(tmp_path) as process:
        while not list(home.glob("*/bin/python")):
            assert process.poll() is None
            threading.Event().wait(0.005)
        process.kill()
    half = [path for path in home.iterdir() if path.is_dir()]
    assert len(half) == 1
    assert not any(path.is_symlink() for path in home.iterdir())
    python = ensure_environment(requirements, home, Stop())
    assert greeting_of(python) == "hello you"
    assert not half[0].exists()


@pytest.mark.parametrize("tool", ["pip"], indirect=True)
def test_waiting_for_another_one_can_be_cancelled(tmp_path: Path, tool: str) -> None:
    a_wheel(tmp_path / "wheels")
    requirements = required(tmp_path, f"--no-index\n--find-links {tmp_path}/wheels\ngreetings\n")
    home = tmp_path / "home"
    first, second = Stop(), Stop()
    errors: list[BaseException] = []

    def ensure(stop: Stop) -> None:
        try:
            ensure_environment(requirements, home, stop)
        except CancelledError as error:
            errors.append(error)

    threads = [threading.Thread(target=ensure, args=(stop,)) for stop in (first, second)]
    threads[0].start()
    while not list(home.glob("*/bin")):
        threading.Event().wait(0.005)
    threads[1].start()
    second.cancel()
    threads[1].join()
    assert len(errors) == 1
    first.cancel()
    threads[0].join()
    assert len(errors) == 2
    assert not [path for path in home.iterdir() if path.is_dir()]


@pytest.mark.parametrize("tool", ["uv"], indirect=True)
def test_a_script_runs_with_its_packages(tmp_path: Path, tool: str) -> None:
    a_wheel(tmp_path / "wheels")
    folder = tmp_path / "sql" / "first"
    folder.mkdir(parents=True)
    (folder / "t.py").write_text(SCRIPT)
    (folder / "t_select.sql").write_text("select 1 as id, 'you' as name")
    (folder / "t - 1h.sql").write_text("create table first.t (id bigint, name varchar)")
    (folder / "t_requirements.txt").write_text(f"--no-index\n--find-links {tmp_path}/wheels\ngreetings\n")
    model = load_project(tmp_path / "sql").models[Relation("first", "t")]
    *_, last = materialize(model, a_context(tmp_path / "w", root=tmp_path / "sql"))
    assert isinstance(last, Published), last
    assert ask(tmp_path / "w", "select * from first.t") == [(1, "hello you")]
    (folder / "t_requirements.txt").write_text("--no-index\ngreetings==9\n")
    *_, last = materialize(model, a_context(tmp_path / "w", "r2", root=tmp_path / "sql"))
    assert isinstance(last, Discarded)
    assert str(last.error).startswith("the packages in `first/t_requirements.txt` cannot be installed:\n")
    assert str(last.error).endswith("`first.t` still holds its previous rows")


@pytest.mark.parametrize("tool", ["uv"], indirect=True)
@pytest.mark.parametrize(("named", "lacking"), [("", "pandas"), ("pandas\n", "pyarrow"), ("pyarrow\n", "pandas")])
def test_a_frame_needs_pandas(tmp_path: Path, tool: str, named: str, lacking: str) -> None:
    """Which no index is there to give; so it is asked for where `process` is defined, and only there."""
    a_wheel(tmp_path / "wheels")
    folder = tmp_path / "sql" / "first"
    folder.mkdir(parents=True)
    (folder / "t.py").write_text("def process(df):\n    return df\n")
    (folder / "t_select.sql").write_text("select 1 as id")
    (folder / "t - 1h.sql").write_text("create table first.t (id bigint)")
    (folder / "t_requirements.txt").write_text(f"--no-index\n--find-links {tmp_path}/wheels\n{named}")
    model = load_project(tmp_path / "sql").models[Relation("first", "t")]
    *_, last = materialize(model, a_context(tmp_path / "w", root=tmp_path / "sql"))
    assert isinstance(last, Discarded)
    assert lacking in str(last.error)


def commented(folder: Path, number: int) -> Requirements:
    """Requirements of nothing, and others for each number."""
    file = folder / f"r{number}.txt"
    file.write_text(f"# {number}\n")
    return Requirements(file, file.name)


def age(home: Path, key: str, days: int) -> None:
    """Have an environment be one that was used last so many days ago."""
    used = home / f"{key}.used"
    moment = used.stat().st_mtime - days * 24 * 60 * 60
    os.utime(used, (moment, moment))


def folders(home: Path) -> set[str]:
    """The environments that there is something of, by their keys."""
    return {each.name.partition(".")[0] for each in home.iterdir() if each.is_symlink() or each.is_dir()}


@pytest.mark.parametrize("tool", ["uv"], indirect=True)
def test_what_nobody_has_used_for_a_month_is_removed_when_another_one_is_made(tmp_path: Path, tool: str) -> None:
    home = tmp_path / "environments"
    each = [commented(tmp_path, number) for number in range(5)]
    idle, used_lately, in_use, earlier, new = (requirements.key() for requirements in each)
    for requirements in each[:4]:
        with open_environment(requirements, home, Stop()):
            pass
    age(home, idle, 31)
    age(home, used_lately, 29)
    (home / f"{earlier}.used").unlink()  # an earlier release noted no use
    with open_environment(each[2], home, Stop()) as python:
        age(home, in_use, 31)
        with open_environment(each[4], home, Stop()):
            assert folders(home) == {used_lately, in_use, earlier, new}
        assert subprocess.run([python, "-c", ""], check=False).returncode == 0
    with open_environment(each[0], home, Stop()) as python:
        assert subprocess.run([python, "-c", ""], check=False).returncode == 0
    # Nobody holds it any more.
    assert folders(home) == {used_lately, earlier, new, idle}


@pytest.mark.parametrize("tool", ["uv"], indirect=True)
def test_an_environment_of_a_process_that_was_killed_is_not_in_use(tmp_path: Path, tool: str) -> None:
    home = tmp_path / "environments"
    requirements, other = (commented(tmp_path, number) for number in range(2))
    code = (
        "import sys; from pathlib import Path\n"
        "from sqlmat_assets.execution.processor.child import Stop\n"
        "from sqlmat_assets.execution.processor.packages import Requirements, open_environment\n"
        "given = Requirements(Path(sys.argv[1]), 'r.txt')\n"
        "with open_environment(given, Path(sys.argv[2]), Stop()):\n"
        "    print('open', flush=True)\n    sys.stdin.read()\n"
    )
    command = [sys.executable, "-c", code, str(requirements.file), str(home)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        age(home, requirements.key(), 31)
    finally:
        holder.kill()
        holder.communicate()
    with open_environment(other, home, Stop()):
        assert folders(home) == {other.key()}
