"""The query of a table, changed so that it computes some partitions only."""
