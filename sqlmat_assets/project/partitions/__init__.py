"""The pieces that a table can be built in: what they are called, where they begin and end."""
