"""A data file that comes from elsewhere: it takes its place in the project when the checks of its table hold."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project


@contextmanager
def project_with(root: Path, path: str, file: Path) -> Generator[Project]:
    """The project as it would be with another file in a place: a folder of links, which is gone afterwards.

    Args:
        root: The project folder.
        path: The place, relative to it.
        file: What would be there.
    """
    with tempfile.TemporaryDirectory(prefix="sqlmat-") as folder:
        beside = Path(folder, root.name)
        _link(root, beside, tuple(Path(path).parts), file)
        yield load_project(beside)


def take_place(root: Path, path: str, file: Path) -> None:
    """Put a file into the project, in the place of what is there; whoever reads it sees one or the other.

    Raises:
        OSError: It cannot be written.
    """
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        shutil.copyfile(file, draft)
        with draft.open("rb") as written:
            os.fsync(written.fileno())
        draft.replace(target)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def _link(root: Path, beside: Path, parts: tuple[str, ...], file: Path) -> None:
    """Link everything in a folder but what leads to the file, which is copied."""
    beside.mkdir()
    first, *rest = parts
    for each in root.iterdir() if root.is_dir() else ():
        if each.name != first:
            (beside / each.name).symlink_to(each.resolve())
    if rest:
        _link(root / first, beside / first, tuple(rest), file)
    else:
        shutil.copyfile(file, beside / first)
