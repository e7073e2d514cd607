#!/usr/bin/env python3
"""Write the data files of the example project: `python scripts/make_example_data.py [FOLDER]`, `sql/` by default.

The same files come out every time, byte for byte, on every supported Python. People, songs and events are invented;
capitals and states are real.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

SEED = 2015
FIRST_DAY = datetime(2026, 2, 27, tzinfo=UTC)
DAYS = 14

# city, country, continent, people in the city proper (millions, rounded), latitude, longitude
CAPITALS = """
Accra|Ghana|Africa|2.6|5.6|-0.19
Addis Ababa|Ethiopia|Africa|3.9|9.03|38.74
Amsterdam|Netherlands|Europe|0.9|52.37|4.9
Ankara|Turkey|Asia|5.8|39.93|32.86
Athens|Greece|Europe|0.6|37.98|23.73
Bangkok|Thailand|Asia|8.3|13.75|100.5
Berlin|Germany|Europe|3.7|52.52|13.4
Bern|Switzerland|Europe|0.1|46.95|7.45
Bogotá|Colombia|South America|7.9|4.71|-74.07
Brasília|Brazil|South America|2.8|-15.79|-47.88
Buenos Aires|Argentina|South America|3.1|-34.6|-58.38
Cairo|Egypt|Africa|10.1|30.04|31.24
Canberra|Australia|Oceania|0.5|-35.28|149.13
Copenhagen|Denmark|Europe|0.7|55.68|12.57
Dublin|Ireland|Europe|0.6|53.35|-6.26
Hanoi|Vietnam|Asia|8.1|21.03|105.85
Helsinki|Finland|Europe|0.7|60.17|24.94
Lima|Peru|South America|10.0|-12.05|-77.04
Lisbon|Portugal|Europe|0.5|38.72|-9.14
London|United Kingdom|Europe|8.9|51.51|-0.13
Madrid|Spain|Europe|3.3|40.42|-3.7
Mexico City|Mexico|North America|9.2|19.43|-99.13
Minsk|Belarus|Europe|2.0|53.9|27.57
Nairobi|Kenya|Africa|4.4|-1.29|36.82
New Delhi|India|Asia|0.3|28.61|77.21
Oslo|Norway|Europe|0.7|59.91|10.75
Ottawa|Canada|North America|1.0|45.42|-75.7
Paris|France|Europe|2.1|48.86|2.35
Prague|Czechia|Europe|1.4|50.08|14.44
Rabat|Morocco|Africa|0.6|34.02|-6.84
Rome|Italy|Europe|2.7|41.9|12.5
Seoul|South Korea|Asia|9.4|37.57|126.98
Stockholm|Sweden|Europe|1.0|59.33|18.07
Tokyo|Japan|Asia|14.0|35.68|139.69
Vienna|Austria|Europe|2.0|48.21|16.37
Warsaw|Poland|Europe|1.9|52.23|21.01
Washington|United States|North America|0.7|38.9|-77.04
Wellington|New Zealand|Oceania|0.2|-41.29|174.78
"""

STATES = """
AL Alabama|AK Alaska|AZ Arizona|AR Arkansas|CA California|CO Colorado|CT Connecticut|DE Delaware|
DC District of Columbia|FL Florida|GA Georgia|HI Hawaii|ID Idaho|IL Illinois|IN Indiana|IA Iowa|KS Kansas|
KY Kentucky|LA Louisiana|ME Maine|MD Maryland|MA Massachusetts|MI Michigan|MN Minnesota|MS Mississippi|MO Missouri|
MT Montana|NE Nebraska|NV Nevada|NH New Hampshire|NJ New Jersey|NM New Mexico|NY New York|NC North Carolina|
ND North Dakota|OH Ohio|OK Oklahoma|OR Oregon|PA Pennsylvania|RI Rhode Island|SC South Carolina|SD South Dakota|
TN Tennessee|TX Texas|UT Utah|VT Vermont|VA Virginia|WA Washington|WV West Virginia|WI Wisconsin|WY Wyoming
"""

# city, state, zip, latitude, longitude
HOMES = """
Washington|DC|20001|38.9|-77.02
Washington|DC|20016|38.94|-77.09
Boston|MA|02108|42.36|-71.06
Newark|NJ|07102|40.74|-74.17
New York|NY|10001|40.75|-73.99
New York|NY|11201|40.69|-73.99
Chicago|IL|60601|41.89|-87.62
Austin|TX|78701|30.27|-97.74
Portland|OR|97201|45.51|-122.69
Portland|ME|04101|43.66|-70.26
Denver|CO|80202|39.75|-105.0
Seattle|WA|98101|47.61|-122.33
Atlanta|GA|30303|33.75|-84.39
Honolulu|HI|96813|21.31|-157.86
"""

GIVEN = ["Ada", "Amara", "Bea", "Chidi", "Dana", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jun", "Kofi", "Lena", "Mio"]
FAMILY = ["Abe", "Berg", "Costa", "Diaz", "Endo", "Fox", "Gray", "Hahn", "Ito", "Jansen", "Kaur", "Lund", "Mwangi"]
ADJECTIVES = ["Amber", "Blue", "Distant", "Electric", "Fading", "Golden", "Hollow", "Midnight", "Paper", "Silver"]
NOUNS = ["Arcade", "Bridges", "Comets", "Harbour", "Lanterns", "Meadow", "Mirrors", "Orchard", "Rivers", "Satellites"]
SHOP_KINDS = ["bakery", "bookshop", "café", "florist", "record shop"]
PAGES = ["Home", "NextSong", "Settings", "Help", "About", "Add to Playlist", "Upgrade", "Downgrade"]

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who streams; `changes` are the moments at which the level flips between free and paid."""

    user_id: int
    first_name: str
    last_name: str
    gender: str
    registered: datetime
    home: tuple[str, str, str, float, float]
    starts_paid: bool
    changes: tuple[datetime, ...]

    def level(self, at: datetime) -> str:
        is_paid = self.starts_paid ^ (sum(change <= at for change in self.changes) % 2 == 1)
        return "paid" if is_paid else "free"


def parse_table(text: str) -> list[list[str]]:
    """Split the lines of a table above into their cells."""
    return [line.split("|") for line in text.strip().splitlines()]


def format_csv(rows: Sequence[Row]) -> str:
    """CSV with a header and Unix line ends; None becomes an empty cell."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def format_ndjson(rows: Sequence[Row]) -> str:
    """One JSON object a line."""
    return "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, as the streaming service writes its times."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def make_cities() -> list[Row]:
    """The capitals, wide, as some supplier would send them."""
    return [
        {
            "city_id": number,
            "city": city,
            "country": country,
            "continent": continent,
            "population": round(float(millions) * 1_000_000),
            "latitude": float(latitude),
            "longitude": float(longitude),
        }
        for number, (city, country, continent, millions, latitude, longitude) in enumerate(parse_table(CAPITALS), 1)
    ]


def make_shops(rng: random.Random) -> list[Row]:
    """Two dozen shops in some of the capitals; one stands in a city that nobody knows."""
    cities = [city for city, *_ in parse_table(CAPITALS)]
    shops: list[Row] = [
        {"shop_id": number, "kind": rng.choice(SHOP_KINDS), "city": rng.choice(cities)} for number in range(1, 24)
    ]
    return [*shops, {"shop_id": 24, "kind": "bakery", "city": "Atlantis"}]


def make_people(rng: random.Random) -> list[Row]:
    """Customers of the shops; two have not said where they buy."""
    return [
        {
            "person_id": number,
            "name": f"{rng.choice(GIVEN)} {rng.choice(FAMILY)}",
            "shop_id": None if number in {17, 41} else rng.randrange(1, 24),
        }
        for number in range(1, 61)
    ]


def make_states() -> str:
    """The states as the original list has them: with a byte order mark, and with a space after `DC`."""
    pairs = [entry.strip().split(" ", 1) for entry in STATES.replace("\n", "").split("|")]
    rows: list[Row] = [{"stateCode": "DC " if code == "DC" else code, "stateName": name} for code, name in pairs]
    return "\ufeff" + format_csv(rows)


def make_songs(rng: random.Random) -> list[Row]:
    """A catalogue in which songs came out twice and artists stand under two numbers."""
    artists = [f"{adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]
    artists = rng.sample(artists, 30)
    places = ["Lagos", "Lyon", "Osaka", "Porto", "Tulsa", "Turin", None]
    songs: list[Row] = []
    for artist_number, artist in enumerate(artists, 1):
        place = rng.choice(places)
        titles = rng.sample([f"{noun} in {adjective}" for adjective in ADJECTIVES for noun in NOUNS], 4)
        for title in titles:
            year = rng.randrange(1985, 2024)
            is_reissued = rng.random() < 0.15
            for issue in range(1 + is_reissued):
                songs.append(
                    {
                        "song_id": f"SO{len(songs) + 1:04}",
                        "title": title,
                        "artist_id": f"AR{artist_number + 100 * issue:04}",
                        "artist_name": artist,
                        "artist_location": None if issue else place,
                        "year": year + 2 * issue,
                        "duration": round(rng.uniform(120, 330), 3),
                        "tempo": round(rng.uniform(70, 170), 1),
                    }
                )
    return songs


def make_listeners(rng: random.Random) -> list[Listener]:
    """Forty listeners, a third of whom change their level once or twice."""
    homes = parse_table(HOMES)
    listeners: list[Listener] = []
    for user_id in range(1, 41):
        city, state, zip_code, latitude, longitude = rng.choice(homes)
        days = sorted(rng.sample(range(2, DAYS - 1), rng.choice([0, 0, 0, 0, 1, 2])))
        listeners.append(
            Listener(
                user_id=user_id,
                first_name=rng.choice(GIVEN),
                last_name=rng.choice(FAMILY),
                gender=rng.choice("FM"),
                registered=FIRST_DAY - timedelta(minutes=rng.randrange(1_000, 400_000)),
                home=(city, state, zip_code, float(latitude), float(longitude)),
                starts_paid=rng.random() < 0.4,
                changes=tuple(FIRST_DAY + timedelta(days=day) for day in days),
            )
        )
    return listeners


def describe(listener: Listener | None, at: datetime, session: int, item: int) -> Row:
    """The fields that all three kinds of event share; guests have neither a name nor a place."""
    row: Row = {"ts": to_milliseconds(at), "sessionId": session, "itemInSession": item}
    if listener is None:
        empty = ["userId", "firstName", "lastName", "gender", "registration", "city", "state", "zip", "lat", "lon"]
        return {**row, "level": "free", **dict.fromkeys(empty)}
    city, state, zip_code, latitude, longitude = listener.home
    return {
        **row,
        "level": listener.level(at),
        "userId": listener.user_id,
        "firstName": listener.first_name,
        "lastName": listener.last_name,
        "gender": listener.gender,
        "registration": to_milliseconds(listener.registered),
        "city": city,
        "state": state,
        "zip": zip_code,
        "lat": latitude,
        "lon": longitude,
    }


def pick_sessions(rng: random.Random, listeners: Sequence[Listener]) -> Iterator[tuple[Listener | None, datetime]]:
    """Who listens when: a listener about every third day, a guest now and then, most of all in the evening."""
    for day in range(DAYS):
        for listener in [*listeners, None]:
            if rng.random() < 0.35:
                hour = rng.choice([7, 8, 12, 17, 18, 19, 20, 20, 21, 21, 22, 23])
                yield listener, FIRST_DAY + timedelta(days=day, hours=hour, seconds=rng.randrange(3600))


def make_events(rng: random.Random, songs: Sequence[Row]) -> dict[str, list[Row]]:
    """The three streams in the order in which they arrived: the last dozen plays were late."""
    listens: list[Row] = []
    pages: list[Row] = []
    logins: list[Row] = []
    for session, (listener, start) in enumerate(pick_sessions(rng, make_listeners(rng)), 1):
        at = start
        if listener is not None:
            for success in (False, True) if rng.random() < 0.1 else (True,):
                logins.append({**describe(listener, at, session, 0), "success": success})
                at += timedelta(seconds=rng.randrange(5, 30))
        for item in range(1, rng.randrange(3, 14)):
            shared = describe(listener, at, session, item)
            page = rng.choice(PAGES) if rng.random() < 0.3 else "NextSong"
            status = 200 if rng.random() < 0.98 else 404
            visit = {key: shared[key] for key in ("ts", "sessionId", "itemInSession", "userId", "level")}
            pages.append({**visit, "page": page, "method": "PUT" if page == "NextSong" else "GET", "status": status})
            if page != "NextSong":
                at += timedelta(seconds=rng.randrange(10, 120))
                continue
            song = rng.choice(songs)
            is_unknown = rng.random() < 0.02
            listens.append(
                {
                    **shared,
                    "artist": "Neighbour's Garage Band" if is_unknown else song["artist_name"],
                    "song": "Demo 3" if is_unknown else song["title"],
                    "duration": song["duration"],
                }
            )
            at += timedelta(seconds=rng.randrange(60, 330), milliseconds=rng.randrange(1000))
    late = set(rng.sample(range(len(listens)), 12))
    on_time = [row for number, row in enumerate(listens) if number not in late]
    listens = [*on_time, *(listens[number] for number in sorted(late))]
    return {"listen_events": listens, "page_view_events": pages, "auth_events": logins}


def make_files() -> dict[str, str]:
    """Every data file's text by its path below the project folder."""
    rng = random.Random(SEED)
    songs = make_songs(rng)
    events = make_events(rng, songs)
    return {
        "first/cities_raw.csv": format_csv(make_cities()),
        "first/shops_raw.ndjson": format_ndjson(make_shops(rng)),
        "first/people_raw.csv": format_csv(make_people(rng)),
        "raw/state_codes.csv": make_states(),
        "raw/songs.csv": format_csv(songs),
        "raw/listen_events.ndjson": format_ndjson(events["listen_events"]),
        "raw/page_view_events.csv": format_csv(events["page_view_events"]),
        "raw/auth_events.ndjson": format_ndjson(events["auth_events"]),
    }


def main() -> None:
    """Write the files below the folder that is named, `sql/` beside this script's folder by default."""
    default = Path(__file__).resolve().parent.parent / "sql"
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    for name, text in make_files().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        print(f"{path}: {len(text.encode()):,} bytes")


if __name__ == "__main__":
    main()
