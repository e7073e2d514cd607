"""Delivering a table as a new tab of a Google spreadsheet.

The tab is hidden while it is filled. Then, in one request, it becomes the first that people see and the oldest goes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

from sqlmat_assets.connectors.sheets import Spreadsheet, Tab
from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.execution.deliveries.parcel import Arrived, Parcel
from sqlmat_assets.project.deliveries import Sheet

_TITLE = "%Y-%m-%d %H%M%S"
_OURS = re.compile(r"\d{4}-\d{2}-\d{2} \d{6}")
# What Google admits in one spreadsheet.
_MOST_CELLS = 10_000_000
# About a megabyte in a request; Google advises not to send more than two.
_CELLS_AT_ONCE = 50_000
# Beyond it a spreadsheet, which has floating point numbers only, would change a whole number.
_LARGEST_WHOLE = 2**53
# Another run may be filling it.
_STAYS = timedelta(hours=1)


def send_sheet(sheet: Sheet, parcel: Parcel, rows: Path, moment: datetime) -> Arrived:
    """Write the rows into a tab of their own, and remove the oldest tabs of earlier deliveries.

    Raises:
        MaterializeError: There is no room, or Google is not reached or refuses.
    """
    spreadsheet = Spreadsheet(
        parcel.secrets.fill(sheet.spreadsheet),
        None if sheet.endpoint is None else parcel.secrets.fill(sheet.endpoint),
    )
    with closing(spreadsheet):
        return _fill(spreadsheet, sheet, parcel, rows, moment)


def _fill(spreadsheet: Spreadsheet, sheet: Sheet, parcel: Parcel, rows: Path, moment: datetime) -> Arrived:
    title = f"{moment.astimezone(UTC):{_TITLE}}"
    names = [column.name for column in parcel.columns]
    count, tab = parcel.count or 0, list[int]()

    def begin() -> None:
        tabs = spreadsheet.fetch_tabs()
        _refuse_full(tabs, title, sheet.keep, (count + 1) * max(len(names), 1))
        known = [each.id for each in tabs if each.title == title]
        tab.append(known[0] if known else spreadsheet.add_hidden(title, count + 1, len(names)))

    parcel.attempt(begin)
    place = 1
    for values in _chunks(rows, names):
        parcel.check()
        parcel.attempt(lambda at=place, chunk=values: spreadsheet.write(title, at, chunk))
        place += len(values)

    def end() -> None:
        tabs = spreadsheet.fetch_tabs()
        outlived = [each.id for each in _outlived(tabs, title, sheet.keep, moment)]
        spreadsheet.show(tab[-1], outlived)

    parcel.attempt(end)
    return Arrived(count, details=(("tab", title),))


def _refuse_full(tabs: Sequence[Tab], title: str, keep: int, cells: int) -> None:
    """Refuse rows for which there is no room, before anything is written.

    Raises:
        MaterializeError: There is none.
    """
    going = {each.id for each in _outlived(tabs, title, keep, None)}
    staying = sum(each.cells for each in tabs if each.id not in going and each.title != title)
    if staying + cells > _MOST_CELLS:
        raise wording.sheet_full(cells, staying, _MOST_CELLS)


def _outlived(tabs: Sequence[Tab], title: str, keep: int, moment: datetime | None) -> Iterator[Tab]:
    """The tabs of earlier deliveries that need not stay, and those that a delivery has left behind that broke off."""
    ours = sorted((each for each in tabs if _OURS.fullmatch(each.title) and each.title != title), key=lambda t: t.title)
    shown = [each for each in ours if not each.is_hidden]
    yield from shown[: max(len(shown) - keep + 1, 0)]
    for each in ours:
        if each.is_hidden and moment is not None and moment - _moment(each.title) > _STAYS:
            yield each


def _moment(title: str) -> datetime:
    return datetime.strptime(title, _TITLE).replace(tzinfo=UTC)


def _chunks(rows: Path, names: Sequence[str]) -> Iterator[list[list[object]]]:
    """The names and then the rows, some thousand cells at a time."""
    # pyarrow is not imported where nothing goes to a spreadsheet.
    import pyarrow.parquet as pq

    size = max(_CELLS_AT_ONCE // max(len(names), 1), 1)
    yield [list(names)]
    with pq.ParquetFile(rows) as file:
        for batch in file.iter_batches(batch_size=size):
            columns = [column.to_pylist() for column in batch.columns]
            yield [[_cell(value) for value in row] for row in zip(*columns, strict=True)]


def _cell(value: object) -> object:
    """A value as a cell: numbers and truth values as such, everything else as text, nothing for NULL.

    Examples:
        >>> [_cell(value) for value in (None, True, 1, 2**60, Decimal("1.5"), date(2026, 1, 2), [1])]
        ['', True, 1, '1152921504606846976', 1.5, '2026-01-02', '[1]']
    """
    match value:
        case None:
            return ""
        case bool() | str():
            return value
        case int():
            return value if abs(value) <= _LARGEST_WHOLE else str(value)
        case float():
            # JSON has no infinity, and nothing that is no number.
            return value if value == value and abs(value) != float("inf") else str(value)  # noqa: PLR0124
        case Decimal():
            return float(value) if len(value.as_tuple().digits) <= 15 else str(value)
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
