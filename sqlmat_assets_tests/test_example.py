"""The example project in `sql/`: as plain DuckDB sees it, and as sqlmat does."""

from __future__ import annotations

import gzip
import json
import runpy
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.load import load_project
from sqlmat_assets.project.model import Kind
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.relation import Relation

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "sql"
TAXI = ROOT / "data" / "taxi"
SCRIPT = ROOT / "scripts" / "make_example_data.py"
TAXI_SCRIPT = ROOT / "scripts" / "make_taxi_data.py"

DATA = (
    "first/cities_raw.csv",
    "first/people_raw.csv",
    "first/shops_raw.ndjson",
    "raw/auth_events.ndjson",
    "raw/listen_events.ndjson",
    "raw/page_view_events.csv",
    "raw/songs.csv",
    "raw/state_codes.csv",
)
LOADS = (
    "taxi/green_files.load.yaml",
    "taxi/yellow_files.load.yaml",
    "shop/orders.load.yaml",
    "shop/visits.load.yaml",
)
DELIVERIES = ("first/cities.deliver.yaml", "music/top_artists.deliver.yaml")

# By hand and in the order of their dependencies, so that the test knows nothing of how sqlmat finds either.
TABLES = {
    "first.cities": "first/cities - 24h.sql",
    "first.shops": "first/shops.sql",
    "first.people": "first/people — 1h.sql",
    "first.continents": "first/continents – 7d.sql",  # noqa: RUF001 - an en dash in a file name is what this file shows
    "second.child": "second/child.sql",
    "second.parent": "second.parent - 24m.sql",
    "music.dim_artists": "music/dim_artists - 7d.sql",
    "music.dim_songs": "music/dim_songs - 7d.sql",
    "music.dim_location": "music/dim_location.sql",
    "music.dim_datetime": "music/dim_datetime - 24h.sql",
    "music.dim_users": "music/dim_users.sql",
    "music.fact_streams": "music/fact_streams - 1h.sql",
    "music.wide_streams": "music/wide_streams.sql",
    "music.top_artists": "music/top_artists - 24h.sql",
    "music.plays_by_day": "music/plays_by_day.sql",
    "taxi.yellow_tripdata": "taxi/yellow_tripdata.sql",
    "taxi.green_tripdata": "taxi/green_tripdata.sql",
    "taxi.monthly_trips": "taxi/monthly_trips.sql",
}

# Tables whose rows go through a script.
PROCESSED = {
    "first.countries": ("first/countries_select.sql", "first/countries.py", "first/countries - 24h.sql"),
    "music.listening_trend": (
        "music/listening_trend_select.sql",
        "music/listening_trend.py",
        "music/listening_trend - 24h.sql",
    ),
}

# Tables that settings merge by a key, and what is taken of it.
MERGED = dict.fromkeys(
    ("taxi.yellow_tripdata", "taxi.green_tripdata"),
    "partition by unique_row_id "
    "order by file_month desc, total_amount desc, tip_amount desc, congestion_surcharge desc, payment_type",
)

CHECKS = (
    "first/cities_test.sql",
    "first/countries_test.sql",
    "first/shops_test.sql",
    "second.parent_test.sql",
    "raw/state_codes_test.sql",
    "music/dim_artists_test.sql",
    "music/dim_songs_test.sql",
    "music/dim_location_test.sql",
    "music/dim_datetime_test.sql",
    "music/dim_users_test.sql",
    "music/fact_streams_test.sql",
    "music/wide_streams_test.sql",
    "music/top_artists_test.sql",
    "music/plays_by_day_test.sql",
    "music/listening_trend_test.sql",
    "taxi/yellow_tripdata_test.sql",
    "taxi/green_tripdata_test.sql",
    "taxi/monthly_trips_test.sql",
    "shop/orders_test.sql",
)

WARNINGS = {"country_is_known", "code_has_no_spaces_around_it", "began_in_the_month_of_the_file"}


def build(folder: Path) -> duckdb.DuckDBPyConnection:
    """Build every table of a copy of the example in memory, each file's text pasted as it is."""
    connection = duckdb.connect()
    for schema in ("first", "second", "raw", "music", "taxi", "shop"):
        connection.execute(f"create schema {schema}")
    for name in DATA:
        path = folder / name
        reader = "read_csv" if path.suffix == ".csv" else "read_json"
        connection.execute(f"create table {path.parent.name}.{path.stem} as from {reader}('{path}')")
    for colour in ("yellow", "green"):
        connection.execute(f"create table taxi.{colour}_files as {read_taxi(folder, colour)}")
    connection.execute(
        f"create table shop.orders as from read_json('{folder.parent}/data/shop/orders/*.ndjson', union_by_name = true)"
    )
    for table, name in TABLES.items():
        merged = f" qualify row_number() over ({MERGED[table]}) = 1" if table in MERGED else ""
        connection.execute(f"create table {table} as {(folder / name).read_text()}{merged}")
    for table, (query, script, definition) in PROCESSED.items():
        connection.execute((folder / definition).read_text())
        process(connection, table, (folder / query).read_text(), folder / script)
    return connection


def process(connection: duckdb.DuckDBPyConnection, table: str, query: str, script: Path) -> None:
    """Fill a table with what its script makes of the rows of a query."""
    if "def process(" in script.read_text():
        rows = runpy.run_path(str(script))["process"](connection.execute(query).df())
        connection.register("rows", rows)
        connection.execute(f"insert into {table} by name select * from rows")
        connection.unregister("rows")
        return
    with tempfile.TemporaryDirectory() as folder:
        given, result = Path(folder, "in.csv"), Path(folder, "out.csv")
        connection.execute(f"copy ({query}) to '{given}' (header, delimiter ';')")
        subprocess.run([sys.executable, str(script), str(given), str(result)], check=True)
        connection.execute(f"insert into {table} by name select * from read_csv('{result}', delim = ';')")


def read_taxi(folder: Path, colour: str) -> str:
    """The trips of all months in the order of their columns, with the types of DuckDB's own choice but for money."""
    money = "fare_amount extra mta_tax tip_amount tolls_amount improvement_surcharge total_amount congestion_surcharge"
    types = dict.fromkeys(money.split() + ["ehail_fee"] * (colour == "green"), "DECIMAL(10, 2)")
    return f"""
        select
            trips.* exclude (filename),
            parse_filename(filename) as filename,
            cast(regexp_extract(filename, '(....-..).csv.gz', 1) || '-01' as date) as file_month
        from read_csv('{folder.parent}/data/taxi/{colour}_*.csv.gz', filename = true, types = {types}) as trips"""


def find_failing_checks(connection: duckdb.DuckDBPyConnection, folder: Path) -> set[str]:
    """The names of the checks that do not hold: a value that is not true, or no rows at all."""
    failing: set[str] = set()
    for name in CHECKS:
        for statement in duckdb.extract_statements((folder / name).read_text()):
            cursor = connection.execute(statement.query)
            titles = [column[0] for column in cursor.description or ()]
            rows = cursor.fetchall()
            for index, title in enumerate(titles):
                if not rows or any(row[index] is not True for row in rows):
                    failing.add(title)
    return failing


@pytest.fixture(scope="module")
def built() -> Iterator[duckdb.DuckDBPyConnection]:
    with build(EXAMPLE) as connection:
        yield connection


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "data", tmp_path / "data")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "sql"))


def test_lists_name_every_file() -> None:
    found = {path.relative_to(EXAMPLE).as_posix() for path in EXAMPLE.rglob("*") if path.is_file()}
    # The cases of unit tests are run by the test of the command.
    assert {name for name in found if not name.endswith(".conf") and "_unit/" not in name} == {
        *DATA,
        *LOADS,
        *DELIVERIES,
        *TABLES.values(),
        *CHECKS,
        *(name for names in PROCESSED.values() for name in names),
    }


def test_script_makes_the_committed_data_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], check=True, capture_output=True)
    made = {path.relative_to(tmp_path).as_posix(): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert made == {name: (EXAMPLE / name).read_bytes() for name in DATA}
    assert sum(map(len, made.values())) < 1_500_000


def test_script_makes_the_committed_trips(tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(TAXI_SCRIPT), str(tmp_path)], check=True, capture_output=True)
    made, kept = (
        {path.name: gzip.decompress(path.read_bytes()) for path in folder.iterdir()} for folder in (tmp_path, TAXI)
    )
    assert made == kept
    assert sum(path.stat().st_size for path in TAXI.iterdir()) < 100_000


def test_every_check_holds_but_the_known_warnings(built: duckdb.DuckDBPyConnection) -> None:
    assert find_failing_checks(built, EXAMPLE) == WARNINGS


@pytest.mark.parametrize("table", [*TABLES, *PROCESSED])
def test_is_the_same_when_built_twice(built: duckdb.DuckDBPyConnection, table: str) -> None:
    query = f"select md5(string_agg(t::text, chr(10) order by t::text)) from {table} as t"
    with build(EXAMPLE) as again:
        assert built.execute(query).fetchone() == again.execute(query).fetchone()


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ("first.cities", "country"),
        ("first.people", "person_id"),
        ("first.continents", "continent"),
        ("first.countries", "slug"),
        ("raw.listen_events", "sessionId, itemInSession"),
        ("raw.songs", "song_id"),
        ("raw.state_codes", "stateCode"),
        ("music.dim_artists", "artist_key"),
        ("music.dim_songs", "song_key"),
        ("music.dim_location", "location_key"),
        ("music.dim_datetime", "date_key"),
        ("music.dim_users", "user_key"),
        ("music.fact_streams", "session_id, item_in_session"),
        ("music.top_artists", "level, place"),
        ("music.plays_by_day", "day, level"),
        ("music.listening_trend", "day"),
        ("taxi.yellow_tripdata", "unique_row_id"),
        ("taxi.green_tripdata", "unique_row_id"),
        ("taxi.monthly_trips", "file_month, taxi"),
    ],
)
def test_keys_that_the_settings_name_are_unique(built: duckdb.DuckDBPyConnection, table: str, key: str) -> None:
    assert built.execute(f"select {key} from {table} group by all having count(*) > 1").fetchall() == []


def test_the_data_has_the_difficulties_that_the_tables_handle(built: duckdb.DuckDBPyConnection) -> None:
    assert (EXAMPLE / "raw/state_codes.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    numbers = {
        "songs that came out twice": """
            select count(*) from (select 1 from raw.songs group by artist_name, title having count(*) > 1)""",
        "artists under two numbers": """
            select count(*) from (select 1 from raw.songs group by artist_name having count(distinct artist_id) > 1)""",
        "plays of songs that are in no catalogue": "select count(*) from music.fact_streams where song_key = 'unknown'",
        "plays of guests": "select count(*) from music.fact_streams where user_key = 'unknown'",
        "listeners who changed their level": "select count(*) from music.dim_users where not is_current",
        "plays in Washington, DC": "select count(*) from raw.listen_events where state = 'DC'",
        "plays on a weekend": "select count(*) from music.wide_streams where is_weekend",
        "trips that stand twice in a file": """
            select count(*) - (select count(*) from (select distinct * from taxi.yellow_files)) from taxi.yellow_files
            """,
        "trips that stand in the files of two months": """
            select count(*) - count(distinct coalesce(VendorID, 0)::text || tpep_pickup_datetime || fare_amount)
            from (select distinct VendorID, tpep_pickup_datetime, fare_amount, file_month from taxi.yellow_files)""",
        "trips of another month than their file's": """
            select count(*) from taxi.green_files where date_trunc('month', lpep_pickup_datetime) <> file_month""",
        "trips by a wrong clock": "select count(*) from taxi.green_files where year(lpep_pickup_datetime) = 2008",
        "trips without a meter": "select count(*) from taxi.yellow_files where VendorID is null",
        "trips that were taken back": "select count(*) from taxi.yellow_files where total_amount < 0",
        "trips that are one where nothing separates their zones": """
            select count(*) from (
                select 1 from taxi.yellow_files
                group by VendorID, tpep_pickup_datetime, concat(PULocationID, DOLocationID)
                having count(distinct PULocationID) > 1
            )""",
    }
    counted = {what: built.execute(query).fetchone() for what, query in numbers.items()}
    assert [what for what, count in counted.items() if count is None or count[0] == 0] == []


# What each check is for: with this mistake in that file, these checks fail.
MISTAKES = [
    pytest.param(
        "music/dim_datetime - 24h.sql", "in (6, 7)", "in (5, 6)", {"weekend_is_saturday_and_sunday"}, id="weekend"
    ),
    pytest.param(
        "music/dim_datetime - 24h.sql",
        "max(epoch_ms(ts))) + interval 2 month",
        "max(epoch_ms(ts))) + interval 3 day",
        {"every_play_has_its_hour", "no_play_is_without_an_hour"},
        id="calendar-ends-early",
    ),
    pytest.param(
        "music/dim_location.sql",
        "trim(stateCode)",
        "stateCode",
        {"every_state_has_its_name", "dc_is_found"},
        id="space-after-dc",
    ),
    pytest.param(
        "music/dim_songs - 7d.sql",
        "qualify row_number() over (partition by artist_name, title order by year, song_id) = 1",
        "",
        {"one_row_per_artist_and_title", "as_many_rows_as_plays"},
        id="fan-out-on-songs",
    ),
    pytest.param(
        "music/dim_artists - 7d.sql",
        "qualify row_number() over (partition by artist_name order by artist_id, song_id) = 1",
        "",
        {"one_row_per_name", "as_many_rows_as_plays"},
        id="fan-out-on-artists",
    ),
    pytest.param(
        "music/dim_songs - 7d.sql",
        "union all\nselect 'unknown', 'unknown', 'unknown', null, null, null, null",
        "",
        {"has_one_unknown_song", "song_is_found", "no_stream_lost_or_doubled"},
        id="no-unknown-song",
    ),
    pytest.param(
        "music/fact_streams - 1h.sql",
        "left join music.dim_location",
        "inner join music.dim_location",
        {"as_many_rows_as_plays", "no_play_is_lost"},
        id="guests-lost",
    ),
    pytest.param(
        "music/fact_streams - 1h.sql",
        "    and plays.played_at < users.valid_to\n",
        "",
        {"as_many_rows_as_plays"},
        id="every-level-joined",
    ),
    pytest.param(
        "music/dim_users.sql",
        "coalesce(versions.next_from, timestamp '9999-12-31')",
        "coalesce(versions.next_from, versions.valid_from)",
        {"starts_before_it_ends", "only_the_current_row_is_open", "only_guests_are_unknown"},
        id="current-row-ends-at-once",
    ),
    pytest.param(
        "music/dim_users.sql",
        "coalesce(versions.next_from, timestamp '9999-12-31')",
        "timestamp '9999-12-31'",
        {"rows_of_a_listener_do_not_overlap", "only_the_current_row_is_open", "as_many_rows_as_plays"},
        id="rows-overlap",
    ),
    pytest.param(
        "music/dim_users.sql",
        "versions.next_from is null as is_current",
        "true as is_current",
        {"one_row_is_current", "only_the_current_row_is_open"},
        id="all-rows-current",
    ),
    pytest.param(
        "music/fact_streams - 1h.sql",
        "    and plays.played_at >= users.valid_from\n    and plays.played_at < users.valid_to\n",
        "    and users.is_current\n",
        {"level_is_that_of_the_moment"},
        id="level-of-today",
    ),
    pytest.param(
        "music/top_artists - 24h.sql", "qualify place <= 10", "qualify place <= 11", {"ten_at_most"}, id="eleven"
    ),
    pytest.param(
        "music/plays_by_day.sql",
        "where day is not null",
        "where day > current_date",
        {"every_play_has_its_day", "someone_listens"},
        id="days-lost",
    ),
    pytest.param("first/countries.py", '"-"', '"_"', {"slug_fits_into_an_address"}, id="slug"),
    pytest.param(
        "music/listening_trend.py",
        '    days = days.asfreq("D", fill_value=0).sort_index()\n',
        "    days = days.sort_index()[::2]\n",
        {"no_play_is_lost_in_the_trend", "every_day_is_there"},
        id="days-left-out",
    ),
    pytest.param(
        "first/cities_raw.csv", "Paris,France", "Lyon,France", {"correct_capital_of_france"}, id="wrong-capital"
    ),
    pytest.param("first/cities_raw.csv", "Ottawa,Canada", "Ottawa,Chile", {"correct_capital_of_canada"}, id="no-rows"),
    pytest.param(
        "taxi/yellow_tripdata.sql", "concat_ws('|',", "concat(", {"no_trip_lost_or_doubled"}, id="zones-1-12-and-11-2"
    ),
    pytest.param(
        "taxi/green_tripdata.sql",
        ",\n        coalesce(fare_amount::varchar, '')",
        "",
        {"no_trip_lost_or_doubled"},
        id="a-charge-and-the-same-taken-back",
    ),
    pytest.param(
        "taxi/yellow_tripdata.sql",
        "from taxi.yellow_files\n",
        "from taxi.yellow_files\nwhere date_trunc('month', tpep_pickup_datetime) = file_month\n",
        {"no_trip_lost_or_doubled"},
        id="trips-of-other-months-lost",
    ),
    pytest.param(
        "taxi/yellow_tripdata.sql",
        "    file_month -- the",
        "    date_trunc('month', tpep_pickup_datetime)::date as file_month -- the",
        {"month_is_that_of_the_file"},
        id="the-month-of-the-trip",
    ),
    pytest.param(
        "taxi/monthly_trips.sql",
        "group by file_month\n\nunion all",
        "where file_month < '2019-12-01' group by file_month\n\nunion all",
        {"both_colours"},
        id="a-month-of-one-colour",
    ),
    pytest.param(
        "first/shops.sql", "left join", "inner join", {"no_shop_lost_or_doubled"}, id="shop-in-an-unknown-city"
    ),
]


@pytest.mark.parametrize(("name", "old", "new", "caught_by"), MISTAKES)
def test_checks_catch_the_mistake(copy: Path, name: str, old: str, new: str, caught_by: set[str]) -> None:
    path = copy / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with build(copy) as connection:
        assert caught_by <= find_failing_checks(connection, copy) - WARNINGS


# The tables that each table reads, and how old it may become at most; with a schedule, and of a view, nobody says.
GRAPH: dict[str, tuple[set[str], timedelta | None]] = {
    "first.cities_raw": (set(), timedelta(hours=24)),
    "first.people_raw": (set(), timedelta(hours=1)),
    "first.shops_raw": (set(), timedelta(hours=1)),
    "first.cities": ({"first.cities_raw"}, timedelta(hours=24)),
    "first.shops": ({"first.shops_raw", "first.cities"}, timedelta(hours=1)),
    "first.people": ({"first.people_raw", "first.shops"}, timedelta(hours=1)),
    "first.continents": ({"first.cities_raw"}, timedelta(days=7)),
    "first.countries": ({"first.cities", "first.cities_raw"}, timedelta(hours=24)),
    "second.child": ({"first.cities"}, timedelta(minutes=24)),
    "second.parent": ({"second.child"}, timedelta(minutes=24)),
    "raw.auth_events": (set(), timedelta(hours=1)),
    "raw.listen_events": (set(), timedelta(hours=1)),
    "raw.page_view_events": (set(), timedelta(hours=1)),
    "raw.songs": (set(), timedelta(days=7)),
    "raw.state_codes": (set(), timedelta(hours=1)),
    "music.dim_artists": ({"raw.songs"}, timedelta(days=7)),
    "music.dim_songs": ({"raw.songs"}, timedelta(days=7)),
    "music.dim_location": ({"raw.listen_events", "raw.state_codes"}, timedelta(hours=1)),
    "music.dim_datetime": ({"raw.listen_events"}, timedelta(hours=24)),
    "music.dim_users": ({"raw.listen_events", "raw.page_view_events", "raw.auth_events"}, timedelta(hours=1)),
    "music.fact_streams": (
        {
            "raw.listen_events",
            "music.dim_artists",
            "music.dim_songs",
            "music.dim_location",
            "music.dim_datetime",
            "music.dim_users",
        },
        timedelta(hours=1),
    ),
    "music.wide_streams": (
        {
            "music.fact_streams",
            "music.dim_artists",
            "music.dim_songs",
            "music.dim_location",
            "music.dim_datetime",
            "music.dim_users",
        },
        None,
    ),
    "music.top_artists": ({"music.wide_streams"}, timedelta(hours=24)),
    "music.plays_by_day": ({"music.wide_streams"}, None),
    "music.listening_trend": ({"music.wide_streams"}, timedelta(hours=24)),
    "taxi.green_files": (set(), None),
    "taxi.yellow_files": (set(), None),
    "taxi.green_tripdata": ({"taxi.green_files"}, None),
    "taxi.yellow_tripdata": ({"taxi.yellow_files"}, None),
    "taxi.monthly_trips": ({"taxi.green_tripdata", "taxi.yellow_tripdata"}, None),
}


def test_sqlmat_finds_who_reads_whom_and_how_often() -> None:
    project = load_project(EXAMPLE)
    assert project.problems == ()
    found = {str(m.relation): ({str(read) for read in m.upstream}, m.effective_interval) for m in project}
    assert found == GRAPH | {
        "first.cities__deliver__disk": ({"first.cities"}, timedelta(hours=24)),
        "music.top_artists__deliver__archive": ({"music.top_artists"}, timedelta(days=7)),
        "shop.orders": (set[str](), None),
        "shop.visits": (set[str](), None),
    }
    assert [model.relation for model in project if model.sources] == []


def test_the_service_builds_every_kind_of_table() -> None:
    project = load_project(EXAMPLE)
    verdicts = Timetable.of(project).decide({}, datetime(2026, 3, 2, 12, tzinfo=UTC)).verdicts
    assert {model.kind for model in project} == {Kind.QUERY, Kind.DATA, Kind.LOAD, Kind.PROCESSED, Kind.DELIVERY}
    assert {verdict.reason for verdict in verdicts.values()} == {Reason.NEW, Reason.WAITING}


def test_one_table_is_built_on_the_mornings_of_working_days() -> None:
    calendars = {str(model.relation): model.settings.calendar for model in load_project(EXAMPLE)}
    calendar = calendars["music.plays_by_day"]
    found = [datetime(2026, 10, 29, tzinfo=UTC)]
    while len(found) < 5:
        found.append(calendar.next_tick(found[-1]) or found[-1])
    assert [f"{tick:%a %d %H}" for tick in found[1:]] == ["Thu 29 11", "Fri 30 11", "Sun 01 12", "Mon 02 12"]


def test_taxi_trips_come_with_the_first_of_the_month() -> None:
    models = {str(model.relation): model.settings for model in load_project(EXAMPLE)}
    crons = {name: settings.schedule for name, settings in models.items() if settings.schedule is not None}
    assert crons == {
        "music.plays_by_day": "0 7 * * *",
        "taxi.green_tripdata": "0 9 1 * *",
        "taxi.yellow_tripdata": "0 10 1 * *",
        "taxi.monthly_trips": "0 11 1 * *",
    }
    assert {models[name].timezone for name in crons if name.startswith("taxi")} == {"UTC"}
    assert models["taxi.yellow_tripdata"].tags == (("taxi", "yellow"),)


def test_every_column_of_every_query_is_described() -> None:
    project = load_project(EXAMPLE)
    queries = [model for model in project if model.sql]
    assert {str(model.relation) for model in queries} == {*TABLES, *PROCESSED}
    assert [str(model.relation) for model in queries if not model.description or not model.columns] == []
    assert [f"{m.relation}.{c.name}" for m in queries for c in m.columns if not c.description] == []


@pytest.mark.parametrize(
    ("table", "users"),
    [
        ("first.cities", {"john", "metabase"}),
        ("first.shops", {"jane", "metabase"}),
        ("second.parent", set()),
        ("raw.songs", set()),
        ("music.wide_streams", {"metabase"}),
    ],
)
def test_grants_are_inherited(table: str, users: set[str]) -> None:
    settings = load_project(EXAMPLE).models[Relation.of(table)].settings
    assert set(settings.grant_select) == users


def run_sqlmat(copy: Path) -> subprocess.CompletedProcess[str]:
    sqlmat = Path(sys.executable).parent / "sqlmat"
    url = f"duckdb:///{copy.parent}/built.duckdb"
    command = [str(sqlmat), "build", str(copy), "--warehouse", url, "--no-record"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def fetch_all(connection: duckdb.DuckDBPyConnection, table: str) -> list[tuple[object, ...]]:
    return connection.execute(f"select t::text from {table} as t order by all").fetchall()


def test_sqlmat_builds_what_plain_duckdb_builds(built: duckdb.DuckDBPyConnection, copy: Path) -> None:
    done = run_sqlmat(copy)
    assert done.returncode == 0, done.stdout + done.stderr
    with duckdb.connect(copy.parent / "built.duckdb", read_only=True) as connection:
        different = [table for table in GRAPH if fetch_all(connection, table) != fetch_all(built, table)]
        top = fetch_all(connection, "music.top_artists")
    assert different == []
    exports = copy.parent / "exports"
    assert (exports / "cities.csv").read_text().splitlines()[:2] == ["city,country", "Accra,Ghana"]
    latest = json.loads((exports / "top_artists" / "latest.json").read_text())
    (delivered,) = latest["files"]
    assert (latest["rows"], fetch_all(built, f"read_parquet('{exports}/top_artists/{delivered['name']}')")) == (20, top)


def test_a_mistake_leaves_the_published_tables_as_they_are(built: duckdb.DuckDBPyConnection, copy: Path) -> None:
    assert run_sqlmat(copy).returncode == 0
    path = copy / "music" / "dim_datetime - 24h.sql"
    path.write_text(path.read_text().replace("in (6, 7)", "in (5, 6)"))
    done = run_sqlmat(copy)
    assert done.returncode == 1
    assert "weekend_is_saturday_and_sunday" in done.stdout
    with duckdb.connect(copy.parent / "built.duckdb", read_only=True) as connection:
        for table in ("music.dim_datetime", "music.wide_streams"):
            assert fetch_all(connection, table) == fetch_all(built, table)
