"""Messages without Slack's marks, for whoever does not know them."""

from __future__ import annotations

import html
import re

_LINK = re.compile(r"<([^|<>\s]+)\|([^<>]*)>")
_SIGN = re.compile(r":[a-z_]+: ?")
_BOLD = re.compile(r"\*([^*\n]+)\*")
_FENCE = "```"


def plain_text(text: str, *, with_links: bool = True) -> str:
    r"""The text as people read it; what stands in blocks of code stays as it is.

    Args:
        text: With Slack's marks.
        with_links: Whether links stand behind what they are of.

    Examples:
        >>> plain_text(":scream_cat: *<http://ui/a|first.a> fails*\n```\na *b* :c: &lt;d&gt;\n```\nrun 1")
        'first.a (http://ui/a) fails\n\na *b* :c: <d>\n\nrun 1'
        >>> plain_text(":new: New tables: <http://ui/a|first.a>.", with_links=False)
        'New tables: first.a.'
    """
    parts = text.split(_FENCE)
    parts[::2] = [_without_marks(part, with_links=with_links) for part in parts[::2]]
    return html.unescape("".join(parts)).strip()


def _without_marks(text: str, *, with_links: bool) -> str:
    text = _LINK.sub(r"\2 (\1)" if with_links else r"\2", _SIGN.sub("", text))
    return _BOLD.sub(r"\1", text)
