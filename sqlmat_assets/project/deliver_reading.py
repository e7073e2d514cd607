"""Reading a `*.deliver.yaml`, with the line of everything that is wrong in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.errors.project import TextError
from sqlmat_assets.project.deliver_entries import ENTRIES, KeyRefused, place_of
from sqlmat_assets.project.deliveries import Delivery, ParsedDeliveries, WrittenDelivery
from sqlmat_assets.project.settings import nearest

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_COMMENT = re.compile(r"\s*#\s*(.*\S)\s*")
_TO = "to"


def parse_deliveries(text: str, path: str) -> ParsedDeliveries:
    """Read a `*.deliver.yaml`; never raises."""
    reading = _Reading(text, path)
    entries = tuple(reading.read())
    return ParsedDeliveries(entries, tuple(reading.problems))


class _Reading:
    """One file on its way to values; `problems` are those of no entry."""

    def __init__(self, text: str, path: str) -> None:
        self._text = text
        self._lines = text.split("\n")
        self._path = path
        self.problems: list[Problem] = []

    def read(self) -> Iterator[WrittenDelivery]:
        """Give each entry as far as it can be read."""
        root = self._compose()
        if root is None:
            return
        first: dict[str, int] = {}
        for key, value in root.value:
            name, mark = str(key.value), key.start_mark
            if _NAME.fullmatch(name) is None:
                self.problems.append(self._at(wording.bad_name(name), key))
            elif name in first:
                self.problems.append(self._at(wording.doubled_key(name, first[name]), key))
            else:
                first[name] = mark.line + 1
                entry = _Entry(self._at, self._lines, name, key, value)
                delivery = entry.read()
                yield WrittenDelivery(name, mark.line + 1, mark.column + 1, delivery, tuple(entry.problems))

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
        if isinstance(root, yaml.MappingNode) and root.value:
            return root
        self.problems.append(wording.no_mapping().at(self._path, 1, 1))
        return None

    def _at(self, error: TextError, node: yaml.Node) -> Problem:
        return error.at(self._path, node.start_mark.line + 1, node.start_mark.column + 1)


class _Entry:
    """One delivery of a file."""

    def __init__(self, at: Any, lines: list[str], name: str, key: yaml.Node, node: yaml.Node) -> None:
        self._at = at
        self._lines = lines
        self._name = name
        self._key = key
        self._node = node
        self._keys: dict[str, yaml.Node] = {}
        self._values: dict[str, yaml.Node] = {}
        self.problems: list[Problem] = []

    def read(self) -> Delivery | None:
        """The delivery; None where something is wrong with it."""
        if not isinstance(self._node, yaml.MappingNode):
            self._refuse(wording.no_delivery(self._name), self._key)
            return None
        values = dict(self._pairs(self._node))
        to = values.get(_TO)
        try:
            kind = ENTRIES[place_of(to if isinstance(to, str) else "")]
        except TextError as error:
            self._refuse(error, self._values[_TO])
            return None
        if self.problems:
            return None
        try:
            entry = kind.model_validate(values)
        except ValidationError as error:
            for detail in error.errors(include_url=False, include_input=False):
                self._refuse_detail(detail, kind)
            return None
        return entry.delivery(self._name, self._key.start_mark.line + 1, self._comment())

    def _pairs(self, node: yaml.MappingNode) -> Iterator[tuple[str, Any]]:
        for key, value in node.value:
            name = str(key.value)
            if name in self._keys:
                self._refuse(wording.doubled_key(name, self._keys[name].start_mark.line + 1), key)
                continue
            self._keys[name], self._values[name] = key, value
            if self._begins_with_braces(value):
                self._refuse(wording.needs_quotes(name), value)
                continue
            yield name, _construct(value)

    def _begins_with_braces(self, node: yaml.Node) -> bool:
        mark = node.start_mark
        return isinstance(node, yaml.MappingNode) and self._lines[mark.line][mark.column :].startswith("{{")

    def _refuse_detail(self, detail: ErrorDetails, kind: type[BaseModel]) -> None:
        """Say in our words what pydantic has found."""
        key = str(detail["loc"][0]) if detail["loc"] else ""
        node = self._values.get(key, self._key)
        known = kind.model_fields
        context: Mapping[str, Any] = detail.get("ctx", {})
        told = context.get("error")
        if isinstance(told, KeyRefused):
            self._refuse(told.error, self._values.get(told.key, node))
        elif isinstance(told, TextError):
            self._refuse(told, node)
        elif detail["type"] == "extra_forbidden":
            near = nearest(key.lower(), known)
            self._refuse(wording.unknown_key(key, str(getattr(kind, "kind", "")), near, known), self._keys[key])
        elif detail["type"] == "missing":
            self._refuse(wording.missing(key, _example(kind, key)), node)
        else:
            self._refuse(wording.bad_value(key, _example(kind, key)), node)

    def _comment(self) -> str | None:
        """What stands behind the name in its line."""
        behind = self._lines[self._key.end_mark.line][self._key.end_mark.column :].lstrip().removeprefix(":")
        match = _COMMENT.fullmatch(behind)
        return None if match is None else match[1]

    def _refuse(self, error: TextError, node: yaml.Node) -> None:
        self.problems.append(self._at(error, node))


def _construct(node: yaml.Node) -> Any:
    """The Python value of a node, as `yaml.safe_load` makes it."""
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except yaml.YAMLError:
        return None
    finally:
        loader.dispose()


def _example(kind: type[BaseModel], key: str) -> str:
    examples = kind.model_fields[key].examples if key in kind.model_fields else None
    return str(examples[0]) if examples else "…"
