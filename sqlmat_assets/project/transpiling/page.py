"""The page that says what is known of BigQuery on DuckDB, for `docs/`."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from sqlmat_assets.project.transpiling.bigquery.calls import FUNCTIONS
from sqlmat_assets.project.transpiling.bigquery.translate import MODULES
from sqlmat_assets.project.transpiling.bigquery.translator import CONSTRUCTS
from sqlmat_assets.project.transpiling.verdicts import Construct


def describe() -> str:
    """`docs/bigquery-on-duckdb.md`."""
    functions = {found.known.name for found in FUNCTIONS.values()} if MODULES else set[str]()
    ordered = sorted(CONSTRUCTS.values(), key=lambda known: known.name.lower())
    forms = [known for known in ordered if known.name not in functions]
    named = [known for known in ordered if known.name in functions]
    return "\n".join([_PAGE, *_table("Forms of SQL", forms), *_table("Functions", named), _END])


def _table(title: str, known: Iterable[Construct]) -> Iterator[str]:
    yield f"## {title}\n"
    yield "| construct | verdict | on DuckDB |"
    yield "|---|---|---|"
    for each in known:
        name = each.name.replace("|", "\\|")
        yield f"| [{name}]({each.page}) | {each.verdict.value} | {each.note.replace('|', chr(92) + '|')} |"
    yield ""


_PAGE = """# A BigQuery project on DuckDB

Written by `python -m sqlmat_assets.project.transpiling.page`; the tables are what is known in
`sqlmat_assets/project/transpiling/bigquery/`.

A project whose `global.conf` says `dialect = bigquery` is built in a DuckDB file as well: for developing without an
account, for tests, for nothing. Each query is transpiled on its way; the files stay as they are.

```
sqlmat check --on duckdb                            a verdict on each file
sqlmat build --warehouse duckdb:///dev.duckdb       builds what is supported, refuses the rest
sqlmat render shop.orders --dialect bigquery        the statements that are sent
```

The warehouse has to be named, or `--dialect bigquery` given, so that nobody builds in a file who only forgot to say
where BigQuery is. `plan`, `render`, `build`, `dev` and the component (`warehouse: duckdb:///dev.duckdb`) go by the same
rules. In the UI the SQL that was sent stands beside that of the file.

| verdict | means |
|---|---|
| exact | DuckDB has the same, if by another name |
| emulated | several things together give the same |
| unsupported | nothing is known that would: `check` says where, the table is not built, what reads it waits |

It is a list of what is allowed. What is not in it is unsupported, whatever DuckDB might make of it. Each line has cases
in `sqlmat_assets_tests/project/fixtures/bigquery_on_duckdb/`: DuckDB gives the types and the rows that the vendor
documents on the page behind the link, both where the types of the columns are known and where they are not.

All else works as on BigQuery: checks, partitions and what is taken of them into the query, merges, descriptions, data
files, loads, scripts, unit tests, environments. Types that a project declares (`columns`, CREATE TABLE) are BigQuery's.
What counts as a change is the SQL of the file, and not what becomes of it.

"""

_END = """## What no verdict tells

- A type that only the engine knows can end a query: the quotient and the average of NUMERIC, a TIME as a string and
  some more are not the same on DuckDB. Such a query fails and says so; it never goes on with something else.
- DuckDB accepts some queries that BigQuery refuses, such as an alias in WHERE.
- FLOAT64 beyond its range is infinite in a sum or product, and no error. NaN is equal to itself.
- An array with NULL in it can be written. One that is NULL in a column that a query only passes on is not made empty.
- Without ORDER BY the order is another: that of `ARRAY_AGG` and `STRING_AGG`, what `ANY_VALUE` and LIMIT take.
- Files are read by DuckDB: a moment without a time zone, in a CSV file without declared `columns`, is a DATETIME.
- A view is read in the time zone of who reads it. sqlmat reads it in UTC.
- Two tables whose names differ in small and capital letters only are one, and refused.
"""


if __name__ == "__main__":
    sys.stdout.write(describe())
