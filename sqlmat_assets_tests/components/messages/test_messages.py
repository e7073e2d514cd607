"""What people are told in Slack, tick by tick, on a real event log and with real runs."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import dagster as dg
import pytest
from dagster._core.definitions.sensor_definition import SensorExecutionData

from sqlmat_assets.cli import run as run_command
from sqlmat_assets.components.messages.channels import Channels
from sqlmat_assets.components.messages.others import MailMessages, WebhookMessages
from sqlmat_assets.components.messages.sensor import SLACK_KEY, Posts, build_messages_sensor
from sqlmat_assets.components.messages.slack import SlackMessages
from sqlmat_assets.connectors.calls import signature
from sqlmat_assets_tests.components.automation.service import HOUR, MINUTE, Service
from sqlmat_assets_tests.connectors.mail_double import mail_double
from sqlmat_assets_tests.connectors.receiver import receiving
from sqlmat_assets_tests.connectors.slack_double import TOKEN, SlackDouble

CITIES = "select 1 as id, 'Lyon' as city\n"
PARIS = "select city = 'Paris' as capital from first.cities\n"
CHANNELS = Channels("#data", ui="http://ui/")
SECOND = timedelta(seconds=1)
SAID = [
    "```",
    "1 check of `first.cities` failed",
    "  `capital`: is false",
    "`first.cities` still holds its previous rows",
    "",
    "rows where `capital` does not hold:",
    "  id  city  capital",
    "  2   Lyon  false",
    "```",
]


class Listener:
    """The sensor of a service, tick by tick."""

    def __init__(
        self,
        service: Service,
        slack: SlackDouble | Posts,
        channels: Channels = CHANNELS,
        **of_slack: str,
    ) -> None:
        self.service = service
        self.channels = channels
        is_slack = isinstance(slack, SlackDouble)
        self.slack = SlackMessages(**({"token": TOKEN, "base_url": slack.api} | of_slack)) if is_slack else slack
        self.cursor: str | None = None
        self.start()

    def start(self) -> None:
        """Begin as a process that has just started: all that is known stands in the cursor."""
        self.sensor = build_messages_sensor(self.service.project, self.channels, now=lambda: self.service.now)

    def tick(self, later: timedelta = SECOND) -> SensorExecutionData:
        self.service.now += later
        resources = {SLACK_KEY: self.slack}
        with dg.build_sensor_context(self.service.instance, cursor=self.cursor, resources=resources) as context:
            told = self.sensor.evaluate_tick(context)
        self.cursor = told.cursor
        return told


@pytest.fixture
def listener(service: Service, slack: SlackDouble) -> Listener:
    service.write(cities__1h=CITIES)
    return Listener(service, slack)


def fail(service: Service) -> None:
    service.write(cities__1h="select 2 as id, 'Lyon' as city\n", cities_test=PARIS)
    service.tick_and_run()


def test_a_failure_tells_the_check_the_rows_and_what_the_table_holds(
    service: Service, slack: SlackDouble, listener: Listener
) -> None:
    service.tick_and_run()
    listener.tick()
    (service.root / "first" / "cities.conf").write_text("owner = joan@example.com\n")
    fail(service)
    listener.start()
    assert listener.tick().skip_message == "sent 1 message"
    run = service.instance.get_runs(limit=1)[0].run_id
    (text,) = slack.texts("#data")
    first, *rest, last = text.split("\n")
    assert first == ":scream_cat: *<http://ui/assets/first/cities|first.cities> fails*"
    assert rest == SAID
    again = service.state("cities").failed_at
    assert again is not None
    assert last == (
        f"<http://ui/runs/{run}|run {run[:8]}> · tried again at {again + MINUTE:%Y-%m-%d %H:%M:%S} UTC"
        " · owner joan@example.com"
    )


def test_a_build_from_the_command_line_tells_the_same(
    service: Service, slack: SlackDouble, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.tick_and_run()
    listener.tick()
    service.write(cities__1h="select 2 as id, 'Lyon' as city\n", cities_test=PARIS)
    monkeypatch.setenv("DAGSTER_HOME", service.instance.root_directory)
    assert run_command(["build", str(service.root), "--warehouse", f"duckdb:///{service.warehouse}"]) == 1
    listener.start()
    assert listener.tick().skip_message == "sent 1 message"
    (text,) = slack.texts("#data")
    first, *rest, last = text.split("\n")
    assert first == ":scream_cat: *<http://ui/assets/first/cities|first.cities> fails*"
    assert rest == SAID
    assert re.fullmatch(
        r"<http://ui/assets/first/cities\?view=events\|sqlmat build, run [0-9a-f]{8}> · tried again at .* UTC", last
    )


def test_it_is_told_once_until_it_works_again(service: Service, slack: SlackDouble, listener: Listener) -> None:
    service.tick_and_run()
    listener.tick()
    fail(service)
    listener.start()
    for _ in range(3):
        listener.tick()
        service.tick_and_run(2 * MINUTE)
    # Nor is it told again by a process that starts anew.
    listener.start()
    listener.tick()
    assert len(slack.posted) == 1
    service.write(cities__1h="select 2 as id, 'Paris' as city\n")
    listener.start()
    listener.tick()
    assert len(slack.posted) == 1
    service.tick_and_run(MINUTE)
    listener.tick()
    assert slack.texts("#data")[1:] == [
        ":white_check_mark: <http://ui/assets/first/cities|first.cities> no longer fails",
        ":new: Updated tables: <http://ui/assets/first/cities|first.cities>.",
    ]


def test_the_same_is_told_at_most_once_in_ten_minutes(service: Service, slack: SlackDouble, listener: Listener) -> None:
    service.tick_and_run()
    listener.tick()
    for _ in range(2):
        fail(service)
        listener.start()
        listener.tick(2 * MINUTE)
        service.write(cities_test="select id > 0 as capital from first.cities\n")
        service.tick_and_run()
        listener.start()
        listener.tick()
    texts = [text.split("\n")[0] for text in slack.texts("#data") if ":new:" not in text]
    assert [text[:12] for text in texts] == [":scream_cat:", ":white_check"]
    # What still fails is told when the time is over.
    fail(service)
    listener.start()
    listener.tick(4 * MINUTE)
    assert len([text for text in slack.texts("#data") if ":scream_cat:" in text]) == 1
    listener.tick(5 * MINUTE)
    assert len([text for text in slack.texts("#data") if ":scream_cat:" in text]) == 2


def test_new_and_updated_tables(service: Service, slack: SlackDouble, listener: Listener) -> None:
    service.write(other__1h="select 1 as id\n")
    listener.start()
    listener.tick()
    service.tick_and_run()
    listener.tick()
    assert slack.texts("#data") == [
        ":new: New tables: <http://ui/assets/first/cities|first.cities>, <http://ui/assets/first/other|first.other>."
    ]
    service.tick_and_run(HOUR)
    listener.tick()
    assert len(slack.posted) == 1
    service.write(other__1h="select 2 as id\n", third__1h="select 3 as id\n")
    service.tick_and_run(MINUTE)
    listener.start()
    listener.tick()
    assert slack.texts("#data")[1:] == [
        ":new: New tables: <http://ui/assets/first/third|first.third>. "
        "Updated tables: <http://ui/assets/first/other|first.other>."
    ]


def test_the_first_tick_does_not_tell_of_what_was_there(
    service: Service, slack: SlackDouble, listener: Listener
) -> None:
    service.tick_and_run()
    assert listener.tick().skip_message == "nothing to tell"
    assert slack.posted == []


def test_each_kind_of_message_can_have_its_channel(service: Service, slack: SlackDouble) -> None:
    service.write(cities__1h=CITIES)
    channels = Channels("#data", failures="#alarm", updates="#news", digest="#day", digest_at="0 8 * * *")
    listener = Listener(service, slack, channels)
    listener.tick()
    service.tick_and_run()
    listener.tick()
    fail(service)
    listener.start()
    listener.tick()
    listener.tick(timedelta(days=1))
    assert [each.channel for each in slack.posted] == ["#news", "#alarm", "#day"]
    # Without the address of the UI there are no links but names.
    assert slack.posted[0].text == ":new: New tables: first.cities."


def test_a_day(service: Service, slack: SlackDouble) -> None:
    service.write(cities__1h=CITIES, other__1h="select 1 as id\n")
    service.deliver(cities="disk:\n  to: ../../exports/cities.csv\n")
    listener = Listener(service, slack, Channels("#data", digest_at="0 8 * * *", timezone="Europe/Berlin"))
    listener.tick()
    service.tick_and_run()
    service.tick_and_run(HOUR)
    listener.tick()
    slack.posted.clear()
    service.now += timedelta(hours=20)
    while not slack.posted:
        listener.tick(HOUR)
    (text,) = slack.texts("#data")
    lines = text.split("\n")
    assert lines[0].startswith(":sunrise: *Last 24 hours*: ")
    assert lines[-1].startswith("Furthest behind: first.")
    assert "Nothing fails." in lines
    listener.tick(MINUTE)
    assert len(slack.posted) == 1


def test_a_day_with_failures(service: Service, slack: SlackDouble, listener: Listener) -> None:
    service.tick_and_run()
    listener.tick()
    fail(service)
    listener.start()
    listener.tick()
    # Failures carry the real time.
    service.now = service.state("cities").failed_at or service.now
    listener.tick(30 * HOUR)
    text = slack.texts("#data")[-1]
    assert "• <http://ui/assets/first/cities|first.cities> has failed once, last 1d 6h ago" in text


def test_what_slack_does_not_take_is_told_with_the_next_tick(
    service: Service, slack: SlackDouble, listener: Listener
) -> None:
    service.tick_and_run()
    listener.tick()
    fail(service)
    listener.start()
    for fails, reason in ((429, "ratelimited"), (503, "ratelimited"), ("is_archived", "is_archived")):
        slack.fails = [fails]
        told = listener.tick()
        word = "refuses" if isinstance(fails, str) else "cannot be reached"
        assert told.skip_message == f"not sent, and tried again at the next tick: Slack {word}: {reason}"
        assert slack.posted == []
    listener.tick()
    assert len(slack.posted) == 1


def test_a_slack_that_is_not_there(service: Service, slack: SlackDouble, listener: Listener) -> None:
    service.tick_and_run()
    listener.tick()
    fail(service)
    listener = Listener(service, slack, base_url="http://127.0.0.1:9/api/")
    told = listener.tick()
    assert str(told.skip_message).startswith("not sent, and tried again at the next tick: Slack cannot be reached: ")
    assert TOKEN not in str(told)


def test_a_webhook(service: Service, slack: SlackDouble) -> None:
    service.write(cities__1h=CITIES)
    listener = Listener(service, slack, webhook=slack.webhook)
    listener.tick()
    service.tick_and_run()
    listener.tick()
    assert slack.texts("webhook") == [":new: New tables: <http://ui/assets/first/cities|first.cities>."]


def test_a_mail(service: Service) -> None:
    service.write(cities__1h=CITIES)
    with mail_double() as double:
        server = f"smtp://127.0.0.1:{double.port}"
        mail = MailMessages(server=server, sender="sqlmat@example.com")
        listener = Listener(service, mail, Channels("joan@example.com, data@example.com", ui="http://ui/"))
        service.tick_and_run()
        listener.tick()
        fail(service)
        listener.start()
        assert listener.tick().skip_message == "sent 1 message"
        double.answers = ["451 come again"]
        listener.tick(48 * HOUR)
        assert listener.tick().skip_message == "sent 1 message"
    told, day = double.mails
    assert double.envelopes[0] == ("sqlmat@example.com", ["joan@example.com", "data@example.com"])
    assert told["Subject"] == "first.cities fails"
    first, *rest = told.get_content().splitlines()
    assert first == "first.cities (http://ui/assets/first/cities) fails"
    assert rest[1:4] == [
        "1 check of `first.cities` failed",
        "  `capital`: is false",
        "`first.cities` still holds its previous rows",
    ]
    assert day["Subject"] == "Last 24 hours: nothing was built."


def test_a_webhook_of_any_kind(service: Service) -> None:
    service.write(cities__1h=CITIES)
    with receiving() as receiver:
        hook = WebhookMessages(url=f"{receiver.url}/told", secret="signing key")
        listener = Listener(service, hook)
        listener.tick()
        service.tick_and_run()
        listener.tick()
    (call,) = receiver.calls
    assert call.document == {"channel": "#data", "text": "New tables: first.cities (http://ui/assets/first/cities)."}
    at = call.headers["x-sqlmat-signature"].partition(",")[0].removeprefix("t=")
    assert call.headers["x-sqlmat-signature"] == signature("signing key", int(at), call.body)


def test_many_that_fail_at_once_are_one_message(service: Service, slack: SlackDouble, listener: Listener) -> None:
    service.write(**{f"t{number}__1h": "select 1 / 0 as x, error('no') as y\n" for number in range(6)})
    service.tick_and_run()
    listener.start()
    listener.tick()
    (text,) = (text for text in slack.texts("#data") if ":scream_cat:" in text)
    assert text.startswith(":scream_cat: *6 tables fail*\n:scream_cat: *<http://ui/assets/first/t0|first.t0> fails*")
    assert text.endswith(
        "and <http://ui/assets/first/t3|first.t3>, <http://ui/assets/first/t4|first.t4>, "
        "<http://ui/assets/first/t5|first.t5>"
    )


def test_the_cursor_holds_no_more_than_it_needs(service: Service, listener: Listener) -> None:
    service.tick_and_run()
    listener.tick()
    fail(service)
    listener.start()
    listener.tick()
    assert len(json.loads(listener.cursor or "")["sent"]) == 1
    listener.tick(11 * MINUTE)
    kept = json.loads(listener.cursor or "")
    assert (kept["failing"], kept["sent"]) == (["first.cities"], {})
