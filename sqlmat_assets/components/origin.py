"""Where the project folder comes from: its git commit, its address on the web, and which project that makes it."""

from __future__ import annotations

import re
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

# The ways to write a remote that has a page on the web; the port of ssh is none of a web server.
_REMOTES = (
    re.compile(r"https?://(?:[^@/]+@)?(?P<host>[^/]+)/(?P<path>.+)"),
    re.compile(r"ssh://(?:[^@/]+@)?(?P<host>[^:/]+)(?::\d+)?/(?P<path>.+)"),
    re.compile(r"(?:[^@/:]+@)?(?P<host>[^@/:]+):(?P<path>[^/].*)"),
)
_BLOB = {"gitlab": "-/blob", "bitbucket": "src"}


@dataclass(frozen=True, slots=True)
class Origin:
    """A commit of a git clone.

    `url` is the address of the project folder at that commit, with no slash at its end; None where the remote has
    no web page (a path, none at all). `has_edits` when a file of the folder is not as it is in the commit: edited, new
    or gone. All tables inherit from files of others, so it is not told for each.
    """

    commit: str
    url: str | None = None
    has_edits: bool = False

    def file_url(self, path: str) -> str | None:
        """The address of a file; `path` is relative to the project folder."""
        return None if self.url is None else f"{self.url}/{quote(path)}"


def find_origin(root: Path) -> Origin | None:
    """Ask git about the project folder, once for all of its files; None outside a clone or without git."""
    where = _git(root, "rev-parse", "HEAD", "--show-prefix")
    if where is None:
        return None
    commit, _, prefix = where.partition("\n")
    remote = _git(root, "remote", "get-url", "origin")
    base = None if remote is None else web_address(remote, commit)
    # Git would note what it has learned, and a person's own `git commit` would find the index locked meanwhile.
    edits = _git(root, "--no-optional-locks", "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return Origin(commit, base and f"{base}/{quote(prefix)}".rstrip("/"), edits is not None)


def find_identity(root: Path) -> str:
    """Which project a folder is: the same in every clone of a repository, and another one for each of its folders.

    A folder outside of a clone, or in one that has no remote, is itself: where it is, on which machine.
    """
    prefix = _git(root, "rev-parse", "--show-prefix", "--git-dir")
    remote = None if prefix is None else _git(root, "remote", "get-url", "origin")
    if prefix is None or remote is None:
        return f"{socket.gethostname()}:{root.absolute()}"
    # Git gives an empty first line at the top of the clone, which is stripped.
    first, _, rest = prefix.partition("\n")
    folder = first.strip("/") if rest else ""
    return "/".join(filter(None, (repository_of(remote), folder)))


def repository_of(remote: str) -> str:
    """The repository behind a remote, in whatever way it is reached; without any name or password.

    Examples:
        >>> repository_of("git@github.com:acme/tables.git"), repository_of("https://joan:secret@GitHub.com/acme/tables")
        ('github.com/acme/tables', 'github.com/acme/tables')
    """
    found = next((found for pattern in _REMOTES if (found := pattern.fullmatch(remote))), None)
    if found is None:
        return f"{socket.gethostname()}:{remote.removeprefix('file://').removesuffix('/').removesuffix('.git')}"
    path = found["path"].removesuffix("/").removesuffix(".git")
    return f"{found['host'].lower()}/{path}"


def web_address(remote: str, commit: str) -> str | None:
    """The page of a repository's files at a commit; any name or password in the remote is left out.

    Examples:
        >>> web_address("git@github.com:acme/tables.git", "1a2b3c")
        'https://github.com/acme/tables/blob/1a2b3c'
        >>> web_address("https://joan:secret@gitlab.com/acme/tables.git", "1a2b3c")
        'https://gitlab.com/acme/tables/-/blob/1a2b3c'
        >>> web_address("/srv/git/tables.git", "1a2b3c")
    """
    found = next((found for pattern in _REMOTES if (found := pattern.fullmatch(remote))), None)
    if found is None:
        return None
    host, path = found["host"], found["path"].removesuffix("/").removesuffix(".git")
    blob = next((way for name, way in _BLOB.items() if name in host), "blob")
    return f"https://{host}/{path}/{blob}/{commit}"


def _git(root: Path, *arguments: str) -> str | None:
    try:
        asked = subprocess.run(  # noqa: S603 - no shell, and the arguments are ours
            ["git", "-C", str(root), *arguments],  # noqa: S607 - the person's own git, wherever it is
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return asked.stdout.strip() or None if asked.returncode == 0 else None
