"""Everything that knows Dagster: tables as assets, events as results, and the component for other projects."""
