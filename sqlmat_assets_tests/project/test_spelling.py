import time

import pytest

from sqlmat_assets.project.spelling import Speller
from sqlmat_assets.relation import Relation

KNOWN = Speller(
    map(
        Relation.of,
        [
            *("first.cities", "first.people_2023", "first.abc", "s1.events", "raw.orders"),
            *("mart.cities_raw", "mart.sales_north", "mart.stg_orders", "mart.orders_eu", "staging_data.clicks"),
        ],
    )
)


@pytest.mark.parametrize(
    ("asked", "near"),
    [
        ("first.citeis", "first.cities"),
        ("first.citie", "first.cities"),
        ("first.citiess", "first.cities"),
        ("first.citties", "first.cities"),
        ("first.xities", "first.cities"),
        ("fisrt.cities", "first.cities"),
        ("firs.cities", "first.cities"),
        ("First.Citeis", "first.cities"),
        ("First.Cities", "first.cities"),
        ("first.ABC", "first.abc"),
        ("first.peopel_2023", "first.people_2023"),
        ("raw.order", "raw.orders"),
        ("first.citys", "first.cities"),
        ("first.city", "first.cities"),
        ("first.cityes", "first.cities"),
        ("mart.city_raw", "mart.cities_raw"),
        ("mart.citys_raw", "mart.cities_raw"),
        ("mart.citties_raw", "mart.cities_raw"),
        ("mart.citiesraw", "mart.cities_raw"),
        ("stayings_data.clicks", "staging_data.clicks"),
    ],
)
def test_one_slip(asked: str, near: str) -> None:
    assert KNOWN.nearest(Relation.of(asked)) == Relation.of(near)


@pytest.mark.parametrize(
    "asked",
    [
        *("first.cities", "first.cities_raw", "first.people_2024", "first.abd", "s2.events", "fisrt.citeis", "x.y"),
        *("mart.cities", "mart.cities_raw_old", "mart.sales_south", "mart.src_orders", "mart.orders_us", "raw.returns"),
        *("marts_data.clicks", "mart.cities_v2_raw", "mart.cities_row", "first.cities2"),
    ],
)
def test_no_slip(asked: str) -> None:
    assert KNOWN.nearest(Relation.of(asked)) is None


def test_a_name_alone_is_near_to_tables_of_any_schema() -> None:
    speller = Speller(map(Relation.of, ["b.cities", "a.cities", "a.people"]))
    assert speller.nearest_names("citys") == (Relation("a", "cities"), Relation("b", "cities"))
    assert speller.nearest_names("towns") == ()


def test_a_question_among_thousands_takes_no_time() -> None:
    speller = Speller(Relation(f"s{i % 10}", f"table_{i}_of_things") for i in range(10_000))
    speller.nearest(Relation("s1", "x"))
    start = time.process_time()
    for i in range(10_000):
        speller.nearest(Relation(f"s{i % 10}", f"source_{i}_of_things"))
    assert time.process_time() - start < 2
