"""The project folder as it was at a commit, from real repositories."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sqlmat_assets.components.revision import Edited, Revision, find_edited, find_revision, open_revision
from sqlmat_assets.errors import UsageError
from sqlmat_assets_tests.clones import commit, git, write


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository whose project is in a folder of it."""
    place = tmp_path / "repository"
    write(place, **{"README": "x", "my data/sql/s/a.sql": "SELECT 1", "my data/sql/s/ü b.csv": "a\n1\n"})
    git(place, "init", "-q", "-b", "main")
    commit(place)
    return place


@pytest.fixture
def root(repository: Path) -> Path:
    return repository / "my data" / "sql"


def texts(place: Path) -> dict[str, str]:
    files = (file for file in place.rglob("*") if file.is_file() and ".git" not in file.parts)
    return {str(file.relative_to(place)): file.read_text() for file in files}


def state(repository: Path) -> tuple[str, dict[str, str], bytes]:
    """What no reading may change."""
    said = git(repository, "--no-optional-locks", "status", "--porcelain")
    return said, texts(repository), (repository / ".git" / "index").read_bytes()


def as_it_was(root: Path, since: str | None = "HEAD") -> dict[str, str]:
    revision = find_revision(root, since)
    edited = find_edited(root, revision.commit)
    with open_revision(root, revision.commit, edited) as place:
        found = texts(place)
    assert not place.exists()
    return found


BEFORE = {"s/a.sql": "SELECT 1", "s/ü b.csv": "a\n1\n"}


def test_every_kind_of_edit_is_undone_and_nothing_is_touched(repository: Path, root: Path) -> None:
    write(root, **{"s/gone.sql": "SELECT 2", "s/staged.sql": "SELECT 3", "s/old.sql": "SELECT 4", "s/dir": "a file"})
    commit(repository)
    write(
        root,
        **{"s/a.sql": "SELECT 10", "s/staged.sql": "SELECT 30", "s/new.sql": "SELECT 5", "s/added.sql": "SELECT 6"},
    )
    (root / "s/gone.sql").unlink()
    (root / "s/old.sql").rename(root / "s/renamed.sql")
    (root / "s/dir").unlink()
    write(root, **{"s/dir/inner.sql": "SELECT 7"})
    git(repository, "add", "my data/sql/s/staged.sql", "my data/sql/s/added.sql")
    before = state(repository)
    revision = find_revision(root, "HEAD")
    assert find_edited(root, revision.commit) == Edited(
        frozenset({"s/a.sql", "s/gone.sql", "s/staged.sql", "s/added.sql", "s/old.sql", "s/dir"}),
        frozenset({"s/new.sql", "s/renamed.sql", "s/dir/inner.sql"}),
    )
    assert as_it_was(root) == {
        **BEFORE,
        "s/gone.sql": "SELECT 2",
        "s/staged.sql": "SELECT 3",
        "s/old.sql": "SELECT 4",
        "s/dir": "a file",
    }
    assert state(repository) == before


def test_what_is_not_edited_is_not_copied_and_what_git_ignores_is_as_it_is(repository: Path, root: Path) -> None:
    write(repository, **{".gitignore": "*.parquet\n"})
    commit(repository)
    write(root, **{"s/a.sql": "SELECT 2", "s/large.parquet": "x", "s/.hidden/y.parquet": "x"})
    revision = find_revision(root, "HEAD")
    with open_revision(root, revision.commit, find_edited(root, revision.commit)) as place:
        assert (place / "s/ü b.csv").is_symlink()
        assert (place / "s/large.parquet").readlink() == root / "s/large.parquet"
        assert not (place / "s/.hidden").exists()
        assert not (place / "s/a.sql").is_symlink()


def test_an_earlier_commit(repository: Path, root: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "tag", "v1")
    write(root, **{"s/a.sql": "SELECT 2", "s/later.sql": "SELECT 3"})
    commit(repository)
    for name in (first, first[:8], "v1", "HEAD~1", "main~1"):
        assert find_revision(root, name) == Revision(name, first)
    assert as_it_was(root, "v1") == BEFORE


def test_the_folder_was_not_there(repository: Path, root: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    shutil.copytree(root, repository / "other")
    commit(repository)
    assert as_it_was(repository / "other", first) == {}
    assert as_it_was(repository / "other") == BEFORE


def test_the_repository_is_the_folder_itself(repository: Path, root: Path) -> None:
    write(repository, README="y")
    assert as_it_was(repository)["README"] == "x"


def test_line_ends_are_those_of_a_checkout(repository: Path, root: Path) -> None:
    write(repository, **{".gitattributes": "*.sql text eol=crlf\n"})
    (root / "s/a.sql").write_bytes(b"SELECT 1\r\n")
    commit(repository)
    (root / "s/a.sql").write_bytes(b"SELECT 2\r\n")
    revision = find_revision(root, "HEAD")
    with open_revision(root, revision.commit, find_edited(root, revision.commit)) as place:
        assert (place / "s/a.sql").read_bytes() == b"SELECT 1\r\n"


def test_links_and_submodules(repository: Path, root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    write(other, **{"t.sql": "SELECT 1"})
    git(other, "init", "-q", "-b", "main")
    commit(other)
    git(repository, "submodule", "--quiet", "add", str(other), "my data/sql/shared")
    (root / "s/link.sql").symlink_to("a.sql")
    commit(repository)
    write(root, **{"s/b.sql": "SELECT 9"})
    was = {**BEFORE, "s/link.sql": "SELECT 1"}
    assert as_it_was(root) == was  # the files of the submodule are behind a link to its folder
    revision = find_revision(root, "HEAD")
    with open_revision(root, revision.commit, find_edited(root, revision.commit)) as place:
        assert (place / "shared" / "t.sql").read_text() == "SELECT 1"
    write(root, **{"shared/t.sql": "SELECT 2"})
    with open_revision(root, revision.commit, find_edited(root, revision.commit)) as place:
        assert not (place / "shared").exists()


def test_in_a_hook_of_git(repository: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, **{"s/a.sql": "SELECT 2"})
    monkeypatch.setenv("GIT_DIR", ".git")
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/nowhere")
    monkeypatch.setenv("GIT_PREFIX", "x/")
    assert as_it_was(root) == BEFORE


def test_the_default_is_where_the_branch_began(repository: Path, root: Path, tmp_path: Path) -> None:
    began = git(repository, "rev-parse", "HEAD")
    assert find_revision(root, None) == Revision("HEAD", began)
    git(repository, "switch", "-q", "-c", "mine")
    write(root, **{"s/a.sql": "SELECT 2"})
    commit(repository)
    git(repository, "switch", "-q", "main")
    write(root, **{"s/c.sql": "SELECT 3"})
    ahead = commit(repository)
    git(repository, "switch", "-q", "mine")
    assert find_revision(root, None) == Revision("main", began, "main")
    # A clone knows the default branch of its remote, whatever it is called.
    git(repository, "branch", "-m", "main", "trunk")
    clone = tmp_path / "clone"
    git(repository, "switch", "-q", "trunk")
    git(tmp_path, "clone", "-q", str(repository), "clone")
    git(clone, "switch", "-q", "mine")
    assert find_revision(clone / "my data/sql", None) == Revision("origin/trunk", began, "origin/trunk")
    # Commits on the default branch that the remote does not have are of this clone.
    git(clone, "switch", "-q", "trunk")
    commit(clone)
    assert find_revision(clone / "my data/sql", None) == Revision("origin/trunk", ahead, "origin/trunk")


def refused(root: Path, name: str | None) -> str:
    with pytest.raises(UsageError) as caught:
        find_revision(root, name)
    return str(caught.value)


def test_what_cannot_be_compared_with(repository: Path, root: Path, tmp_path: Path) -> None:
    for name in ("nope", "-x", "--all", "", "HEAD:README", "f" * 40):
        assert refused(root, name) == (
            f"git knows no commit `{name}`\n  hint: name a commit, a tag or a branch, for example `--since origin/main`"
        )
    outside = tmp_path / "outside"
    outside.mkdir()
    assert refused(outside, None) == (
        f"`changed` compares with an earlier commit, and git does not know `{outside}`: not a git repository (or any "
        "of the parent directories): .git\n  hint: name the tables, or put the folder into a git repository"
    )
    git(outside, "init", "-q")
    for name in (None, "main"):
        assert refused(outside, name) == (
            f"the git repository of `{outside}` has no commit yet\n  hint: commit first; until then every table is new"
        )


def test_a_shallow_clone(repository: Path, root: Path, tmp_path: Path) -> None:
    first = git(repository, "rev-parse", "HEAD")
    git(repository, "switch", "-q", "-c", "mine")
    write(root, **{"s/a.sql": "SELECT 2"})
    commit(repository)
    git(repository, "switch", "-q", "main")
    write(root, **{"s/c.sql": "SELECT 3"})
    commit(repository)
    address = f"file://{repository}"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-single-branch", "--branch", "mine", address, "clone")
    clone = tmp_path / "clone" / "my data" / "sql"
    assert refused(clone, None) == (
        "git finds no commit that `HEAD` and `origin/main` have in common\n"
        "  hint: this clone is shallow: run `git fetch --unshallow`, or name a commit with `--since`"
    )
    assert refused(clone, first) == (
        f"git knows no commit `{first}`\n"
        f"  hint: this clone is shallow: fetch it, for example `git fetch --depth=1 origin {first}`"
    )
    assert as_it_was(clone, "origin/main") == {**BEFORE, "s/c.sql": "SELECT 3"}


def test_without_git(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert refused(root, None) == ("`changed` needs git, and it is not there\n  hint: install git, or name the tables")
