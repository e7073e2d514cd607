"""The databases: one contract, one adapter per engine."""
