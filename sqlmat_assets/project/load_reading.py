"""Reading a `*.load.yaml`, with the line of everything that is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import yaml

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import loads as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.canonical import hash_text
from sqlmat_assets.project.comments import HeaderLine
from sqlmat_assets.project.intervals import parse_interval
from sqlmat_assets.project.keys import KEYS
from sqlmat_assets.project.load_columns import ColumnReader
from sqlmat_assets.project.load_entries import entries_of
from sqlmat_assets.project.load_folders import KINDS, find_folders
from sqlmat_assets.project.loads import (
    ENDINGS,
    PARTITION,
    PLACEHOLDER,
    SCHEMES,
    Asked,
    Load,
    LoadColumn,
    ParsedLoad,
    Strategy,
    path_of,
    scheme_of,
)
from sqlmat_assets.project.settings import nearest

_FILE_KEYS = ("files", "filename", "max_bad_rows", "arrival", "folder", "from", "to")
_DATABASE_KEYS = ("table", "query", "key", "reload")
_KEYS = ("files", "table", "query", "columns", "filename", "connection", "strategy", "key", "reload", *_FILE_KEYS[2:])
_COMMENT = re.compile(r"\s+#\s*(.*\S)\s*")
_INTERVAL = re.compile(r"[\s\-\u2013\u2014]+[0-9]\w*$")
_WILDCARD = re.compile(r"[*?\[]")
_NAME = re.compile(r"[A-Za-z]\w*")
_STRATEGIES = tuple(strategy.value for strategy in Strategy)
_COUNT = re.compile(r"[0-9][0-9_]*")
# A name, or names with dots between them; what is in quotes may have anything.
_TABLE = re.compile(r'(?:\w+|"[^"]+"|`[^`]+`)(?:\.(?:\w+|"[^"]+"|`[^`]+`))*')


def parse_load(text: str, dialect: str, path: str) -> ParsedLoad:
    """Read a `*.load.yaml`; never raises."""
    reading = _Reading(text, dialect, path)
    load = reading.read()
    header = tuple(_read_header(text))
    if load is None or reading.problems:
        return ParsedLoad(None, header, tuple(reading.problems), code=hash_text(text))
    columns = tuple((column.name, column.type, *column.path) for column in load.columns)
    # Where there are no more rows than before that may be left out, none of those that are there would be.
    meaning = repr((load.files, load.filename, load.strategy.value, load.folder, load.first, load.last, columns))
    if load.asked is not None:
        meaning += repr((load.asked.table, load.asked.query, load.asked.key, load.connection))
    return ParsedLoad(load, header, places=tuple(reading.places), code=hash_text(meaning))


def _read_header(text: str) -> Iterable[HeaderLine]:
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith("#"):
            yield HeaderLine(number, stripped.lstrip("#").strip())
        elif stripped:
            return


class _Reading:
    """One file on its way to a value; `problems` and `places` grow."""

    def __init__(self, text: str, dialect: str, path: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._dialect = dialect
        self._path = path
        self._found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        self.problems: list[Problem] = []
        self.places: list[tuple[str, int, int]] = []

    def read(self) -> Load | None:
        """Give what the file says as far as it can be read."""
        root = self._compose()
        if root is None:
            return None
        self._found = entries_of(root, self._refuse)
        for key, (key_node, _) in self._found.items():
            if key not in _KEYS:
                self._refuse(self._unknown(key), key_node)
        if any(key in self._found for key in ("table", "query")):
            return self._read_database(root)
        self._refuse_keys(_DATABASE_KEYS, wording.only_databases)
        files = self._files(root)
        columns = self._columns(files, root)
        filename, folder = self._column_of_its_own("filename", columns), self._column_of_its_own("folder", columns)
        strategy = self._strategy()
        first, last = self._bound("from", files), self._bound("to", files)
        bad_rows, connection, arrival = self._bad_rows(), self._connection(), self._interval("arrival")
        if files is None:
            return None
        if strategy is Strategy.INCREMENTAL:
            self._refuse_value(wording.only_databases(strategy.value), "strategy")
        self._compare(files, strategy, folder[0])
        return Load(files, columns, *filename, connection, strategy, bad_rows, *folder, first, last, arrival=arrival)

    def _read_database(self, root: yaml.Node) -> Load | None:
        self._refuse_keys(_FILE_KEYS, wording.only_files)
        table, query = self._text_of("table", "table: public.orders"), self._text_of("query", "query: select …")
        if "table" in self._found and "query" in self._found:
            self._refuse(wording.table_and_query(), self._found["query"][0])
        if table is not None and not _TABLE.fullmatch(table):
            self._refuse_value(wording.no_table_name(table), "table")
        connection = self._connection()
        if "connection" not in self._found:
            self._refuse(wording.no_connection(), root)
        columns, strategy = self._columns(None, root), self._strategy()
        for column in columns:
            if len(column.path) > 1:
                self._refuse(wording.nothing_inside(".".join(column.path), "a table"), self._found["columns"][1])
        key, reload = self._text_of("key", "key: id"), self._interval("reload")
        if strategy not in (Strategy.BULK, Strategy.INCREMENTAL):
            self._refuse_value(wording.strategy_of_files(strategy.value), "strategy")
        elif strategy is Strategy.INCREMENTAL and "key" not in self._found:
            self._refuse_value(wording.no_key(), "strategy")
        elif strategy is Strategy.BULK:
            self._refuse_keys(("key", "reload"), wording.only_incremental)
        if key is not None and key.lower() not in {column.name.lower() for column in columns}:
            self._refuse_value(wording.key_not_declared(key), "key")
        asked = Asked(table or "", (query or "").rstrip().rstrip(";"), key, reload)
        return Load("", columns, connection=connection, strategy=strategy, asked=asked)

    def _refuse_keys(self, keys: Iterable[str], refuse: Callable[[str], TextError]) -> None:
        for key in keys:
            if key in self._found:
                self._refuse(refuse(key), self._found[key][0])

    def _interval(self, key: str) -> str | None:
        written = self._text_of(key, f"{key}: 7d")
        if written is None:
            return None
        try:
            parse_interval(written)
        except TextError as error:
            self._refuse_value(error, key)
        return written

    def _compose(self) -> yaml.MappingNode | None:
        try:
            root = yaml.compose(self._text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (1, 1) if mark is None else (mark.line + 1, mark.column + 1)
            self.problems.append(wording.not_yaml(error.problem or str(error)).at(self._path, line, column))
            return None
        except yaml.YAMLError as error:
            self.problems.append(wording.not_yaml(str(error).splitlines()[0]).at(self._path, 1, 1))
            return None
        if isinstance(root, yaml.MappingNode):
            return root
        self.problems.append(wording.no_mapping().at(self._path, 1, 1))
        return None

    def _unknown(self, key: str) -> TextError:
        near = nearest(key.lower(), _KEYS)
        if near is None and key.lower() in KEYS:
            conf = _INTERVAL.sub("", self._path.removesuffix(".load.yaml"))
            return wording.setting_here(key, f"{conf}.conf")
        return wording.unknown_key(key, near, _KEYS)

    def _files(self, root: yaml.Node) -> str | None:
        files = self._text_of("files", "files: data/trips_{partition}.csv.gz")
        if "files" not in self._found:
            self._refuse(wording.no_files(), root)
        if files is None:
            return None
        scheme, path = scheme_of(files), path_of(files)
        if scheme is not None and "@" in files.split("/")[2]:
            self._refuse_value(wording.secret_here(), "files")
        elif scheme is not None and scheme not in SCHEMES:
            self._refuse_value(wording.unknown_scheme(files, nearest(scheme, SCHEMES), SCHEMES), "files")
        elif not path.lower().endswith(ENDINGS):
            self._refuse_value(wording.unknown_format(files, ENDINGS), "files")
        elif scheme in ("http", "https") and _WILDCARD.search(path):
            self._refuse_value(wording.nothing_lists(files), "files")
        written = [each.partition(":")[0] for each in PLACEHOLDER.findall(files)]
        for name, whole in zip(written, PLACEHOLDER.findall(files), strict=True):
            if name != PARTITION and name not in KINDS:
                self._refuse_value(wording.unknown_placeholder(whole), "files")
        if sum(name in KINDS for name in written) > 1:
            self._refuse_value(wording.several_folders(), "files")
        return files

    def _columns(self, files: str | None, root: yaml.Node) -> tuple[LoadColumn, ...]:
        if "columns" not in self._found:
            self._refuse(wording.no_columns(), root)
            return ()
        node = self._found["columns"][1]
        columns = ColumnReader(self._dialect, self._comment, self._refuse).read(node)
        if files is not None and path_of(files).lower().endswith((".csv", ".csv.gz")):
            for column in columns:
                if len(column.path) > 1:
                    self._refuse(wording.nothing_inside(".".join(column.path)), node)
        return columns

    def _column_of_its_own(self, key: str, columns: tuple[LoadColumn, ...]) -> tuple[str | None, str | None]:
        name = self._text_of(key, f"{key}: {key}")
        if name is None:
            return None, None
        if name.lower() in {column.name.lower() for column in columns}:
            source = "the name of the file" if key == "filename" else "the folder of the file"
            self._refuse_value(wording.column_of_its_own(name, source), key)
        return name, self._comment(self._found[key][1])

    def _connection(self) -> str | None:
        name = self._text_of("connection", "connection: shop")
        if name is not None and not _NAME.fullmatch(name):
            self._refuse_value(wording.no_connection_name(name), "connection")
        return name

    def _strategy(self) -> Strategy:
        written = self._text_of("strategy", "strategy: manifest")
        if written is None:
            return Strategy.BULK
        if written not in _STRATEGIES:
            near = nearest(written.lower(), _STRATEGIES)
            self._refuse_value(wording.unknown_strategy(written, near, _STRATEGIES), "strategy")
            return Strategy.BULK
        return Strategy(written)

    def _bad_rows(self) -> int:
        written = self._text_of("max_bad_rows", "max_bad_rows: 10")
        if written is None:
            return 0
        if not _COUNT.fullmatch(written):
            self._refuse_value(wording.no_count("max_bad_rows", written), "max_bad_rows")
            return 0
        return int(written)

    def _bound(self, key: str, files: str | None) -> str | None:
        written = self._text_of(key, f"{key}: 2019-01-01")
        folders = None if files is None else find_folders(files)
        if written is not None and folders is not None and folders.bound(written, is_last=key == "to") is None:
            self._refuse_value(wording.no_bound(key, written, folders.kind.value), key)
        return written

    def _compare(self, files: str, strategy: Strategy, folder: str | None) -> None:
        """Say which keys do not go together."""
        folders = find_folders(files)
        if strategy is Strategy.TIME_SERIES:
            if folders is None:
                self._refuse_value(wording.no_folders(), "strategy")
            elif folder is None:
                self._refuse_value(wording.no_column_for_folders(folders.kind.value), "strategy")
        elif folders is not None:
            self._refuse_value(wording.only_time_series(f"{{{folders.kind.value}}}"), "files")
        if strategy is not Strategy.TIME_SERIES:
            for key in ("folder", "from", "to"):
                if key in self._found:
                    self._refuse(wording.only_time_series(key), self._found[key][0])

    def _text_of(self, key: str, example: str) -> str | None:
        if key not in self._found:
            return None
        node = self._found[key][1]
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            self._refuse(wording.not_a_text(key, example), node)
            return None
        self.places.append((key, node.start_mark.line + 1, node.start_mark.column + 1))
        return str(node.value)

    def _comment(self, node: yaml.Node) -> str | None:
        """What stands behind a value in its line."""
        behind = self._lines[node.end_mark.line][node.end_mark.column :]
        # The end of a plain value may lie behind the spaces that follow it.
        match = _COMMENT.fullmatch(f" {behind}")
        return None if match is None else match[1]

    def _refuse_value(self, error: TextError, key: str) -> None:
        self._refuse(error, self._found[key][1])

    def _refuse(self, error: TextError, node: yaml.Node) -> None:
        mark = node.start_mark
        self.problems.append(error.at(self._path, mark.line + 1, mark.column + 1))
