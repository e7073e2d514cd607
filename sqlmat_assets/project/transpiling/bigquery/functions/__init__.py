"""The functions of BigQuery that are known on DuckDB, by what they are about."""
