"""HTTP calls to systems of others."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlmat_assets.errors import deliveries as wording

# To connect, and between two parts of an answer.
_SECONDS = (10.0, 60.0)
_LONGEST_WAIT = 60.0
_MOST_SHOWN = 200
# An answer that says to come again, beside every one that begins with a 5.
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int

    @property
    def phrase(self) -> str:
        """The status for people."""
        try:
            return f"{self.status} {HTTPStatus(self.status).phrase}"
        except ValueError:
            return str(self.status)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send a body; anything but an answer that begins with a 2 is a failure, a redirect too.

    Raises:
        ConnectorError: The server is not reached, or does not take it.
    """
    # Imported here: most who load this send nothing.
    import requests

    try:
        answer = requests.post(url, data=body, headers=dict(headers), timeout=_SECONDS, allow_redirects=False)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise wording.not_reached(_host(url), _reason(error)) from error
    except requests.RequestException as error:
        raise wording.refused(_host(url), _reason(error)) from error
    told = Answer(answer.status_code)
    if told.status in _LATER or told.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise wording.answers_later(_host(url), told.phrase, _shown(answer), _wait(answer))
    if HTTPStatus.MULTIPLE_CHOICES <= told.status < HTTPStatus.BAD_REQUEST:
        raise wording.answers_elsewhere(_host(url), told.phrase, str(answer.headers.get("Location", "")))
    if told.status >= HTTPStatus.BAD_REQUEST:
        raise wording.answers_no(_host(url), told.phrase, _shown(answer))
    return told


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """The signature of a body, for whoever knows the secret to compare.

    Examples:
        >>> signature("secret", 1700000000, b"{}")
        't=1700000000,v1=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163'
    """
    signed = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={signed.hexdigest()}"


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].partition("?")[0]


def _reason(error: Exception) -> str:
    """What happened, without the layers of the client around it."""
    inner: Any = error.args[0] if error.args else error
    reason = getattr(inner, "reason", None) or inner
    text = str(reason)
    # `<urllib3.connection.HTTPConnection object at 0x…>: Failed to …`
    return text.partition(" object at ")[2].partition(": ")[2] or text if " object at " in text else text


def _shown(answer: Any) -> str:
    text = " ".join(str(answer.text).split())
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


def _wait(answer: Any) -> float:
    """How many seconds the server asks to wait; dates are left to the usual pauses."""
    try:
        return min(max(float(answer.headers.get("Retry-After", 0)), 0.0), _LONGEST_WAIT)
    except ValueError:
        return 0.0
