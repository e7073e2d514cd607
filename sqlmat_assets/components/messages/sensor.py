"""The sensor that tells people what has begun to fail, what is new, and once a day how things are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Protocol, cast

import dagster as dg

from sqlmat_assets.components.automation.alerts import find_alerts
from sqlmat_assets.components.automation.states import Ledger
from sqlmat_assets.components.messages.channels import Channels, Topic
from sqlmat_assets.components.messages.news import Desk, Message, tell_day, tell_failures, tell_recovered, tell_updates
from sqlmat_assets.errors import ConnectorError
from sqlmat_assets.errors import messages as wording
from sqlmat_assets.project.due import Timetable
from sqlmat_assets.project.model import Project
from sqlmat_assets.project.schedules import Calendar
from sqlmat_assets.relation import Relation

MESSAGES_SENSOR = "sqlmat_messages"
"""The sensor that tells people what happens."""

MAIL_SENSOR, WEBHOOK_SENSOR = f"{MESSAGES_SENSOR}_mail", f"{MESSAGES_SENSOR}_webhook"
"""Those that do it by mail, and by calling a URL."""

SLACK_KEY = "sqlmat_slack"
"""The resource that writes into Slack."""

_SECONDS = 19
# The same message goes out at most once in this time.
_ONCE_IN = timedelta(minutes=10)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Memory:
    """What people have been told, as it stands in the sensor's cursor.

    `failing` are the tables of which they know that they fail, `seen` the place in the log up to which they know what
    is new, None before the first tick; `digest` is the last time of the digest. `sent` says when each message of the
    last minutes went out.
    """

    failing: set[Relation] = field(default_factory=set[Relation])
    seen: int | None = None
    digest: datetime | None = None
    sent: dict[str, datetime] = field(default_factory=dict[str, datetime])

    @classmethod
    def read(cls, cursor: str | None) -> Memory:
        """What a cursor says; nothing where there is none."""
        told: Mapping[str, Any] = json.loads(cursor) if cursor else {}
        return cls(
            {Relation.of(name) for name in told.get("failing", ())},
            told.get("seen"),
            None if told.get("digest") is None else datetime.fromisoformat(told["digest"]),
            {key: datetime.fromisoformat(at) for key, at in told.get("sent", {}).items()},
        )

    def write(self, now: datetime) -> str:
        """The cursor, without messages that are long past."""
        recent = {key: at.isoformat() for key, at in self.sent.items() if now - at < _ONCE_IN}
        return json.dumps(
            {
                "failing": sorted(map(str, self.failing)),
                "seen": self.seen,
                "digest": self.digest and self.digest.isoformat(),
                "sent": recent,
            }
        )


class Posts(Protocol):
    """What writes to people: Slack, or something in its place."""

    def post(self, channel: str, text: str) -> None:
        """Write a text into a channel.

        Raises:
            ConnectorError: It is not reached, or does not take it.
        """
        ...


def build_messages(project: Project, channels: Channels, slack: object, name: str = MESSAGES_SENSOR) -> dg.Definitions:
    """The sensor that tells people what happens, with the resource that it needs.

    Args:
        project: The tables.
        channels: Where what is told.
        slack: The resource: it writes into Slack, or is in its place.
        name: Of the sensor, and behind that of the resource, where a deployment has several.
    """
    key = SLACK_KEY if name == MESSAGES_SENSOR else f"{SLACK_KEY}_{name}"
    sensor = build_messages_sensor(project, channels, slack_key=key, name=name)
    return dg.Definitions(sensors=[sensor], resources={key: slack})


def build_messages_sensor(
    project: Project,
    channels: Channels,
    *,
    slack_key: str = SLACK_KEY,
    name: str = MESSAGES_SENSOR,
    now: Callable[[], datetime] = _now,
) -> dg.SensorDefinition:
    """A sensor that tells people what happens to the tables of a project.

    Args:
        project: The tables.
        channels: Where what is told.
        slack_key: The name of the resource that writes into Slack.
        name: Under which it can be switched on and off in the UI.
        now: The clock.
    """
    return dg.SensorDefinition(
        name,
        evaluation_fn=_Tick(project, channels, slack_key, now),
        minimum_interval_seconds=_SECONDS,
        description="Tells people what fails, what is new, and once a day how things are.",
        default_status=dg.DefaultSensorStatus.RUNNING,
        required_resource_keys={slack_key},
    )


class _Tick:
    """One look at what has happened since the last; what is kept from one to the next can all be read again."""

    def __init__(self, project: Project, channels: Channels, slack_key: str, now: Callable[[], datetime]) -> None:
        self._project = project
        self._channels = channels
        self._slack_key = slack_key
        self._now = now

    # Made by the first tick: every process that loads the definitions makes a sensor, and one runs it.
    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self._project)

    @cached_property
    def _timetable(self) -> Timetable:
        return Timetable.of(self._project)

    def __call__(self, context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now, memory = self._now(), Memory.read(context.cursor)
        slack = cast(Posts, getattr(context.resources, self._slack_key))
        post = _Post(slack, self._channels, memory, now, context)
        states = self._ledger.read(context.instance).states
        decision = self._timetable.decide(states, now)
        desk = Desk(self._project, self._channels, context.instance)
        alerts = find_alerts(decision, states, memory.failing)
        memory.failing = {*alerts.still, *alerts.recovered}
        if alerts.begun:
            message = tell_failures(desk, alerts.begun, decision, states, self._ledger)
            memory.failing |= set(alerts.begun if post.send("failures", message) else ())
        if alerts.recovered:
            message = tell_recovered(desk, alerts.recovered)
            memory.failing -= set(alerts.recovered if post.send("failures", message) else ())
        builds = self._ledger.builds_since(memory.seen or 0)
        news = None if memory.seen is None else tell_updates(desk, builds)
        if news is None or post.send("updates", news):
            memory.seen = builds[-1].storage_id if builds else memory.seen or 0
        tick = Calendar(self._channels.digest_at, self._channels.timezone).last_tick(now)
        if memory.digest is None:
            memory.digest = tick  # the first one comes when its time does
        elif tick is not None and tick > memory.digest and post.send("digest", tell_day(desk, decision, states, now)):
            memory.digest = tick
        return dg.SensorResult(skip_reason=post.trouble or wording.sent(post.count), cursor=memory.write(now))


class _Post:
    """Sends the messages of one tick, each of them once in ten minutes."""

    def __init__(
        self,
        slack: Posts,
        channels: Channels,
        memory: Memory,
        now: datetime,
        context: dg.SensorEvaluationContext,
    ) -> None:
        self._slack = slack
        self._channels = channels
        self._memory = memory
        self._now = now
        self._context = context
        self.count = 0
        self.trouble: str | None = None

    def send(self, topic: Topic, message: Message) -> bool:
        """Write a message into the channel of a topic, and tell whether it went out.

        One that said the same went out a moment ago: then it has to wait, and may be out of date before its time comes.
        """
        channel = self._channels.of(topic)
        key = hashlib.blake2b(f"{channel}\n{message.gist}".encode(), digest_size=8).hexdigest()
        before = self._memory.sent.get(key)
        if before is not None and self._now - before < _ONCE_IN:
            return False
        try:
            self._slack.post(channel, message.text)
        except ConnectorError as error:
            self.trouble = wording.not_sent(str(error))
            self._context.log.warning(self.trouble)
            return False
        self._memory.sent[key] = self._now
        self.count += 1
        return True
