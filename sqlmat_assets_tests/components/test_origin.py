"""Where a project folder comes from, asked of real clones."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

import pytest

from sqlmat_assets.components.origin import find_identity, find_origin, web_address


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=joan", "-c", "user.email=joan@example.com"]
    asked = subprocess.run(
        ["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True
    )
    return asked.stdout.strip()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    git(tmp_path, "init", "-q")
    (tmp_path / "my sql" / "first").mkdir(parents=True)
    (tmp_path / "my sql" / "first" / "cities.sql").write_text("SELECT 1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "x")
    return tmp_path


def test_a_clone_with_a_remote(clone: Path) -> None:
    git(clone, "remote", "add", "origin", "git@github.com:acme/tables.git")
    commit = git(clone, "rev-parse", "HEAD")
    origin = find_origin(clone / "my sql")
    assert origin is not None
    assert origin.commit == commit
    expected = f"https://github.com/acme/tables/blob/{commit}/my%20sql/first/cities.sql"
    assert origin.file_url("first/cities.sql") == expected


def test_the_clone_itself_is_the_project(clone: Path) -> None:
    git(clone, "remote", "add", "origin", "https://github.com/acme/tables")
    origin = find_origin(clone)
    assert origin is not None
    assert origin.file_url("a.sql") == f"https://github.com/acme/tables/blob/{origin.commit}/a.sql"


def test_a_clone_without_a_remote(clone: Path) -> None:
    origin = find_origin(clone)
    assert origin is not None
    assert origin.commit == git(clone, "rev-parse", "HEAD")
    assert origin.file_url("a.sql") is None


def test_edits_of_the_folder_that_are_in_no_commit(clone: Path) -> None:
    def has_edits() -> bool:
        origin = find_origin(clone / "my sql")
        assert origin is not None
        return origin.has_edits

    file = clone / "my sql" / "first" / "cities.sql"
    assert not has_edits()
    (clone / "notes.txt").write_text("beside the folder")
    assert not has_edits()
    file.write_text("SELECT 2")
    assert has_edits()
    git(clone, "commit", "-q", "-a", "-m", "y")
    assert not has_edits()
    (clone / "my sql" / "first" / "new.sql").write_text("SELECT 3")
    assert has_edits()
    (clone / ".gitignore").write_text("new.sql\n")
    assert not has_edits()
    file.unlink()
    assert has_edits()


def test_asking_leaves_the_index_alone(clone: Path) -> None:
    # Git would write it after it has looked at a file with another time.
    file, index = clone / "my sql" / "first" / "cities.sql", clone / ".git" / "index"
    file.touch()
    before = index.stat()
    origin = find_origin(clone / "my sql")
    assert origin is not None
    assert not origin.has_edits
    assert (index.stat().st_ino, index.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_no_clone(tmp_path: Path) -> None:
    assert find_origin(tmp_path) is None


def test_a_clone_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert find_origin(tmp_path) is None


def test_no_git(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_origin(clone) is None


@pytest.mark.parametrize(
    ("remote", "expected"),
    [
        ("git@github.com:acme/tables.git", "https://github.com/acme/tables/blob/c"),
        ("ssh://git@github.com/acme/tables.git", "https://github.com/acme/tables/blob/c"),
        ("ssh://git@git.example.com:2222/acme/tables.git", "https://git.example.com/acme/tables/blob/c"),
        ("https://github.com/acme/tables", "https://github.com/acme/tables/blob/c"),
        ("https://joan:secret@github.com/acme/tables.git/", "https://github.com/acme/tables/blob/c"),
        ("https://gitlab.com/acme/deep/tables.git", "https://gitlab.com/acme/deep/tables/-/blob/c"),
        ("git@bitbucket.org:acme/tables.git", "https://bitbucket.org/acme/tables/src/c"),
        ("/srv/git/tables.git", None),
        ("../tables", None),
        ("file:///srv/git/tables.git", None),
        ("tables", None),
    ],
)
def test_web_address(remote: str, expected: str | None) -> None:
    assert web_address(remote, "c") == expected


def test_a_project_is_the_same_in_every_clone_and_another_one_in_each_folder(clone: Path) -> None:
    folder = clone / "my sql"
    assert find_identity(folder) == f"{socket.gethostname()}:{folder}"
    for remote in (
        "git@github.com:acme/tables.git",
        "https://joan:secret@github.com/acme/tables",
        "ssh://git@GitHub.com:22/acme/tables.git/",
    ):
        git(clone, "remote", "add", "origin", remote)
        assert find_identity(folder) == "github.com/acme/tables/my sql"
        assert find_identity(clone) == "github.com/acme/tables"
        git(clone, "remote", "remove", "origin")
    git(clone, "remote", "add", "origin", "/srv/git/tables.git")
    assert find_identity(clone) == f"{socket.gethostname()}:/srv/git/tables"


def test_a_folder_outside_of_a_clone_is_a_project_by_its_place(tmp_path: Path) -> None:
    assert find_identity(tmp_path) == f"{socket.gethostname()}:{tmp_path}"
