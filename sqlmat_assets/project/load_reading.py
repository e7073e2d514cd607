"""Reading a `*.load.yaml`, with the line of everything that is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Iterable

import yaml

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import loads as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.canonical import hash_text
from sqlmat_assets.project.comments import HeaderLine
from sqlmat_assets.project.keys import KEYS
from sqlmat_assets.project.loads import ENDINGS, PLACEHOLDER, Load, LoadColumn, ParsedLoad
from sqlmat_assets.project.settings import nearest

_KEYS = ("files", "columns", "filename")
_PARTITION = "partition"
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_COMMENT = re.compile(r"\s+#\s*(.*\S)\s*")
_INTERVAL = re.compile(r"[\s\-\u2013\u2014]+[0-9]\w*$")


def parse_load(text: str, dialect: str, path: str) -> ParsedLoad:
    """Read a `*.load.yaml`; never raises."""
    reading = _Reading(text, dialect, path)
    load = reading.read()
    header = tuple(_read_header(text))
    if load is None or reading.problems:
        return ParsedLoad(None, header, tuple(reading.problems), code=hash_text(text))
    meaning = repr((load.files, load.filename, tuple((column.name, column.type) for column in load.columns)))
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
        self.problems: list[Problem] = []
        self.places: list[tuple[str, int, int]] = []

    def read(self) -> Load | None:
        """Give what the file says as far as it can be read."""
        root = self._compose()
        if root is None:
            return None
        found = self._entries(root)
        for key, (key_node, _) in found.items():
            if key not in _KEYS:
                self._refuse(self._unknown(key), key_node)
        files = self._files(found.get("files"), root)
        columns = self._columns(found.get("columns"), root)
        filename, description = self._filename(found.get("filename"), columns)
        return None if files is None else Load(files, columns, filename, description)

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

    def _entries(self, node: yaml.MappingNode) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        found: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            name = str(key.value)
            if name in found:
                self._refuse(wording.doubled_key(name, found[name][0].start_mark.line + 1), key)
            else:
                found[name] = (key, value)
        return found

    def _unknown(self, key: str) -> TextError:
        near = nearest(key.lower(), _KEYS)
        if near is None and key.lower() in KEYS:
            conf = _INTERVAL.sub("", self._path.removesuffix(".load.yaml"))
            return wording.setting_here(key, f"{conf}.conf")
        return wording.unknown_key(key, near, _KEYS)

    def _files(self, entry: tuple[yaml.Node, yaml.Node] | None, root: yaml.Node) -> str | None:
        files = self._text_of("files", entry, "files: data/trips_{partition}.csv.gz")
        if entry is None:
            self._refuse(wording.no_files(), root)
        if entry is None or files is None:
            return None
        if _URL.match(files):
            self._refuse(wording.not_local(files), entry[1])
        elif not files.lower().endswith(ENDINGS):
            self._refuse(wording.unknown_format(files, ENDINGS), entry[1])
        for written in PLACEHOLDER.findall(files):
            if written.partition(":")[0] != _PARTITION:
                self._refuse(wording.unknown_placeholder(written), entry[1])
        return files

    def _columns(self, entry: tuple[yaml.Node, yaml.Node] | None, root: yaml.Node) -> tuple[LoadColumn, ...]:
        if entry is None:
            self._refuse(wording.no_columns(), root)
            return ()
        node = entry[1]
        if not isinstance(node, yaml.MappingNode) or not node.value:
            self._refuse(wording.not_columns(), node)
            return ()
        columns: list[LoadColumn] = []
        known: dict[str, str] = {}
        for name, (key, value) in self._entries(node).items():
            if not isinstance(value, yaml.ScalarNode) or not self._is_type(str(value.value)):
                written = str(value.value) if isinstance(value, yaml.ScalarNode) else "…"
                self._refuse(wording.no_type(name, written), value)
                continue
            if name.lower() in known:
                self._refuse(wording.doubled_column(name, known[name.lower()]), key)
                continue
            known[name.lower()] = name
            columns.append(LoadColumn(name, str(value.value), self._comment(value)))
        return tuple(columns)

    def _filename(
        self, entry: tuple[yaml.Node, yaml.Node] | None, columns: tuple[LoadColumn, ...]
    ) -> tuple[str | None, str | None]:
        filename = self._text_of("filename", entry, "filename: filename")
        if entry is None or filename is None:
            return None, None
        if filename.lower() in {column.name.lower() for column in columns}:
            self._refuse(wording.column_of_its_own(filename, "the name of the file"), entry[1])
        return filename, self._comment(entry[1])

    def _text_of(self, key: str, entry: tuple[yaml.Node, yaml.Node] | None, example: str) -> str | None:
        if entry is None:
            return None
        node = entry[1]
        if not isinstance(node, yaml.ScalarNode) or not str(node.value).strip():
            self._refuse(wording.not_a_text(key, example), node)
            return None
        self.places.append((key, node.start_mark.line + 1, node.start_mark.column + 1))
        return str(node.value)

    def _is_type(self, written: str) -> bool:
        from sqlglot import exp
        from sqlglot.errors import SqlglotError

        try:
            kind = exp.DataType.build(written, dialect=self._dialect)
        except (SqlglotError, ValueError):
            return False
        return not kind.is_type(exp.DType.UNKNOWN, exp.DType.NULL)

    def _comment(self, node: yaml.Node) -> str | None:
        """What stands behind a value in its line."""
        behind = self._lines[node.end_mark.line][node.end_mark.column :]
        # The end of a plain value may lie behind the spaces that follow it.
        match = _COMMENT.fullmatch(f" {behind}")
        return None if match is None else match[1]

    def _refuse(self, error: TextError, node: yaml.Node) -> None:
        mark = node.start_mark
        self.problems.append(error.at(self._path, mark.line + 1, mark.column + 1))
