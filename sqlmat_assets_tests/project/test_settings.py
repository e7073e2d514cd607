from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sqlmat_assets.errors import Problem
from sqlmat_assets.project.conditions import Condition
from sqlmat_assets.project.keys import KEYS
from sqlmat_assets.project.partitions.grains import Grain
from sqlmat_assets.project.partitions.spec import TimePartitioning
from sqlmat_assets.project.settings import (
    ModelSettings,
    Place,
    Settings,
    inherit,
    inherit_grantees,
    parse_conf,
    parse_header,
)
from sqlmat_assets.project.settings_page import describe_keys
from sqlmat_assets.project.values import SortKey

ROOT = Path(__file__).parents[2]


def settings(*confs: str) -> ModelSettings:
    """What a table has after these files, the widest first."""
    parsed = [parse_conf(text, f"{number}.conf") for number, text in enumerate(confs)]
    assert [problem for conf in parsed for problem in conf.problems] == []
    return inherit(parsed)[0]


def problems(conf: str, *, is_global: bool = False) -> list[str]:
    return [str(problem) for problem in parse_conf(conf, "x.conf", is_global=is_global).problems]


def test_every_setting_is_a_key_and_every_key_a_setting() -> None:
    fields = set(ModelSettings.__slots__)
    assert {key.name for key in KEYS.values() if not key.is_global} == fields
    assert {key.name for key in KEYS.values() if key.is_global} == {
        "dialect",
        "catalog",
        "catalog_aliases",
        "daily_budget",
        "usd_per_tib",
    }


@pytest.mark.parametrize("name", KEYS)
def test_every_example_is_a_value(name: str) -> None:
    key = KEYS[name]
    parsed = parse_conf(f"{name} = {key.example}", "global.conf", is_global=True)
    assert parsed.problems == ()
    assert parsed.lines[0].value is not None


def test_the_page_of_settings_is_up_to_date() -> None:
    assert (ROOT / "docs/settings.md").read_text(encoding="utf-8") == describe_keys()


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ("owner = data-eng@example.com", ModelSettings(owner=("data-eng@example.com",))),
        ("owner: team:core, jo@x.org", ModelSettings(owner=("team:core", "jo@x.org"))),
        ("tags = domain=finance, pii", ModelSettings(tags=(("domain", "finance"), ("pii", "")))),
        ("tags: domain:finance", ModelSettings(tags=(("domain", "finance"),))),
        ("distkey = city_id", ModelSettings(distkey="city_id")),
        ('distkey = "city_id"', ModelSettings(distkey="city_id")),
        ("sortkey = country, city_id", ModelSettings(sortkey=SortKey(("country", "city_id")))),
        ("sortkey = (country, city_id)", ModelSettings(sortkey=SortKey(("country", "city_id")))),
        ("sortkey = compound (country)", ModelSettings(sortkey=SortKey(("country",)))),
        (
            "sortkey = Interleaved(country, city_id)",
            ModelSettings(sortkey=SortKey(("country", "city_id"), "interleaved")),
        ),
        ("sortkey = auto", ModelSettings(sortkey=SortKey(style="auto"))),
        ("encode = name:zstd, city_id : AZ64", ModelSettings(encode=(("name", "zstd"), ("city_id", "az64")))),
        ("diststyle = ALL", ModelSettings(diststyle="all")),
        ("snapshots_interval = 24h", ModelSettings(snapshots_interval=timedelta(days=1))),
        ("snapshots_stored_for = 90d", ModelSettings(snapshots_stored_for=timedelta(days=90))),
        ("unique = id", ModelSettings(unique=(("id",),))),
        ("unique = (a, b), c", ModelSettings(unique=(("a", "b"), ("c",)))),
        ("not_null = a, b", ModelSettings(not_null=("a", "b"))),
        ("min_rows = 1", ModelSettings(min_rows=1)),
        ("max_row_change = 20%", ModelSettings(max_row_change=0.2)),
        ("max_row_change = 2.5 %", ModelSettings(max_row_change=0.025)),
        ("adopt = true", ModelSettings(adopt=True)),
        ("adopt = No", ModelSettings(adopt=False)),
        ("time_limit = 30m", ModelSettings(time_limit=timedelta(minutes=30))),
        ("grace = 2h", ModelSettings(grace=timedelta(hours=2))),
        (
            "columns = id bigint, price decimal(10, 2)",
            ModelSettings(columns=(("id", "bigint"), ("price", "decimal(10, 2)"))),
        ),
        ("schedule = 0  9 1 * *", ModelSettings(schedule="0 9 1 * *")),
        ('schedule: "0 9 * * MON"', ModelSettings(schedule="0 9 * * MON")),
        ("timezone = Europe/Berlin", ModelSettings(timezone="Europe/Berlin")),
        (
            "conditions = hours 8-9 | days 1",
            ModelSettings(conditions=(Condition(hours=frozenset({8, 9})), Condition(days=frozenset({1})))),
        ),
        ("on_upstream_failure = Build", ModelSettings(on_upstream_failure="build")),
        ("skip_unchanged = no", ModelSettings(skip_unchanged=False)),
        ("mode = Merge", ModelSettings(mode="merge")),
        (
            "partition_by = month(pickup) from 2019-01",
            ModelSettings(partition_by=TimePartitioning("pickup", Grain.MONTH, datetime(2019, 1, 1, tzinfo=UTC))),
        ),
        ("unique_key = id", ModelSettings(unique_key=("id",))),
        ('unique_key = ("a b", c)', ModelSettings(unique_key=("a b", "c"))),
        ("on_match = UPDATE", ModelSettings(on_match="update")),
        (
            'order_by = updated_at DESC, id,a  asc, "b desc", "c d" desc',
            ModelSettings(
                order_by=(("updated_at", True), ("id", False), ("a", False), ("b desc", False), ("c d", True))
            ),
        ),
        ("on_change = rebuild", ModelSettings(on_change="rebuild")),
        ("partitions_per_run = 3", ModelSettings(partitions_per_run=3)),
        ("on_schema_change = add", ModelSettings(on_schema_change="add")),
        ("  MIN_ROWS=2  ", ModelSettings(min_rows=2)),
        ("# min_rows = 3\n; min_rows = 4\n\n", ModelSettings()),
        ("min_rows=1\r\nadopt=yes\r\n", ModelSettings(min_rows=1, adopt=True)),
    ],
)
def test_values(conf: str, expected: ModelSettings) -> None:
    assert settings(conf) == expected


def test_the_narrower_file_wins() -> None:
    assert settings("min_rows = 1\ndistkey = a", "min_rows = 2", "min_rows: 3") == ModelSettings(
        min_rows=3, distkey="a"
    )


@pytest.mark.parametrize("reset", ["null", "None", "NULL", ""])
def test_reset(reset: str) -> None:
    assert settings(
        "distkey = a\nunique = id\ngrant_select = jo", f"distkey = {reset}\nunique={reset}"
    ) == ModelSettings(grant_select=("jo",))
    assert settings("grant_select = jo, ann", f"grant_select = {reset}") == ModelSettings()


@pytest.mark.parametrize(
    ("confs", "grantees"),
    [
        (["grant_select = jane, john"], ("jane", "john")),
        (["grant_select = jane, john", "grant_select = -jane, +joan"], ("joan", "john")),
        (["grant_select = jane, metabase", "grant_select-=metabase"], ("jane",)),
        (["grant_select = jane", "grant_select += metabase"], ("jane", "metabase")),
        (["grant_select: jane", "grant_select -: jane"], ()),
        (["grant_select = jane", "grant_select -= jane"], ()),
        (["grant_select += bob"], ("bob",)),
        (["grant_select = +bob"], ("bob",)),
        (["grant_select -= nobody"], ()),
        (["grant_select = etl-user, group analysts"], ("etl-user", "group analysts")),
        (["grant_select = etl-user", "grant_select -= etl-user\ngrant_select += group analysts"], ("group analysts",)),
        (["grant_select = a, b", "grant_select = c"], ("c",)),
        (["grant_select = a", "grant_select = null", "grant_select += b"], ("b",)),
        (["grant_select = GROUP  analysts, Role r, PUBLIC", "grant_select -= group analysts, public"], ("role r",)),
        (['grant_select = "My User", group "All of us"', 'grant_select -= "My User"'], ('group "All of us"',)),
    ],
)
def test_grants(confs: list[str], grantees: tuple[str, ...]) -> None:
    assert settings(*confs).grant_select == grantees


KNOWN_KEYS = (
    "`owner`, `tags`, `grant_select`, `distkey`, `sortkey`, `diststyle`, `cluster_by`, `partitions_stored_for`, "
    "`labels`, `encode`, `snapshots_interval`, "
    "`snapshots_stored_for`, `unique`, `not_null`, `min_rows`, `max_row_change`, `adopt`, `time_limit`, `grace`, "
    "`schedule`, `timezone`, `conditions`, `on_upstream_failure`, `skip_unchanged`, `mode`, `partition_by`, "
    "`partitions_per_run`, `unique_key`, `on_match`, `order_by`, `on_change`, `on_schema_change`, `columns`, "
    "`keep_versions`, `budget`"
)


@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ("\n  ownr = x@y.org", "x.conf:2:3: there is no setting `ownr`\n  hint: did you mean `owner`?"),
        (
            "budget = cheap",
            "x.conf:1:10: `budget` cannot be `cheap`: it is a sum in US dollars, such as `2.50`\n"
            "  hint: write it like `budget = 0.50`",
        ),
        ("colour = red", f"x.conf:1:1: there is no setting `colour`\n  hint: the settings are {KNOWN_KEYS}"),
        (
            "min_rows",
            "x.conf:1:1: `min_rows` is no setting\n"
            "  hint: write `key = value`, or begin the line with `#` if it is a comment",
        ),
        (
            " [main]",
            "x.conf:1:2: `[main]` is no setting\n"
            "  hint: write `key = value`, or begin the line with `#` if it is a comment",
        ),
        (
            "owner = Jo",
            "x.conf:1:9: `owner` cannot be `Jo`: it is an e-mail address or `team:name`\n"
            "  hint: write it like `owner = data-eng@example.com, team:core`",
        ),
        (
            "owner = team:",
            "x.conf:1:9: `owner` cannot be `team:`: it is an e-mail address or `team:name`\n"
            "  hint: write it like `owner = data-eng@example.com, team:core`",
        ),
        (
            "tags = a b",
            "x.conf:1:8: `tags` cannot be `a b`: it is a list of `key` or `key=value` made of letters, digits, `_`, "
            "`-` and `.`\n  hint: write it like `tags = domain=finance, pii`",
        ),
        (
            "diststyle = some",
            "x.conf:1:13: `diststyle` cannot be `some`: it is one of `auto`, `even`, `key`, `all`\n"
            "  hint: write it like `diststyle = all`",
        ),
        (
            "sortkey = interleaved(a,)",
            "x.conf:1:11: `sortkey` cannot be `interleaved(a,)`: it is a list of columns, `interleaved(...)` with one, "
            "or `auto`\n  hint: write it like `sortkey = country, city_id`",
        ),
        (
            "sortkey = interleaved(a, b, c, d, e, f, g, h, i)",
            "x.conf:1:11: `sortkey` cannot be `interleaved(a, b, c, d, e, f, g, h, i)`: it is at most 8 columns that "
            "are interleaved\n  hint: write it like `sortkey = country, city_id`",
        ),
        (
            "encode = a:zip",
            "x.conf:1:10: `encode` cannot be `a:zip`: it is a list of `column:encoding`, each one of `az64`, "
            "`bytedict`, `delta`, `delta32k`, `lzo`, `mostly8`, `mostly16`, `mostly32`, `raw`, `runlength`, "
            "`text255`, `text32k`, `zstd`\n  hint: write it like `encode = name:zstd, city_id:az64`",
        ),
        (
            "encode = a:lzo, A:raw",
            "x.conf:1:10: `encode` cannot be `a:lzo, A:raw`: it is one encoding for each column, and `A` has two\n"
            "  hint: write it like `encode = name:zstd, city_id:az64`",
        ),
        (
            "distkey = a, b",
            "x.conf:1:11: `distkey` cannot be `a, b`: it is the name of a column\n"
            "  hint: write it like `distkey = city_id`",
        ),
        (
            "unique = (a, b",
            "x.conf:1:10: `unique` cannot be `(a, b`: it is a list with commas between its items\n"
            "  hint: write it like `unique = (country, city), id`",
        ),
        (
            "not_null = a,,b",
            "x.conf:1:12: `not_null` cannot be `a,,b`: it is a list with commas between its items\n"
            "  hint: write it like `not_null = id, city`",
        ),
        (
            "min_rows = 0",
            "x.conf:1:12: `min_rows` cannot be `0`: it is a whole number from 1 on\n"
            "  hint: write it like `min_rows = 1`",
        ),
        (
            "max_row_change = 0.2",
            "x.conf:1:18: `max_row_change` cannot be `0.2`: it is a percentage\n"
            "  hint: write it like `max_row_change = 20%`",
        ),
        (
            "adopt = maybe",
            "x.conf:1:9: `adopt` cannot be `maybe`: it is `true` or `false`\n  hint: write it like `adopt = true`",
        ),
        (
            "grace = soon",
            "x.conf:1:9: `grace`: `soon` is no interval\n"
            "  hint: write a whole number and a unit: `30m`, `24h`, `7d` or `2w`",
        ),
        (
            "time_limit = 3M",
            "x.conf:1:14: `time_limit`: `3M` could be minutes or months\n"
            "  hint: write `3m` for minutes, or count the months in days",
        ),
        (
            "columns = id",
            "x.conf:1:11: `columns` cannot be `id`: it is a list of columns, each with its type\n"
            "  hint: write it like `columns = id bigint, price decimal(10, 2)`",
        ),
        (
            "grant_select -= -jane",
            "x.conf:1:17: `grant_select` cannot be `-jane`: it is a list of users, or of `+user` to add and `-user` to "
            "take away\n  hint: write it like `grant_select = -metabase, +joan`",
        ),
        (
            "grant_select = user joan",
            "x.conf:1:16: `grant_select` cannot be `user joan`: it is a list of users, of `group name`, `role name` or "
            "`public`, a name with spaces in double quotes\n"
            "  hint: write it like `grant_select = -metabase, +joan`",
        ),
        (
            "grant_select +=",
            "x.conf:1:1: `grant_select +=` names nobody\n"
            "  hint: write the users after it, or `grant_select = null` for none at all",
        ),
        (
            "unique += a",
            "x.conf:1:1: `unique` cannot be changed with `+=`\n  hint: write the whole value: `unique = …`",
        ),
        (
            "min_rows = 1\n\nMin_Rows: 2",
            "x.conf:3:1: `min_rows` is set twice, first in line 1\n  hint: keep one of the two",
        ),
        (
            "schedule = 0 25 * * *",
            "x.conf:1:12: `schedule`: `25` is no hour in `0 25 * * *`\n"
            "  hint: write `0` to `23`, `*`, or a range like `8-18`",
        ),
        (
            "schedule = @daily",
            "x.conf:1:12: `schedule`: `@daily` is no schedule of five fields\n  hint: write `0 0 * * *`",
        ),
        (
            "timezone = Europe/Berln",
            "x.conf:1:12: `timezone`: there is no time zone `Europe/Berln`\n  hint: did you mean `Europe/Berlin`?",
        ),
        (
            "conditions = wekdays mon-fri",
            "x.conf:1:14: `conditions`: `wekdays mon-fri` is no condition\n  hint: did you mean `weekdays`?",
        ),
        (
            "on_upstream_failure = skip",
            "x.conf:1:23: `on_upstream_failure` cannot be `skip`: it is one of `hold`, `build`\n"
            "  hint: write it like `on_upstream_failure = build`",
        ),
        (
            "mode = incremental",
            "x.conf:1:8: `mode` cannot be `incremental`: it is one of `replace`, `append`, `merge`, `view`\n"
            "  hint: write it like `mode = merge`",
        ),
        (
            "partition_by = monthly(d) from 2019-01",
            "x.conf:1:16: `partition_by`: `monthly` is no length of a partition\n  hint: write `month(d)`",
        ),
        (
            "order_by = at newest",
            "x.conf:1:12: `order_by` cannot be `at newest`: it is a list of columns, each with `asc` or `desc` behind "
            "it or nothing\n  hint: write it like `order_by = updated_at desc, id`",
        ),
        (
            "incremental_strategy = merge",
            "x.conf:1:1: there is no setting `incremental_strategy`\n"
            "  hint: write `mode`: `replace`, `append`, `merge` or `view`",
        ),
        (
            "primary_key = id",
            "x.conf:1:1: there is no setting `primary_key`\n"
            "  hint: write `unique_key` with `mode = merge`; for a check, `unique`",
        ),
        (
            "partitioned_by = day",
            "x.conf:1:1: there is no setting `partitioned_by`\n"
            "  hint: write `partition_by = month(column) from 2019-01`",
        ),
        ("cron = 0 9 * * *", "x.conf:1:1: there is no setting `cron`\n  hint: write `schedule`"),
        (
            "weekdays = mon-fri",
            "x.conf:1:1: there is no setting `weekdays`\n  hint: write `conditions = weekdays mon-fri`",
        ),
        (
            "dialect = bigquery",
            "x.conf:1:1: `dialect` is a setting of the whole project\n  hint: move it to `global.conf`",
        ),
    ],
)
def test_problems(conf: str, expected: str) -> None:
    assert problems(conf) == [expected]


def test_all_problems_of_a_file_at_once() -> None:
    found = parse_conf("ownr = x\nmin_rows = 0\nmax_rows\nadopt = true", "x.conf")
    assert sorted(problem.line for problem in found.problems) == [1, 2, 3]
    assert inherit([found])[0] == ModelSettings(adopt=True)


def test_global_keys_and_their_unknown_neighbours() -> None:
    found = parse_conf("dialect=bigquery\ncatalog: my-project\ncatalog_aliases = a, b", "global.conf", is_global=True)
    assert found.problems == ()
    assert {line.key: line.value for line in found.lines} == {
        "dialect": "bigquery",
        "catalog": "my-project",
        "catalog_aliases": ("a", "b"),
    }
    assert inherit([found])[0] == ModelSettings()
    assert problems("dialekt = x", is_global=True) == [
        "x.conf:1:1: there is no setting `dialekt`\n  hint: did you mean `dialect`?"
    ]


def header(text: str) -> tuple[Settings, str | None]:
    comments = [(number, line.removeprefix("--")) for number, line in enumerate(text.splitlines(), 1)]
    return parse_header(comments, text, "a.sql")


def test_header_lines_are_settings_where_the_key_is_known() -> None:
    found, description = header("-- All cities.\n--owner: jo@x.org\n-- Note: from the registry.\n--   min_rows = 2")
    assert inherit([found])[0] == ModelSettings(owner=("jo@x.org",), min_rows=2)
    assert found.problems == ()
    assert description == "All cities.\nNote: from the registry."
    assert inherit([found])[1] == {"owner": Place("a.sql", 2, 10), "min_rows": Place("a.sql", 4, 17)}


def test_header_without_anything_else_has_no_description() -> None:
    assert header("-- owner: jo@x.org\n--")[1] is None


def test_a_near_miss_in_a_header_warns() -> None:
    found, description = header("-- min_row: 2")
    assert found.problems == (
        Problem(
            "a.sql",
            1,
            4,
            "`min_row` is no setting and counts as description",
            "write `min_rows` if that is what you mean, else ignore this",
            is_warning=True,
        ),
    )
    assert description == "min_row: 2"


@pytest.mark.parametrize("comment", ["note: x", "see https://example.com", "a = b", "the unique id: yes", "warn"])
def test_prose_in_a_header_is_description(comment: str) -> None:
    found, description = header(f"-- {comment}")
    assert (found, description) == (Settings(), comment)


def test_an_impossible_value_in_a_header_is_a_problem() -> None:
    (problem,) = header("-- x\n--  adopt: perhaps")[0].problems
    assert (problem.line, problem.column, problem.is_warning) == (2, 12, False)


def test_a_header_wins_over_all_files() -> None:
    assert inherit([parse_conf("min_rows = 1", "t.conf"), header("-- min_rows: 9")[0]])[0].min_rows == 9


def test_each_grantee_has_the_place_that_names_it_last() -> None:
    confs = ("grant_select = jane, john", "owner = a@example.com\ngrant_select += joan\ngrant_select -= john", "\n")
    layers = [parse_conf(conf, f"{number}.conf") for number, conf in enumerate(confs)]
    assert inherit_grantees(layers) == {"jane": Place("0.conf", 1, 16), "joan": Place("1.conf", 2, 17)}
    again = parse_conf("grant_select = jane", "2.conf")
    assert inherit_grantees([*layers, again]) == {"jane": Place("2.conf", 1, 16)}
    assert inherit_grantees([*layers, parse_conf("grant_select = null", "2.conf")]) == {}
