"""Queries at random, of every clause that a range can meet; their rows do not depend on the order of anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

TABLES = {
    "a": {"ts": "TIMESTAMP", "d": "DATE", "k": "INTEGER", "v": "INTEGER"},
    "b": {"ts": "TIMESTAMP", "d": "DATE", "k": "INTEGER", "w": "INTEGER"},
}
# The second line are the moments next to midnight, the third is of a week that two months share.
_MOMENTS = (
    *("2018-12-31 23:59:59.999999", "2019-01-01 00:00:00", "2019-01-15 13:30:00", "2019-02-15 00:00:00"),
    *("2019-01-31 23:59:59.999999", "2019-02-01 00:00:00", "2019-02-01 00:00:00.000001", "2019-02-01 13:00:00"),
    *("2019-01-28 00:00:00", "2019-02-03 12:00:00", "2019-02-04 00:00:00", "2019-01-31 22:30:00"),
    *("2019-03-01 00:00:00", "2019-03-31 23:59:59.999999", "2019-04-01 00:00:00", "infinity"),
)
_UNITS = ("hour", "day", "week", "month", "quarter", "year")


def statements(random: Random) -> list[str]:
    """Make the tables, with NULLs, duplicates and moments at the bounds."""
    made: list[str] = []
    for name, columns in TABLES.items():
        made.append(f"CREATE OR REPLACE TABLE {name} ({', '.join(f'{c} {t}' for c, t in columns.items())})")
        rows = [_row(random) for _ in range(random.randint(2, 9))]
        rows += random.sample(rows, len(rows) // 3)
        if rows:
            made.append(f"INSERT INTO {name} VALUES {', '.join(rows)}")
    return made


def _row(random: Random) -> str:
    def moment() -> str:
        return "NULL" if random.random() < 0.1 else f"'{random.choice(_MOMENTS)}'"

    day = moment()
    day = day if day == "NULL" or "infinity" in day else f"{day[:11]}'"
    return f"({moment()}, {day}, {random.choice(['NULL', '0', '1', '1', '2'])}, {random.randint(0, 3)})"


@dataclass(slots=True)
class _Relation:
    """What can stand in a FROM: its text without an alias, and its columns by their type (t: time, i: number)."""

    text: str
    times: list[str]
    numbers: list[str]


@dataclass(slots=True)
class Writer:
    """Writes one query.

    Its columns are `p`, a moment or a date, and the numbers `k` and `n`.
    """

    random: Random
    ctes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    count: int = 0

    def query(self) -> str:
        if self._one_in(4):
            return self._rare()
        body = self._query(self.random.choice([1, 1, 2, 2, 3]))
        if not self.ctes:
            return body
        recursive = "RECURSIVE " if any(name.startswith("r") for name, _ in self.ctes) else ""
        hint = self.random.choice(["", "", "MATERIALIZED ", "NOT MATERIALIZED "])
        ctes = ",\n".join(f"{name} AS {'' if recursive else hint}({text})" for name, text in self.ctes)
        return f"WITH {recursive}{ctes}\n{body}"

    def _rare(self) -> str:
        """What comes together by chance too seldom."""
        time = self._time(["p"])
        cte = f"WITH c AS (SELECT {self._time(['ts', 'd'])} AS p, k, v AS n FROM a)\n"
        twice = cte + f"SELECT {self._time(['x.p'])} AS p, x.k AS k, y.n AS n FROM c AS x, c AS y WHERE "
        first = "SELECT ts AS p, min(k) AS k, 1 AS n FROM b GROUP BY 1"
        return self.random.choice(
            [
                f"{twice}x.k = y.k",
                f"{twice}x.p = y.p",
                f"{twice}x.k = 1 AND y.p >= TIMESTAMP '2019-02-01'",
                f"{cte}SELECT p, k, n FROM c UNION ALL SELECT {time} AS p, k, n FROM c",
                f"{cte}SELECT {time} AS p, k, n FROM c WHERE n < (SELECT avg(n) FROM c)",
                f"SELECT {self._time(['x.ts', 'y.p'])} AS p, x.k AS k, y.k AS n FROM a AS x ASOF JOIN ({first}) AS y\n"
                "ON x.ts >= y.p",
                "WITH RECURSIVE r AS (SELECT ts AS p, k, v AS n FROM a\n"
                f"UNION SELECT p + INTERVAL 20 DAY, k, n - 1 FROM r WHERE n > 0) SELECT {time} AS p, k, n FROM r",
                f"SELECT {self._time(['ts'])} AS p, k, count(*) OVER (PARTITION BY k) AS n FROM a",
                f"SELECT {self._time(['x.ts', 'y.ts'])} AS p, k, x.v AS n FROM a AS x JOIN b AS y USING (k, ts)",
                "SELECT p, k, n FROM (SELECT row_number() OVER (PARTITION BY p, k) AS n, p, k\n"
                f"FROM (SELECT {self._time(['ts', 'd'])} AS p, k FROM a))",
            ]
        )

    def _name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def _one_in(self, number: int) -> bool:
        return self.random.randrange(number) == 0

    def _query(self, depth: int) -> str:
        if depth > 1 and self._one_in(4):
            kind = self.random.choice(["UNION ALL", "UNION ALL", "UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT"])
            tail = " ORDER BY ALL LIMIT 3" if self._one_in(8) else ""
            return f"{self._select(depth - 1)}\n{kind}\n{self._select(depth - 1)}{tail}"
        return self._select(depth)

    def _relation(self, depth: int) -> _Relation:
        if depth > 1 and not self._one_in(4):
            if self.ctes and self._one_in(3):
                return _Relation(self.random.choice(self.ctes)[0], ["p"], ["k", "n"])
            text = self._query(depth - 1)
            if self._one_in(2):
                return _Relation(f"({text})", ["p"], ["k", "n"])
            name = self._name("c")
            if self._one_in(8):
                name = self._name("r")
                again = f"SELECT p + INTERVAL 20 DAY, k, n - 1 FROM {name} WHERE n BETWEEN 1 AND 3"
                text = f"SELECT p, k, n FROM ({text}) UNION {again}"
            self.ctes.append((name, text))
            return _Relation(name, ["p"], ["k", "n"])
        name = self.random.choice(["a", "b"])
        return _Relation(name, ["ts", "d"], ["k", "v" if name == "a" else "w"])

    def _select(self, depth: int) -> str:
        relation = self._relation(depth)
        one = self._name("x")
        sources = f"{relation.text} AS {one}"
        times = [f"{one}.{c}" for c in relation.times]
        numbers = [f"{one}.{c}" for c in relation.numbers]
        if self._one_in(3):
            other, join = self._join(depth, one, relation)
            sources += join
            if other is not None:
                two, right = other
                times += [f"{two}.{c}" for c in right.times]
                if " USING (k)" in join:
                    numbers[0] = "k"
                numbers += [f"{two}.{c}" for c in right.numbers]
        elif self._one_in(3):
            times, numbers = relation.times, relation.numbers
            if self._one_in(3) and relation.text.isalnum():
                sources = relation.text
        where = f"\nWHERE {self._condition(times, numbers, depth)}" if self._one_in(3) else ""
        return self._shaped(self._time(times), times, numbers, f"\nFROM {sources}{where}")

    def _join(self, depth: int, one: str, left: _Relation) -> tuple[tuple[str, _Relation] | None, str]:
        right = self._relation(depth - 1)
        two = self._name("x")
        keys = [f"{one}.{left.numbers[0]} = {two}.{right.numbers[0]}"]
        keys.append(f"{one}.{self.random.choice(left.times)} = {two}.{self.random.choice(right.times)}")
        on = self.random.choice([*keys, " AND ".join(keys)])
        if self._one_in(6):
            return (two, right), f"\n{self.random.choice(['', 'LEFT ', 'RIGHT '])}JOIN {right.text} AS {two} USING (k)"
        kind = self.random.choice(["", "", "LEFT ", "RIGHT ", "FULL ", "SEMI ", "ANTI ", ",", "CROSS ", "ASOF "])
        if kind in ("SEMI ", "ANTI "):
            return None, f"\n{kind}JOIN {right.text} AS {two} ON {on}"
        if kind == ",":
            return (two, right), f", {right.text} AS {two}"
        if kind == "CROSS ":
            return (two, right), f"\nCROSS JOIN {right.text} AS {two}"
        if kind == "ASOF ":
            # Of rows with one moment any could be taken, so that the right side has each once.
            inner = f"(SELECT {right.times[0]} AS p, min({right.numbers[0]}) AS k, 1 AS n FROM {right.text} GROUP BY 1)"
            right = _Relation(inner, ["p"], ["k", "n"])
            return (two, right), f"\nASOF JOIN {right.text} AS {two} ON {one}.{left.times[0]} >= {two}.p"
        return (two, right), f"\n{kind}JOIN {right.text} AS {two} ON {on}"

    def _time(self, times: list[str]) -> str:
        time = self.random.choice(times)
        for _ in range(self.random.choice([0, 0, 1, 1, 2])):
            time = self.random.choice(
                [
                    f"date_trunc('{self.random.choice(_UNITS)}', {time})",
                    f"date_trunc('{self.random.choice(_UNITS)}', {time})",
                    self.random.choice([f"CAST({time} AS DATE)", f"({time})::DATE"]),
                    f"CAST({time} AS TIMESTAMP)",
                    f"({time} + INTERVAL {self.random.randint(1, 40)} DAY)",
                    f"({time} - INTERVAL '{self.random.randint(1, 9)}' HOUR)",
                ]
            )
        if self._one_in(15):
            return f"CAST(CAST({time} AS VARCHAR) AS TIMESTAMP)"
        if self._one_in(15):
            return f"greatest({time}, TIMESTAMP '2019-01-31')"
        return time

    def _condition(self, times: list[str], numbers: list[str], depth: int) -> str:
        number = self.random.choice(numbers)
        shapes = [
            f"{number} > 0",
            f"{self.random.choice(times)} IS NOT NULL",
            f"{self.random.choice(times)} < TIMESTAMP '2019-03-01'",
            f"{number} IN (SELECT k FROM {self._relation(depth - 1).text} AS {self._name('x')})",
            f"(SELECT count(*) FROM b AS u WHERE u.k = {number}) < 2",
            f"EXISTS (SELECT 1 FROM a AS u WHERE u.ts <= {self.random.choice(times)})",
        ]
        if self._one_in(6):
            return "random() >= 0"
        if len(times) > 2:
            shapes.append(f"{times[0]} = {times[-1]}")
        return self.random.choice(shapes)

    def _shaped(self, time: str, times: list[str], numbers: list[str], rest: str) -> str:
        k, n = self.random.choice(numbers), self.random.choice(numbers)
        shape = self.random.choice(
            ["plain", "plain", "group", "group", "window", "distinct", "limit", "on", "qualify", "most", "scalar"]
        )
        by = self.random.choice([time, time, k, times[0], f"{time}, {k}"])
        match shape:
            case "group":
                key = self.random.choice(["1, 2", f"{time}, {k}", "ALL", "ROLLUP (1, 2)", "GROUPING SETS ((1), (2))"])
                having = "\nHAVING count(*) > 0" if self._one_in(3) else ""
                return f"SELECT {time} AS p, {k} AS k, sum({n})::INTEGER AS n{rest}\nGROUP BY {key}{having}"
            case "window":
                if self._one_in(3):
                    return f"SELECT {time} AS p, {k} AS k, count(*) OVER w AS n{rest}\nWINDOW w AS (PARTITION BY {by})"
                order = self.random.choice(["", f" ORDER BY {n}"])
                return f"SELECT {time} AS p, {k} AS k, (count(*) OVER (PARTITION BY {by}{order}))::INTEGER AS n{rest}"
            case "distinct":
                return f"SELECT DISTINCT {time} AS p, {k} AS k, {n} AS n{rest}"
            case "limit":
                offset = self.random.choice(["", " OFFSET 2"])
                return f"SELECT * FROM (SELECT {time} AS p, {k} AS k, {n} AS n{rest}\nORDER BY ALL LIMIT 4{offset})"
            case "on":
                on = self.random.choice([k, time])
                return (
                    f"SELECT * FROM (SELECT DISTINCT ON ({on}) {time} AS p, {k} AS k, {n} AS n{rest}\n"
                    f"ORDER BY {on}, {time}, {k}, {n})"
                )
            case "qualify":
                over = f"(PARTITION BY {by} ORDER BY {n})"
                return f"SELECT {time} AS p, {k} AS k, {n} AS n{rest}\nQUALIFY rank() OVER {over} < 3"
            case "most":
                return f"SELECT max({time}) AS p, {k} AS k, min({n}) AS n{rest}\nGROUP BY {k}"
            case "scalar":
                return (
                    f"SELECT {time} AS p, {k} AS k, (SELECT count(*) FROM a AS u WHERE u.k = {k})::INTEGER AS n{rest}"
                )
            case _:
                return f"SELECT {time} AS p, {k} AS k, {n} AS n{rest}"
