"""Names inside Dagster jobs, which admit letters, digits and `_` only, for tables of any name."""

from __future__ import annotations

import hashlib
import re

from sqlmat_assets.relation import Relation

_PLAIN = re.compile(r"[A-Za-z0-9]+(?:_[A-Za-z0-9]+)*")
_STRANGE = re.compile(r"[^A-Za-z0-9_]")


def op_name(relation: Relation) -> str:
    """A name that no other table gets, and that is readable for ordinary tables.

    Only a name built of ordinary parts has a single `__` in it; all others end in a hash behind a second one, so
    that `a__b.c` and `a.b__c` differ from each other and from everything else.

    Examples:
        >>> op_name(Relation.of("first.cities"))
        'first__cities'
        >>> op_name(Relation.of("a__b.c")), op_name(Relation.of("a.b__c"))
        ('a__b__c__c42f5e03', 'a__b__c__a597cb53')
    """
    if all(_PLAIN.fullmatch(part) for part in relation.key):
        return "__".join(relation.key)
    slug = "__".join(_STRANGE.sub("_", part) for part in relation.key)
    return f"{slug}__{hashlib.sha256(repr(relation.key).encode()).hexdigest()[:8]}"


def group_name(schema: str) -> str:
    """The schema as Dagster admits it for a group; two schemas may share one.

    Examples:
        >>> group_name("first"), group_name("web-events")
        ('first', 'web_events')
    """
    return _STRANGE.sub("_", schema)
