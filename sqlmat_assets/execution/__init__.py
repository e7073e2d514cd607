"""Write, audit, publish: what happens to a table, told as events."""
