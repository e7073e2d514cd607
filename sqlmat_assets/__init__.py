"""A folder of SELECT files as Dagster assets, replaced only when their checks pass."""
