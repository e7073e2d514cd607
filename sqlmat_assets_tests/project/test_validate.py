from datetime import timedelta
from pathlib import Path

import pytest

from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Project

ONE = "select 1 as a"


def load(root: Path, files: dict[str, str]) -> Project:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return load_project(root)


def quarantined(project: Project) -> set[str]:
    return {str(model.relation) for model in project if model.is_quarantined}


# Files, what is said about them, and which tables are quarantined by it.
CASES: dict[str, tuple[dict[str, str], list[str], set[str]]] = {
    "a root without an interval": (
        {"first/root.sql": "select a from first.leaf", "first/leaf.sql": ONE},
        [
            "first/root.sql: `first.root` has no interval, and no table that reads it has one\n"
            "  hint: rename the file, say to `root - 24h.sql`, or set a `schedule`"
        ],
        {"first.root"},
    ),
    "every root without an interval": (
        {"first/r1.sql": ONE, "first.r2.sql": ONE, "first/fine - 1h.sql": ONE},
        [
            "first.r2.sql: `first.r2` has no interval, and no table that reads it has one\n"
            "  hint: rename the file, say to `first.r2 - 24h.sql`, or set a `schedule`",
            "first/r1.sql: `first.r1` has no interval, and no table that reads it has one\n"
            "  hint: rename the file, say to `r1 - 24h.sql`, or set a `schedule`",
        ],
        {"first.r1", "first.r2"},
    ),
    "reading oneself makes no table a leaf": (
        {"first/t.sql": "select a from first.t"},
        [
            "first/t.sql: `first.t` has no interval, and no table that reads it has one\n"
            "  hint: rename the file, say to `t - 24h.sql`, or set a `schedule`"
        ],
        {"first.t"},
    ),
    "a scheduled table needs no interval, and neither does what it reads": (
        {
            "first/monthly.sql": "-- schedule: 0 9 1 * *\n-- timezone: Europe/Berlin\nselect a from first.leaf",
            "first/leaf.sql": ONE,
            "second.conf": "schedule = 0 9 * * mon-fri",
            "second/t.sql": ONE,
        },
        [],
        set(),
    ),
    "an interval and a schedule for one table": (
        {
            "first/a - 1h.sql": ONE,
            "first/a.conf": "min_rows = 1\nschedule: 0 9 1 * *",
            "first/b - 1h.sql": "-- schedule: 0 9 1 * *\nselect 1 as a",
            "second.conf": "schedule = 0 9 * * *",
            "second/inherits - 1h.sql": ONE,
        },
        [
            "first/a.conf:2:11: `a - 1h.sql` has an interval in its name and a `schedule`\n"
            "  hint: keep one of the two: rename the file, or remove the `schedule`",
            "first/b - 1h.sql:1:14: `b - 1h.sql` has an interval in its name and a `schedule`\n"
            "  hint: keep one of the two: rename the file, or remove the `schedule`",
        ],
        {"first.a", "first.b"},
    ),
    "a schedule that cannot be is one problem": (
        {"first/a.sql": "-- schedule: 0 25 * * *\nselect 1 as a"},
        [
            "first/a.sql:1:14: `schedule`: `25` is no hour in `0 25 * * *`\n"
            "  hint: write `0` to `23`, `*`, or a range like `8-18`"
        ],
        {"first.a"},
    ),
    "conditions that leave nothing of the schedule": (
        {
            "first.conf": "conditions = hours 8-18",
            "first/day.sql": "-- schedule: 30 18 * * *\nselect 1 as a",
            "first/night.sql": "-- schedule: 30 19 * * *\nselect 1 as a",
            "first/reset.sql": "-- schedule: 30 19 * * *\n-- conditions: null\nselect 1 as a",
        },
        [
            "first/night.sql:1:14: the conditions `hours 8-18` hold at no time of the schedule `30 19 * * *`\n"
            "  hint: change one of the two"
        ],
        {"first.night"},
    ),
    "data and loads need no interval": (
        {"first/raw.csv": "a\n1\n", "first/l.load.yaml": "{files: l.csv, columns: {a: int}}"},
        [],
        set(),
    ),
    "a circle, at its first read, with its files": (
        {
            "first/a - 1h.sql": "select b.x\nfrom first.b",
            "first/b.sql": "select c.x from first.c",
            "first/c.sql": "select a.x from first.a",
            "first/after - 1h.sql": "select x from first.a",
        },
        [
            "first/a - 1h.sql:2:6: these tables read each other in a circle: `first.a` (first/a - 1h.sql) → `first.b` "
            "(first/b.sql) → `first.c` (first/c.sql) → `first.a`\n  hint: remove one of the reads"
        ],
        {"first.a", "first.b", "first.c"},
    ),
    "a circle without an interval is one problem": (
        {"first/a.sql": "select b.x from first.b", "first/b.sql": "select a.x from first.a"},
        [
            "first/a.sql:1:17: these tables read each other in a circle: `first.a` (first/a.sql) → `first.b` "
            "(first/b.sql) → `first.a`\n  hint: remove one of the reads"
        ],
        {"first.a", "first.b"},
    ),
    "a circle and others in it": (
        {
            "first/a - 1h.sql": "select 1 as x from first.b, first.c",
            "first/b.sql": "select 1 as x from first.a",
            "first/c.sql": "select 1 as x from first.a",
        },
        [
            "first/a - 1h.sql:1:20: these tables read each other in a circle: `first.a` (first/a - 1h.sql) → `first.b` "
            "(first/b.sql) → `first.a`, and 1 more with them\n  hint: remove one of the reads"
        ],
        {"first.a", "first.b", "first.c"},
    ),
    "two files for one table": (
        {"first/t - 24h.sql": ONE, "first.t - 1h.sql": "select 2 as b"},
        [
            "first/t - 24h.sql: `first.t` is defined twice: in `first.t - 1h.sql` and in `first/t - 24h.sql`\n"
            "  hint: remove or rename one of the two"
        ],
        {"first.t"},
    ),
    "a query and a data file for one table, in another case": (
        {"first/t - 24h.sql": ONE, "First/T.csv": "a\n"},
        [
            "first/t - 24h.sql: `First.T` is defined twice: in `First/T.csv` and in `first/t - 24h.sql`\n"
            "  hint: remove or rename one of the two"
        ],
        {"First.T"},
    ),
    "checks without a table": (
        {"first/citeis_test.sql": "select true as fine", "first/x_test.sql": "", "first/cities - 1h.sql": ONE},
        [
            "first/citeis_test.sql: these are checks of `first.citeis`, which is no table\n"
            "  hint: did you mean `first.cities`?",
            "first/x_test.sql: these are checks of `first.x`, which is no table\n"
            "  hint: add a file for `first.x` or remove this one",
        ],
        set(),
    ),
    "settings, deliveries, unit tests and requirements without a table warn": (
        {
            "first/citeis.conf": "",
            "first/d.deliver.yaml": "",
            "first/x_unit/a.csv": "",
            "first/r_requirements.txt": "",
            "fisrt.conf": "",
            "first/cities - 1h.sql": ONE,
        },
        [
            "first/citeis.conf: warning: this belongs to `first.citeis`, which is no table\n"
            "  hint: did you mean `first.cities`?",
            "first/d.deliver.yaml: warning: this belongs to `first.d`, which is no table\n"
            "  hint: add a file for `first.d` or remove this one",
            "first/r_requirements.txt: warning: this belongs to `first.r`, which is no table\n"
            "  hint: add a file for `first.r` or remove this one",
            "first/x_unit: warning: this belongs to `first.x`, which is no table\n"
            "  hint: add a file for `first.x` or remove this one",
            "fisrt.conf: warning: these are settings of the schema `fisrt`, which has no tables\n"
            "  hint: did you mean `first`?",
        ],
        set(),
    ),
    "a processed table without its query": (
        {"first/t - 1h.sql": "create table first.t (a int)", "first/t.py": ""},
        [
            "first/t.py: the processed table `first.t` has no query\n"
            "  hint: add `t_select.sql` with the SELECT whose rows the script gets"
        ],
        {"first.t"},
    ),
    "a processed table without its columns": (
        {"first/t_select.sql": ONE, "first/t.py": "", "first/user - 1h.sql": "select a from first.t"},
        [
            "first/t.py: the processed table `first.t` has no CREATE TABLE\n"
            "  hint: add `t - 24h.sql` with a CREATE TABLE that names the columns the script returns"
        ],
        {"first.t"},
    ),
    "a processed table without its columns has no file for an interval": (
        {"first/t_select.sql": ONE, "first/t.py": ""},
        [
            "first/t.py: the processed table `first.t` has no CREATE TABLE\n"
            "  hint: add `t - 24h.sql` with a CREATE TABLE that names the columns the script returns"
        ],
        {"first.t"},
    ),
    "a processed table whose columns are a SELECT": (
        {"first/t_select.sql": ONE, "first/t.py": "", "first/t - 1h.sql": ONE},
        [
            "first/t - 1h.sql:1:1: the columns that the script returns cannot be read here\n"
            "  hint: write one CREATE TABLE statement with types: `create table first.cities (id bigint, name text)`"
        ],
        {"first.t"},
    ),
    "two scripts and an interval on the query": (
        {
            "first/t_select - 1h.sql": ONE,
            "first/t.py": "",
            "first.t.py": "",
            "first/t - 1h.sql": "create table t (a int)",
        },
        [
            "first/t.py: `first.t` has two files for one purpose: `first.t.py` and `first/t.py`\n"
            "  hint: remove or rename one of the two",
            "first/t_select - 1h.sql: `t_select - 1h.sql` belongs to a table and has no interval of its own\n"
            "  hint: rename it to `t_select.sql`",
        ],
        {"first.t"},
    ),
    "a script alone warns": (
        {"first/tool.py": "", "first/t - 1h.sql": ONE},
        [
            "first/tool.py: warning: this script belongs to no table: there is neither a query nor a CREATE TABLE for "
            "`first.tool`\n  hint: add `tool_select.sql` and `tool.sql`, or begin its name with `_` if others import it"
        ],
        set(),
    ),
    "keys that are no column, exactly": (
        {
            "first/t - 1h.sql": "select user_id, count(*) as n from src.x group by user_id",
            "first/t.conf": "distkey = id\nsortkey = n, day\nunique = (USER_ID, id), id\nnot_null = n",
        },
        [
            "first/t.conf:1:11: `distkey` names `id`, which is no column of `first.t`\n"
            "  hint: its columns are `user_id`, `n`",
            "first/t.conf:2:11: `sortkey` names `day`, which is no column of `first.t`\n"
            "  hint: its columns are `user_id`, `n`",
            "first/t.conf:3:10: `unique` names `id`, which is no column of `first.t`\n"
            "  hint: its columns are `user_id`, `n`",
        ],
        {"first.t"},
    ),
    "keys and encodings of a cluster that are no column": (
        {
            "first/t - 1h.sql": "-- sortkey: interleaved(n, dai)\nselect user_id, 1 as n, 2 as day from src.x",
            "first/t.conf": "encode = n:az64, nn:zstd",
        },
        [
            "first/t - 1h.sql:1:13: `sortkey` names `dai`, which is no column of `first.t`\n"
            "  hint: its columns are `user_id`, `n`, `day`",
            "first/t.conf:1:10: `encode` names `nn`, which is no column of `first.t`\n"
            "  hint: its columns are `user_id`, `n`, `day`",
        ],
        {"first.t"},
    ),
    "encodings of a load are of its columns": (
        {
            "first/t - 1h.load.yaml": "files: a.csv\ncolumns:\n  id: bigint\n",
            "first/t.conf": "encode = ID:az64, name:zstd\nsortkey = auto",
        },
        ["first/t.conf:1:10: `encode` names `name`, which is no column of `first.t`\n  hint: its columns are `id`"],
        {"first.t"},
    ),
    "rows that are distributed by a column and not": (
        {
            "first.conf": "distkey = a",
            "first/a - 1h.sql": f"-- diststyle: all\n{ONE}",
            "first/b - 1h.sql": f"-- diststyle: key\n-- distkey: null\n{ONE}",
            "first/c - 1h.sql": f"-- diststyle: even\n-- distkey: null\n{ONE}",
        },
        [
            "first/a - 1h.sql:1:15: `diststyle = all` does not distribute rows by a column, and `distkey = a` does\n"
            "  hint: leave out one of the two, or take back what is inherited with `distkey = null`",
            "first/b - 1h.sql:1:15: `diststyle = key` names no column\n"
            "  hint: add `distkey =` and the column that rows are distributed by",
        ],
        {"first.a", "first.b"},
    ),
    "keys that are nearly a column": (
        {"first/t - 1h.sql": "-- not_null: user_idd\n-- unique: USERID\nselect 1 as user_id, 2 as n"},
        [
            "first/t - 1h.sql:1:14: `not_null` names `user_idd`, which is no column of `first.t`\n"
            "  hint: did you mean `user_id`? its columns are `user_id`, `n`",
            "first/t - 1h.sql:2:12: `unique` names `USERID`, which is no column of `first.t`\n"
            "  hint: its columns are `user_id`, `n`",
        ],
        {"first.t"},
    ),
    "an inherited key is checked at the table": (
        {"first.conf": "distkey = id", "first/a - 1h.sql": ONE, "first/b - 1h.sql": "select 1 as id"},
        ["first.conf:1:11: `distkey` names `id`, which is no column of `first.a`\n  hint: its columns are `a`"],
        {"first.a"},
    ),
    "a star may be any column": (
        {"first/t - 1h.sql": "-- distkey: id\n-- unique: x\nselect * from src.x"},
        [],
        set(),
    ),
    "keys of a processed table are columns of its CREATE TABLE": (
        {
            "first/t_select.sql": "-- distkey = raw_id\nselect 1 as raw_id",
            "first/t.py": "",
            "first/t - 1h.sql": "create table first.t (id int)",
        },
        [
            "first/t_select.sql:1:14: `distkey` names `raw_id`, which is no column of `first.t`\n"
            "  hint: its columns are `id`"
        ],
        {"first.t"},
    ),
    "a slip in the name of a table": (
        {
            "first/cities - 1h.sql": ONE,
            "first/t - 1h.sql": "select a\nfrom first.citeis join first.cites using (a) join fist.cities using (a)",
        },
        [
            "first/t - 1h.sql:2:6: warning: `first.citeis` is no table of this project but looks like `first.cities`\n"
            "  hint: write `first.cities` if that is what you mean; else it is taken for a table from outside",
            "first/t - 1h.sql:2:24: warning: `first.cites` is no table of this project but looks like `first.cities`\n"
            "  hint: write `first.cities` if that is what you mean; else it is taken for a table from outside",
            "first/t - 1h.sql:2:51: warning: `fist.cities` is no table of this project but looks like `first.cities`\n"
            "  hint: write `first.cities` if that is what you mean; else it is taken for a table from outside",
        ],
        set(),
    ),
    "a table in another case where the engine cares": (
        {
            "global.conf": "dialect = postgres",
            "first/Cities - 1h.sql": ONE,
            "first/t - 1h.sql": 'select a from first.Cities, first."Cities"',
        },
        [
            "first/t - 1h.sql:1:15: warning: `first.cities` is no table of this project but looks like `first.Cities`\n"
            "  hint: write `first.Cities` if that is what you mean; else it is taken for a table from outside",
        ],
        set(),
    ),
    "other tables from outside are none": (
        {
            "first/cities_2024 - 1h.sql": ONE,
            "first/abc - 1h.sql": ONE,
            "first/t - 1h.sql": "select a from first.cities_2023, first.abd, first.cities_raw, b.cities_2024",
        },
        [],
        set(),
    ),
    "a table that only a check reads and nobody knows": (
        {
            "first/t - 1h.sql": "select a from ext.known",
            "first/u - 1h.sql": ONE,
            "first/other - 1h.sql": ONE,
            "first/t_test.sql": "select count(*) = 1 as fine\nfrom first.t, first.u, ext.known, first.othr, ext.gone",
        },
        [
            "first/t_test.sql:2:35: this check reads `first.othr`, which is no table of the project and read by "
            "no query of it\n  hint: did you mean `first.other`?",
            "first/t_test.sql:2:47: this check reads `ext.gone`, which is no table of the project and read by "
            "no query of it\n  hint: correct the name, or read the table in a query of the project too",
        ],
        {"first.t"},
    ),
    "a rule with the name of a check": (
        {
            "first/t - 1h.sql": "-- unique: a\nselect 1 as a",
            "first/t_test.sql": "select\n  true as unique_a from first.t",
        },
        [
            "first/t - 1h.sql:1:12: `first.t` has another check called `unique_a`, in `first/t_test.sql` line 2\n"
            "  hint: give that column another alias, or remove one of the two"
        ],
        {"first.t"},
    ),
    "two rules of one name": (
        {"first/t - 1h.sql": "select 1 as a, 2 as b, 3 as a_b", "first/t.conf": "min_rows=1\nunique = (a, b), a_b"},
        [
            "first/t.conf:2:10: `first.t` has another check called `unique_a_b`, in `first/t.conf` line 2\n"
            "  hint: give that column another alias, or remove one of the two"
        ],
        {"first.t"},
    ),
    "checks of two files with one name": (
        {
            "first/t - 1h.sql": ONE,
            "first.t_test.sql": "select true as fine from first.t",
            "first/t_test.sql": "select\n  true as fine from first.t",
        },
        [
            "first/t_test.sql:2:1: `first.t` has another check called `fine`, in `first.t_test.sql` line 1\n"
            "  hint: give that column another alias, or remove one of the two"
        ],
        {"first.t"},
    ),
    "a name without a schema": (
        {
            "first/cities_raw.csv": "a\n1\n",
            "first/cities - 1h.sql": "select a\nfrom Cities_Raw",
            "first/towns - 1h.sql": "select a from cites join cities using (a) join elsewhere using (a)",
        },
        [
            "first/cities - 1h.sql:2:6: warning: `Cities_Raw` is read without a schema, which makes it no table of "
            "this project\n  hint: write `first.cities_raw` if that is what you mean; else it is taken "
            "for a table from outside",
            "first/towns - 1h.sql:1:15: warning: `cites` is read without a schema, which makes it no table of "
            "this project\n  hint: write `first.cities` if that is what you mean; else it is taken for a "
            "table from outside",
            "first/towns - 1h.sql:1:26: warning: `cities` is read without a schema, which makes it no table of "
            "this project\n  hint: write `first.cities` if that is what you mean; else it is taken for a "
            "table from outside",
        ],
        set(),
    ),
    "a name without a schema that several tables have, where there is no default schema": (
        {
            "global.conf": "dialect = bigquery",
            "a/cities - 1h.sql": ONE,
            "b/cities - 1h.sql": ONE,
            "b/t - 1h.sql": "with other as (select 1 as a) select a from cities, other, cities_*",
        },
        [
            "b/t - 1h.sql:1:45: warning: `cities` is read without a schema, which makes it no table of this project\n"
            "  hint: write `a.cities` or `b.cities` if that is what you mean; else it is taken for a "
            "table from outside",
        ],
        set(),
    ),
    "a staging table may be called like what it reads, and a table may be in the default schema": (
        {
            "first/cities - 1h.sql": "select a from cities",
            "main/people - 1h.sql": ONE,
            "first/t - 1h.sql": "select a from people join 'cities.csv' using (a)",
        },
        [],
        set(),
    ),
    "a check reads a name without a schema": (
        {
            "first/cities - 1h.sql": "select a from outside",
            "first/cities_test.sql": "select count(*) > 0 as filled\nfrom cities, outside, nowhere",
        },
        [
            "first/cities_test.sql:2:6: this check reads `cities` without a schema, which makes it no table of "
            "this project\n  hint: write `first.cities`",
            "first/cities_test.sql:2:23: this check reads `nowhere` without a schema, which makes it no table of "
            "this project\n  hint: write the schema too, `schema.nowhere`",
        ],
        {"first.cities"},
    ),
    "plurals and words with slips": (
        {
            "first/cities_raw.csv": "a\n1\n",
            "first/citys_test.sql": "select true as fine",
            "first/cities - 1h.sql": "select a from first.city_raw",
        },
        [
            "first/cities - 1h.sql:1:15: warning: `first.city_raw` is no table of this project but looks like "
            "`first.cities_raw`\n"
            "  hint: write `first.cities_raw` if that is what you mean; else it is taken for a table from outside",
            "first/citys_test.sql: these are checks of `first.citys`, which is no table\n"
            "  hint: did you mean `first.cities`?",
        ],
        set(),
    ),
    "an interval behind an underscore": (
        {"first/cities_12h.sql": ONE},
        [
            "first/cities_12h.sql: `first.cities_12h` has no interval, and no table that reads it has one\n"
            "  hint: rename the file, say to `cities - 12h.sql`, or set a `schedule`"
        ],
        {"first.cities_12h"},
    ),
    "settings as other tools call them": (
        {
            "first/cities - 1h.sql": "select 1 as id",
            "first/cities.conf": "primary_key = id\nnot null = id\ngrants = joan\ndescription = all cities",
        },
        [
            "first/cities.conf:1:1: there is no setting `primary_key`\n"
            "  hint: write `unique_key` with `mode = merge`; for a check, `unique`",
            "first/cities.conf:2:1: there is no setting `not null`\n  hint: did you mean `not_null`?",
            "first/cities.conf:3:1: there is no setting `grants`\n  hint: write `grant_select`",
            "first/cities.conf:4:1: there is no setting `description`\n  hint: write a comment on top of the SQL file",
        ],
        {"first.cities"},
    ),
    "schema and table in one pair of quotes, and the file in place of the table": (
        {
            "first/cities - 1h.sql": ONE,
            "first/t - 1h.sql": "select a from \"first.cities\" join 'people.csv' using (a) join cities.sql using (a)",
        },
        [
            "first/t - 1h.sql:1:15: warning: `first.cities` is read in one pair of quotes, which makes it no table of "
            "this project\n"
            "  hint: write `first.cities` if that is what you mean; else it is taken for a table from outside",
            "first/t - 1h.sql:1:63: warning: `cities.sql` is no table of this project but looks like `first.cities`\n"
            "  hint: write `first.cities` if that is what you mean; else it is taken for a table from outside",
        ],
        set(),
    ),
    "checks under another name": (
        {"first/cities - 1h.sql": ONE, "first/cities_tests.sql": ONE, "first/test_cities.sql": ONE},
        [
            "first/cities_tests.sql: `first.cities_tests` has no interval, and no table that reads it has one\n"
            "  hint: rename the file to `cities_test.sql` if it holds the checks of `first.cities`",
            "first/test_cities.sql: `first.test_cities` has no interval, and no table that reads it has one\n"
            "  hint: rename the file to `cities_test.sql` if it holds the checks of `first.cities`",
        ],
        {"first.cities_tests", "first.test_cities"},
    ),
    "two files of one table are one problem, whichever has the interval": (
        {"first/Cities.sql": ONE, "first/cities - 24h.sql": ONE},
        [
            "first/cities - 24h.sql: `first.Cities` is defined twice: in `first/Cities.sql` and in "
            "`first/cities - 24h.sql`\n  hint: remove or rename one of the two"
        ],
        {"first.Cities"},
    ),
    "an interval among the settings": (
        {
            "first/cities - 1h.sql": "-- interval: 24h\n-- cron: 0 9 * * *\nselect 1 as a",
            "first/cities.conf": "min_rows = 1\n interval = 24h\ncron: 0 9 * * *",
            "global.conf": "Freshness = 1h",
        },
        [
            "first/cities - 1h.sql:1:4: warning: there is no setting `interval`: the interval stands in "
            "the file's name\n"
            "  hint: rename the SQL file, like `cities - 24h.sql`",
            "first/cities - 1h.sql:2:4: warning: `cron` is no setting and counts as description\n"
            "  hint: write `schedule` if that is what you mean, else ignore this",
            "first/cities.conf:2:2: there is no setting `interval`: the interval stands in the file's name\n"
            "  hint: rename the SQL file, like `cities - 24h.sql`",
            "first/cities.conf:3:1: there is no setting `cron`\n  hint: write `schedule`",
            "global.conf:1:1: there is no setting `freshness`: the interval stands in the file's name\n"
            "  hint: rename the SQL file, like `cities - 24h.sql`",
        ],
        {"first.cities"},
    ),
    "nothing": ({"first/t - 1h.sql": ONE}, [], set()),
}


@pytest.mark.parametrize("name", CASES)
def test_problems(name: str, tmp_path: Path) -> None:
    files, expected, blamed = CASES[name]
    project = load(tmp_path, files)
    assert [str(problem) for problem in project.problems] == expected
    assert quarantined(project) == blamed


def test_each_problem_is_told_once_and_kept_with_every_table_it_concerns(tmp_path: Path) -> None:
    project = load(tmp_path, {"first/a - 1h.sql": "select b.x from first.b", "first/b.sql": "select a.x from first.a"})
    (problem,) = project.problems
    assert [model.problems for model in project] == [(problem,), (problem,)]


def test_an_interval_in_the_name_wins_over_an_inherited_schedule(tmp_path: Path) -> None:
    files = {"first.conf": "schedule = 0 9 * * *\ntimezone = Asia/Tokyo", "first/a - 1h.sql": ONE, "first/b.sql": ONE}
    project = load(tmp_path, files)
    found = {m.relation.name: (m.effective_interval, m.settings.schedule, m.settings.timezone) for m in project}
    assert found == {"a": (timedelta(hours=1), None, "Asia/Tokyo"), "b": (None, "0 9 * * *", "Asia/Tokyo")}


def test_comparing_rows_is_off_where_a_scan_is_paid_for(tmp_path: Path) -> None:
    files = {"first/a - 1h.sql": ONE, "first/b - 1h.sql": f"-- skip_unchanged: true\n{ONE}"}
    for dialect, expected in (("bigquery", [False, True]), ("duckdb", [True, True])):
        project = load(tmp_path, {**files, "global.conf": f"dialect = {dialect}"})
        assert [model.settings.skip_unchanged for model in project] == expected
