"""Which known table a name is one slip away from."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from sqlmat_assets.relation import Relation

# In shorter words one letter is often the whole difference.
_SHORTEST = 4


class Speller:
    """Finds tables whose schema or name differs in case, in one letter, one too many, one too few or two swapped.

    Built at the first question: words are filed under what is left when any one letter is taken out, so that a
    question costs the same in a folder of ten tables and of ten thousand.
    """

    def __init__(self, known: Iterable[Relation]) -> None:
        self._known = tuple(known)

    def nearest(self, relation: Relation) -> Relation | None:
        """Give the first such table by name, or None. Names that differ in digits alone are no slips.

        Examples:
            >>> Speller([Relation("first", "cities")]).nearest(Relation("first", "citeis"))
            Relation(schema='first', name='cities', catalog=None)
        """
        near = {found for key in _keys(relation) for found in self._index.get(key, ()) if _is_slip(relation, found)}
        return min(near, default=None)

    @cached_property
    def _index(self) -> dict[tuple[str, str, str], list[Relation]]:
        index: dict[tuple[str, str, str], list[Relation]] = {}
        for relation in self._known:
            for key in _keys(relation):
                index.setdefault(key, []).append(relation)
        return index


def _keys(relation: Relation) -> Iterable[tuple[str, str, str]]:
    schema, name = relation.schema.casefold(), relation.name.casefold()
    for kept, word, part in ((schema, name, "name"), (name, schema, "schema")):
        yield part, kept, word
        if len(word) >= _SHORTEST:
            for at in range(len(word)):
                yield part, kept, word[:at] + word[at + 1 :]


def _is_slip(asked: Relation, found: Relation) -> bool:
    one, other = f"{asked.schema}.{asked.name}".casefold(), f"{found.schema}.{found.name}".casefold()
    without = str.maketrans("", "", "0123456789")
    if one == other:
        return asked != found
    return abs(len(one) - len(other)) <= 1 and one.translate(without) != other.translate(without)
