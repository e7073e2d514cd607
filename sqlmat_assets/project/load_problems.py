"""Where a load and the settings of its table do not fit together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import loads as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.loads import PLACEHOLDER, Load, fill_pattern
from sqlmat_assets.project.partitions.spec import ListPartitioning, Partitioning
from sqlmat_assets.project.settings import ModelSettings, Place

# Two partitions that a format must tell from each other.
_MOMENTS = {
    "hour": (datetime(2019, 1, 1, 1, tzinfo=UTC), datetime(2019, 1, 1, 13, tzinfo=UTC)),
    "day": (datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 1, 2, tzinfo=UTC)),
    "week": (datetime(2019, 1, 7, tzinfo=UTC), datetime(2019, 1, 14, tzinfo=UTC)),
    "month": (datetime(2019, 1, 1, tzinfo=UTC), datetime(2019, 2, 1, tzinfo=UTC)),
}
_OTHER_YEAR = datetime(2020, 1, 1, tzinfo=UTC)


def find_load_problems(
    load: Load, settings: ModelSettings, places: Mapping[str, Place], path: str
) -> Iterator[Problem]:
    """Say where a load and the partitions of its table do not fit together.

    Args:
        load: What the file says.
        settings: The settings of the table.
        places: Where the values of the load stand.
        path: The file.
    """
    place = places.get("files", Place(path, 1, 1))

    def at(error: TextError) -> Problem:
        return error.at(place.path, place.line, place.column)

    partitioning = settings.partition_by
    if load.asked is not None:
        if partitioning is not None:
            own = next(places[key] for key in ("table", "query") if key in places)
            yield wording.no_partitions_of_databases().at(own.path, own.line, own.column)
        return
    if partitioning is not None and load.is_in_parts:
        own = places["strategy"]
        yield wording.no_partitions_in_parts(load.strategy.value).at(own.path, own.line, own.column)
        return
    if partitioning is None:
        if load.has_partitions:
            yield at(wording.no_partitions())
        return
    if load.arrival is not None:
        own = places["arrival"]
        yield wording.no_arrival_of_partitions().at(own.path, own.line, own.column)
    if not load.has_partitions:
        yield at(wording.no_placeholder(partitioning.column))
        return
    for written in PLACEHOLDER.findall(load.files):
        if not _tells_apart(written, partitioning, load.files):
            yield at(wording.bad_format(written))
    for name in (*(column.name for column in load.columns), load.filename):
        if name is not None and name.lower() == partitioning.column.lower():
            yield at(wording.column_of_its_own(name, "the partition in the name of the file"))


def _tells_apart(written: str, partitioning: Partitioning, files: str) -> bool:
    _, _, form = written.partition(":")
    if not form:
        return True
    if isinstance(partitioning, ListPartitioning):
        return False
    # One placeholder may say the year and another the month.
    first, second = (fill_pattern(files, "", moment) for moment in _MOMENTS[partitioning.grain.value])
    return first != second and first != fill_pattern(files, "", _OTHER_YEAR)
