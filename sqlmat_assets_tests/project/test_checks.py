from __future__ import annotations

import pytest

from sqlmat_assets.project.checks import parse_checks, slug


def names(text: str, dialect: str = "duckdb") -> list[list[str]]:
    parsed = parse_checks(text, dialect, "t_test.sql")
    assert parsed.problems == ()
    return [[spec.name for spec in query.specs] for query in parsed.queries]


def problems(text: str, dialect: str = "duckdb") -> list[str]:
    return [str(problem) for problem in parse_checks(text, dialect, "t_test.sql").problems]


def test_each_column_is_a_check() -> None:
    text = (
        'select\n  a > 0 as positive, -- why\n  b is not null as "b is there"\nfrom s.t;\n'
        "select true as last_one from s.u;\n"
    )
    parsed = parse_checks(text, "duckdb", "s/t_test.sql")
    assert parsed.problems == ()
    first, second = parsed.queries
    assert first.sql == text[: text.index(";")]
    assert second.sql == "select true as last_one from s.u"
    assert [(spec.name, spec.title, spec.path, spec.line) for spec in (*first.specs, *second.specs)] == [
        ("positive", "positive", "s/t_test.sql", 2),
        ("b_is_there", "b is there", "s/t_test.sql", 3),
        ("last_one", "last_one", "s/t_test.sql", 5),
    ]
    assert [[str(read) for read in query.reads] for query in parsed.queries] == [["s.t"], ["s.u"]]
    assert [(read.line, read.column) for query in parsed.queries for read in query.reads] == [(4, 6), (5, 30)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("-- nothing yet\n", []),
        (";;\n;", []),
        ("select true as a;;; select true as b;", [["a"], ["b"]]),
        ("select ';' = ';' as a; -- the end; really\n/* ; */", [["a"]]),
        ("select true as a\n-- no semicolon", [["a"]]),
        ("with t as (select 1 as x) select x > 0 as a from t", [["a"]]),
        ("select true as a union all select false", [["a"]]),
        ("(select true as a)", [["a"]]),
        ("from s.t select x > 0 as a, y", [["a", "y"]]),
        ("select t.ok from s.t", [["ok"]]),
        ("\ufeffselect true as a", [["a"]]),
    ],
)
def test_statements_are_told_apart(text: str, expected: list[list[str]]) -> None:
    assert names(text) == expected


@pytest.mark.parametrize(
    ("text", "blocking"),
    [
        ("-- warn\nselect true as a; select true as b", [False, True]),
        ("select true as a; -- warn\nselect true as b", [True, False]),
        ("select true as a;\n\n-- WARN\n-- it may be late\nselect true as b", [True, False]),
        ("/* warn */ select true as a", [False]),
        ("-- Warn: it may be late\nselect true as a", [False]),
        ("-- WARN : late\nselect true as a", [False]),
        ("-- an aside: warn\nselect true as a", [True]),
        ("-- warnings are not wanted here\n-- warn\nselect true as a", [False]),
        ("-- warn;\n-- warn\nselect true as a", [False]),
        ("select true as a -- warn", [True]),
        ("select true as a -- warn\n; select true as b", [True, True]),
        ("select -- warn\n true as a", [True]),
        ("-- warn\n;select true as a", [True]),
        ("-- on: result\nselect true as a", [True]),
    ],
)
def test_a_warning_stands_above_its_statement(text: str, blocking: list[bool]) -> None:
    parsed = parse_checks(text, "duckdb", "t_test.sql")
    assert parsed.problems == ()
    assert [spec.is_blocking for query in parsed.queries for spec in query.specs] == blocking


@pytest.mark.parametrize("line", ["warning", "Warning: late", "warn if it is late", "WARNING", "wran", "warm:"])
def test_what_is_nearly_a_warning_blocks_and_says_so(line: str) -> None:
    parsed = parse_checks(f"select true as a;\n  -- {line}\nselect true as b", "duckdb", "t_test.sql")
    assert [str(problem) for problem in parsed.problems] == [
        f"t_test.sql:2:6: warning: `{line}` does not make this check a warning: it blocks\n"
        "  hint: write `-- warn`, or `-- warn: why`, if that is what you mean, else ignore this"
    ]
    assert all(query.is_blocking for query in parsed.queries for query in query.specs)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- on: result\nselect true as a; select true as b", [(True, True), (False, True)]),
        ("select true as a;\n-- ON:result\n-- warn\nselect true as b", [(False, True), (True, False)]),
        ("-- warn: late\n/* on = result */ select true as a", [(True, False)]),
        ("-- on results of last year\nselect true as a", [(False, True)]),
        ("select true as a -- on: result", [(False, True)]),
    ],
)
def test_a_check_may_look_at_the_whole_table(text: str, expected: list[tuple[bool, bool]]) -> None:
    parsed = parse_checks(text, "duckdb", "t_test.sql")
    assert parsed.problems == ()
    assert [(query.on_result, query.specs[0].is_blocking) for query in parsed.queries] == expected


@pytest.mark.parametrize("line", ["on result", "on: results", "on_result", "on: the whole table", "ON : all"])
def test_what_is_nearly_on_result_says_so(line: str) -> None:
    parsed = parse_checks(f"-- {line}\nselect true as a", "duckdb", "t_test.sql")
    assert [str(problem) for problem in parsed.problems] == [
        f"t_test.sql:1:4: warning: `{line}` does not make this check look at the whole table\n"
        "  hint: write `-- on: result` if that is what you mean, else ignore this"
    ]


def test_what_a_check_looks_at_is_a_part_of_its_code() -> None:
    codes = {parse_checks(f"-- {line}\nselect true as a", "duckdb", "t").code for line in ("", "on: result", "warn")}
    assert len(codes) == 3


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("correct_capital", "correct_capital"),
        ("is it Paris?", "is_it_Paris"),
        ("größer 0", "gr_er_0"),
        ("a--b..c", "a_b_c"),
        ("日本", ""),
    ],
)
def test_slugs(title: str, name: str) -> None:
    assert slug(title) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "select true as ok,\n  count(*) > 0 from s.t",
            "t_test.sql:2:3: the check `count(*) > 0` has no name\n  hint: name it: `count(*) > 0 AS what_must_hold`",
        ),
        (
            "select * from s.t",
            "t_test.sql:1:8: `*` does not say which columns are checks\n"
            "  hint: write each check with a name of its own",
        ),
        (
            "select t.* from s.t",
            "t_test.sql:1:8: `*` does not say which columns are checks\n"
            "  hint: write each check with a name of its own",
        ),
        (
            'select true as "日本"',
            "t_test.sql:1:8: the check `日本` has no letter or digit in its name\n"
            "  hint: use letters, digits and `_` of the Latin alphabet",
        ),
        (
            'select true as "is ok";\nselect true as "is-ok"',
            "t_test.sql:2:8: the checks `is-ok` and `is ok` (line 1) collide: both become `is_ok`\n"
            "  hint: rename `is-ok`",
        ),
        (
            "select true as a, false as a",
            "t_test.sql:1:19: the checks `a` and `a` (line 1) collide: both are called `a`\n  hint: rename `a`",
        ),
        (
            "select true as a;\ninsert into s.t select 1",
            "t_test.sql:2:1: `INSERT` is no SELECT\n  hint: write a SELECT instead",
        ),
    ],
)
def test_what_is_no_check(text: str, expected: str) -> None:
    assert problems(text) == [expected]


def test_the_checks_beside_a_bad_one_are_kept() -> None:
    parsed = parse_checks("select true as a, 1; select b c d; select true as e", "duckdb", "t_test.sql")
    assert [[spec.name for spec in query.specs] for query in parsed.queries] == [["a"], ["e"]]
    assert [(problem.line, problem.column) for problem in parsed.problems] == [(1, 19), (1, 33)]


def test_text_without_end_is_one_problem() -> None:
    assert problems("select true as a;\nselect 'b as c") == [
        "t_test.sql:2:8: a string begins here and has no end\n  hint: close it"
    ]


class TestOneScan:
    """Which checks one scan of their table can answer, and what it would compute."""

    def values(self, sql: str, dialect: str = "duckdb") -> list[tuple[str, bool]]:
        (query,) = parse_checks(sql, dialect, "first/cities_test.sql").queries
        return [(value.sql, value.is_aggregate) for value in query.values]

    @pytest.mark.parametrize(
        ("sql", "expected"),
        [
            ("SELECT id > 0 AS a FROM first.cities", [("id > 0", False)]),
            ("SELECT id > 0 a, name = ',' AS b\nFROM first.cities", [("id > 0", False), ("name = ','", False)]),
            ("SELECT count(*) > 0 AS a FROM first.cities", [("count(*) > 0", True)]),
            ("SELECT id > 0 AND -- both\n id < 9 AS a FROM s.t", [("id > 0 AND -- both\n id < 9", False)]),
            ("SELECT sum(id) FILTER (WHERE id > 1) > 0 AS a FROM s.t", [("sum(id) FILTER (WHERE id > 1) > 0", True)]),
            ('SELECT flag, "is it" FROM s.t', [("flag", False), ('"is it"', False)]),
            ("SELECT true AS a FROM s.t", [("true", False)]),
            ("FROM s.t SELECT id > 0 AS a", [("id > 0", False)]),
        ],
    )
    def test_of_its_table_alone(self, sql: str, expected: list[tuple[str, bool]]) -> None:
        assert self.values(sql) == expected

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT true AS a",
            "SELECT id > 0 AS a FROM s.t WHERE id > 1",
            "SELECT count(*) > 0 AS a FROM s.t GROUP BY id",
            "SELECT DISTINCT id > 0 AS a FROM s.t",
            "SELECT id > 0 AS a FROM s.t LIMIT 3",
            "SELECT id > 0 AS a FROM s.t JOIN s.u USING (id)",
            "SELECT id > 0 AS a FROM s.t, s.u",
            "SELECT x.id > 0 AS a FROM s.t AS x",
            "SELECT id > 0 AS a FROM s.t AS x",
            "SELECT t.id > 0 AS a FROM s.t",
            "SELECT id > 0 AS a FROM s.t TABLESAMPLE 10%",
            "SELECT id > 0 AS a, a AND name > '' AS b FROM s.t",
            "SELECT id > 0 AS id FROM s.t",
            "SELECT id > (SELECT 1) AS a FROM s.t",
            "SELECT id IN (SELECT id FROM s.u) AS a FROM s.t",
            "SELECT EXISTS (FROM s.u) AS a FROM s.t",
            "SELECT row_number() OVER () > 0 AS a FROM s.t",
            "SELECT my_macro(id) AS a FROM s.t",
            "SELECT unnest([true, false]) AS a FROM s.t",
            "SELECT random() < 1 AS a FROM s.t",
            "SELECT id > 0 AS a FROM s.t UNION ALL SELECT true",
            "WITH q AS (SELECT 1) SELECT id > 0 AS a FROM s.t",
            "SELECT a: id > 0 FROM s.t",
        ],
    )
    def test_of_more_than_that(self, sql: str) -> None:
        assert self.values(sql) == []

    def test_a_wildcard_is_more_than_one_table(self) -> None:
        assert self.values("SELECT count(*) > 0 AS a FROM `d.t_*`", "bigquery") == []
        assert self.values("SELECT count(*) > 0 AS a FROM `d.t`", "bigquery") == [("count(*) > 0", True)]
