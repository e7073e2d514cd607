"""Which known table a name is a few letters away from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from functools import cached_property

from sqlmat_assets.relation import Relation

# In shorter words one letter is often the whole difference.
_SHORTEST = 4
# As difflib counts: `citys` and `cities` have 0.73, `north` and `south` 0.6.
_NEARNESS = 0.72
_WITHOUT_DIGITS = str.maketrans("", "", "0123456789")

_Key = tuple[str, ...]


class Speller:
    """Finds tables that differ in case, in a letter of the schema or the name, or in one of the words of it.

    A letter may be another, too many, missing or swapped with its neighbour. Words are what `_` separates; two are
    near when most of their letters are the same in the same order, or when one is the plural of the other. Built at
    the first question, with tables filed under what is left without a letter or a word, so that a question costs
    little more in a folder of ten thousand tables than in one of ten.
    """

    def __init__(self, known: Iterable[Relation]) -> None:
        self._known = tuple(known)
        self._answers: dict[Relation, Relation | None] = {}

    def nearest(self, relation: Relation) -> Relation | None:
        """Give the nearest such table, the first by name among equals, or None.

        Names that differ in digits alone, or in whole words more, are no slips.

        Examples:
            >>> Speller([Relation("first", "cities")]).nearest(Relation("first", "citys"))
            Relation(schema='first', name='cities', catalog=None)
        """
        if relation not in self._answers:
            self._answers[relation] = self._find(relation)
        return self._answers[relation]

    def nearest_names(self, name: str) -> tuple[Relation, ...]:
        """Give all tables, of any schema, of that name or else of the nearest."""
        if name not in self._named:
            found = self._names.nearest(Relation("", name))
            name = "" if found is None else found.name
        return tuple(sorted(self._named.get(name, ())))

    def _find(self, relation: Relation) -> Relation | None:
        near = {found for key in _letter_keys(relation) for found in self._letters.get(key, ())}
        near = {found for found in near if _is_slip(relation, found)}
        near |= {
            found for key in _word_keys(relation) for found in self._words.get(key, ()) if _is_near(relation, found)
        }
        return min(near, key=lambda found: (-_likeness(str(relation), str(found)), found), default=None)

    @cached_property
    def _named(self) -> dict[str, list[Relation]]:
        named: dict[str, list[Relation]] = {}
        for relation in self._known:
            named.setdefault(relation.name, []).append(relation)
        return named

    @cached_property
    def _names(self) -> Speller:
        return Speller(Relation("", name) for name in self._named)

    @cached_property
    def _letters(self) -> dict[_Key, list[Relation]]:
        index: dict[_Key, list[Relation]] = {}
        for relation in self._known:
            for key in _letter_keys(relation):
                index.setdefault(key, []).append(relation)
        return index

    @cached_property
    def _words(self) -> dict[_Key, list[Relation]]:
        index: dict[_Key, list[Relation]] = {}
        for relation in self._known:
            for key in _word_keys(relation):
                index.setdefault(key, []).append(relation)
        return index


def _letter_keys(relation: Relation) -> Iterator[_Key]:
    schema, name = relation.schema.casefold(), relation.name.casefold()
    for kept, word, part in ((schema, name, "name"), (name, schema, "schema")):
        yield part, kept, word
        if len(word) >= _SHORTEST:
            for at in range(len(word)):
                yield part, kept, word[:at] + word[at + 1 :]


def _word_keys(relation: Relation) -> Iterator[_Key]:
    """Yield what is left of a name without one of its words but for its first letter, in which people seldom err."""
    schema, name = relation.schema.casefold(), relation.name.casefold()
    for kept, whole, part in ((schema, name, "name"), (name, schema, "schema")):
        words = whole.split("_")
        for at, word in enumerate(words):
            if len(word) >= _SHORTEST and word.isalpha():
                yield part, kept, *words[:at], word[0] + "*", *words[at + 1 :]


def _is_slip(asked: Relation, found: Relation) -> bool:
    one, other = f"{asked.schema}.{asked.name}".casefold(), f"{found.schema}.{found.name}".casefold()
    if one == other:
        return asked != found
    if one.translate(_WITHOUT_DIGITS) == other.translate(_WITHOUT_DIGITS):
        return False
    words = [(a, b) for a, b in zip(one.split("_"), other.split("_"), strict=False) if a != b]
    is_short = len(words) == 1 and max(map(len, words[0])) < _SHORTEST
    return not is_short and _is_one_letter(one, other)


def _is_one_letter(one: str, other: str) -> bool:
    """Tell whether a letter is another, too many, missing, or swapped with its neighbour."""
    start = _shared(one, other)
    end = _shared(one[start:][::-1], other[start:][::-1])
    left, right = one[start : len(one) - end], other[start : len(other) - end]
    return max(len(left), len(right)) <= 1 or (len(left) == len(right) == 2 and left == right[::-1])


def _shared(one: str, other: str) -> int:
    """Count the letters at the start that two words share."""
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _is_near(asked: Relation, found: Relation) -> bool:
    """Tell whether the one word is near in which two tables of one key differ."""
    one = f"{asked.schema}_{asked.name}".casefold().split("_")
    other = f"{found.schema}_{found.name}".casefold().split("_")
    differing = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    return len(differing) == 1 and (
        _singular(differing[0][0]) == _singular(differing[0][1]) or _likeness(*differing[0]) >= _NEARNESS
    )


def _singular(word: str) -> str:
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word.removesuffix("s")


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()
