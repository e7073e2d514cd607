"""URLs as people may see them."""

from __future__ import annotations

from urllib.parse import urlsplit


def without_secrets(url: str) -> str:
    """The URL of a database without its user, password and parameters.

    Examples:
        >>> without_secrets("postgresql://joan:secret@db.example.com:5433/shop?sslmode=require")
        'postgresql://db.example.com:5433/shop'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
