"""GoogleSQL of BigQuery on DuckDB: an allow-list. What is not in it is unsupported."""
