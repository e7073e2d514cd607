"""DuckDB, the embedded engine: a file on this machine."""
