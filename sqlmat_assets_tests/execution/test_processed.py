"""Processed tables from file to reader, in both ways to write a script, and everything that can go wrong with one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import CancelledError
from sqlmat_assets.execution.cancellation import Cancellation
from sqlmat_assets.execution.events import Discarded, Event, Printed, Published
from sqlmat_assets.execution.materialize import materialize
from sqlmat_assets.execution.render import render
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Model
from sqlmat_assets.relation import Relation
from sqlmat_assets_tests.tables import a_context, ask, tables_in

pytestmark = pytest.mark.reopens

ROOT = Path(__file__).parents[2]
T = Relation("first", "t")
DEFINITION = "create table if not exists first.t (id bigint not null, name varchar)"
ROWS = "select * from (values (1, 'a'), (2, null)) as r(id, name)"
COPY = """import csv, sys
with open(sys.argv[1], newline="") as given, open(sys.argv[2], "w", newline="") as result:
    rows = csv.reader(given, delimiter=";", escapechar="\\\\")
    csv.writer(result, delimiter=";", escapechar="\\\\").writerows(rows)
"""
SAME = "def process(df):\n    return df\n"
ONE = "00000000-0000-0000-0000-000000000001"
OLD = "`first.t` still holds its previous rows"


def write_text(text: str) -> str:
    """A script that writes this, and nothing that it was given."""
    return f"import sys\nwith open(sys.argv[2], 'wb') as file:\n    file.write({text.encode()!r})\n"


def a_folder(
    root: Path, script: str, query: str = ROWS, definition: str = DEFINITION, requirements: str | None = None
) -> Path:
    folder = root / "sql" / "first"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "t.py").write_text(script)
    (folder / "t_select.sql").write_text(query)
    (folder / "t - 1h.sql").write_text(definition)
    if requirements is not None:
        (folder / "t_requirements.txt").write_text(requirements)
    return folder


def the_model(root: Path) -> Model:
    project = load_project(root / "sql")
    assert project.errors == ()
    return project.models[T]


def build(root: Path, run: str = "r1", cancellation: Cancellation | None = None) -> list[Event]:
    context = a_context(root / "w", run, root=root / "sql", cancellation=cancellation or Cancellation())
    return list(materialize(the_model(root), context))


def built(root: Path, columns: str = "*") -> list[tuple[object, ...]]:
    *_, last = build(root)
    assert isinstance(last, Published), last
    return ask(root / "w", f"select {columns} from first.t order by 1")


def refused(root: Path) -> str:
    """What stops a build of a table that is built already; and that nothing is left of the attempt."""
    *_, last = build(root, "r2")
    assert isinstance(last, Discarded), last
    assert tables_in(root / "w") == ["t"]
    assert left_files(root) == []
    said, held, statement = str(last.error).partition(f"\n{OLD}")
    assert held
    assert not statement or statement.startswith("\nstatement: ")
    return said


def left_files(root: Path) -> list[str]:
    return [path.name for path in (root / ".sqlmat" / "processing").iterdir() if path.is_dir()]


# What arrives


def test_rows_go_through_csv(tmp_path: Path) -> None:
    a_folder(tmp_path, COPY)
    assert built(tmp_path) == [(1, "a"), (2, None)]
    assert left_files(tmp_path) == []


def test_what_csv_has_to_escape_comes_back(tmp_path: Path) -> None:
    texts = ["a;b", 'a"b', "a\\b", "a\nb", "\\", '"', "é—\u00a0", " x ", "\\;\\"]
    union = " union all ".join(f"select {number} as id, {chr(39)}{text}{chr(39)}" for number, text in enumerate(texts))
    a_folder(tmp_path, COPY, f"select id, name from ({union}) as r(id, name)")
    assert built(tmp_path) == list(enumerate(texts))


def test_the_file_is_as_scripts_of_old_read_it(tmp_path: Path) -> None:
    script = "import sys, shutil\nshutil.copy(sys.argv[1], 'seen.csv')\n" + COPY
    query = "select 1 as id, 'x' as name union all select 2, null union all select 3, 'a;\"\\'"
    folder = a_folder(tmp_path, script, query)
    built(tmp_path)
    assert (folder / "seen.csv").read_bytes() == b'id;name\n1;x\n2;\n3;"a;""\\\\"\n'


def test_types_are_those_that_are_declared(tmp_path: Path) -> None:
    definition = (
        "create table first.t (id bigint, d decimal(10, 2), t timestamptz, day date, l int[], ok boolean, "
        "kind enum('ABC', 'b'), u uuid)"
    )
    query = (
        "select 1 as id, 1.10::decimal(10, 2) as d, timestamptz '2024-01-01 01:00:00+01' as t, "
        "date '2024-02-29' as day, [1, null] as l, true as ok, 'ABC' as kind, " + f"'{ONE}'::uuid as u "
        "union all select null, null, null, null, null, null, null, null"
    )
    columns = "typeof(id), typeof(kind), d::varchar, epoch(t), day::varchar, l, ok, kind::varchar, u::varchar"
    expected = [
        ("BIGINT", "ENUM('ABC', 'b')", None, None, None, None, None, None, None),
        (
            "BIGINT",
            "ENUM('ABC', 'b')",
            "1.10",
            1704067200.0,
            "2024-02-29",
            [1, None],
            True,
            "ABC",
            ONE,
        ),
    ]
    for script in (SAME, COPY):
        a_folder(tmp_path, script, query, definition)
        *_, last = build(tmp_path, "csv" if script == COPY else "frame")
        assert not isinstance(last, Discarded), last.error
        assert ask(tmp_path / "w", f"select {columns} from first.t order by id nulls first") == expected


def test_a_frame_has_the_types_of_the_query(tmp_path: Path) -> None:
    script = (
        "def process(df):\n"
        "    df['name'] = ' '.join(f'{name}={kind}' for name, kind in df.dtypes.items() if name != 'name')\n"
        "    return df[['id', 'name']]\n"
    )
    query = (
        "select 1 as id, '' as name, null::bigint as n, true as b, 1.5::double as f, now() as t, sum(1) as h, "
        "[1] as l group by 1"
    )
    a_folder(tmp_path, script, query)
    assert built(tmp_path) == [
        (1, "id=Int32 n=Int64 b=boolean f=float64 t=datetime64[us, UTC] h=object l=object"),
    ]


def test_columns_are_matched_by_their_names(tmp_path: Path) -> None:
    a_folder(tmp_path, "def process(df):\n    return df.rename(columns=str.upper)[['NAME', 'ID']]\n")
    assert built(tmp_path) == [(1, "a"), (2, None)]


@pytest.mark.parametrize("script", [COPY, SAME])
def test_no_rows_are_fine(tmp_path: Path, script: str) -> None:
    a_folder(tmp_path, script, f"select * from ({ROWS}) where false")
    assert built(tmp_path) == []


def test_an_empty_frame_made_by_hand_is_fine(tmp_path: Path) -> None:
    definition = "create table first.t (id bigint, l int[], s struct(a int))"
    script = "import pandas\ndef process(df):\n    return pandas.DataFrame(columns=['s', 'l', 'id'])\n"
    a_folder(tmp_path, script, definition=definition)
    assert built(tmp_path) == []


def test_the_table_has_the_constraint_that_is_kept(tmp_path: Path) -> None:
    a_folder(tmp_path, SAME)
    built(tmp_path)
    query = "select column_name, is_nullable from information_schema.columns where table_name = 't'"
    described = ask(tmp_path / "w", query)
    assert described == [("id", "NO"), ("name", "YES")]


def test_a_name_with_if_not_exists_never_touches_the_table(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, SAME)
    built(tmp_path)
    (folder / "t_test.sql").write_text("select count(*) = 3 as three from first.t")
    *_, last = build(tmp_path, "r2")
    assert isinstance(last, Discarded)
    assert ask(tmp_path / "w", "select count(*) from first.t") == [(2,)]
    assert tables_in(tmp_path / "w") == ["t"]


def test_a_script_imports_and_reads_what_lies_beside_it(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, "import _words\ndef process(df):\n    return df.fillna(_words.word())\n")
    (folder / "_words.py").write_text("def word():\n    return open('word.txt').read()\n")
    (folder / "word.txt").write_text("none")
    assert built(tmp_path) == [(1, "a"), (2, "none")]
    assert not (folder / "__pycache__").exists()


def test_what_a_script_prints_is_told_once(tmp_path: Path) -> None:
    a_folder(tmp_path, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n" + COPY)
    printed = [event for event in build(tmp_path) if isinstance(event, Printed)]
    assert printed == [Printed(T, "first/t.py", "out\nerr\n", False)]


# What is shown before


@pytest.mark.parametrize(
    ("script", "called"), [(COPY, "python first/t.py in.csv out.csv"), (SAME, "process(df) of first/t.py")]
)
def test_render_shows_what_is_sent_and_run(tmp_path: Path, script: str, called: str) -> None:
    a_folder(tmp_path, script)
    sent = render(the_model(tmp_path), a_context(tmp_path / "w", root=tmp_path / "sql"))
    start = sent.index(f"-- {called}")
    assert sent[start - 1] == f"COPY ({ROWS}\n) TO 'r1.first.t/given.parquet' WITH (FORMAT PARQUET)"
    assert sent[start + 1 : start + 4] == [
        "BEGIN",
        'CREATE TABLE "first"."t__sqlmat_r1_new" ("id" BIGINT NOT NULL, "name" TEXT)',
        'INSERT INTO "first"."t__sqlmat_r1_new" SELECT CAST("id" AS BIGINT) AS "id", CAST("name" AS TEXT) AS "name" '
        "FROM READ_PARQUET('r1.first.t/result.parquet')",
    ]
    assert not (tmp_path / ".sqlmat").exists()
    assert not (tmp_path / "w").exists()


# What goes wrong

CSV_HINT = '  hint: write with `csv.writer(file, delimiter=";", escapechar="\\\\")`'
REFUSED = {
    "it raises": (
        "import sys\nprint('so far')\nraise ValueError('no such country')\n",
        "`first/t.py` ended with exit code 1:\n  so far\n  Traceback (most recent call last):\n"
        "    File \"{folder}/t.py\", line 3, in <module>\n      raise ValueError('no such country')\n"
        "  ValueError: no such country",
    ),
    "process raises": (
        "def process(df):\n    return df.pivot(index='a', columns='b')\n",
        "`first/t.py` ended with exit code 1:\n  Traceback (most recent call last):\n"
        '    File "{folder}/t.py", line 2, in process\n',
    ),
    "it exits with 3": ("import sys\nsys.exit(3)\n", "`first/t.py` ended with exit code 3, and printed nothing"),
    "process exits with 3": (
        "import sys\ndef process(df):\n    sys.exit(3)\n",
        "`first/t.py` ended with exit code 3, and printed nothing",
    ),
    "it is killed": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n",
        "`first/t.py` was killed by SIGKILL (was there enough memory?), and printed nothing",
    ),
    "it crashes": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n",
        "`first/t.py` was killed by SIGSEGV, and printed nothing",
    ),
    "it writes nothing": (
        "print('done')\n",
        "`first/t.py` ended well and wrote no rows\n"
        "  hint: write a header and rows to the file in `sys.argv[2]`, or define `process(df)`",
    ),
    "process leaves before it returns": (
        "import sys\ndef process(df):\n    sys.exit(0)\n",
        "`first/t.py` ended well and wrote no rows\n"
        "  hint: write a header and rows to the file in `sys.argv[2]`, or define `process(df)`",
    ),
    "it writes an empty file": (
        write_text(""),
        "`first/t.py` wrote an empty file\n  hint: write the names of the columns first",
    ),
    "a row is too short": (
        write_text('id;name\n1;"a\nb"\n2\n'),
        f"line 4 of what `first/t.py` wrote has 1 value, and the header names 2 columns\n{CSV_HINT}",
    ),
    "a row is too long": (
        write_text("id;name\n1;a;b\n"),
        f"line 2 of what `first/t.py` wrote has 3 values, and the header names 2 columns\n{CSV_HINT}",
    ),
    "a quote does not end": (
        write_text('id;name\n1;a\n2;"b\n'),
        f"line 3 of what `first/t.py` wrote cannot be read: unexpected end of data\n{CSV_HINT}",
    ),
    "a quote ends too early": (
        write_text('id;name\n1;"a"b\n'),
        f"line 2 of what `first/t.py` wrote cannot be read: ';' expected after '\"'\n{CSV_HINT}",
    ),
    "commas": (
        write_text("id,name\n1,a\n"),
        "`first/t.py` does not give the column `id`, which the CREATE TABLE declares\n"
        "  hint: separate columns by `;`, the header is `id,name`",
    ),
    "a column is missing": (
        "def process(df):\n    return df[['id']]\n",
        "`first/t.py` does not give the column `name`, which the CREATE TABLE declares\n  hint: it gives `id`",
    ),
    "a column is one too many": (
        "def process(df):\n    return df.assign(more=1)\n",
        "`first/t.py` gives a column `more`, which the CREATE TABLE does not declare\n"
        "  hint: leave it out or declare it beside `id`, `name`",
    ),
    "two columns are one to the engine": (
        write_text("id;name;NAME\n1;a;b\n"),
        "`first/t.py` gives two columns named `NAME`\n  hint: give each a name of its own",
    ),
    "two columns have one name": (
        write_text("id;name;name\n1;a;b\n"),
        "`first/t.py` gives two columns named `name`\n  hint: give each a name of its own",
    ),
    "two columns of a frame have one name": (
        "import pandas\ndef process(df):\n    return pandas.concat([df, df], axis=1)\n",
        "`first/t.py`: `process` returned two columns named `id`",
    ),
    "a value is none of its type": (
        write_text('id;name\n1;"a\nb"\n\nx;c\n'),
        "`x` in the column `id`, line 5 of what `first/t.py` gives, is no BIGINT\n"
        "  hint: give a value of that type, or declare another one for `id`",
    ),
    "a value of a frame is none of its type": (
        "def process(df):\n    df['id'] = ['1', 'x']\n    return df\n",
        "`x` in the column `id`, row 2 of what `first/t.py` gives, is no BIGINT\n"
        "  hint: give a value of that type, or declare another one for `id`",
    ),
    "NULL where there may be none": (
        write_text("id;name\n1;a\n;b\n"),
        "`id` is NULL in line 3 of what `first/t.py` gives, and declared NOT NULL\n"
        "  hint: leave the row out, or allow NULL in the CREATE TABLE",
    ),
    "NULL in a frame where there may be none": (
        "def process(df):\n    df['id'] = [None, 2]\n    return df\n",
        "`id` is NULL in row 1 of what `first/t.py` gives, and declared NOT NULL\n"
        "  hint: leave the row out, or allow NULL in the CREATE TABLE",
    ),
    "a column of several types": (
        "def process(df):\n    df['id'] = [1, 'x']\n    return df\n",
        "`first/t.py`: the column `id` holds int, and in row 2 str",
    ),
    "spans of time": (
        "import pandas\ndef process(df):\n    df['id'] = pandas.to_timedelta([1, 2])\n    return df\n",
        "`first/t.py`: the column `id` holds spans of time: return a number of seconds instead",
    ),
    "no frame": (
        "def process(df):\n    return [1]\n",
        "`first/t.py`: `process` returned list, not a DataFrame",
    ),
    "nothing is returned": (
        "def process(df):\n    df['x'] = 1\n",
        "`first/t.py`: `process` returned NoneType, not a DataFrame",
    ),
}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder whose table is built."""
    a_folder(tmp_path, COPY)
    built(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("script", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_wrong_is_said_and_the_table_stays(published: Path, script: str, message: str) -> None:
    folder = a_folder(published, script)
    said = refused(published)
    expected = message.replace("{folder}", str(folder))
    # Below that stand the lines of pandas.
    assert said == expected or (expected.endswith("in process\n") and said.startswith(expected))
    assert ask(published / "w", "select * from first.t order by 1") == [(1, "a"), (2, None)]


def test_a_line_that_is_no_utf8(published: Path) -> None:
    a_folder(published, "import sys\nopen(sys.argv[2], 'wb').write(b'id;name\\n1;a\\n2;\\xff\\n')\n")
    assert refused(published) == f"line 3 of what `first/t.py` wrote cannot be read: it is no UTF-8\n{CSV_HINT}"


def test_a_script_that_prints_without_end_says_its_last_lines(published: Path) -> None:
    a_folder(published, "for n in range(200_000):\n    print(f'{n:06} ' + 'x' * 44)\nraise SystemExit(1)\n")
    *_, printed, last = build(published, "r2")
    assert isinstance(last, Discarded)
    assert isinstance(printed, Printed)
    lines = str(last.error).splitlines()
    assert lines[0] == "`first/t.py` ended with exit code 1:"
    assert (lines[1], lines[2][:8], lines[-2][:8], lines[-1]) == ("  …", "  199960", "  199999", OLD)
    assert printed.is_cut
    assert len(printed.text) <= 64 * 1024
    assert printed.text.splitlines()[-1].startswith("199999 ")


def test_a_query_that_the_engine_refuses(published: Path) -> None:
    a_folder(published, COPY, "select * from first.nowhere")
    assert refused(published).startswith("Catalog Error: Table with name nowhere does not exist!")


def test_a_script_that_is_gone(published: Path) -> None:
    model = the_model(published)
    (published / "sql/first/t.py").unlink()
    *_, last = materialize(model, a_context(published / "w", "r2", root=published / "sql"))
    assert isinstance(last, Discarded)
    assert str(last.error) == f"the file `first/t.py` does not exist\n{OLD}"


# Ending it

HANGS = """import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal, time\\n{how}\\ntime.sleep(600)"])
open("pids", "w").write(f"{{os.getpid()}} {{child.pid}}")
os.rename("pids", "hanging")
time.sleep(600)
"""


def hanging(folder: Path) -> list[int]:
    """Wait for the processes of a script that hangs."""
    file = folder / "hanging"
    while not file.exists():
        threading.Event().wait(0.02)
    return [int(pid) for pid in file.read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_for_end(pids: list[int]) -> None:
    while any(map(is_alive, pids)):
        threading.Event().wait(0.02)


def test_the_time_limit_ends_a_script_and_its_children(published: Path) -> None:
    folder = a_folder(published, HANGS.format(how="pass"))
    model = the_model(published)
    limited = replace(model, settings=replace(model.settings, time_limit=timedelta(seconds=5)))
    *_, last = materialize(limited, a_context(published / "w", "r2", root=published / "sql"))
    assert isinstance(last, Discarded)
    assert str(last.error) == (f"cancelled after its time limit of 5s\n  hint: set `time_limit` to allow more\n{OLD}")
    assert left_files(published) == []
    wait_for_end(hanging(folder))


@pytest.mark.parametrize("how", ["pass", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_cancelling_ends_a_script_and_its_children(published: Path, how: str) -> None:
    folder = a_folder(published, HANGS.format(how=how))
    cancellation = Cancellation()

    def cancel() -> None:
        hanging(folder)
        cancellation.cancel()

    threading.Thread(target=cancel).start()
    *_, last = build(published, "r2", cancellation)
    assert isinstance(last, Discarded)
    assert isinstance(last.error, CancelledError)
    assert str(last.error) == f"cancelled\n{OLD}"
    wait_for_end(hanging(folder))
    assert left_files(published) == []


@pytest.mark.parametrize("script", [COPY, SAME])
def test_a_child_that_goes_on_does_not_hold_up_the_table(published: Path, script: str) -> None:
    start = "import subprocess, sys\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    folder = a_folder(published, f"{start}open('pid', 'w').write(str(child.pid))\n{script}")
    *_, last = build(published, "r2")
    assert not isinstance(last, Discarded), last.error
    wait_for_end([int((folder / "pid").read_text())])


def build_in_child(root: Path) -> subprocess.Popen[bytes]:
    code = f"""import sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from sqlmat_assets_tests.execution.test_processed import build
build(Path(sys.argv[1]), "killed")
"""
    return subprocess.Popen([sys.executable, "-c", code, str(root)])


def test_a_script_ends_with_the_process_that_waits_for_it(published: Path) -> None:
    folder = a_folder(published, HANGS.format(how="pass"))
    with build_in_child(published) as process:
        pids = hanging(folder)
        assert len(left_files(published)) == 1
        process.kill()
    wait_for_end(pids)
    a_folder(published, COPY)
    assert len(left_files(published)) == 1
    *_, last = build(published, "r2")
    assert not isinstance(last, Discarded), last.error
    assert left_files(published) == []
    assert tables_in(published / "w") == ["t"]


def test_files_of_another_build_stay(published: Path) -> None:
    wait = "import os, time\nopen('started', 'w').close()\nwhile not os.path.exists('go'):\n    time.sleep(0.02)\n"
    folder = a_folder(published, wait + COPY)
    ended: list[Event] = []
    thread = threading.Thread(target=lambda: ended.extend(build(published, "slow")))
    thread.start()
    while not (folder / "started").exists():
        threading.Event().wait(0.02)
    a_folder(published, COPY)
    *_, quick = build(published, "quick")
    assert len(left_files(published)) == 1
    (folder / "go").touch()
    thread.join()
    assert not isinstance(quick, Discarded)
    assert not isinstance(ended[-1], Discarded)
    assert left_files(published) == []


def test_csv_goes_through_in_pieces(tmp_path: Path) -> None:
    code = f"""import resource, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from sqlmat_assets.execution.processor.csv_files import read_csv, write_csv
import duckdb
given, between, result = (Path(sys.argv[1], name) for name in ("given", "between", "result"))
rows = "select range as id, md5(range::varchar) || repeat('x', 500) as name from range(400_000)"
duckdb.sql(f"copy ({{rows}}) to '{{given}}' (format parquet, row_group_size 20480)")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
write_csv(given, between)
read_csv(between, result, "t.py")
assert between.stat().st_size > 200_000_000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 150  # MB


def test_an_environment_variable_reaches_the_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQLMAT_TEST_WORD", "told")
    a_folder(tmp_path, "import os\ndef process(df):\n    df['name'] = os.environ['SQLMAT_TEST_WORD']\n    return df\n")
    assert built(tmp_path) == [(1, "told"), (2, "told")]
    assert os.environ["SQLMAT_TEST_WORD"] == "told"
