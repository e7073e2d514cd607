"""Which files make up each table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as wording
from sqlmat_assets.project.files import FoundFile, Role, Scan
from sqlmat_assets.project.model import Kind
from sqlmat_assets.project.settings import nearest
from sqlmat_assets.project.spelling import Speller
from sqlmat_assets.relation import Relation

Fold = Callable[[Relation], Relation]
"""The name by which the engine knows a table: two files with the same one are one table's."""

_KINDS = {Role.SQL: Kind.QUERY, Role.DATA: Kind.DATA, Role.LOAD: Kind.LOAD}
_SELECT = "_select"


@dataclass(frozen=True, slots=True)
class TableFiles:
    """The files of one table; paths are relative to the project folder.

    `path` defines the table: its SELECT, its data, or the CREATE TABLE of a processed one. `query` holds the SELECT
    where there is one. `confs` go from the wider to the narrower.
    """

    relation: Relation
    kind: Kind
    path: str
    interval: timedelta | None
    query: str | None = None
    script: str | None = None
    requirements: str | None = None
    checks: tuple[str, ...] = ()
    confs: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Grouped:
    """All files by what they belong to; `problems` are those of files that belong to no table."""

    tables: tuple[TableFiles, ...]
    schema_confs: Mapping[str, tuple[str, ...]]
    problems: tuple[Problem, ...]


def group_files(scan: Scan, fold: Fold) -> Grouped:
    """Sort files by table; for each table the first file by path defines it.

    Two files for one table, parts that are missing and files without a table are problems.
    """
    return _Grouping(scan, fold).group()


class _Grouping:
    def __init__(self, scan: Scan, fold: Fold) -> None:
        self._fold = fold
        self._by_role: dict[Role, dict[Relation, list[FoundFile]]] = {role: {} for role in Role}
        self._selects: dict[Relation, list[FoundFile]] = {}
        self._definitions: dict[Relation, list[FoundFile]] = {}
        for file in scan.files:
            if file.role not in _KINDS:
                self._by_role[file.role].setdefault(fold(file.relation), []).append(file)
        for file in scan.files:
            if file.role in _KINDS:
                base = self._processed_by(file)
                found = self._definitions if base is None else self._selects
                found.setdefault(base or fold(file.relation), []).append(file)
        self._schema_confs: dict[str, list[str]] = {}
        # `schema.conf` at the root is wider than `schema/schema.conf`.
        for conf in sorted(scan.confs, key=lambda conf: (conf.path.count("/"), conf.path)):
            if conf.schema is not None:
                self._schema_confs.setdefault(self._fold_schema(conf.schema), []).append(conf.path)

    def group(self) -> Grouped:
        tables = {key: self._table(key, found) for key, found in self._definitions.items()}
        for key, selects in self._selects.items():
            if key not in tables:
                tables[key] = self._table_without_definition(key, selects)
        confs = {schema: tuple(paths) for schema, paths in self._schema_confs.items()}
        ordered = sorted(tables.values(), key=lambda table: table.relation)
        return Grouped(tuple(ordered), confs, tuple(self._strays(tables)))

    def _fold_schema(self, schema: str) -> str:
        return self._fold(Relation(schema, schema)).schema

    def _processed_by(self, file: FoundFile) -> Relation | None:
        """Give the table whose script gets the rows of this SELECT, or None for a table of its own."""
        name = file.relation.name.removesuffix(_SELECT)
        if file.role is not Role.SQL or name in ("", file.relation.name):
            return None
        key = self._fold(Relation(file.relation.schema, name))
        return key if key in self._by_role[Role.SCRIPT] else None

    def _table(self, key: Relation, found: list[FoundFile]) -> TableFiles:
        first, *others = found
        relation = first.relation
        problems = [wording.duplicate_table(relation, first.path, other.path).at(other.path) for other in others]
        kind = _KINDS[first.role]
        # One problem is enough: the others of two files would go with one of them.
        interval = next((file.interval for file in found if file.interval is not None), None)
        if kind is not Kind.QUERY:
            return self._complete(key, TableFiles(relation, kind, first.path, interval), problems)
        scripts = self._by_role[Role.SCRIPT].get(key)
        if scripts is None:
            table = TableFiles(relation, kind, first.path, interval, first.path)
            return self._complete(key, table, problems)
        query = self._only(relation, self._selects.get(key, []), problems)
        if query is None:
            problems.append(wording.processor_without_query(relation).at(scripts[0].path))
        table = TableFiles(relation, Kind.PROCESSED, first.path, interval, query)
        return self._complete(key, table, problems)

    def _table_without_definition(self, key: Relation, selects: list[FoundFile]) -> TableFiles:
        script = self._by_role[Role.SCRIPT][key][0]
        problems = [wording.processor_without_definition(script.relation).at(script.path)]
        query = self._only(script.relation, selects, problems)
        table = TableFiles(script.relation, Kind.PROCESSED, selects[0].path, None, query)
        return self._complete(key, table, problems)

    def _complete(self, key: Relation, table: TableFiles, problems: list[Problem]) -> TableFiles:
        """Add what every table can have, and a script's parts to a processed one."""
        script = requirements = None
        if table.kind is Kind.PROCESSED:
            script = self._only(table.relation, self._by_role[Role.SCRIPT][key], problems)
            requirements = self._only(table.relation, self._by_role[Role.REQUIREMENTS].get(key, []), problems)
        # A dotted `schema.table.conf` is wider than `schema/table.conf`.
        confs = sorted(self._by_role[Role.CONF].get(key, []), key=lambda file: (not file.is_dotted, file.path))
        return replace(
            table,
            script=script,
            requirements=requirements,
            checks=tuple(file.path for file in self._by_role[Role.CHECKS].get(key, [])),
            confs=tuple(file.path for file in confs),
            deliveries=tuple(file.path for file in self._by_role[Role.DELIVERY].get(key, [])),
            problems=tuple(problems),
        )

    def _only(self, relation: Relation, files: list[FoundFile], problems: list[Problem]) -> str | None:
        problems.extend(
            wording.duplicate_part(relation, files[0].path, other.path).at(other.path) for other in files[1:]
        )
        for file in files:
            if file.interval is not None:
                raw = file.path.rpartition("/")[2]
                problems.append(wording.interval_not_here(raw, f"{file.relation.name}.sql").at(file.path))
        return files[0].path if files else None

    def _strays(self, tables: Mapping[Relation, TableFiles]) -> Iterator[Problem]:
        speller = Speller(table.relation for table in tables.values())
        for role, by_table in self._by_role.items():
            for key, files in by_table.items():
                # A script beside an ordinary table is no part of it.
                if key not in tables or (role is Role.SCRIPT and tables[key].script is None):
                    yield from (_stray(role, file, speller) for file in files)
        schemas = {self._fold_schema(table.relation.schema) for table in tables.values()}
        for schema, paths in self._schema_confs.items():
            if schema not in schemas:
                error = wording.settings_without_schema(schema, nearest(schema, schemas))
                yield from (error.at(path, is_warning=True) for path in paths)


def _stray(role: Role, file: FoundFile, speller: Speller) -> Problem:
    near = speller.nearest(file.relation)
    if role is Role.CHECKS:
        return wording.checks_without_table(file.relation, near).at(file.path)
    if role is Role.SCRIPT:
        return wording.script_without_table(file.relation).at(file.path, is_warning=True)
    return wording.file_without_table(file.relation, near).at(file.path, is_warning=True)
