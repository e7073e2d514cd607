"""The real command, and a small project to run it on."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

SQLMAT = Path(sys.executable).with_name("sqlmat")

FILES = {
    "first/raw_cities.csv": "city,country,population\nBerlin,DE,3677000\nOslo,NO,717000\n",
    "first/cities - 24h.sql": "SELECT\n    city, -- its name\n    country,\n    population\nFROM first.raw_cities;\n",
    "first/cities_test.sql": "SELECT population > 0 AS population_is_positive FROM first.cities;\n",
    "first/countries.sql": "SELECT country, count(*) AS cities FROM first.cities GROUP BY country;\n",
    "second/report - 1h.sql": "SELECT max(cities) AS most FROM first.countries;\n",
    "second/report_test.sql": (
        "SELECT most < 100 AS most_is_small FROM second.report;\n-- warn\nSELECT most = 1 AS most_is_one "
        "FROM second.report;\n"
    ),
}

Run = Callable[..., "subprocess.CompletedProcess[str]"]
