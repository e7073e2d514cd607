import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sqlmat_assets.errors import UsageError
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import ColumnDoc, DeclaredColumn, Kind, Model, Processor, Project
from sqlmat_assets.project.references import Names
from sqlmat_assets.relation import Relation

FOLDERS = Path(__file__).parent / "folders"


def write(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def load(root: Path, files: dict[str, str]) -> Project:
    return load_project(write(root, files))


def table(project: Project, name: str) -> Model:
    return project.models[Relation.of(name)]


def problems(project: Project) -> list[str]:
    return [str(problem) for problem in project.problems]


def minutes(span: timedelta | None) -> float | None:
    return None if span is None else span / timedelta(minutes=1)


def test_a_folder_as_duro_has_it() -> None:
    project = load_project(FOLDERS / "duro")
    assert problems(project) == []
    assert {str(m.relation): (minutes(m.interval), minutes(m.effective_interval)) for m in project} == {
        "first.cities": (1440, 1440),
        "first.countries": (60, 60),
        "first.countries_detailed": (960, 960),
        "second.child": (None, 24),
        "second.parent": (24, 24),
    }
    edges = {f"{model.relation} {read}" for model in project for read in model.upstream}
    assert edges == {
        "first.countries_detailed first.countries",
        "second.child first.cities",
        "second.parent second.child",
    }
    sources = {str(source) for model in project for source in model.sources}
    assert sources == {"first.cities_raw", "first.countries_raw"}
    assert table(project, "first.countries").settings.grant_select == ("joan", "john")
    assert table(project, "second.child").settings.grant_select == ("jane",)


@pytest.mark.parametrize(
    ("path", "interval"),
    [
        ("first/cities.sql", None),
        ("first.cities.sql", None),
        ("first/cities - 24h.sql", 1440),
        ("first/cities \u2013 24h.sql", 1440),
        ("first/cities — 24h.sql", 1440),
        ("first/cities\u00a0—\u00a024h.sql", 1440),
        ("first/cities-24h.sql", 1440),
        ("first/cities 24H.sql", 1440),
        ("first.cities - 24h.sql", 1440),
        ("first.cities-24h.sql", 1440),
        ("first.cities- 1h.sql", 60),
        ("first/first.cities — 1h.sql", 60),
        ("second/first.cities 1h.sql", 60),
        ("a/b/first/cities - 2d.sql", 2880),
    ],
)
def test_every_name_that_is_understood_is_loaded(path: str, interval: int | None, tmp_path: Path) -> None:
    project = load(tmp_path, {path: "select 1 as a", "z/reader - 90m.sql": "select a from first.cities"})
    assert problems(project) == []
    model = table(project, "first.cities")
    assert (model.path, model.sql, minutes(model.interval)) == (path, "select 1 as a", interval)
    assert minutes(model.effective_interval) == (interval or 90)


def test_a_query_with_everything_around_it() -> None:
    model = table(load_project(FOLDERS / "duro"), "first.cities")
    assert (model.kind, model.path, model.dialect) == (Kind.QUERY, "first/cities — 24h.sql", "duckdb")
    assert model.sql == (FOLDERS / "duro/first/cities — 24h.sql").read_text(encoding="utf-8")
    assert model.description == "Cities of the registry."
    assert model.columns == (ColumnDoc("city", "as its inhabitants write it"), ColumnDoc("country"))
    assert model.settings.owner == ("data-eng@example.com",)
    assert [(spec.name, spec.path, spec.line) for spec in model.check_specs] == [
        ("correct_capital_of_france", "first/cities_test.sql", 1),
        ("unique_city_country", "first/cities.conf", 1),
    ]


def test_a_processed_table() -> None:
    model = table(load_project(FOLDERS / "duro"), "first.countries")
    assert (model.kind, model.path) == (Kind.PROCESSED, "first/countries - 1h.sql")
    assert model.sql == (FOLDERS / "duro/first/countries_select.sql").read_text(encoding="utf-8")
    assert model.processor == Processor(
        script="first/countries.py",
        query="first/countries_select.sql",
        definition=(FOLDERS / "duro/first/countries - 1h.sql").read_text(encoding="utf-8"),
        requirements="first/countries_requirements.txt",
        columns=(DeclaredColumn("country", "TEXT"), DeclaredColumn("continent", "TEXT")),
        packages=("requests",),
    )
    assert [column.name for column in model.columns] == ["country", "continent"]
    assert [spec.name for spec in model.check_specs] == ["has_rows"]


def test_an_empty_folder_is_a_project_without_tables(tmp_path: Path) -> None:
    project = load_project(tmp_path)
    assert (len(project), project.errors, project.names) == (0, (), Names("duckdb"))
    assert problems(project) == [
        ".: warning: there are no tables here\n"
        "  hint: write a SELECT into a folder named after its schema: `first/cities - 24h.sql`"
    ]


def test_a_folder_whose_only_file_is_wrong_says_so_alone(tmp_path: Path) -> None:
    assert problems(load(tmp_path, {"cities.sql": "select 1 as a"})) == [
        "cities.sql: `cities.sql` has no schema\n"
        "  hint: put it into a folder named after the schema, or rename it to `schema.cities.sql`"
    ]


def test_a_root_that_is_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load_project(tmp_path / "nowhere")
    assert str(caught.value) == f"`{tmp_path / 'nowhere'}` is no folder; name the folder that holds the SQL files"


def test_data_files_loads_and_deliveries(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        {
            "first/raw.csv": "a\n1\n",
            "first/raw.conf": "columns = a bigint\nunique = a",
            "first/old - 7d.parquet": "",
            "first/trips - 1d.load.yaml": "files: trips.csv\ncolumns:\n  id: bigint",
            "first/raw.deliver.yaml": "disk:\n  to: raw.csv",
        },
    )
    assert problems(project) == []
    assert [(str(m.relation), m.kind, minutes(m.interval), m.sql) for m in project] == [
        ("first.old", Kind.DATA, 10080, ""),
        ("first.raw", Kind.DATA, None, ""),
        ("first.raw__deliver__disk", Kind.DELIVERY, None, ""),
        ("first.trips", Kind.LOAD, 1440, ""),
    ]
    assert table(project, "first.raw").settings.columns == (("a", "bigint"),)
    assert [spec.name for spec in table(project, "first.raw").check_specs] == ["unique_a"]


def test_a_processed_table_takes_settings_from_the_top_of_both_its_files(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        {
            "first/t_select.sql": "-- min_rows: 2\n-- grace: 1h\n-- For the script.\nselect 1 as a",
            "first/t.py": "",
            "first/t - 1h.sql": "-- min_rows: 1\n-- adopt: true\n-- What it is.\ncreate table first.t (b int)",
        },
    )
    model = table(project, "first.t")
    assert (model.settings.min_rows, model.settings.adopt, model.settings.grace) == (2, True, timedelta(hours=1))
    assert model.description == "What it is."


def test_select_is_an_ordinary_name_without_a_script(tmp_path: Path) -> None:
    project = load(tmp_path, {"first/x_select - 1h.sql": "select 1 as a"})
    assert [(str(m.relation), m.kind) for m in project] == [("first.x_select", Kind.QUERY)]


def test_the_parts_of_a_table_stand_in_either_place(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        {
            "elsewhere/first.t - 1h.sql": "create table first.t (a int)",
            "first/t.py": "",
            "first.t_select.sql": "select 1 as a",
            "first/t_requirements.txt": "",
            "first.t.conf": "min_rows = 1",
            "other/first.t_test.sql": "select true as fine from first.t",
        },
    )
    assert problems(project) == []
    (model,) = project
    assert model.processor is not None
    assert (model.path, model.processor.query) == ("elsewhere/first.t - 1h.sql", "first.t_select.sql")
    assert [spec.name for spec in model.check_specs] == ["fine", "min_rows"]


def test_settings_go_from_the_widest_file_to_the_narrowest(tmp_path: Path) -> None:
    files = {
        "global.conf": "tags = a, b\nmin_rows = 1",
        "first.conf": "min_rows = 2",
        "first/first.conf": "min_rows = 3",
        "first.t.conf": "min_rows = 4",
        "first/t.conf": "min_rows = 5",
        "first/t - 1h.sql": "-- min_rows: 6\nselect 1 as a",
    }
    for count in range(6, 0, -1):
        root = tmp_path / str(count)
        given = dict([*files.items()][:count]) | ({"first/t - 1h.sql": "select 1 as a"} if count < 6 else {})
        model = table(load(root, given), "first.t")
        assert (model.settings.min_rows, model.settings.tags) == (count, (("a", ""), ("b", "")))
        assert model.rules[0].spec.path == [*files][count - 1]


def test_names_fold_as_the_engine_folds_them(tmp_path: Path) -> None:
    files = {"First/Cities - 1h.sql": "select 1 as a", "first/b - 1h.sql": "select a from FIRST.cities"}
    folded = load(tmp_path / "duckdb", files)
    assert table(folded, "first.b").upstream == (Relation("First", "Cities"),)
    kept = load(tmp_path / "bigquery", files | {"global.conf": "dialect = bigquery"})
    assert table(kept, "first.b").sources == (Relation("FIRST", "cities"),)


def test_the_default_catalog_and_its_aliases(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        {
            "global.conf": "dialect: bigquery\ncatalog: my-project\ncatalog_aliases: old-project",
            "x/y - 1h.sql": "select 1 as a",
            "x/z - 1h.sql": "select a from `my-project.x.y` join `old-project.x.y` using (a), `other.x.y`",
        },
    )
    assert problems(project) == []
    assert project.names == Names("bigquery", "my-project", ("old-project",))
    assert table(project, "x.z").upstream == (Relation("x", "y"),)
    assert table(project, "x.z").sources == (Relation("x", "y", "other"),)


def test_the_caller_s_dialect_wins(tmp_path: Path) -> None:
    write(tmp_path, {"global.conf": "dialect = bigquery", "x/y - 1h.sql": "select 1 as a"})
    assert load_project(tmp_path).dialect == "bigquery"
    assert load_project(tmp_path, dialect="postgres").dialect == "postgres"
    assert load_project(tmp_path, dialect="postgres").names.dialect == "postgres"


def test_unknown_dialects(tmp_path: Path) -> None:
    project = load(tmp_path, {"global.conf": "dialect = postgresql", "x/y - 1h.sql": "select 1 as a"})
    assert problems(project) == [
        "global.conf:1:11: there is no SQL dialect `postgresql`\n  hint: did you mean `postgres`?"
    ]
    assert project.dialect == "duckdb"
    with pytest.raises(UsageError) as caught:
        load_project(tmp_path, dialect="duckdbb")
    assert str(caught.value) == "there is no SQL dialect `duckdbb`\n  hint: did you mean `duckdb`?"
    with pytest.raises(UsageError, match="there is no SQL dialect `klingon`"):
        load_project(tmp_path, dialect="klingon")


def test_a_table_that_reads_itself_has_no_edge_to_itself(tmp_path: Path) -> None:
    project = load(tmp_path, {"first/t - 1h.sql": "select a from first.T union all select a from first.src"})
    assert problems(project) == []
    assert (table(project, "first.t").upstream, table(project, "first.t").sources) == ((), (Relation("first", "src"),))


def test_each_table_is_read_once_in_the_order_of_the_sql(tmp_path: Path) -> None:
    sql = "select 1 as a from first.z, first.b, first.z, ext.y, ext.x, ext.y"
    project = load(tmp_path, {"first/t - 1h.sql": sql, "first/b.csv": "", "first/z.csv": ""})
    assert table(project, "first.t").upstream == (Relation("first", "z"), Relation("first", "b"))
    assert table(project, "first.t").sources == (Relation("ext", "y"), Relation("ext", "x"))


def test_a_broken_file_takes_no_other_down(tmp_path: Path) -> None:
    project = load(
        tmp_path,
        {
            "first/bad - 1h.sql": "select from from",
            "first/badconf - 1h.sql": "select 1 as a",
            "first/badconf.conf": "min_rows = many",
            "first/bad-name - 1h.sql": "select 1 as a",
            "first/good - 1h.sql": "select a from first.bad",
        },
    )
    assert {m.relation.name for m in project if m.is_quarantined} == {"bad", "badconf"}
    assert table(project, "first.good").upstream == (Relation("first", "bad"),)
    assert table(project, "first.badconf").settings.min_rows is None
    own = {problem for model in project for problem in model.problems}
    rest = set(project.problems) - own
    assert {problem.path for problem in rest} == {"first/bad-name - 1h.sql"}
    assert list(project.problems) == sorted(project.problems, key=lambda p: (p.path, p.line, p.column))


BESIDE_EACH_OTHER = {
    "first/a - 1h.sql": "select 1 as id",
    "first/b - 1h.sql": "select 2 as id",
    "second.c - 1h.sql": "select id from first.a",
}


@pytest.mark.parametrize(
    ("conf", "text", "quarantined"),
    [
        ("global.conf", "uniqe = id", ["first.a", "first.b", "second.c"]),
        ("global.conf", "dialect = klingon", ["first.a", "first.b", "second.c"]),
        ("first.conf", "uniqe = id", ["first.a", "first.b"]),
        ("first/first.conf", "min_rows = many", ["first.a", "first.b"]),
        ("second.conf", "unique id", ["second.c"]),
        ("third.conf", "uniqe = id", []),
    ],
)
def test_what_inherits_a_line_that_cannot_be_read_is_not_built(
    tmp_path: Path, conf: str, text: str, quarantined: list[str]
) -> None:
    project = load(tmp_path, {**BESIDE_EACH_OTHER, conf: text})
    assert [str(model.relation) for model in project if model.is_quarantined] == quarantined
    [problem] = project.errors
    assert (problem.path, problem.line) == (conf, 1)
    assert project.problems.count(problem) == 1
    assert all(model.problems == (problem,) for model in project if model.is_quarantined)


def test_a_shared_file_that_is_no_text_holds_what_inherits_it(tmp_path: Path) -> None:
    root = write(tmp_path, BESIDE_EACH_OTHER)
    (root / "first.conf").write_bytes(b"unique = \xff")
    project = load_project(root)
    assert [str(model.relation) for model in project if model.is_quarantined] == ["first.a", "first.b"]


def test_warnings_quarantine_nothing(tmp_path: Path) -> None:
    unsure = {"third.conf": "min_rows = 1", "first/a - 1h.sql": "-- uniqe: id\nselect 1 as id"}
    project = load(tmp_path, {**BESIDE_EACH_OTHER, **unsure})
    assert [problem.path for problem in project.problems] == ["first/a - 1h.sql", "third.conf"]
    assert not [model for model in project if model.is_quarantined]


def test_bytes_that_are_no_utf_8(tmp_path: Path) -> None:
    root = write(tmp_path, {"first/good - 1h.sql": "select 1 as a"})
    (root / "first/latin - 1h.sql").write_bytes("select\n  'é', 'caf".encode() + b"\xe9' as a")
    (root / "first/good.conf").write_bytes(b"\xff")
    project = load_project(root)
    assert problems(project) == [
        "first/good.conf:1:1: the byte 0xff is not UTF-8\n  hint: save the file as UTF-8",
        "first/latin - 1h.sql:2:12: the byte 0xe9 is not UTF-8\n  hint: save the file as UTF-8",
    ]
    assert all(model.is_quarantined for model in project)


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    project = load(tmp_path, {"first/t - 1h.sql": "\ufeffselect 1 as a", "first/t.conf": "\ufeffmin_rows = 1"})
    assert problems(project) == []
    assert table(project, "first.t").sql == "select 1 as a"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    root = write(tmp_path, {"first/t - 1h.sql": "select 1 as a"})
    (root / "first/gone - 1h.sql").symlink_to("nowhere")
    (root / "first/loop - 1h.sql").symlink_to("loop - 1h.sql")
    project = load_project(root)
    assert problems(project) == [
        "first/gone - 1h.sql: cannot be read: it is a link to nothing",
        "first/loop - 1h.sql: cannot be read: Too many levels of symbolic links",
    ]
    assert [m.relation.name for m in project if not m.is_quarantined] == ["t"]


def test_a_file_that_vanishes_while_the_folder_is_read_was_never_there(tmp_path: Path) -> None:
    write(tmp_path, {f"first/t{i} - 1h.sql": "select 1 as a" for i in range(20)})
    # As soon as the folder has been listed, and before anything is read.
    code = f"""
import sys
from pathlib import Path
root = Path({str(tmp_path)!r})
def audit(event, args):
    if event == "open" and str(args[0]).startswith(str(root)) and (root / "first/t7 - 1h.sql").exists():
        (root / "first/t7 - 1h.sql").unlink()
from sqlmat_assets.project.load import load_project
sys.addaudithook(audit)
project = load_project(root)
print(len(project), *project.problems)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "19"


def test_a_load_needs_no_dagster_and_no_pandas() -> None:
    code = f"""
import sys
from pathlib import Path
from sqlmat_assets.project.load import load_project
load_project(Path({str(FOLDERS / "duro")!r}))
print(*sorted({{"dagster", "pandas", "duckdb", "pydantic", "yaml"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})
    assert done.stdout.strip() == ""


NAMES = st.lists(
    st.sampled_from(["a", "b", ".", "-", " ", "—", "_test", "_select", "1h", "9", "1M", "global"]), max_size=5
)
ENDINGS = st.sampled_from(["", ".sql", ".py", ".conf", ".csv", ".load.yaml", "_requirements.txt", "_unit", ".SQL"])
PATHS = st.tuples(st.sampled_from(["", "a/", "b/", "a/b/", "a b/", "x_unit/", "a/x_unit/"]), NAMES, ENDINGS)
SQL = st.lists(
    st.sampled_from(
        ["select ", "1 as a", "*", " from ", "a.b", "b.a", "a.x, b.b", "\n", "-- unique: a\n", "(", "'", ";", "a", "/*"]
    )
).map("".join)
TEXTS = st.one_of(
    SQL.map(str.encode),
    st.lists(st.sampled_from(["unique", "grant_select", "=", "-=", ":", "a", "(", ",", "#", "\n", " "])).map(
        lambda parts: "".join(parts).encode()
    ),
    st.binary(max_size=40),
)


@settings(max_examples=100)
@given(st.lists(st.tuples(PATHS, TEXTS), max_size=8))
def test_no_folder_makes_a_load_raise(files: list[tuple[tuple[str, list[str], str], bytes]]) -> None:
    with tempfile.TemporaryDirectory() as made:
        root = Path(made) / "sql"
        root.mkdir()
        for (folder, name, ending), text in files:
            path = root / folder / ("".join(name) + ending)
            # Generated paths may take a file for a folder or the other way round.
            with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(text)
        project = load_project(root, cache_dir=Path(made) / "cache")
        assert load_project(root, cache_dir=Path(made) / "cache") == project
        listed = set(project.problems)
        for model in project:
            assert listed.issuperset(model.problems)
            assert set(model.upstream) <= set(project.models)
            assert not set(model.sources) & set(project.models)
