"""From the files of one table to its model, before anything is known of the other tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import project as wording
from sqlmat_assets.errors.sql import reads_itself, varies
from sqlmat_assets.project.canonical import hash_text
from sqlmat_assets.project.code_version import Source, code_version
from sqlmat_assets.project.companions import TableFiles
from sqlmat_assets.project.load_problems import find_load_problems
from sqlmat_assets.project.loads import Load
from sqlmat_assets.project.local_imports import find_modules
from sqlmat_assets.project.mode_problems import keep_what_fits
from sqlmat_assets.project.model import CheckQuery, ColumnDoc, DeclaredColumn, Kind, Model, Processor
from sqlmat_assets.project.parsed import ParsedFiles
from sqlmat_assets.project.references import Names, Reference, resolve
from sqlmat_assets.project.rules import build_rules
from sqlmat_assets.project.settings import Place, Settings, inherit, inherit_grantees, parse_conf, parse_header
from sqlmat_assets.project.texts import Texts
from sqlmat_assets.project.validate import Bare, Draft, Read
from sqlmat_assets.relation import Relation


@dataclass(frozen=True, slots=True)
class _Query:
    """What the SELECT of a table says."""

    sql: str = ""
    reads: tuple[Read, ...] = ()
    bare: tuple[Bare, ...] = ()
    columns: tuple[ColumnDoc, ...] = ()
    has_all_columns: bool = False
    description: str | None = None
    header: Settings = field(default_factory=Settings)
    problems: tuple[Problem, ...] = ()
    code: str = ""
    varies: str | None = None
    reads_itself: bool = False
    statement: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class _Definition:
    """What the CREATE TABLE of a processed table says."""

    sql: str = ""
    columns: tuple[DeclaredColumn, ...] = ()
    description: str | None = None
    header: Settings = field(default_factory=Settings)
    problems: tuple[Problem, ...] = ()
    code: str = ""


@dataclass(frozen=True, slots=True)
class _Loading:
    """What the `*.load.yaml` of a table says."""

    load: Load | None = None
    description: str | None = None
    header: Settings = field(default_factory=Settings)
    problems: tuple[Problem, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])
    code: str = ""
    text: str = ""


@dataclass(slots=True)
class _Checks:
    """What the checks of a table say, gathered file by file."""

    queries: list[CheckQuery] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    bare: list[Bare] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


class Drafter:
    """Makes drafts of the tables of one folder.

    Args:
        texts: The folder's files.
        parsed: The parser, in the folder's dialect.
        names: How names in the SQL are understood.
        known: The tables of the folder by the names that the engine knows them by.
    """

    def __init__(self, texts: Texts, parsed: ParsedFiles, names: Names, known: Mapping[Relation, Relation]) -> None:
        self._texts = texts
        self._parsed = parsed
        self._names = names
        self._known = known
        self._tables = frozenset(known.values())

    def draft(self, table: TableFiles, shared: Iterable[Settings]) -> Draft:
        """Read, parse and put together one table.

        Args:
            table: Its files.
            shared: The settings of the project and of its schema, the wider first.
        """
        query = self._read_query(table)
        definition = self._read_definition(table)
        loading = self._read_load(table)
        shared = tuple(shared)
        own = [*(self._read_conf(path) for path in table.confs), definition.header, loading.header, query.header]
        settings, places = inherit([*shared, *own], self._names.dialect)
        problems = [*table.problems, *query.problems, *definition.problems, *loading.problems]
        # A line that cannot be read may be a check. What inherits it is not built without that.
        problems += [problem for file in (*shared, *own) for problem in file.problems]
        if table.interval is not None and settings.schedule is not None:
            problems += _find_schedule(own, table)
            settings = replace(settings, schedule=None)
        settings, unfit = keep_what_fits(settings, own, table.kind)
        problems += unfit
        loaded: tuple[ColumnDoc, ...] = ()
        if loading.load is not None:
            loaded = tuple(ColumnDoc(*column) for column in loading.load.documented(settings.partition_by))
            if not any("partition_by" in file.refused for file in (*shared, *own)):
                problems += find_load_problems(loading.load, settings, loading.places, table.path)
        checks = self._read_checks(table, problems)
        sources = [*self._sources(table, query, definition, loading), *checks.sources]
        processor = self._read_processor(table, definition, problems)
        read = tuple(dict.fromkeys(read.relation for read in query.reads))
        model = Model(
            relation=table.relation,
            path=table.path,
            kind=table.kind,
            dialect=self._names.dialect,
            sql=query.sql,
            interval=table.interval,
            description=definition.description or loading.description or query.description,
            columns=tuple(ColumnDoc(column.name, column.description) for column in definition.columns)
            if processor is not None
            else query.columns or loaded,
            upstream=tuple(relation for relation in read if relation in self._tables),
            sources=tuple(relation for relation in read if relation not in self._tables),
            checks=tuple(checks.queries),
            rules=build_rules(settings, places),
            settings=settings,
            problems=tuple(problems),
            processor=processor,
            load=loading.load,
            version=code_version(sources, settings, table.kind.value, self._names.dialect),
            varies=query.varies,
            statement=query.statement,
            granted_in=inherit_grantees([*shared, *own]),
        )
        has_all = bool(definition.columns) if processor is not None else query.has_all_columns or bool(loaded)
        return Draft(
            model,
            _with_schema(query.reads, query.bare),
            _with_schema(checks.reads, checks.bare),
            places,
            refused=frozenset(key for file in (*shared, *own) for key in file.refused),
            has_all_columns=has_all,
            bare=query.bare,
            check_bare=tuple(checks.bare),
            own=frozenset(line.key for file in own for line in file.lines if line.value is not None),
            reads_itself=query.reads_itself,
        )

    def _sources(
        self, table: TableFiles, query: _Query, definition: _Definition, loading: _Loading
    ) -> Iterator[Source]:
        """Yield what makes the rows; a query that cannot be read counts by its text, other files by their content."""
        yield Source("query", query.code, hash_text(query.sql))
        yield Source("definition", definition.code, hash_text(definition.sql))
        if table.kind is Kind.LOAD:
            yield Source("load", loading.code, hash_text(loading.text))
        data = table.path if table.kind is Kind.DATA else None
        for part, path in (("script", table.script), ("requirements", table.requirements), ("data", data)):
            if path is not None:
                content = self._parsed.content(self._texts.file(path), path)
                yield Source(part, content, content)
        if table.script is not None:
            beside = table.script.rpartition("/")[0]
            for path in self._modules(table.script):
                content = self._parsed.content(self._texts.file(path), path)
                yield Source(f"module {path.removeprefix(beside)}", content, content)

    def _modules(self, script: str) -> list[str]:
        """The modules beside a script that it imports; they are no files of the table."""

        def imports_of(path: str) -> tuple[str, ...]:
            text = self._texts.read(path)
            return () if text is None else self._parsed.script(text, path).imports

        return find_modules(script, imports_of, lambda path: self._texts.file(path).is_file())

    def _read_query(self, table: TableFiles) -> _Query:
        if table.query is None:
            return _Query()
        text = self._texts.read(table.query)
        if text is None:
            return _Query(problems=self._unread(table.query))
        parsed = self._parsed.query(text, table.query)
        header, description = parse_header(((line.line, line.text) for line in parsed.header), text, table.query)
        itself = self._varies_by_itself(parsed.reads, table)
        return _Query(
            sql=text,
            reads=self._resolve(parsed.reads, table),
            bare=tuple(self._find_bare(parsed.reads, table.query)),
            columns=parsed.columns,
            has_all_columns=bool(parsed.columns) and not parsed.has_star and not parsed.problems,
            description=description,
            header=header,
            problems=parsed.problems,
            code=parsed.code,
            varies=parsed.varies or itself,
            statement=parsed.statement,
            reads_itself=itself is not None,
        )

    def _varies_by_itself(self, references: Iterable[Reference], table: TableFiles) -> str | None:
        for reference in references:
            if table.relation in resolve(reference, self._names, self._known):
                return varies(reads_itself(str(reference)), reference.line)
        return None

    def _resolve(self, references: Iterable[Reference], table: TableFiles, path: str | None = None) -> tuple[Read, ...]:
        """Find the tables behind references; a table that reads itself does not count."""
        where = path or table.query or table.path
        return tuple(
            Read(relation, Place(where, reference.line, reference.column))
            for reference in references
            for relation in resolve(reference, self._names, self._known)
            if relation != table.relation
        )

    def _find_bare(self, references: Iterable[Reference], path: str) -> Iterator[Bare]:
        """Find the names without a schema that mean no table of the project."""
        for reference in references:
            name = self._names.bare_name(reference.parts, reference.quoted)
            read = resolve(reference, self._names, self._known)
            if name is not None and not reference.is_wildcard and self._tables.isdisjoint(read):
                yield Bare(name, str(reference), Place(path, reference.line, reference.column))

    def _read_definition(self, table: TableFiles) -> _Definition:
        if table.script is None or table.path in (table.query, table.script):
            return _Definition()
        text = self._texts.read(table.path)
        if text is None:
            return _Definition(problems=self._unread(table.path))
        parsed = self._parsed.definition(text, table.path)
        header, description = parse_header(((line.line, line.text) for line in parsed.header), text, table.path)
        return _Definition(text, parsed.columns, description, header, parsed.problems, parsed.code)

    def _read_processor(self, table: TableFiles, definition: _Definition, problems: list[Problem]) -> Processor | None:
        """Give what is to be known of the script of a table; what is wrong with it is added to the problems."""
        if table.script is None:
            return None
        takes_frame, packages = False, ()
        text = self._texts.read(table.script)
        if text is None:
            problems += self._unread(table.script)
        else:
            script = self._parsed.script(text, table.script)
            takes_frame = script.takes_frame
            problems += script.problems
        if table.requirements is not None:
            text = self._texts.read(table.requirements)
            if text is None:
                problems += self._unread(table.requirements)
            else:
                requirements = self._parsed.requirements(text, table.requirements)
                packages = requirements.packages
                problems += requirements.problems
        return Processor(
            table.script, table.query, definition.sql, table.requirements, definition.columns, takes_frame, packages
        )

    def _read_load(self, table: TableFiles) -> _Loading:
        if table.kind is not Kind.LOAD:
            return _Loading()
        text = self._texts.read(table.path)
        if text is None:
            return _Loading(problems=self._unread(table.path))
        parsed = self._parsed.load(text, table.path)
        header, description = parse_header(((line.line, line.text) for line in parsed.header), text, table.path)
        places = {key: Place(table.path, line, column) for key, line, column in parsed.places}
        return _Loading(parsed.load, description, header, parsed.problems, places, parsed.code, text)

    def _read_conf(self, path: str) -> Settings:
        text = self._texts.read(path)
        return Settings(problems=self._unread(path)) if text is None else parse_conf(text, path)

    def _read_checks(self, table: TableFiles, problems: list[Problem]) -> _Checks:
        checks = _Checks()
        for path in table.checks:
            text = self._texts.read(path)
            if text is None:
                problems += self._unread(path)
                continue
            parsed = self._parsed.checks(text, path)
            problems += parsed.problems
            checks.sources.append(Source("checks", parsed.code, hash_text(text)))
            for check in parsed.queries:
                found = self._resolve(check.reads, table, path)
                checks.reads += found
                checks.bare += self._find_bare(check.reads, path)
                tables = tuple(dict.fromkeys(read.relation for read in found))
                values = check.values if self._reads_only_itself(check.reads, table) else ()
                query = CheckQuery(check.sql, check.specs, tables, check.varies, check.on_result, check.line, values)
                checks.queries.append(query)
        return checks

    def _reads_only_itself(self, references: Sequence[Reference], table: TableFiles) -> bool:
        return len(references) == 1 and resolve(references[0], self._names, self._known) == (table.relation,)

    def _unread(self, path: str) -> tuple[Problem, ...]:
        problem = self._texts.problem(path)
        return () if problem is None else (problem,)


def _find_schedule(own: Iterable[Settings], table: TableFiles) -> Iterator[Problem]:
    """Find the schedules that a table with an interval has by itself; one that it inherits has no say."""
    for line in (line for file in own for line in file.lines):
        if line.key == "schedule" and line.value is not None:
            name = table.path.rpartition("/")[2]
            yield wording.interval_and_schedule(name).at(line.place.path, line.place.line, line.place.column)


def _with_schema(reads: Iterable[Read], bare: Iterable[Bare]) -> tuple[Read, ...]:
    places = {read.place for read in bare}
    return tuple(read for read in reads if read.place not in places)
