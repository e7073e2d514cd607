"""A process of its own that reads rows of MariaDB and MySQL.

connectorx lets no other thread run while it waits for a server, cannot be told to stop, and ends in a panic where a
connection is lost. None of it reaches the process of a build from here. It is run as a file, with what is asked as JSON
in standard input; the rows go out as a stream of Arrow, and why they ended early as the last line of standard error.
"""

from __future__ import annotations

import json
import sys
from typing import Any


def main() -> int:
    """Read what is asked for, and tell whether all of it came."""
    asked: dict[str, Any] = json.load(sys.stdin)
    try:
        import connectorx
        import pyarrow as pa

        reader: Any = connectorx.read_sql(
            asked["url"],
            asked["statement"],
            return_type="arrow_stream",
            batch_size=asked["rows"],
            pre_execution_query=asked["settings"],
        )
        with pa.ipc.new_stream(sys.stdout.buffer, reader.schema) as out:
            for batch in reader:
                out.write_batch(batch)
    except BaseException as error:  # noqa: BLE001 - a panic is no `Exception`
        sys.stderr.write(f"\n{json.dumps(str(error))}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
