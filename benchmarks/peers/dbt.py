"""dbt: a build by itself, and by way of dagster-dbt in a Dagster run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from generate import ORDERS, Table

from peers.base import FailedError, Ran, Work, copy_warehouse, run, write_files
from peers.environments import environment
from peers.sqlmat import WORKER, new_home, told_by

# Schemas as they are named, which is the first example of https://docs.getdbt.com/docs/build/custom-schemas.
SCHEMA_MACRO = """\
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name is not none else target.schema }}
{%- endmacro %}
"""
DEFINITIONS = """\
from pathlib import Path
import dagster as dg
from dagster_dbt import DbtCliResource, DbtProject, dbt_assets

project = DbtProject(project_dir=Path({folder!r}))


@dbt_assets(manifest=project.manifest_path)
def tables(context: dg.AssetExecutionContext, dbt: DbtCliResource):
    yield from dbt.cli(["build"], context=context).stream()


# One step runs all of dbt; a process of its own for it would only take longer to start.
defs = dg.Definitions(
    assets=[tables], resources={{"dbt": DbtCliResource(project_dir=project)}}, executor=dg.in_process_executor
)
"""


def reference(name: str) -> str:
    """How a model names a table that it reads."""
    schema, _, short = name.partition(".")
    return f"{{{{ source('{schema}', '{short}') }}}}" if name == ORDERS else f"{{{{ ref('{short}') }}}}"


def project_files(tables: list[Table], warehouse: Path, threads: int) -> dict[str, str]:
    """The files of a project: a model for each table, with two generic tests."""
    schemas = sorted({table.schema for table in tables})
    output = {"type": "duckdb", "path": str(warehouse), "threads": threads}
    project = {
        "name": "benchmark",
        "profile": "benchmark",
        "model-paths": ["models"],
        "macro-paths": ["macros"],
        "models": {
            "benchmark": {"+materialized": "table", **{schema: {"+schema": schema} for schema in schemas}},
        },
        "flags": {"send_anonymous_usage_stats": False},
    }
    files = {
        "dbt_project.yml": yaml.safe_dump(project),
        "profiles.yml": yaml.safe_dump({"benchmark": {"target": "here", "outputs": {"here": output}}}),
        "macros/generate_schema_name.sql": SCHEMA_MACRO,
        "models/sources.yml": yaml.safe_dump({"sources": [{"name": "src", "tables": [{"name": "orders"}]}]}),
    }
    for schema in schemas:
        models = [
            {"name": table.short, "columns": [{"name": "id", "data_tests": ["not_null", "unique"]}]}
            for table in tables
            if table.schema == schema
        ]
        files[f"models/{schema}/models.yml"] = yaml.safe_dump({"models": models})
    for table in tables:
        files[f"models/{table.schema}/{table.short}.sql"] = table.query(reference)
    return files


class Dbt:
    """`dbt build`, as dbt-duckdb's documentation has it."""

    name = "dbt"
    label = "dbt build"
    _environment = "dbt"

    def __init__(self, work: Work, folder: Path) -> None:
        self._work, self._folder = work, folder
        self.warehouse = folder / "warehouse.duckdb"

    @property
    def variables(self) -> dict[str, str]:
        """What keeps dbt to this folder."""
        return {"DBT_PROFILES_DIR": str(self._folder)}

    @property
    def dbt(self) -> Path:
        return environment(self._environment) / "dbt"

    def prepare(self) -> None:
        write_files(self._folder, project_files(list(self._work.tables), self.warehouse, self._work.threads))
        run([self.dbt, "parse"], self._folder, self.variables)

    def reset(self) -> None:
        copy_warehouse(self._work, self.warehouse)

    def build(self) -> Ran:
        return self.build_some()

    def build_some(self, *options: str) -> Ran:
        """Build what the options select."""
        return run([self.dbt, "build", *options], self._folder, self.variables)

    def results(self) -> list[dict[str, Any]]:
        """What dbt wrote of the last build, one for each model and test."""
        return json.loads((self._folder / "target" / "run_results.json").read_text())["results"]

    def models(self) -> int:
        """How many models the last build built."""
        return sum(each["unique_id"].startswith("model.") and each["status"] == "success" for each in self.results())

    def checks(self) -> int:
        return sum(each["unique_id"].startswith("test.") and each["status"] == "pass" for each in self.results())


class DagsterDbt(Dbt):
    """The same project as `@dbt_assets`, in a Dagster run with its event log in SQLite."""

    name = "dagster-dbt"
    label = "dagster-dbt, SQLite"
    _environment = "dagster-dbt"

    def __init__(self, work: Work, folder: Path) -> None:
        super().__init__(work, folder)
        self.home = folder / "home"
        self.definitions = folder / "definitions.py"
        self._told: dict[str, Any] = {}

    @property
    def variables(self) -> dict[str, str]:
        programs = environment(self._environment)
        path = f"{programs}:/usr/bin:/bin"  # dagster-dbt starts the `dbt` that it finds
        return {**super().variables, "DAGSTER_HOME": str(self.home), "PATH": path}

    @property
    def python(self) -> Path:
        return environment(self._environment) / "python"

    def prepare(self) -> None:
        super().prepare()
        self.definitions.write_text(DEFINITIONS.format(folder=str(self._folder)))

    def reset(self) -> None:
        super().reset()
        new_home(self.home, self.python, self.variables, {})

    def build(self) -> Ran:
        ran = run([self.python, WORKER, self.definitions], self._folder, self.variables)
        self._told = told_by(ran)
        if self._told["tables"] != len(self._work.tables):
            raise FailedError(f"the run recorded {self._told['tables']} tables of {len(self._work.tables)}")
        return ran

    def checks(self) -> int:
        return int(self._told["checks"])

    def parts(self) -> dict[str, float]:
        """Seconds of the last run by part."""
        return {part: float(self._told[part]) for part in ("import", "load", "run")}
