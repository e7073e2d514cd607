"""The comparison of loading a project, from whole processes that do nothing else."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from definitions import BARE, LOADED, PROBE
from generate import plan_tables, write_sqlmat
from peers import dbt, sqlmesh
from peers.base import FailedError, Ran, run, write_files
from peers.environments import environment
from peers.sqlmat import HERE, SQLMAT
from results import Measure, Results

DBT_DEFINITIONS = PROBE.format(
    imported="import runpy\nfound = runpy.run_path('definitions.py')['defs']", definitions="found"
)
SQLMESH_CONTEXT = "from sqlmesh import Context\nContext(paths='.')"


@dataclass(frozen=True, slots=True)
class Loading:
    """One kind of process.

    `forget` removes what the one before it has kept; `weighs` says that it prints its MB.
    """

    what: str
    label: str
    work: Callable[[], Ran]
    forget: Callable[[], None] | None = None
    weighs: bool = False


def compare_loading(
    sizes: Sequence[int], names: Sequence[str], folder: Path, rounds: int, results: Results, say: Callable[[str], None]
) -> None:
    """Load projects of each size, all kinds in turn."""
    folder.mkdir(parents=True)
    bare = Loading("bare-dagster", "Dagster with one asset", lambda: python(sys.executable, BARE, folder), weighs=True)
    for size in sizes:
        # Of ten thousand files, others take minutes.
        times = rounds if size <= 1000 else 1
        loadings = [bare, *of_sqlmat(size, folder / f"sqlmat-{size}")]
        for name, others in (("dbt", of_dbt), ("dagster-dbt", of_dagster_dbt), ("sqlmesh", of_sqlmesh)):
            if name in names:
                loadings += prepared(name, size, partial(others, size, folder / f"{name}-{size}"), results)
        for number in range(times):
            for loading in loadings:
                measure = take(loading, number)
                results.add(measure)
                figure = measure.error or f"{measure.seconds:8.2f} s {measure.memory:6.0f} MB  load {measure.load}"
                say(f"load     {loading.label:60} {number + 1:2} {figure}")


def prepared(name: str, size: int, prepare: Callable[[], Iterator[Loading]], results: Results) -> list[Loading]:
    """What one has to load; what went wrong before is a result too."""
    try:
        return list(prepare())
    except FailedError as error:
        results.add(Measure("load", f"{name}-{size}", f"{size:,} files: {name}", 0, error=str(error)))
        return []


def take(loading: Loading, number: int) -> Measure:
    """Measure one."""
    if loading.forget is not None:
        loading.forget()
    try:
        ran = loading.work()
    except FailedError as error:
        return Measure("load", loading.what, loading.label, number, error=str(error))
    # What it holds when it is through, and not the most that it ever held.
    details = {"memory": float(ran.output.split()[-1])} if loading.weighs else {}
    return Measure.of(ran, "load", loading.what, loading.label, number, **details)


def of_sqlmat(size: int, folder: Path) -> Iterator[Loading]:
    """The command line, and what a Dagster process loads."""
    write_sqlmat(folder / "sql", plan_tables(size))
    kept = folder / ".sqlmat"

    def forget() -> None:
        shutil.rmtree(kept, ignore_errors=True)

    def ls() -> Ran:
        return run([SQLMAT, "ls", "--json", folder / "sql"], folder)

    def definitions() -> Ran:
        variables = {"SQLMAT_PROJECT": str(folder / "sql"), "PYTHONPATH": str(HERE.parent)}
        return run([sys.executable, "-c", LOADED], folder, variables)

    name = f"{size:,} files:"
    yield Loading(f"sqlmat-{size}-cold", f"{name} sqlmat ls, cold", ls, forget)
    yield Loading(f"sqlmat-{size}-warm", f"{name} sqlmat ls, warm", ls)
    yield Loading(f"definitions-{size}-cold", f"{name} sqlmat's Dagster definitions, cold", definitions, forget, True)
    yield Loading(f"definitions-{size}-warm", f"{name} sqlmat's Dagster definitions, warm", definitions, None, True)


def of_dbt(size: int, folder: Path) -> Iterator[Loading]:
    """`dbt parse`."""
    write_files(folder, dbt.project_files(plan_tables(size), folder / "warehouse.duckdb", 4))
    variables = {"DBT_PROFILES_DIR": str(folder)}
    name = f"{size:,} files:"
    parse = [environment("dbt") / "dbt", "parse"]
    full = [*parse, "--no-partial-parse"]
    yield Loading(f"dbt-{size}-cold", f"{name} dbt parse, full", lambda: run(full, folder, variables))
    yield Loading(f"dbt-{size}-warm", f"{name} dbt parse, partial", lambda: run(parse, folder, variables))


def of_dagster_dbt(size: int, folder: Path) -> Iterator[Loading]:
    """What a Dagster process loads of dbt's manifest."""
    write_files(folder, dbt.project_files(plan_tables(size), folder / "warehouse.duckdb", 4))
    (folder / "definitions.py").write_text(dbt.DEFINITIONS.format(folder=str(folder)))
    programs = environment("dagster-dbt")
    run([programs / "dbt", "parse"], folder, {"DBT_PROFILES_DIR": str(folder)})
    variables = {"PATH": f"{programs}:/usr/bin:/bin"}
    yield Loading(
        f"dagster-dbt-{size}",
        f"{size:,} files: dagster-dbt's definitions, manifest there",
        lambda: python(programs / "python", DBT_DEFINITIONS, folder, variables),
        weighs=True,
    )


def of_sqlmesh(size: int, folder: Path) -> Iterator[Loading]:
    """SQLMesh's context."""
    files = sqlmesh.project_files(plan_tables(size), folder / "warehouse.duckdb", folder / "state.duckdb")
    write_files(folder, files)

    def forget() -> None:
        shutil.rmtree(folder / ".cache", ignore_errors=True)

    def context() -> Ran:
        return run([environment("sqlmesh") / "python", "-c", SQLMESH_CONTEXT], folder, sqlmesh.VARIABLES)

    yield Loading(f"sqlmesh-{size}-cold", f"{size:,} files: SQLMesh's context, cold", context, forget)
    yield Loading(f"sqlmesh-{size}-warm", f"{size:,} files: SQLMesh's context, warm", context)


def python(program: str | Path, script: str, folder: Path, variables: dict[str, str] | None = None) -> Ran:
    """A script in a process of its own."""
    return run([program, "-c", script], folder, variables)
