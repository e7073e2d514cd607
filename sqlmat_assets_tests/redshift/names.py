"""What a session knows of names: those of 64 to 127 bytes, which PostgreSQL would cut off; and its last query."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

POSTGRES_LIMIT = 63


@dataclass(slots=True)
class Words:
    """How one session's words are turned into PostgreSQL's and back.

    Attributes:
        long: Names that PostgreSQL cannot have, by the short ones that stand for them; shared by the cluster.
        answers: What `pg_last_query_id()` and the like answer in this session.
    """

    long: dict[str, str]
    answers: dict[str, int] = field(default_factory=dict[str, int])

    def shortened(self, name: str) -> str:
        """Return the name under which PostgreSQL knows it."""
        data = name.encode()
        if len(data) <= POSTGRES_LIMIT:
            return name
        short = data[:50].decode(errors="ignore") + "~" + hashlib.sha256(data).hexdigest()[:12]
        self.long[short] = name
        return short

    def restored(self, text: str) -> str:
        """Return a text of the server with the long names in it."""
        if not self.long or "~" not in text:
            return text
        return re.sub("|".join(map(re.escape, list(self.long))), lambda found: self.long[found[0]], text)
