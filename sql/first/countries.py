"""Gives every capital a name for addresses on the web, which has letters without accents only."""

import csv
import re
import sys
import unicodedata
from pathlib import Path


def name_for_addresses(text: str) -> str:
    """`Brasília` becomes `brasilia`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


given, result = Path(sys.argv[1]), Path(sys.argv[2])
with given.open(newline="") as rows_in, result.open("w", newline="") as rows_out:
    rows = csv.DictReader(rows_in, delimiter=";", escapechar="\\")
    writer = csv.writer(rows_out, delimiter=";", escapechar="\\")
    writer.writerow(["country", "capital", "slug", "population"])
    for row in rows:
        writer.writerow([row["country"], row["capital"], name_for_addresses(row["capital"]), row["population"]])
