"""The keys of a YAML mapping with the nodes of their values."""

from __future__ import annotations

from collections.abc import Callable

import yaml

from sqlmat_assets.errors import loads as wording
from sqlmat_assets.errors.project import TextError

Entries = dict[str, tuple[yaml.Node, yaml.Node]]


def entries_of(node: yaml.MappingNode, refuse: Callable[[TextError, yaml.Node], None]) -> Entries:
    """Give each key with its node and that of its value; a key that comes again is refused."""
    found: Entries = {}
    for key, value in node.value:
        name = str(key.value)
        if name in found:
            refuse(wording.doubled_key(name, found[name][0].start_mark.line + 1), key)
        else:
            found[name] = (key, value)
    return found
