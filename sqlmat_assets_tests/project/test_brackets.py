import random

import duckdb
import pytest
from sqlglot.dialects.dialect import Dialect

from sqlmat_assets.project.brackets import redundant_brackets

OPERATORS = ("+", "-", "*", "/", "%", "=", "<", ">=", "<>", "and", "or", "^", "||", "is distinct from", "like", "<<")


def without_needless(text: str, dialect: str = "duckdb") -> str:
    tokens = Dialect.get_or_raise(dialect).tokenize(text)
    needless = redundant_brackets(tokens)
    gone = {tokens[place].start for place in needless}
    return " ".join("".join(" " if place in gone else letter for place, letter in enumerate(text)).split())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select ( a )", "select a"),
        ("select ( ( a ) ) , ( b + 1 ) c", "select a , b + 1 c"),
        ("select ( a * b ) + c", "select a * b + c"),
        ("select ( a + b ) * c", "select ( a + b ) * c"),
        ("select a - ( b - c )", "select a - ( b - c )"),
        ("select ( a = b ) = c", "select ( a = b ) = c"),
        ("select ( a - b ) - c", "select a - b - c"),
        ("select x where ( a = 1 ) and ( b or c )", "select x where a = 1 and ( b or c )"),
        ("select x where ( ( a or b ) ) and c", "select x where ( a or b ) and c"),
        ("select x where not ( a ) and not ( a = b )", "select x where not a and not ( a = b )"),
        ("select f ( ( a ) , ( b + 1 ) )", "select f ( a , b + 1 )"),
        ("select ( a , b ) , ( ) , f ( ( a , b ) )", "select ( a , b ) , ( ) , f ( ( a , b ) )"),
        ("select x from t order by ( 1 ) , ( a )", "select x from t order by ( 1 ) , ( a )"),
        ("select distinct on ( a ) b from ( t )", "select distinct on ( a ) b from ( t )"),
        ("select a in ( ( 1 ) ) , a in ( ( select 1 ) )", "select a in ( ( 1 ) ) , a in ( ( select 1 ) )"),
        ("select ( ( select 1 ) ) , exists ( ( select 1 ) )", "select ( select 1 ) , exists ( ( select 1 ) )"),
        ("( ( select 1 ) )", "select 1"),
        ("( select 1 ) union ( select 2 )", "( select 1 ) union ( select 2 )"),
        ("select - ( a + b ) , ( a ) . b , ( a ) [ 1 ]", "select - ( a + b ) , ( a ) . b , ( a ) [ 1 ]"),
        ("select a between ( 1 ) and ( 2 or 3 )", "select a between 1 and ( 2 or 3 )"),
        ("select ( a between 1 and 2 ) and b", "select a between 1 and 2 and b"),
        ("select ( a || b ) || c , ( a :: int )", "select ( a || b ) || c , a :: int"),
        ("select ( lambda x : x ) , f ( ( a := 1 ) )", "select ( lambda x : x ) , f ( ( a := 1 ) )"),
        ("select ( a", "select ( a"),
        ("select a )", "select a )"),
    ],
)
def test_needless_and_needed(text: str, expected: str) -> None:
    assert without_needless(text) == expected


def expression(choice: random.Random, depth: int) -> str:
    if depth == 0:
        return choice.choice(["2", "3", "a", "b", "(a)", "-1", "true", "abs(a)", "null"])
    left, right = expression(choice, choice.randrange(depth)), expression(choice, choice.randrange(depth))
    kind = choice.randrange(8)
    if kind == 0:
        return f"not ({left})"
    if kind == 1:
        return f"({left}) is null"
    if kind == 2:
        return f"({left}) between ({right}) and ({left})"
    if kind == 3:
        return f"case when ({left}) then ({right}) else ({left}) end"
    left, right = (f"({part})" if choice.random() < 0.8 else part for part in (left, right))
    return f"{left} {choice.choice(OPERATORS)} {right}"


def value(connection: duckdb.DuckDBPyConnection, text: str) -> object:
    try:
        return connection.execute(text).fetchall()
    except duckdb.Error as error:
        return type(error)


def test_duckdb_gives_the_same_without_them() -> None:
    choice = random.Random(1)
    connection = duckdb.connect()
    compared = 0
    for _ in range(800):
        text = f"select ({expression(choice, 3)}) from (select 5 as a, 7 as b) where ({expression(choice, 2)}) or true"
        shorter = without_needless(text)
        before = value(connection, text)
        if isinstance(before, list) and len(shorter) < len(text):
            compared += 1
            assert value(connection, shorter) == before, (text, shorter)
    assert compared > 150
