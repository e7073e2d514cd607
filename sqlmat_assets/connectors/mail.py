"""Mail, over SMTP."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import SplitResult, unquote, urlsplit

from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.errors import messages

_SECONDS = 30.0
_PORTS = {"smtp": 587, "smtps": 465}
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def send_mail(server: str, sender: str, to: Sequence[str], subject: str, text: str) -> None:
    """Send a mail.

    Args:
        server: `smtp://user:password@host:587`, with TLS where the server offers it, or `smtps://…`, with TLS at once.
            A password goes to another machine only with TLS.
        sender: Whom it is from.
        to: Whom it is for.
        subject: One line.
        text: What it says.

    Raises:
        ConnectorError: The server is not reached, or does not take it.
        UsageError: The address of the server is none.
    """
    parts = _read(server)
    host = parts.hostname or ""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, ", ".join(to), subject
    mail["Date"], mail["Message-ID"] = formatdate(), make_msgid(domain=host)
    mail.set_content(text)
    with _refused(f"the mail server {host}"), _connect(parts, host) as session:
        if parts.username is not None:
            session.login(unquote(parts.username), unquote(parts.password or ""))
        session.send_message(mail, sender, list(to))


def _read(server: str) -> SplitResult:
    parts = urlsplit(server)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise messages.no_mail_server()
    return parts


@contextmanager
def _connect(parts: SplitResult, host: str) -> Generator[smtplib.SMTP]:
    port = parts.port or _PORTS[parts.scheme]
    if parts.scheme == "smtps":
        with smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=ssl.create_default_context()) as session:
            yield session
        return
    with smtplib.SMTP(host, port, timeout=_SECONDS) as session:
        session.ehlo()
        if session.has_extn("starttls"):
            session.starttls(context=ssl.create_default_context())
        elif parts.password is not None and host not in _HERE:
            raise wording.refused(f"the mail server {host}", "it offers no TLS, and is not told the password without")
        yield session


@contextmanager
def _refused(name: str) -> Generator[None]:
    """Word what the server, or the way to it, says."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()))
        raise _say(name, int(code), said) from error
    except smtplib.SMTPResponseException as error:
        raise _say(name, error.smtp_code, error.smtp_error) from error
    except smtplib.SMTPNotSupportedError as error:
        raise wording.refused(name, str(error)) from error
    except (ssl.SSLCertVerificationError, ValueError) as error:
        raise wording.refused(name, str(error)) from error
    except (OSError, smtplib.SMTPException) as error:
        raise wording.not_reached(name, str(error)) from error


def _say(name: str, code: int, said: bytes | str) -> Exception:
    """A code that begins with a 4 may pass."""
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    word = wording.not_reached if 400 <= code < 500 else wording.refused
    return word(name, f"{code} {' '.join(text.split())}")
