"""What there is to tell: of what fails, what is new, and what a day was like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

import dagster as dg

from sqlmat_assets.components.automation.reported import explain_attempt
from sqlmat_assets.components.automation.states import Build, Ledger
from sqlmat_assets.components.messages.channels import Channels
from sqlmat_assets.components.translation import translate_key
from sqlmat_assets.errors import messages as wording
from sqlmat_assets.errors.catalogue import shortened
from sqlmat_assets.errors.ticks import begins_to_fail
from sqlmat_assets.project.intervals import default_grace
from sqlmat_assets.project.model import Model, Project
from sqlmat_assets.project.reasons import Reason
from sqlmat_assets.project.timings import Decision, State
from sqlmat_assets.relation import Relation

_DAY = timedelta(days=1)
# Of more tables that fail at the same moment only the names: they fail for one reason.
_MOST_TOLD = 3
_LONGEST_REASON = 2400
_MOST_ROWS = 100_000
_MOST_BUILDS = 5_000


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told. Two messages with the same `gist` say the same, whatever run and moment stand in them."""

    text: str
    gist: str


@dataclass(frozen=True, slots=True)
class Desk:
    """What messages are written from."""

    project: Project
    channels: Channels
    instance: dg.DagsterInstance

    def name(self, relation: Relation) -> str:
        """The name of a table or a delivery, with a link to its page."""
        return wording.linked(str(relation), self._url(_page(relation)))

    def run(self, run_id: str) -> str:
        """The name of a run, with a link to its page."""
        return wording.linked(wording.run_link(run_id), self._url(f"runs/{run_id}"))

    def command(self, run: str, relation: Relation) -> str:
        """The name of a build from the command line, which has no page: its events stand on that of the table."""
        return wording.linked(wording.command_link(run), self._url(f"{_page(relation)}?view=events"))

    def _url(self, path: str) -> str | None:
        return None if self.channels.ui is None else f"{self.channels.ui.rstrip('/')}/{path}"


def _page(relation: Relation) -> str:
    return "assets/" + "/".join(quote(part, safe="") for part in translate_key(relation).path)


def tell_failures(
    desk: Desk, begun: Sequence[Relation], decision: Decision, states: Mapping[Relation, State], ledger: Ledger
) -> Message:
    """What has begun to fail: the reason, with the checks and the rows, and what the table holds now."""
    told = [_failure(desk, relation, decision, states, ledger) for relation in begun[:_MOST_TOLD]]
    rest = [desk.name(relation) for relation in begun[_MOST_TOLD:]]
    head = [wording.fail(len(begun))] if len(begun) > 1 else []
    tail = [wording.more(rest)] if rest else []
    text = "\n".join([*head, *(each.text for each in told), *tail])
    return Message(text, "\n".join([*head, *(each.gist for each in told), *tail]))


def _failure(
    desk: Desk, relation: Relation, decision: Decision, states: Mapping[Relation, State], ledger: Ledger
) -> Message:
    model, verdict = desk.project.models[relation], decision.verdicts[relation]
    attempt = ledger.last_attempt(relation)
    reason = None if attempt is None else explain_attempt(desk.instance, attempt, relation)
    if reason is None:
        is_built = states.get(relation, State()).decided_at is not None
        reason = begins_to_fail(str(relation), None, is_built=is_built)
    gist = "\n".join(
        [wording.fails(desk.name(relation)), f"```\n{wording.plain(shortened(reason, _LONGEST_REASON))}\n```"]
    )
    run = None
    if attempt is not None:
        run = desk.command(attempt.run, relation) if attempt.run_id is None else desk.run(attempt.run_id)
    where = wording.where(run, verdict.next_at, model.settings.owner)
    return Message(f"{gist}\n{where}", gist)


def tell_recovered(desk: Desk, recovered: Iterable[Relation]) -> Message:
    """What failed and does no longer."""
    text = wording.works_again([desk.name(relation) for relation in recovered])
    return Message(text, text)


def tell_updates(desk: Desk, builds: Iterable[Build]) -> Message | None:
    """The tables that were built because their files are new or edited; None without any."""
    # By name: tables that are built side by side end in any order, and the same news is told once.
    builds = sorted(builds, key=lambda build: build.relation)
    new = [desk.name(build.relation) for build in builds if build.why == Reason.NEW.value]
    changed = [desk.name(build.relation) for build in builds if build.why == Reason.CHANGED.value]
    text = wording.updated(new, changed)
    return Message(text, text) if new or changed else None


def tell_day(desk: Desk, decision: Decision, states: Mapping[Relation, State], now: datetime) -> Message:
    """What was done in a day, and how things are."""
    tables, deliveries, seconds = _count(desk, now - _DAY)
    lines = [wording.day(len(tables), sum(tables.values()), seconds / _DAY.total_seconds())]
    if deliveries:
        lines.append(wording.day_of_deliveries(deliveries))
    failing = sorted(relation for relation, verdict in decision.verdicts.items() if verdict.failures)
    for relation in failing:
        state = states.get(relation, State())
        since = None if state.failed_at is None else now - state.failed_at
        lines.append(f"• {wording.failing(desk.name(relation), state.failures, since)}")
    if not failing:
        lines.append(wording.all_well())
    behind = max(_behind(desk.project, states, now), default=None)
    if behind is not None:
        lines.append(wording.oldest(desk.name(behind[1]), behind[0]))
    text = "\n".join(lines)
    return Message(text, text)


def _count(desk: Desk, since: datetime) -> tuple[dict[Relation, int], int, float]:
    """How often each table was built since then, how many deliveries arrived, and what all took together."""
    models = {translate_key(model.relation): model for model in desk.project}
    rows = desk.instance.get_asset_event_summary_records(dg.DagsterEventType.ASSET_MATERIALIZATION, limit=_MOST_ROWS)
    built = dict.fromkeys(row.asset_key for row in rows if row.timestamp >= since.timestamp())
    tables: dict[Relation, int] = {}
    deliveries, seconds = 0, 0.0
    for key in built:
        model = models.get(key)
        if model is None:
            continue
        taken = list(_seconds(desk.instance, key, since))
        seconds += sum(taken)
        if model.is_delivery:
            deliveries += len(taken)
        elif taken:
            tables[model.relation] = len(taken)
    return tables, deliveries, seconds


def _seconds(instance: dg.DagsterInstance, key: dg.AssetKey, since: datetime) -> Iterator[float]:
    """What each build of a table took."""
    wanted = dg.AssetRecordsFilter(asset_key=key, after_timestamp=since.timestamp())
    for record in instance.fetch_materializations(wanted, limit=_MOST_BUILDS).records:
        found = record.asset_materialization
        took = None if found is None else found.metadata.get("seconds")
        # One partition of several has none: its build has a record of its own.
        if isinstance(took, dg.FloatMetadataValue):
            yield took.value or 0.0


def _behind(project: Project, states: Mapping[Relation, State], now: datetime) -> Iterator[tuple[timedelta, Relation]]:
    """How far tables are beyond the age that they may have, and the grace."""
    for model in project:
        late = _late(model, states.get(model.relation, State()), now)
        if late is not None and late > timedelta():
            yield late, model.relation


def _late(model: Model, state: State, now: datetime) -> timedelta | None:
    if model.effective_interval is None or state.decided_at is None or model.is_delivery:
        return None
    grace = default_grace(model.effective_interval) if model.settings.grace is None else model.settings.grace
    return now - state.decided_at - model.effective_interval - grace
