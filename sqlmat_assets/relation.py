"""The full name of a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Relation:
    """A table's name as the project knows it: `schema.name`, with a catalog only where one was written.

    Project tables never carry a catalog; a source may (`other-project.web.events`).
    """

    schema: str
    name: str
    catalog: str | None = None

    @classmethod
    def of(cls, dotted: str) -> Relation:
        """Read `schema.name` or `catalog.schema.name`.

        Raises:
            ValueError: There are not two or three parts, or one of them is empty.
        """
        parts = dotted.split(".")
        if len(parts) not in (2, 3) or not all(parts):
            raise ValueError(f"`{dotted}` is not schema.table")
        if len(parts) == 2:
            return cls(parts[0], parts[1])
        return cls(parts[1], parts[2], parts[0])

    @property
    def key(self) -> tuple[str, ...]:
        """The parts from the widest to the narrowest."""
        own = (self.schema, self.name)
        return own if self.catalog is None else (self.catalog, *own)

    def __str__(self) -> str:
        return ".".join(self.key)


def environment_schema(schema: str, environment: str) -> str:
    """Where the tables of a schema are built in an environment.

    Examples:
        >>> environment_schema("first", "dev")
        'first__dev'
    """
    return f"{schema}__{environment}"
