"""What the URL of a MariaDB or MySQL database says about TLS, for both clients that read it."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from sqlmat_assets.errors import SourceError
from sqlmat_assets.errors import sources as wording

# https://dev.mysql.com/doc/refman/8.4/en/connection-options.html#option_general_ssl-mode
_MODES = ("DISABLED", "REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")
_KNOWN = ("ssl-mode", "ssl-ca")


@dataclass(frozen=True, slots=True)
class Tls:
    """Whom to trust: `context` for PyMySQL, `parameters` of a URL for connectorx.

    Both refuse a server that says it has no TLS.
    """

    context: ssl.SSLContext
    parameters: str


def read_tls(label: str, query: str) -> Tls | None:
    """What the parameters of a URL say about TLS; None where there is to be none.

    Args:
        label: The URL without anything secret.
        query: The parameters.

    Raises:
        SourceError: They cannot be used.
    """
    told = {name.lower().replace("_", "-"): value for name, value in parse_qsl(query, keep_blank_values=True)}
    told.pop("charset", None)  # is what it has to be
    for name in told:
        if name not in _KNOWN:
            raise wording.unknown_parameter(label, name, _KNOWN)
    mode = told.get("ssl-mode", "VERIFY_IDENTITY" if told else "DISABLED").upper()
    if mode not in _MODES:
        raise wording.unknown_tls_mode(label, _MODES)
    if mode == "DISABLED":
        return None
    authority = told.get("ssl-ca")
    # connectorx passes over an authority where no mode is told.
    parameters = {"ssl-mode": mode} | ({} if authority is None else {"ssl-ca": authority})
    return Tls(_context(label, mode, authority), urlencode(parameters))


def _context(label: str, mode: str, authority: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise wording.no_certificate(label, error.strerror or str(error)) from error
    # Certificates that MySQL makes for itself lack what Python 3.13 asks for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.check_hostname = mode == "VERIFY_IDENTITY"
    if mode == "REQUIRED":
        context.verify_mode = ssl.CERT_NONE
    return context


def explain_tls(label: str, error: BaseException) -> SourceError | None:
    """Why there is no TLS, as PyMySQL says it; None where something else is wrong.

    Args:
        label: The URL without anything secret.
        error: What it raises.
    """
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return wording.not_trusted(label, cause.verify_message, "ssl-ca")
    if error.args[:1] == (_NO_TLS,):
        return wording.offers_no_tls(label)
    return None


# https://mariadb.com/kb/en/mariadb-error-code-reference/, CR_SSL_CONNECTION_ERROR
_NO_TLS = 2026
