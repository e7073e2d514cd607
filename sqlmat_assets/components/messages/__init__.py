"""What people are told in Slack."""
