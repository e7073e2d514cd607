"""Files that nobody reads, and what they may have been meant to be."""

from __future__ import annotations

from difflib import get_close_matches

from sqlmat_assets.errors import project as wording

_SILENT_STARTS = ("readme", "license", "licence", "changelog", "notice", "__init__.")
_SILENT_ENDINGS = (".md", ".py", ".pyc")
# Another spelling of an ending that is read.
_SPELLINGS = {
    ".load.yml": ".load.yaml",
    ".deliver.yml": ".deliver.yaml",
    ".sql.txt": ".sql",
    ".csv.txt": ".csv",
    ".conf.txt": ".conf",
    ".cfg": ".conf",
    ".cnf": ".conf",
    ".ini": ".conf",
    ".config": ".conf",
    ".cvs": ".csv",
    ".slq": ".sql",
    ".jsonl": ".ndjson",
    ".pq": ".parquet",
}
_EXPORTS = {".tsv": ".csv", ".xlsx": ".csv", ".xls": ".csv", ".ods": ".csv", ".numbers": ".csv", ".psv": ".csv"}
_PACKED = (".gz", ".zip", ".bz2", ".zst", ".xz")
_ENDINGS = ("sql", "csv", "parquet", "ndjson", "conf")


def unused(file: str) -> wording.TextError | None:
    """Say that a file is not used and how it could be; None for what is there for people.

    Args:
        file: The file's own name, of a kind that makes no part of a table.

    Examples:
        >>> unused("cities.tsv").hint, unused("README.md")
        ('save it as `cities.csv`', None)
    """
    lower = file.lower()
    if lower.startswith(_SILENT_STARTS) or lower.endswith(_SILENT_ENDINGS):
        return None
    for ending, meant in _SPELLINGS.items():
        if lower.endswith(ending):
            return wording.unused_spelling(file, file[: -len(ending)] + meant)
    stem, dot, ending = file.rpartition(".")
    ending = dot + ending.lower()
    if ending in _EXPORTS:
        return wording.unused_export(file, stem + _EXPORTS[ending])
    if ending == ".json":
        return wording.unused_json(file, f"{stem}.ndjson")
    if ending in (".yml", ".yaml"):
        return wording.unused_yaml(file)
    if ending in _PACKED:
        return wording.unused_packed(file, stem)
    near = get_close_matches(ending[1:], _ENDINGS, n=1, cutoff=0.75)
    return wording.unused_spelling(file, f"{stem}.{near[0]}") if near and dot else wording.unused_file(file)
