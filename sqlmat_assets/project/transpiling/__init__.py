"""The SQL of one engine said in that of another, and a verdict on every construct of it."""
