"""What BigQuery guarantees, and what it does not."""

from __future__ import annotations

from sqlmat_assets.warehouses.base import Capabilities

_DOCS = "https://cloud.google.com/bigquery/docs/"
_DDL = f"{_DOCS}reference/standard-sql/data-definition-language"

BIGQUERY = Capabilities(
    name="bigquery",
    dialect="bigquery",
    # https://cloud.google.com/bigquery/docs/tables#table_naming
    max_identifier_bytes=1024,
    has_transactional_ddl=False,
    has_grants=False,
    has_comments=True,
    is_case_sensitive=True,
    has_case_sensitive_columns=False,
    sees_own_changes=False,
    has_storage_partitions=True,
    estimates_at_once=16,
    tested_on="a double of it",
    facts=(),
)
