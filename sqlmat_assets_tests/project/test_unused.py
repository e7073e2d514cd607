import pytest

from sqlmat_assets.project.unused import unused


@pytest.mark.parametrize(
    ("file", "hint"),
    [
        ("cities.json", "write one object in each line and name it `cities.ndjson`"),
        ("cities.jsonl", "rename it to `cities.ndjson`"),
        ("cities.xlsx", "save it as `cities.csv`"),
        ("Cities.TSV", "save it as `Cities.csv`"),
        ("cities.pq", "rename it to `cities.parquet`"),
        ("cities.csv.gz", "unpack it to `cities.csv`"),
        ("cities.sql.txt", "rename it to `cities.sql`"),
        ("cities.sqll", "rename it to `cities.sql`"),
        ("cities.cvs", "rename it to `cities.csv`"),
        ("cities.cfg", "rename it to `cities.conf`"),
        ("trips - 1d.load.yml", "rename it to `trips - 1d.load.yaml`"),
        ("cities.deliver.yml", "rename it to `cities.deliver.yaml`"),
        ("schema.yml", "write settings into `schema.conf` or `table.conf`, and checks into `table_test.sql`"),
        ("dbt_project.yaml", "write settings into `schema.conf` or `table.conf`, and checks into `table_test.sql`"),
        ("notes.txt", "move it elsewhere, or begin its name with `.`"),
        ("Makefile", "move it elsewhere, or begin its name with `.`"),
        ("sql", "move it elsewhere, or begin its name with `.`"),
    ],
)
def test_what_nobody_reads(file: str, hint: str) -> None:
    error = unused(file)
    assert error is not None
    assert (error.what, error.hint) == (f"`{file}` is not used", hint)


@pytest.mark.parametrize("file", ["README.md", "readme", "README.txt", "LICENSE", "License.txt", "notes.md", "tool.py"])
def test_what_is_there_for_people(file: str) -> None:
    assert unused(file) is None
