#!/usr/bin/env python3
"""Write the taxi trips of the example project: `python scripts/make_taxi_data.py [FOLDER]`, `data/taxi/` by default.

One file for each month of 2019 and each colour of cab, with the columns that New York's Taxi and Limousine Commission
publishes. The trips are invented, and the same every time. Each file has what makes the real ones difficult:

- trips that stand in it twice;
- trips that began in another month, or, by a wrong clock, in 2008;
- empty values where a trip came from a dispatcher without a meter;
- a charge that was taken back: the same trip with negative amounts;
- two trips that differ only in where they began and ended, from zone 1 to 12 and from 11 to 2, which are the same once
  these numbers are written one after the other.

The last trip of October stands in the file of November too, with another tip.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

YEAR = 2019
MONTHS = range(1, 13)
TRIPS = 40
# The last trip of this month stands in the file of the next one too.
SENT_AGAIN = 10

HEADERS = {
    "yellow": (
        "VendorID tpep_pickup_datetime tpep_dropoff_datetime passenger_count trip_distance RatecodeID "
        "store_and_fwd_flag PULocationID DOLocationID payment_type fare_amount extra mta_tax tip_amount "
        "tolls_amount improvement_surcharge total_amount congestion_surcharge"
    ),
    "green": (
        "VendorID lpep_pickup_datetime lpep_dropoff_datetime store_and_fwd_flag RatecodeID PULocationID "
        "DOLocationID passenger_count trip_distance fare_amount extra mta_tax tip_amount tolls_amount "
        "ehail_fee improvement_surcharge total_amount payment_type trip_type congestion_surcharge"
    ),
}
COLOURS = {colour: header.split() for colour, header in HEADERS.items()}
# A wrong clock.
LONG_AGO = datetime(2008, 12, 31, 23, 4, 11, tzinfo=UTC)
AMOUNTS = ("fare", "extra", "mta_tax", "tip", "tolls", "improvement_surcharge", "congestion_surcharge")

Trip = dict[str, object]


def make_trip(rng: random.Random, pickup: datetime) -> Trip:
    """One trip; amounts are in cents."""
    miles = rng.randrange(4, 180) / 10
    pays_by_card = rng.random() < 0.7
    fare = 250 + 50 * round(miles * 5)
    return {
        "VendorID": rng.choice([1, 2]),
        "pickup": pickup,
        "dropoff": pickup + timedelta(seconds=120 + round(miles * 200) + rng.randrange(300)),
        "passenger_count": rng.choice([1, 1, 1, 2, 3, 5]),
        "trip_distance": miles,
        "RatecodeID": 1,
        "store_and_fwd_flag": "Y" if rng.random() < 0.03 else "N",
        "PULocationID": rng.randrange(13, 264),
        "DOLocationID": rng.randrange(13, 264),
        "payment_type": 1 if pays_by_card else 2,
        "fare": fare,
        "extra": rng.choice([0, 50, 100]),
        "mta_tax": 50,
        "tip": fare // 5 if pays_by_card else 0,
        "tolls": 612 if rng.random() < 0.05 else 0,
        "improvement_surcharge": 30,
        "congestion_surcharge": rng.choice([0, 250]),
        "trip_type": 1,
        "ehail_fee": None,
    }


def make_month(rng: random.Random, start: datetime) -> list[Trip]:
    """The trips of one file, in no order."""
    end = (start + timedelta(days=32)).replace(day=1)
    seconds = int((end - start).total_seconds()) - 7200
    trips = [make_trip(rng, start + timedelta(seconds=rng.randrange(seconds))) for _ in range(TRIPS)]
    early = make_trip(rng, start - timedelta(minutes=rng.randrange(1, 90)))
    clockless = make_trip(rng, LONG_AGO - timedelta(days=start.month))
    unmetered = [
        {**make_trip(rng, start + timedelta(seconds=rng.randrange(seconds))), **dict.fromkeys(empty)}
        for empty in (
            ("VendorID", "passenger_count", "RatecodeID", "store_and_fwd_flag", "payment_type", "trip_type"),
            ("passenger_count", "congestion_surcharge"),
        )
    ]
    one = {**make_trip(rng, start + timedelta(seconds=rng.randrange(seconds))), "PULocationID": 1, "DOLocationID": 12}
    other = {**one, "PULocationID": 11, "DOLocationID": 2}
    taken_back = {**trips[0], **{name: -int(str(trips[0][name] or 0)) for name in AMOUNTS}, "payment_type": 4}
    found = [*trips, early, clockless, *unmetered, one, other, taken_back, trips[1], unmetered[0], trips[2], trips[2]]
    rng.shuffle(found)
    return found


def written(colour: str, trip: Trip) -> Trip:
    """A trip with the names, and in the form, of a published file."""
    prefix = {"yellow": "tpep", "green": "lpep"}[colour]
    total = sum(int(str(trip[name] or 0)) for name in AMOUNTS)
    money = {name: None if trip[name] is None else f"{int(str(trip[name])) / 100:.2f}" for name in AMOUNTS}
    return {
        **trip,
        **money,
        f"{prefix}_pickup_datetime": f"{trip['pickup']:%Y-%m-%d %H:%M:%S}",
        f"{prefix}_dropoff_datetime": f"{trip['dropoff']:%Y-%m-%d %H:%M:%S}",
        "fare_amount": money["fare"],
        "tip_amount": money["tip"],
        "tolls_amount": money["tolls"],
        "total_amount": f"{total / 100:.2f}",
    }


def format_csv(colour: str, trips: Sequence[Trip]) -> str:
    """CSV with a header and Unix line ends; None becomes an empty cell."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLOURS[colour])
    for trip in trips:
        row = written(colour, trip)
        writer.writerow([row[name] for name in COLOURS[colour]])
    return out.getvalue()


def make_files() -> dict[str, str]:
    """Each file's text, uncompressed, by its name."""
    files: dict[str, str] = {}
    for colour in COLOURS:
        rng = random.Random(f"{colour} {YEAR}")
        again: dict[int, list[Trip]] = {}
        for month in MONTHS:
            trips = make_month(rng, datetime(YEAR, month, 1, tzinfo=UTC))
            files[f"{colour}_tripdata_{YEAR}-{month:02}.csv.gz"] = format_csv(colour, [*again.get(month, []), *trips])
            if month == SENT_AGAIN:
                last = max(trips, key=lambda trip: str(trip["pickup"]))
                again[month + 1] = [{**last, "tip": int(str(last["tip"])) + 100}]
    return files


def main() -> None:
    """Write the files into the folder that is named, `data/taxi/` beside this script's folder by default."""
    default = Path(__file__).resolve().parent.parent / "data" / "taxi"
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    root.mkdir(parents=True, exist_ok=True)
    size = 0
    for name, text in make_files().items():
        content = gzip.compress(text.encode(), mtime=0)
        (root / name).write_bytes(content)
        size += len(content)
    print(f"{root}: {size:,} bytes")


if __name__ == "__main__":
    main()
