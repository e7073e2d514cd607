"""What this deployment runs."""
