"""The same tables, built by each of those that are compared."""
