"""BigQuery, by its client."""
