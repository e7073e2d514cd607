"""Files of text, compressed or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from sqlmat_assets.errors import TerminalWarehouseError
from sqlmat_assets.errors import data_files as wording

COMPRESSED = ".gz"
UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def has_ending(path: Path, *endings: str) -> bool:
    """Whether a file ends so, compressed or not."""
    return path.name.lower().removesuffix(COMPRESSED).endswith(endings)


def refuse_other_encodings(path: Path) -> None:
    """Look at the first bytes of a text file.

    Raises:
        TerminalWarehouseError: It cannot be read, is empty, or is UTF-16.
    """
    try:
        with open_bytes(path) as file:
            refuse_encoding_of(file.read(4), str(path))
    except OSError as error:
        raise TerminalWarehouseError(f"{path}: {error.strerror}") from error


def refuse_encoding_of(start: bytes, shown: str) -> None:
    """The same of a file that begins so.

    Raises:
        TerminalWarehouseError: It is empty, or is UTF-16.
    """
    if not start.removeprefix(UTF8_MARK):
        raise wording.is_empty(shown)
    if start.startswith(_UTF16_MARKS):
        raise wording.is_utf16(shown)


@contextmanager
def open_bytes(path: Path) -> Generator[BinaryIO]:
    """The bytes of a file, unpacked."""
    is_compressed = path.name.lower().endswith(COMPRESSED)
    with cast("BinaryIO", gzip.open(path)) if is_compressed else path.open("rb") as file:
        try:
            yield file
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise wording.broken_gzip(str(path), str(error)) from error
