"""Google Sheets."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlmat_assets.errors import deliveries as wording

_NAME = "Google Sheets"
_SCOPE = "https://www.googleapis.com/auth/spreadsheets"
_BUSY = 429
_BROKEN = 500


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab of a spreadsheet, with the cells that it takes up."""

    id: int
    title: str
    is_hidden: bool
    cells: int


class Spreadsheet:
    """A spreadsheet that this account may edit.

    Args:
        name: What stands in its address.
        endpoint: Where the service is, if not at Google.
    """

    def __init__(self, name: str, endpoint: str | None = None) -> None:
        self._id = name
        self._service = _open(endpoint)
        self._sheets = self._service.spreadsheets()

    def close(self) -> None:
        """Let go of the connections to it."""
        self._service.close()

    def fetch_tabs(self) -> list[Tab]:
        """All tabs, from the left."""
        fields = "sheets.properties(sheetId,title,hidden,gridProperties(rowCount,columnCount))"
        found = self._call(self._sheets.get(spreadsheetId=self._id, fields=fields))
        return [_tab(each["properties"]) for each in found.get("sheets", ())]

    def add_hidden(self, title: str, rows: int, columns: int) -> int:
        """Add a tab that nobody sees yet, and give its number."""
        grid = {"rowCount": max(rows, 1), "columnCount": max(columns, 1)}
        properties = {"title": title, "hidden": True, "gridProperties": grid}
        told = self._update([{"addSheet": {"properties": properties}}])
        return int(told["replies"][0]["addSheet"]["properties"]["sheetId"])

    def write(self, title: str, row: int, values: Sequence[Sequence[object]]) -> None:
        """Write rows from the first cell of a row on, which counts from 1; texts stay texts whatever they look like."""
        where = f"'{title}'!A{row}"
        body = {"range": where, "majorDimension": "ROWS", "values": [list(each) for each in values]}
        update = self._sheets.values().update
        self._call(update(spreadsheetId=self._id, range=where, valueInputOption="RAW", body=body))

    def show(self, tab: int, remove: Sequence[int]) -> None:
        """Have a hidden tab be the first that people see, and others be gone, at the same moment."""
        properties = {"sheetId": tab, "hidden": False, "index": 0, "gridProperties": {"frozenRowCount": 1}}
        fields = "hidden,index,gridProperties.frozenRowCount"
        changes: list[dict[str, Any]] = [{"updateSheetProperties": {"properties": properties, "fields": fields}}]
        self._update([*changes, *({"deleteSheet": {"sheetId": each}} for each in remove)])

    def _update(self, changes: Sequence[dict[str, Any]]) -> Any:
        return self._call(self._sheets.batchUpdate(spreadsheetId=self._id, body={"requests": list(changes)}))

    def _call(self, request: Any) -> Any:
        with _refused():
            return request.execute()


def _tab(properties: Any) -> Tab:
    grid = properties.get("gridProperties", {})
    cells = int(grid.get("rowCount", 0)) * int(grid.get("columnCount", 0))
    return Tab(int(properties["sheetId"]), str(properties["title"]), bool(properties.get("hidden")), cells)


def _open(endpoint: str | None) -> Any:
    try:
        import google.auth
        from googleapiclient.discovery import build
    except ImportError:
        raise wording.not_installed("google-api-python-client", "gcp") from None
    with _refused():
        credentials, _ = google.auth.default(scopes=[_SCOPE])
        options = None if endpoint is None else {"api_endpoint": endpoint}
        return build(
            "sheets",
            "v4",
            credentials=credentials,
            client_options=options,
            # What the package brings along; else it would be asked of Google.
            static_discovery=True,
            cache_discovery=False,
        )


@contextmanager
def _refused() -> Generator[None]:
    """Word what Google, or the way to it, says."""
    from google.auth.exceptions import GoogleAuthError, TransportError
    from googleapiclient.errors import HttpError
    from httplib2 import HttpLib2Error

    try:
        yield
    except HttpError as error:
        status = int(error.resp.status)
        told = f"{status} {error.reason}"
        raise (wording.not_reached if status == _BUSY or status >= _BROKEN else wording.refused)(_NAME, told) from error
    except (TransportError, HttpLib2Error, OSError) as error:
        raise wording.not_reached(_NAME, str(error)) from error
    except GoogleAuthError as error:
        raise wording.refused(_NAME, str(error)) from error
