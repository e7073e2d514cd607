"""The project folder as it was at a commit, from git; the work tree and the index are left alone."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlmat_assets.errors import revisions as wording

_DEFAULT_BRANCHES = ("main", "master")
_SUBMODULE = "160000"
# Set by git for its hooks; they would make it look elsewhere than in the project folder.
_HOOK_VARIABLES = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})


@dataclass(frozen=True, slots=True)
class Revision:
    """A commit to compare with.

    `name` is what was asked for; `branch` is the one that the commit is shared with where nobody asked.
    """

    name: str
    commit: str
    branch: str | None = None


@dataclass(frozen=True, slots=True)
class Edited:
    """Files of the project folder that are not as at a revision; their paths are relative to it.

    `untracked` are those that git does not know and does not ignore; `differing` all others, also those that are gone.
    """

    differing: frozenset[str]
    untracked: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.differing | self.untracked


def find_revision(root: Path, name: str | None) -> Revision:
    """The commit that a name means; without a name the one where this branch left the default branch.

    The default branch is that of the remote, else `main` or `master`; without any of them it is the last commit.

    Raises:
        UsageError: The folder is not in git, or there is no such commit.
    """
    _ask(root, "rev-parse", "--git-dir")
    head = _find_commit(root, "HEAD")
    if name is not None:
        commit = None if name.startswith("-") else _find_commit(root, name)
        if commit is not None:
            return Revision(name, commit)
        if head is None:
            raise wording.no_commit(str(root))
        raise wording.unknown_revision(name, is_shallow=_is_shallow(root))
    if head is None:
        raise wording.no_commit(str(root))
    branch = _default_branch(root)
    if branch is None:
        return Revision("HEAD", head)
    done = _git(root, "merge-base", "HEAD", branch)
    if done.returncode != 0:
        raise wording.no_common_commit(branch, is_shallow=_is_shallow(root))
    return Revision(branch, _text(done.stdout).strip(), branch)


def find_edited(root: Path, commit: str) -> Edited:
    """The files of the folder that are not as at a commit: committed since, staged, edited, deleted or never added."""
    differing = _paths(
        root, "diff", "--name-only", "--no-renames", "--no-ext-diff", "-z", "--relative", commit, "--", "."
    )
    untracked = _paths(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    return Edited(frozenset(differing), frozenset(untracked))


@contextmanager
def open_revision(root: Path, commit: str, edited: Edited) -> Generator[Path]:
    """Give a temporary folder that holds what the project folder held at a commit.

    What has not been edited since is a link to the file in the project folder, so nothing large is copied that need
    not be. So is what git ignores: nobody knows how it was.
    """
    with tempfile.TemporaryDirectory(prefix="sqlmat-") as folder:
        prefix = _text(_ask(root, "rev-parse", "--show-prefix")).strip("\n")
        place = Path(folder, "tree", prefix)
        place.mkdir(parents=True)
        wanted: list[str] = []
        for path, mode in _tracked(root, commit):
            if path not in edited.differing:
                _link(place, root, path)
            # A submodule whose commit is another one is not there at all: what is in it counts as new.
            elif mode != _SUBMODULE:
                wanted.append(path)
        _check_out(root, commit, wanted, Path(folder))
        for path in _paths(root, "ls-files", "--others", "--ignored", "--exclude-standard", "-z", "--", "."):
            # What is hidden is no part of a table; what was a file then cannot hold another now.
            if not any(part.startswith(".") for part in path.split("/")):
                with suppress(FileExistsError, NotADirectoryError):
                    _link(place, root, path)
        yield place


def _link(place: Path, root: Path, path: str) -> None:
    target = place / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(root / path)


def _tracked(root: Path, commit: str) -> list[tuple[str, str]]:
    """The paths of a commit below the folder, each with its mode."""
    listed = _text(_ask(root, "ls-tree", "-r", "-z", commit, "--", "."))
    entries = (entry.partition("\t") for entry in listed.split("\0") if entry)
    return [(path, fields.partition(" ")[0]) for fields, _, path in entries]


def _check_out(root: Path, commit: str, paths: Sequence[str], folder: Path) -> None:
    """Write files of a commit as a checkout would, with line ends and filters, by an index of its own."""
    if not paths:
        return
    index = {"GIT_INDEX_FILE": str(folder / "index")}
    _ask(root, "read-tree", commit, environment=index)
    given = "\0".join(paths)
    prefix = f"--prefix={folder}/tree/"
    _ask(root, "checkout-index", "--quiet", "--force", prefix, "-z", "--stdin", given=given, environment=index)


def _find_commit(root: Path, name: str) -> str | None:
    done = _git(root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return _text(done.stdout).strip() if done.returncode == 0 else None


def _default_branch(root: Path) -> str | None:
    """The branch that others work from; None where there is none, or it has no commit."""
    remotes = _text(_ask(root, "remote")).split()
    remote = "origin" if "origin" in remotes else remotes[0] if remotes else None
    candidates: list[str] = []
    if remote is not None:
        said = _git(root, "symbolic-ref", "--quiet", "--short", f"refs/remotes/{remote}/HEAD")
        candidates += [_text(said.stdout).strip()] if said.returncode == 0 else []
        candidates += [f"{remote}/{name}" for name in _DEFAULT_BRANCHES]
    here = _text(_git(root, "symbolic-ref", "--quiet", "--short", "HEAD").stdout).strip()
    # Who works on the default branch itself, and shares it with nobody, compares with the last commit.
    candidates += [] if here in _DEFAULT_BRANCHES else _DEFAULT_BRANCHES
    return next((name for name in candidates if _find_commit(root, name) is not None), None)


def _is_shallow(root: Path) -> bool:
    return _text(_ask(root, "rev-parse", "--is-shallow-repository")).strip() == "true"


def _paths(root: Path, *arguments: str) -> list[str]:
    return [path for path in _text(_ask(root, *arguments)).split("\0") if path]


def _text(output: bytes) -> str:
    """File names are bytes; those that are no text come out as Python has them elsewhere."""
    return os.fsdecode(output)


def _ask(root: Path, *arguments: str, given: str = "", environment: dict[str, str] | None = None) -> bytes:
    """What git answers.

    Raises:
        UsageError: It does not.
    """
    done = _git(root, *arguments, given=given, environment=environment)
    if done.returncode == 0:
        return done.stdout
    said = _text(done.stderr).strip().removeprefix("fatal: ")
    if arguments[:2] == ("rev-parse", "--git-dir"):
        raise wording.not_in_git(str(root), said.partition("\n")[0])
    raise wording.git_failed(arguments[0], said)


def _git(
    root: Path, *arguments: str, given: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if name not in _HOOK_VARIABLES}
    # Without locks: another git may be at work in the repository.
    kept |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"} | (environment or {})
    try:
        return subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
            ["git", "-C", str(root), "-c", "core.quotePath=false", *arguments],  # noqa: S607 - the person's own git
            input=os.fsencode(given),
            capture_output=True,
            env=kept,
            check=False,
        )
    except OSError:
        raise wording.no_git() from None
