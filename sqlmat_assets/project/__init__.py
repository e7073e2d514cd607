"""The folder of SQL as values: text in, frozen values out."""
