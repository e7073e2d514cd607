import pytest

from sqlmat_assets.project.spelling import Speller
from sqlmat_assets.relation import Relation

KNOWN = Speller(map(Relation.of, ["first.cities", "first.people_2023", "first.abc", "s1.events", "raw.orders"]))


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
    ],
)
def test_one_slip(asked: str, near: str) -> None:
    assert KNOWN.nearest(Relation.of(asked)) == Relation.of(near)


@pytest.mark.parametrize(
    "asked", ["first.cities", "first.cities_raw", "first.people_2024", "first.abd", "s2.events", "fisrt.citeis", "x.y"]
)
def test_no_slip(asked: str) -> None:
    assert KNOWN.nearest(Relation.of(asked)) is None
