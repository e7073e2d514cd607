"""One file of the folder, and all of them together, as values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from sqlmat_assets.errors import Problem
from sqlmat_assets.project.code_version import CodeVersion
from sqlmat_assets.project.deliveries import Delivery
from sqlmat_assets.project.loads import Load
from sqlmat_assets.project.prices import Prices
from sqlmat_assets.project.references import Names
from sqlmat_assets.project.settings import ModelSettings, Place
from sqlmat_assets.relation import Relation


class Kind(StrEnum):
    """How a table comes to be."""

    QUERY = "query"
    PROCESSED = "processed"
    LOAD = "load"
    DATA = "data"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One named check as Dagster shows it: `name` is the slug, `title` the alias as written."""

    name: str
    title: str
    is_blocking: bool
    path: str
    line: int


@dataclass(frozen=True, slots=True)
class CheckValue:
    """What a column of a check is computed from, as written: from each row, or from all where `is_aggregate`."""

    sql: str
    is_aggregate: bool


@dataclass(frozen=True, slots=True)
class CheckQuery:
    """One statement of a `_test.sql`: each of its columns is a check that holds when every row is true.

    `varies` when its result may differ although no table that it reads does. With `on_result` it looks at the table as
    it would be, else, where only a part of the table is built, at that part. `line` is that of its file in which it
    begins. `values` are those of its columns where it asks nothing but its table, so that one scan can answer it
    together with others.
    """

    sql: str
    specs: tuple[CheckSpec, ...]
    reads: tuple[Relation, ...] = ()
    varies: bool = False
    on_result: bool = False
    line: int = 1
    values: tuple[CheckValue, ...] = ()

    @property
    def is_blocking(self) -> bool:
        return any(spec.is_blocking for spec in self.specs)


class RuleKind(StrEnum):
    """The ready-made checks that a setting adds."""

    UNIQUE = "unique"
    NOT_NULL = "not_null"
    MIN_ROWS = "min_rows"
    MAX_ROW_CHANGE = "max_row_change"


@dataclass(frozen=True, slots=True)
class CheckRule:
    """A check made by a setting.

    `columns` for `unique` (together) and `not_null` (one); `limit` is a count of rows for `min_rows` and a
    fraction (0.2 is 20%) for `max_row_change`.
    """

    kind: RuleKind
    spec: CheckSpec
    columns: tuple[str, ...] = ()
    limit: float = 0.0


@dataclass(frozen=True, slots=True)
class ColumnDoc:
    """A column of the result as the SQL names it, with the comment beside it."""

    name: str
    description: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredColumn:
    """A column of a CREATE TABLE: its type in the dialect, whether it is NOT NULL, and the comment beside it."""

    name: str
    type: str
    is_required: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Processor:
    """The other files of a processed table; paths are relative to the project folder, None where one is missing.

    `definition` is the text of the CREATE TABLE, which is the model's `path`, and `columns` what it declares; the
    model's `sql` is that of `query`. With `takes_frame` the script defines `process(df)`, else it reads and writes CSV
    files. `packages` are those that the requirements name.
    """

    script: str
    query: str | None
    definition: str = ""
    requirements: str | None = None
    columns: tuple[DeclaredColumn, ...] = ()
    takes_frame: bool = False
    packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """One table of the project, or one delivery of a table.

    `sql` is the query's text as it is (empty for data files and loads); `columns` are the named outputs in order,
    empty where the SQL does not tell (`*`). A model with problems is quarantined: shown, and never built. `version` is
    that of the code behind its rows; `varies` says in words why its rows may differ although nothing that it reads did,
    such as "`now()` in line 3", and is None where they cannot. `statement` is where the query in `sql` begins
    and ends. `granted_in` says where each of those is named who may read the table.
    """

    relation: Relation
    path: str
    kind: Kind
    dialect: str
    sql: str
    interval: timedelta | None = None
    effective_interval: timedelta | None = None
    description: str | None = None
    columns: tuple[ColumnDoc, ...] = ()
    upstream: tuple[Relation, ...] = ()
    sources: tuple[Relation, ...] = ()
    checks: tuple[CheckQuery, ...] = ()
    rules: tuple[CheckRule, ...] = ()
    settings: ModelSettings = field(default_factory=ModelSettings)
    problems: tuple[Problem, ...] = ()
    processor: Processor | None = None
    load: Load | None = None
    delivery: Delivery | None = None
    version: CodeVersion | None = None
    varies: str | None = None
    statement: tuple[int, int] | None = None
    granted_in: Mapping[str, Place] = field(default_factory=dict[str, Place])

    @property
    def is_quarantined(self) -> bool:
        return any(not problem.is_warning for problem in self.problems)

    @property
    def is_view(self) -> bool:
        """Whether it is a view, which has no rows of its own and so no age."""
        return self.kind is Kind.QUERY and self.settings.mode == "view"

    @property
    def is_delivery(self) -> bool:
        """Whether it is no table at all: its first `upstream` goes somewhere."""
        return self.kind is Kind.DELIVERY

    @property
    def check_specs(self) -> tuple[CheckSpec, ...]:
        """All checks of this table, those of the file first, in the order of their files."""
        written = (spec for query in self.checks for spec in query.specs)
        return (*written, *(rule.spec for rule in self.rules))


@dataclass(frozen=True, slots=True)
class Project:
    """All tables of a folder, in the order of their names, with everything that is wrong in it.

    `problems` holds those of the models too, and those of files that are no table. `names` says how names in its SQL
    are told apart.
    """

    root: Path
    dialect: str
    models: Mapping[Relation, Model] = field(default_factory=lambda: MappingProxyType({}))
    problems: tuple[Problem, ...] = ()
    names: Names = field(default=Names("duckdb"))
    prices: Prices = field(default_factory=Prices)

    def __iter__(self) -> Iterator[Model]:
        return iter(self.models.values())

    def __len__(self) -> int:
        return len(self.models)

    @property
    def views(self) -> Mapping[Relation, str]:
        """The SQL of the tables that are views."""
        return {model.relation: model.sql for model in self if model.is_view}

    @property
    def deliveries(self) -> Mapping[Relation, Delivery]:
        """Where tables go, for each delivery that can be made."""
        return {model.relation: model.delivery for model in self if model.delivery is not None}

    def without_deliveries(self) -> Project:
        """The tables alone."""
        models = {relation: model for relation, model in self.models.items() if not model.is_delivery}
        return replace(self, models=MappingProxyType(models))

    @property
    def errors(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if not problem.is_warning)
