"""Mails, over a real socket."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import pytest

from sqlmat_assets.connectors.mail import send_mail
from sqlmat_assets.errors import TerminalConnectorError, TransientConnectorError, UsageError
from sqlmat_assets_tests.connectors.mail_double import PASSWORD, USER, MailDouble, mail_double
from sqlmat_assets_tests.redshift.certificates import make_certificate

FROM, TO = "sqlmat@example.com", ["joan@example.com", "data@example.com"]


def send(server: str, text: str = "first.cities fails\n.\nÉ\n") -> None:
    send_mail(server, FROM, TO, "first.cities fails", text)


def url(double: MailDouble, user: str = "") -> str:
    return f"smtp://{user}127.0.0.1:{double.port}"


def test_it_arrives_as_it_was_written() -> None:
    with mail_double() as double:
        send(url(double, f"{USER}:{quote(PASSWORD)}@"))
    (mail,) = double.mails
    assert double.envelopes == [(FROM, TO)]
    assert (mail["From"], mail["To"], mail["Subject"]) == (FROM, ", ".join(TO), "first.cities fails")
    assert mail.get_content() == "first.cities fails\n.\nÉ\n"
    assert mail["Message-ID"]
    assert mail["Date"]


def test_where_the_server_offers_tls_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tls, authority = make_certificate(tmp_path / "tls")
    with mail_double(tls) as double:
        with pytest.raises(TerminalConnectorError, match="certificate verify failed"):
            send(url(double))
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        send(url(double, f"{USER}:{quote(PASSWORD)}@"))
    assert double.encrypted == [True]


def test_what_the_server_says() -> None:
    with mail_double() as double:
        with pytest.raises(TerminalConnectorError) as caught:
            send(url(double, "joan:a-secret@"))
        assert str(caught.value) == "the mail server 127.0.0.1 refuses: 535 no such joan"
        double.answers = ["451 come again", "550 no"]
        with pytest.raises(TransientConnectorError) as later:
            send(url(double))
        assert str(later.value) == "the mail server 127.0.0.1 cannot be reached: 451 come again"
        with pytest.raises(TerminalConnectorError) as never:
            send(url(double))
        assert str(never.value) == "the mail server 127.0.0.1 refuses: 550 no"
    assert double.mails == []


def test_a_server_that_is_not_there() -> None:
    with pytest.raises(TransientConnectorError, match=r"^the mail server 127\.0\.0\.1 cannot be reached: "):
        send("smtp://127.0.0.1:9")


def test_an_address_that_is_none_is_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        send("joan:a-secret@mail.example.com")
    assert str(caught.value) == (
        "the address of the mail server is none\n"
        "  hint: write `smtp://user:password@mail.example.com:587`, or `smtps://…`"
    )
