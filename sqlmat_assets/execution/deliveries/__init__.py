"""Tables on their way to other systems."""
