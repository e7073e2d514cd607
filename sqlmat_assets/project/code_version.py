"""Which code makes a table, so that two states of its files can be told apart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeVersion:
    """What makes the rows of a table, as three short texts without a slash.

    `semantic` is a hash of everything that can change the rows, from syntax trees; `text` is one of the same files as
    they are written; `parser` is the release of sqlglot that read them, because its trees are its own.
    """

    semantic: str
    text: str
    parser: str

    def is_same(self, other: CodeVersion) -> bool:
        """Whether nothing that can change the rows differs; trees of two releases are not compared, texts are."""
        return self.text == other.text or (self.parser == other.parser and self.semantic == other.semantic)

    def __str__(self) -> str:
        return f"{self.semantic}/{self.text}/{self.parser}"

    @classmethod
    def parse(cls, written: str) -> CodeVersion | None:
        """Read what `str` has written; None for anything else.

        Examples:
            >>> CodeVersion.parse("9f86d081/60303ae2/30.30.0")
            CodeVersion(semantic='9f86d081', text='60303ae2', parser='30.30.0')
            >>> CodeVersion.parse("9f86d081")
        """
        parts = written.split("/")
        return cls(*parts) if len(parts) == 3 and all(parts) else None
