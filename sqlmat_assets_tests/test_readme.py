"""What the README says is so: its commands run, and what it shows of the example is what stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^\| `(sqlmat [^`]+)` \|", README, re.MULTILINE)
# What has to be there before a command.
NEEDED = {
    "sqlmat undo first.cities --list": ["build -s +first.cities"],
    "sqlmat diff first.cities --env joan": ["build -s +first.cities", "build -s +first.cities --env joan"],
}
SQLMAT = Path(sys.executable).with_name("sqlmat")


def blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SQLMAT_", "DAGSTER_"))}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clone")
    for name in ("sql", "data"):
        shutil.copytree(ROOT / name, folder / name)
    return folder


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_sql_that_it_shows_is_that_of_the_example() -> None:
    query, check = blocks("sql")
    assert query == (ROOT / "sql/first/cities - 24h.sql").read_text()
    assert check.strip() in (ROOT / "sql/first/cities_test.sql").read_text()


def test_the_files_that_it_shows_are_in_the_example() -> None:
    tree = next(text for text in blocks("") if text.startswith("sql/\n"))
    schema = Path()
    for line in tree.splitlines()[1:]:
        name = re.split(r" {3,}", line.strip())[0]
        if name.endswith("/"):
            schema = Path(name)
        assert (ROOT / "sql" / (schema if line.startswith("    ") else "") / name).exists(), name


@pytest.mark.parametrize("command", [c for c in COMMANDS if not c.startswith("sqlmat dev")])
def test_a_command_of_the_table_runs(command: str, example: Path) -> None:
    for needed in NEEDED.get(command, []):
        assert run([str(SQLMAT), *needed.split(), "--no-record"], example).returncode == 0
    done = run([str(SQLMAT), *command.split()[1:]], example)
    assert done.returncode == 0, done.stderr


def test_every_command_is_in_the_table() -> None:
    listed = run([str(SQLMAT), "--help"], ROOT).stdout.partition("Commands:")[2]
    names = {line.split()[0] for line in listed.splitlines() if re.match(r"  \w", line)}
    assert names == {command.split()[1] for command in COMMANDS}


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_a_failing_check_looks_as_shown(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    build = [str(SQLMAT), "build", "--no-record", "-s", "+first.cities"]
    assert run(build, tmp_path).returncode == 0
    raw = tmp_path / "sql/first/cities_raw.csv"
    raw.write_text(raw.read_text().replace("Paris", "Lyon"))
    done = run(build, tmp_path)
    assert done.returncode == 1
    shown = next(text for text in blocks("") if text.startswith("first.cities\n"))
    assert shown in done.stdout


@pytest.mark.slow
def test_a_fresh_clone_builds_the_example_with_the_first_command(tmp_path: Path) -> None:
    commands = [
        line.partition("#")[0].split() for text in blocks("") for line in text.splitlines() if "make.py" in line
    ]
    assert commands[0] == ["python3", "make.py", "build"]
    clone = tmp_path / "sqlmat"
    files = run(["git", "ls-files", "-z"], ROOT).stdout.split("\0")
    for name in filter(None, files):
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, clone / name)
    # That of the machine: the one of this environment has no pip.
    python = str(Path(sys.base_prefix) / "bin" / "python3")
    done = run([python, *commands[0][1:]], clone)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^\d+ published, 2 delivered in ", done.stdout, re.MULTILINE), done.stdout
