"""What people are told, in Slack or elsewhere."""
