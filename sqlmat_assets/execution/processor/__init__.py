"""Tables whose rows go through a script of Python: its process, its packages, its files."""
