"""Edited files: the code server is asked to load the definitions again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._api.list_repositories import sync_list_repositories_grpc
from dagster._core.errors import DagsterUserCodeProcessError
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin

from sqlmat_assets.errors import service as wording
from sqlmat_assets.project.files import stamp_files
from sqlmat_assets.project.model import Project

Stamps = Mapping[str, tuple[int, int]]

# An editor that saves, or a git checkout, is through when nothing changes for so long.
_SECONDS_OF_QUIET = 0.3
_LOOKS = 3
_SECONDS_BETWEEN_REQUESTS = 60.0


@dataclass(slots=True)
class _Folder:
    """A folder that this process has loaded.

    `stamps` are those of what is loaded, `read` loads it again. `asked` are the stamps for which the code server was
    asked last, at `asked_at`, and `is_answered` says whether it answered. `is_lasting`: it replaces no process.
    `is_restless`: at the last look, the files changed all the time.
    """

    stamps: Stamps
    read: Callable[[], Project]
    asked: Stamps | None = None
    asked_at: float = 0.0
    is_answered: bool = False
    is_lasting: bool = False
    is_restless: bool = False


# Definitions are loaded once in a process, and ticks are evaluated in the process that has loaded them.
_FOLDERS: dict[Path, _Folder] = {}


def load_watched(root: Path, read: Callable[[], Project]) -> Project:
    """Load a project, and remember what its files were before the first of them was read."""
    _FOLDERS[root] = _Folder(stamp_files(root), read)
    return read()


def reload_if_edited(context: dg.SensorEvaluationContext, project: Project) -> str | None:
    """Ask the code server to load the definitions again if files were edited since they were loaded.

    The process that evaluates the tick is the one that is replaced: it ends as soon as this tick has.

    Args:
        context: That of the sensor.
        project: What the definitions were made of.

    Returns:
        What to say in the tick's log, and then to build nothing in this tick; None when there is nothing to say.
    """
    folder = _FOLDERS.get(project.root)
    if folder is None:
        return None
    stamps = stamp_files(project.root)
    if stamps == folder.stamps:
        folder.is_restless = False
        return None
    what = wording.edited(_differences(folder.stamps, stamps))
    if stamps == folder.asked:
        return _not_replaced(folder, what)
    was_restless = folder.is_restless
    stamps, folder.is_restless = _settle(project.root, stamps)
    if folder.is_restless and not was_restless:
        return wording.being_edited(what)
    try:
        edited = folder.read()
    except Exception as error:  # noqa: BLE001 - whatever it is, it would take the definitions away with it
        return wording.project_unreadable(str(error))
    if edited == project:
        folder.stamps = stamps
        return None
    folder.asked, folder.asked_at, folder.is_answered = stamps, time.monotonic(), False
    return _ask(context, folder, wording.edited(_differences(folder.stamps, stamps)))


def _not_replaced(folder: _Folder, what: str) -> str | None:
    """What to say in a process that should have been replaced by now."""
    if folder.is_lasting:
        return None
    if not folder.is_answered:
        if time.monotonic() - folder.asked_at > _SECONDS_BETWEEN_REQUESTS:
            folder.asked = None
        return None
    folder.is_lasting = True
    return wording.reload_impossible(what)


def _settle(root: Path, stamps: Stamps) -> tuple[Stamps, bool]:
    """Wait a little until nothing changes; the second value tells that it still does."""
    for _ in range(_LOOKS):
        time.sleep(_SECONDS_OF_QUIET)
        before, stamps = stamps, stamp_files(root)
        if stamps == before:
            return stamps, False
    return stamps, True


def _ask(context: dg.SensorEvaluationContext, folder: _Folder, what: str) -> str:
    origin = context.code_location_origin
    if not isinstance(origin, GrpcServerCodeLocationOrigin):
        folder.is_lasting = True
        return wording.reload_later(what)
    if folder.is_lasting:
        return wording.reload_impossible(what)
    client = origin.create_client()
    try:
        client.reload_code(timeout=context.instance.code_server_reload_timeout)
        folder.is_answered = True
        sync_list_repositories_grpc(client)
    except DagsterUserCodeProcessError as error:
        return wording.reload_failed(what, str(error))
    except Exception as error:  # noqa: BLE001 - gRPC tells failures in many ways, and none may end the ticks
        return wording.reload_unanswered(what, str(error))
    return wording.reloaded(what)


def _differences(loaded: Stamps, found: Stamps) -> dict[str, list[str]]:
    return {
        "edited": sorted(path for path in found if path in loaded and found[path] != loaded[path]),
        "new": sorted(found.keys() - loaded.keys()),
        "removed": sorted(loaded.keys() - found.keys()),
    }
