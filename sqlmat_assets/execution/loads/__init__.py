"""Tables that are loaded from outside: what is loaded, and from where."""
