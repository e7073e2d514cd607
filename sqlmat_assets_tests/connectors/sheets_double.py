"""A server that answers as Google Sheets does, as far as a delivery asks it, and refuses what Google refuses."""

from __future__ import annotations

import copy
import json
import re
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from sqlmat_assets_tests.fixture_servers import Answering, serving

_PATH = re.compile(r"/v4/spreadsheets/(?P<id>[^/:]+)(?:/values/(?P<range>[^?]+)|(?P<update>:batchUpdate))?")
_RANGE = re.compile(r"'(?P<title>[^']+)'!A(?P<row>\d+)")
_MOST_CELLS = 10_000_000


class RefusedError(Exception):
    """What the server does not do: an HTTP status, its name and a message."""

    def __init__(self, status: int, name: str, message: str) -> None:
        super().__init__(message)
        self.status, self.name, self.message = status, name, message


@dataclass
class Sheet:
    """One tab: its properties, and the values of its rows."""

    properties: dict[str, Any]
    values: list[list[Any]] = field(default_factory=list[list[Any]])


@dataclass
class SheetsDouble:
    """One spreadsheet; `fails` are the statuses that the next calls get, `calls` what was asked."""

    name: str = "1aB-c"
    url: str = ""
    sheets: list[Sheet] = field(default_factory=list[Sheet])
    fails: list[int] = field(default_factory=list[int])
    loses: list[str] = field(default_factory=list[str])
    calls: list[str] = field(default_factory=list[str])
    lock: threading.Lock = field(default_factory=threading.Lock)
    count: int = 0

    def __post_init__(self) -> None:
        self.add("Notes", rowCount=1000, columnCount=26)

    def add(self, title: str, *, hidden: bool = False, **grid: int) -> int:
        if any(sheet.properties["title"] == title for sheet in self.sheets):
            raise RefusedError(400, "INVALID_ARGUMENT", f'A sheet with the name "{title}" already exists.')
        self.count += 1
        self.sheets.append(
            Sheet({"sheetId": self.count, "title": title, "hidden": hidden, "gridProperties": grid, "index": 0})
        )
        return self.count

    @property
    def titles(self) -> list[str]:
        """What people see, from the left."""
        return [sheet.properties["title"] for sheet in self.sheets if not sheet.properties["hidden"]]

    @property
    def hidden(self) -> list[str]:
        return [sheet.properties["title"] for sheet in self.sheets if sheet.properties["hidden"]]

    def values(self, title: str) -> list[list[Any]]:
        return next(sheet.values for sheet in self.sheets if sheet.properties["title"] == title)

    def answer(self, method: str, path: str, body: Any) -> Any:
        found = _PATH.fullmatch(path)
        if found is None or found["id"] != self.name:
            raise RefusedError(404, "NOT_FOUND", "Requested entity was not found.")
        if found["range"] is not None:
            return self._write(found["range"], body)
        if found["update"] is not None:
            return self._update(body["requests"])
        assert method == "GET"
        return {"sheets": [{"properties": sheet.properties} for sheet in self.sheets]}

    def _write(self, written: str, body: Any) -> Any:
        found = _RANGE.fullmatch(written)
        sheet = (
            None if found is None else next((s for s in self.sheets if s.properties["title"] == found["title"]), None)
        )
        if found is None or sheet is None:
            raise RefusedError(400, "INVALID_ARGUMENT", f"Unable to parse range: {written}")
        grid, first = sheet.properties["gridProperties"], int(found["row"]) - 1
        if first + len(body["values"]) > grid["rowCount"] or any(len(r) > grid["columnCount"] for r in body["values"]):
            raise RefusedError(400, "INVALID_ARGUMENT", f"Range ({written}) exceeds grid limits.")
        if any(isinstance(cell, str) and len(cell) > 50_000 for row in body["values"] for cell in row):
            raise RefusedError(
                400, "INVALID_ARGUMENT", "Your input contains more than the maximum of 50000 characters."
            )
        while len(sheet.values) < first + len(body["values"]):
            sheet.values.append([])
        sheet.values[first : first + len(body["values"])] = body["values"]
        return {"updatedRows": len(body["values"])}

    def _update(self, changes: list[Any]) -> Any:
        """All of them, or none."""
        before = copy.deepcopy(self.sheets)
        try:
            replies = [self._change(*next(iter(change.items()))) for change in changes]
            cells = [sheet.properties["gridProperties"] for sheet in self.sheets]
            if sum(grid["rowCount"] * grid["columnCount"] for grid in cells) > _MOST_CELLS:
                raise RefusedError(
                    400, "INVALID_ARGUMENT", "This action would increase the number of cells above the limit."
                )
            if not self.titles:
                raise RefusedError(400, "INVALID_ARGUMENT", "You can't remove all the visible sheets in a document.")
        except RefusedError:
            self.sheets = before
            raise
        return {"replies": replies}

    def _change(self, kind: str, change: Any) -> Any:
        match kind:
            case "addSheet":
                asked = change["properties"]
                number = self.add(asked["title"], hidden=asked.get("hidden", False), **asked["gridProperties"])
                return {"addSheet": {"properties": {"sheetId": number}}}
            case "deleteSheet":
                self.sheets.remove(self._sheet(change["sheetId"]))
            case "updateSheetProperties":
                sheet, asked = self._sheet(change["properties"]["sheetId"]), change["properties"]
                sheet.properties["hidden"] = asked["hidden"]
                self.sheets.remove(sheet)
                self.sheets.insert(asked["index"], sheet)
            case _:
                raise RefusedError(400, "INVALID_ARGUMENT", f"Unknown name {kind}")
        return {}

    def _sheet(self, number: int) -> Sheet:
        found = next((sheet for sheet in self.sheets if sheet.properties["sheetId"] == number), None)
        if found is None:
            raise RefusedError(400, "INVALID_ARGUMENT", f"No grid with id: {number}")
        return found


@contextmanager
def sheets_double() -> Generator[SheetsDouble]:
    double = SheetsDouble()

    class Handler(Answering):
        def respond(self) -> None:
            body = self.read_body()
            path = unquote(urlsplit(self.path).path)
            try:
                with double.lock:
                    answer = self._told(path, body)
            except RefusedError as refused:
                error = {"code": refused.status, "status": refused.name, "message": refused.message}
                self.answer(refused.status, {"error": error})
            else:
                self.answer(200, answer)

        def _told(self, path: str, body: bytes) -> Any:
            if self.headers.get("Authorization") != "Bearer token":
                raise RefusedError(401, "UNAUTHENTICATED", "Request is missing required authentication credential.")
            double.calls.append(f"{self.command} {path.rpartition('/')[2]}")
            if double.fails:
                status = double.fails.pop(0)
                raise RefusedError(status, "RESOURCE_EXHAUSTED", "Quota exceeded for quota metric 'Write requests'")
            answer = double.answer(self.command, path, json.loads(body or b"null"))
            if double.loses and double.loses[0] in double.calls[-1]:
                # It is done, and nobody learns of it.
                double.loses.pop(0)
                raise RefusedError(503, "UNAVAILABLE", "The service is currently unavailable.")
            return answer

    with serving(Handler) as url:
        double.url = url
        yield double
