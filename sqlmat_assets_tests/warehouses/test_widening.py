"""The types that hold all values of two others, as DuckDB has them."""

from __future__ import annotations

from itertools import product

import duckdb
import pytest

from sqlmat_assets.warehouses.widening import wider

WHOLE = {
    "TINYINT": (-(2**7), 2**7 - 1),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INTEGER": (-(2**31), 2**31 - 1),
    "BIGINT": (-(2**63), 2**63 - 1),
    "HUGEINT": (-(2**127), 2**127 - 1),
    "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "UINTEGER": (0, 2**32 - 1),
    "UBIGINT": (0, 2**64 - 1),
    "UHUGEINT": (0, 2**128 - 1),
}
VALUES: dict[str, tuple[object, ...]] = {
    **WHOLE,
    "DECIMAL(4,2)": ("99.99", "-99.99"),
    "DECIMAL(18,0)": ("9" * 18,),
    "DECIMAL(18,9)": ("9" * 9 + "." + "9" * 9,),
    "DECIMAL(38,0)": ("9" * 38,),
    "DECIMAL(38,38)": ("0." + "9" * 38,),
    "FLOAT": ("1.17549435e-38", "3.4028235e38", "NaN", "-0.0"),
    "DOUBLE": ("2.2250738585072014e-308", "1.7976931348623157e308", "0.1"),
}
OTHERS = (
    "VARCHAR",
    "BOOLEAN",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP WITH TIME ZONE",
    "BLOB",
    "INTEGER[]",
    "STRUCT(a INTEGER)",
)


@pytest.mark.parametrize(("one", "other"), list(product(VALUES, VALUES)))
def test_nothing_is_lost_in_it(one: str, other: str) -> None:
    both = wider(one, other, "duckdb")
    swapped = wider(other, one, "duckdb")
    assert (both is None) == (swapped is None)
    if both is None:
        return
    with duckdb.connect() as connection:
        for type_ in (one, other):
            for value in VALUES[type_]:
                first = f"CAST('{value}' AS {type_})"
                query = f"SELECT CAST(CAST({first} AS {both}) AS {type_})::VARCHAR = {first}::VARCHAR"
                assert connection.execute(query).fetchall() == [(True,)], (type_, value, both)


@pytest.mark.parametrize(("one", "other"), list(product(WHOLE, WHOLE)))
def test_whole_numbers_have_one_wherever_there_is_one(one: str, other: str) -> None:
    least = min(WHOLE[one][0], WHOLE[other][0])
    greatest = max(WHOLE[one][1], WHOLE[other][1])
    exists = any(low <= least and greatest <= high for low, high in WHOLE.values())
    assert (wider(one, other, "duckdb") is not None) == exists


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("INTEGER", "DECIMAL(18,2)", "DECIMAL(18,2)"),
        ("BIGINT", "DECIMAL(18,2)", "DECIMAL(21, 2)"),
        ("HUGEINT", "DECIMAL(18,2)", None),
        ("INTEGER", "DOUBLE", "DOUBLE"),
        ("BIGINT", "DOUBLE", None),
        ("SMALLINT", "FLOAT", "FLOAT"),
        ("INTEGER", "FLOAT", None),
        ("DECIMAL(9,2)", "DOUBLE", None),
        ("DECIMAL(30,2)", "DECIMAL(30,20)", None),
    ],
)
def test_which_one_it_is(one: str, other: str, expected: str | None) -> None:
    assert wider(one, other, "duckdb") == expected


@pytest.mark.parametrize(("one", "other"), list(product(OTHERS, (*OTHERS, "INTEGER"))))
def test_other_types_are_held_by_themselves_only(one: str, other: str) -> None:
    assert wider(one, other, "duckdb") == (one if one == other else None)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("character varying(20)", "character varying(10)", "character varying(20)"),
        ("character varying(10)", "text", "text"),
        ("character varying", "character varying(10)", "character varying"),
        ("no such type (", "text", None),
    ],
)
def test_texts_with_lengths(one: str, other: str, expected: str | None) -> None:
    assert wider(one, other, "postgres") == wider(other, one, "postgres") == expected
