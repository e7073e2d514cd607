"""What a session does with rows in Cloud Storage."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from sqlglot import exp

from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses.bigquery import bucket_loads, bucket_writes
from sqlmat_assets.warehouses.bigquery import objects as objects_
from sqlmat_assets.warehouses.bigquery.link import Link
from sqlmat_assets.warehouses.bigquery.objects import Objects
from sqlmat_assets.warehouses.bigquery.types import field_of
from sqlmat_assets.warehouses.buckets import ObjectForm, Written
from sqlmat_assets.warehouses.design import NO_DESIGN, Design
from sqlmat_assets.warehouses.source_files import Contents, Loaded, SourceObject
from sqlmat_assets.warehouses.storage import Storage


class InBuckets(ABC):
    """The part of a session that reads and writes buckets."""

    _link: Link

    @abstractmethod
    def write_rows(self, statement: exp.Expr) -> int:
        """Execute a statement that writes a table, and tell how many rows it wrote."""

    @abstractmethod
    def _noticing(self) -> AbstractContextManager[None]:
        """Have what is refused inside of a transaction end it."""

    def can_load_objects(self, objects: Sequence[SourceObject], contents: Contents) -> bool:
        return bucket_loads.can_load_objects(objects, contents)

    def load_objects(
        self, target: Relation, objects: Sequence[SourceObject], contents: Contents, *, design: Design = NO_DESIGN
    ) -> Loaded | None:
        with self._noticing():
            storage = design.storage or Storage()
            return bucket_loads.load_objects(self._link, target, objects, contents, storage, self.write_rows)

    def write_objects(
        self, source: Relation, stem: str, ending: str, form: ObjectForm, *, is_one: bool = False
    ) -> Written | None:
        with self._noticing():
            write = self.write_rows
            return bucket_writes.write_objects(self._link, source, stem, ending, form, write, is_one=is_one)

    def load_from_storage(
        self,
        target: Relation,
        objects: Objects,
        columns: Sequence[tuple[str, str]] | None = None,
        *,
        required: Sequence[str] = (),
        most_bad_rows: int = 0,
        storage: Storage | None = None,
    ) -> int:
        """Create a table from objects in Cloud Storage, and tell how many rows it has; see `objects.load_objects`."""
        fields = None
        if columns is not None:
            fields = [field_of(name, kind, is_required=name in required) for name, kind in columns]
        with self._noticing():
            taken = objects_.load_objects(
                self._link, target, objects, fields, most_bad_rows=most_bad_rows, storage=storage or Storage()
            )
        return taken.rows

    def extract_to_storage(self, source: Relation, objects: Objects) -> int:
        """Write all rows of a table into Cloud Storage; see `objects.extract`."""
        with self._noticing():
            return objects_.extract(self._link, source, objects)
