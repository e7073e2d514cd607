"""What sessions of some engines can do beside what every session does: read and write buckets by themselves.

Then the bytes do not pass through this machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceObject


@runtime_checkable
class ReadsObjects(Protocol):
    """A session of an engine that reads buckets by itself."""

    def can_load_objects(self, objects: Sequence[SourceObject], contents: Contents) -> bool:
        """Whether it can; else they are fetched, and given to `load_files`."""
        ...

    def load_objects(
        self, target: Relation, objects: Sequence[SourceObject], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded | None:
        """Create a table from objects, all of them or none.

        Args:
            target: The table.
            objects: Where the rows are.
            contents: What stands in them; where more rows cannot be read than it says, there is no table.
            design: How its rows are to lie, on an engine that has any of it.

        Returns:
            What it has come to; None where the engine turns out not to get at them: then there is no table.
        """
        ...


@dataclass(frozen=True, slots=True)
class ObjectForm:
    """How rows stand in objects: `format` is `csv` or `parquet`; `header` and `delimiter` are of CSV."""

    format: str
    compression: str
    header: bool = True
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class Written:
    """Objects that an engine has written, by their URLs, and how many rows there are in all of them."""

    urls: tuple[str, ...]
    rows: int


@runtime_checkable
class WritesObjects(Protocol):
    """A session of an engine that writes into buckets by itself."""

    def write_objects(
        self, source: Relation, stem: str, ending: str, form: ObjectForm, *, is_one: bool = False
    ) -> Written | None:
        """Write all rows of a table, as they are at one moment, into new objects.

        Args:
            source: The table.
            stem: What the URL of each begins with, `gs://bucket/folder/name`; nothing else is there that begins so.
            ending: What it ends in, `.csv.gz`. What is in between, if anything is, tells one object from the next.
            form: What is to be in them.
            is_one: Whether there may be only one, which is called `stem` and `ending`.

        Returns:
            What was written; None where the engine cannot, or turns out not to get there. Then some may lie about.
        """
        ...
