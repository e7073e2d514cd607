"""Projects whose files every engine takes as they are."""

from __future__ import annotations

from pathlib import Path

from sqlmat_assets_tests.engines.engine import Engine
from sqlmat_assets_tests.folders import write_files

GEOGRAPHY = {
    "first/cities_raw.csv": "city,country\nParis,France\nRome,Italy\nOslo,Norway\n",
    "first/shops_raw.ndjson": (
        '{"shop_id":1,"city":"Rome"}\n{"shop_id":2,"city":"Atlantis"}\n{"shop_id":3,"city":"Rome"}\n'
    ),
    "first/cities.conf": "unique = country\nnot_null = city, country\nkeep_versions = 3\n",
    "first/cities - 24h.sql": (
        "-- The capital of every country.\nselect\n    city,    -- its name in English\n"
        "    country  -- the country's short name in English\nfrom first.cities_raw\n"
    ),
    "first/cities_test.sql": (
        "select (city = 'Paris') as correct_capital_of_france\nfrom first.cities\nwhere country = 'France';\n"
    ),
    "first/shops.sql": (
        "select s.shop_id, s.city, c.country\nfrom first.shops_raw as s\n"
        "left join first.cities as c on c.city = s.city\n"
    ),
    "first/shops_test.sql": "-- warn\nselect country is not null as country_is_known from first.shops;\n",
    "first/shops_unit/shops_raw.csv": "shop_id,city\n7,Rome\n8,Paris\n",
    "first/shops_unit/cities.csv": "city,country\nRome,Italy\n",
    "first/shops_unit/expected.csv": "shop_id,city,country\n7,Rome,Italy\n8,Paris,\n",
    "first/people — 1h.sql": "select country, count(*) as shops from first.shops group by country\n",
    "first/known.sql": "-- mode: view\nselect city from first.cities\n",
    "second.parent - 24m.sql": "select count(*) as countries from first.known\n",
}


def write_project(place: Path, engine: Engine, files: dict[str, str]) -> Path:
    """Write a project in the SQL of an engine below a folder, and give its folder of SQL back."""
    # On BigQuery nobody is asked to pay for it unless he says so.
    settings = f"dialect = {engine.dialect}\nskip_unchanged = true\n"
    return write_files(place / "sql", {"global.conf": settings, **files})
