"""A table: waited for, read, saved, uploaded."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlglot import exp

from sqlmat_assets.client.connection import Connection
from sqlmat_assets.client.patience import POLL_SECONDS, Patience, Timeout
from sqlmat_assets.client.whereabouts import find_environment_name
from sqlmat_assets.components.uploads import upload_file
from sqlmat_assets.components.watching import Seen
from sqlmat_assets.connectors.row_files import Form, write_files
from sqlmat_assets.errors import TransientConnectorError, TransientWarehouseError, UsageError
from sqlmat_assets.errors import client as wording
from sqlmat_assets.execution.upload import take_place
from sqlmat_assets.project.ages import is_fresh
from sqlmat_assets.project.settings import nearest
from sqlmat_assets.relation import Relation
from sqlmat_assets.warehouses import statements
from sqlmat_assets.warehouses.base import Session

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_FORMS = {
    ".csv": Form("csv", "none"),
    ".csv.gz": Form("csv", "gzip"),
    ".parquet": Form("parquet", "snappy"),
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its type in the warehouse's words, and what is said of it."""

    name: str
    type: str
    description: str | None = None


class Table:
    """A table, or a view. Made by `table` or `Client.table`."""

    def __init__(self, connection: Connection, relation: Relation) -> None:
        self._connection = connection
        self.relation = relation

    def __repr__(self) -> str:
        return f"table({str(self.relation)!r})"

    @property
    def built_at(self) -> datetime | None:
        """From when the age of its rows counts; None when it was never built."""
        return self._connection.look(self.relation).decided_at

    @property
    def is_fresh(self) -> bool:
        """Whether its rows are as fresh as its file asks.

        Examples:
            >>> from sqlmat_assets.client import table
            >>> table("first.cities").is_fresh
            True
        """
        return _is_fresh(self._connection.look(self.relation))

    def wait(self, *, fresh: bool = False, timeout: Timeout = 3600, poll: float = POLL_SECONDS) -> Table:
        """Wait until somebody has built it: the service, a click, `sqlmat build`.

        Args:
            fresh: Come back at once where its rows are as fresh as its file asks; else wait for the next build.
            timeout: How long to wait at most.
            poll: How many seconds to wait between two looks.

        Returns:
            Itself.

        Raises:
            WaitTimeoutError: It was not built in time; with why it failed, where it did.
            UsageError: Nobody builds it: the project has no such table.
            SqlmatError: Nobody can be asked.

        Examples:
            >>> from sqlmat_assets.client import table
            >>> table("first.cities").wait(timeout=0.1)
            Traceback (most recent call last):
            sqlmat_assets.errors.client.WaitTimeoutError: `first.cities` was not built within ...
        """
        patience, name, say = Patience(timeout), str(self.relation), _Changes(self._connection.tell)
        with closing(self._connection.watch(patience)) as watch:
            first, lost = watch.look(self.relation), None
            seen = first
            if not seen.is_known:
                raise wording.not_built(name, self._find_near())
            while not (_is_fresh(seen) if fresh else seen.build is not None and seen.build != first.build):
                say(lost or _describe(name, seen))
                if patience.is_over:
                    raise wording.not_awaited(name, patience.timeout, seen.decided_at, seen.reason)
                patience.pause(poll)
                try:
                    seen, lost = watch.look(self.relation), None
                except (TransientConnectorError, TransientWarehouseError) as error:
                    # A web server that is started again is no reason to give up.
                    lost = wording.is_not_told(name, str(error).splitlines()[0])
        if say.last is not None and seen.decided_at is not None:
            say(wording.is_here(name, seen.decided_at))
        return self

    def to_arrow(self, *, timeout: Timeout = 600) -> pa.Table:  # pyright: ignore[reportUnknownParameterType] - pyarrow has no types
        """Its rows as an Arrow table, in memory.

        Args:
            timeout: How long to wait while somebody else has the warehouse to himself.

        Raises:
            UsageError: It is not there.
            WaitTimeoutError: The warehouse was not to be had in time.
            WarehouseError: It refuses.

        Examples:
            >>> from sqlmat_assets.client import table
            >>> table("first.cities").to_arrow().column_names
            ['city', 'country']
        """
        from pyarrow import parquet as pq

        with self._unloaded(timeout) as rows:
            return pq.read_table(rows)

    def to_pandas(self, *, timeout: Timeout = 600) -> pd.DataFrame:
        """Its rows as a pandas frame, in memory; the arguments are those of `to_arrow`."""
        return self.to_arrow(timeout=timeout).to_pandas()

    def to_batches(self, size: int = 100_000, *, timeout: Timeout = 600) -> Iterator[pa.RecordBatch]:  # pyright: ignore[reportUnknownParameterType] - as above
        """Its rows some thousand at a time, for tables that are too large for memory.

        They are those of one moment, and the warehouse is let go before the first of them is given out.

        Args:
            size: How many rows at a time.
            timeout: As for `to_arrow`.

        Examples:
            >>> from sqlmat_assets.client import table
            >>> [batch.num_rows for batch in table("first.cities").to_batches(size=1)]
            [1, 1]
        """
        from pyarrow import parquet as pq

        with self._unloaded(timeout) as rows, pq.ParquetFile(rows) as file:
            yield from file.iter_batches(batch_size=size)

    def save(self, path: str | Path, *, timeout: Timeout = 600) -> Path:
        r"""Write its rows into a file: CSV (`.csv`, `.csv.gz`) or Parquet.

        Args:
            path: The file; what is there is replaced when all is written.
            timeout: As for `to_arrow`.

        Raises:
            UsageError: The ending says no format.

        Examples:
            >>> from sqlmat_assets.client import table
            >>> table("first.cities").save("cities.csv").read_text()
            'city,country\nParis,France\nOttawa,Canada\n'
        """
        target = Path(path)
        ending = next((each for each in _FORMS if target.name.lower().endswith(each)), None)
        if ending is None:
            raise wording.no_data_file(str(path), tuple(_FORMS))
        with self._unloaded(timeout) as rows:
            (written,) = write_files(rows, rows.parent, "written", _FORMS[ending])
            take_place(target.absolute().parent, target.name, written.path)
        return target

    def schema(self, *, timeout: Timeout = 600) -> tuple[Column, ...]:
        """Its columns in their order, with what its file says of them.

        Args:
            timeout: As for `to_arrow`.

        Raises:
            UsageError: It is not there.

        Examples:
            >>> from sqlmat_assets.client import table
            >>> table("first.cities").schema()[0]
            Column(name='city', type='VARCHAR', description='its name')
        """
        columns = self._connection.read(lambda session: session.fetch_columns(self.relation), timeout)
        if not columns:
            raise self._not_there()
        described = self._connection.describe(self.relation)
        return tuple(Column(name, kind, described.get(name)) for name, kind in columns)

    def upload(self, file: str | Path) -> Table:
        r"""Replace its rows by those of a file: they are written aside, checked, and swapped in.

        The table has to be a data file of the project, or none yet. When its checks hold, the file takes the place of
        the one in the project folder, so that the next build gives the same rows; when they do not, neither the table
        nor the folder is touched.

        Args:
            file: CSV, Parquet or NDJSON.

        Returns:
            Itself.

        Raises:
            UsageError: The table is made of something else, or the file is none.
            MaterializeError: A check has failed, or the warehouse refuses; the table holds its previous rows.

        Examples:
            >>> from pathlib import Path
            >>> from sqlmat_assets.client import table
            >>> _ = Path("more.csv").write_text("city,country\nParis,France\nRome,Italy\n")
            >>> table("first.cities_raw").upload("more.csv").to_pandas()
                city country
            0  Paris  France
            1   Rome   Italy
        """
        connection = self._connection
        if connection.project is None:
            raise wording.no_project()
        if environment := find_environment_name():
            raise wording.not_there_in(environment)
        home = connection.dagster if isinstance(connection.dagster, Path) else None
        upload_file(connection.project, connection.warehouse, home, self.relation, Path(file))
        return self

    @contextmanager
    def _unloaded(self, timeout: Timeout) -> Generator[Path]:
        """Its rows in a Parquet file, while it is needed."""
        query = self._connection.warehouse.render(exp.select("*").from_(statements.table(self.relation)))
        with tempfile.TemporaryDirectory(prefix="sqlmat-") as folder:
            rows = Path(folder, "rows.parquet")

            def unload(session: Session) -> bool:
                if not session.fetch_columns(self.relation):
                    return False
                session.unload(query, rows)
                return True

            if not self._connection.read(unload, timeout):
                raise self._not_there()
            yield rows

    def _not_there(self) -> UsageError:
        return wording.not_there(str(self.relation), self._connection.warehouse.label, self._find_near())

    def _find_near(self) -> str | None:
        """The table whose name is most like this one."""
        project, name = self._connection.project, str(self.relation)
        return None if project is None else nearest(name, {str(each) for each in project.models} - {name})


class _Changes:
    """Passes on what is other than the last."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self.last: str | None = None

    def __call__(self, text: str) -> None:
        if text != self.last:
            self.last = text
            self._tell(text)


def _is_fresh(seen: Seen) -> bool:
    return is_fresh(seen.decided_at, seen.interval, seen.calendar, datetime.now(UTC))


def _describe(name: str, seen: Seen) -> str:
    if seen.run is not None:
        return wording.is_built_now(name, seen.run)
    return wording.has_failed(name, seen.failures) if seen.failures else wording.waits(name, seen.decided_at)
