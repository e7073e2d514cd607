"""What PostgreSQL guarantees, and what it does not."""

from __future__ import annotations

from sqlmat_assets.warehouses.base import Capabilities, Fact

_IDENTIFIERS = "https://www.postgresql.org/docs/current/sql-syntax-lexical.html"

POSTGRES = Capabilities(
    name="postgresql",
    dialect="postgres",
    max_identifier_bytes=63,
    has_transactional_ddl=True,
    has_grants=True,
    has_comments=True,
    # Outside of quotes it folds names; what stands in the catalog is told apart to the letter.
    is_case_sensitive=True,
    finds_views_by_name=False,
    facts=(
        Fact(
            "names",
            "Outside of quotes upper and lower case of A to Z are one; a name is at most 63 bytes long.",
            (_IDENTIFIERS,),
        ),
    ),
)
