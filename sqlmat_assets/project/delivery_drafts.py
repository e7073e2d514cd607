"""From the `*.deliver.yaml` of tables to models beside those of the tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlmat_assets.errors import Problem
from sqlmat_assets.errors import deliveries as wording
from sqlmat_assets.project.canonical import hash_text
from sqlmat_assets.project.code_version import CodeVersion, parser_release
from sqlmat_assets.project.companions import TableFiles
from sqlmat_assets.project.deliveries import Delivery, WrittenDelivery, delivery_of
from sqlmat_assets.project.model import Kind, Model
from sqlmat_assets.project.parsed import ParsedFiles
from sqlmat_assets.project.settings import Place, default_settings, nearest
from sqlmat_assets.project.texts import Texts
from sqlmat_assets.project.validate import Draft, Read
from sqlmat_assets.relation import Relation

_FILES_OF = "files_of"


def draft_deliveries(
    tables: Iterable[TableFiles], drafts: Iterable[Draft], texts: Texts, parsed: ParsedFiles
) -> tuple[list[Draft], list[Problem]]:
    """Read where tables are delivered to.

    Args:
        tables: Their files.
        drafts: The tables themselves.
        texts: The folder's files.
        parsed: The parser.

    Returns:
        A draft for each delivery, and the problems that belong to none.
    """
    models = {draft.model.relation: draft.model for draft in drafts}
    sent: list[Draft] = []
    problems: list[Problem] = []
    for table in tables:
        entries: dict[str, tuple[str, WrittenDelivery]] = {}
        for path in table.deliveries:
            text = texts.read(path)
            if text is None:
                problem = texts.problem(path)
                problems += [] if problem is None else [problem]
                continue
            found = parsed.deliveries(text, path)
            problems += found.problems
            for entry in found.entries:
                if entry.name in entries:
                    error = wording.doubled_key(entry.name, entries[entry.name][1].line)
                    problems.append(error.at(path, entry.line, entry.column))
                else:
                    entries[entry.name] = path, entry
        sent += _drafts(models[table.relation], entries, models)
    return sent, problems


def outlast(model: Model) -> Relation:
    """Whose interval a model has: that of a delivery without one is that of its table."""
    has_own = not model.is_delivery or model.interval is not None
    return model.relation if has_own else model.upstream[0]


def _drafts(
    table: Model, entries: Mapping[str, tuple[str, WrittenDelivery]], models: Mapping[Relation, Model]
) -> Iterator[Draft]:
    known = {name: entry for name, (_, entry) in entries.items()}
    for name, (path, entry) in entries.items():
        relation, place = delivery_of(table.relation, name), Place(path, entry.line, entry.column)
        problems = [*entry.problems, *_problems(entry, known, path)]
        if relation in models:
            error = wording.name_taken(relation, models[relation].path)
            problems.append(error.at(path, entry.line, entry.column))
            relation = replace(relation, name=f"{relation.name}_")
        model = _model(table, relation, path, entry, tuple(problems))
        model = replace(model, upstream=(table.relation, *_others(table.relation, entry.delivery, known)))
        yield Draft(model, tuple(Read(read, place) for read in model.upstream))


def _model(table: Model, relation: Relation, path: str, entry: WrittenDelivery, problems: tuple[Problem, ...]) -> Model:
    delivery, own = entry.delivery, table.settings
    seconds = None if delivery is None else delivery.interval_seconds
    return Model(
        relation,
        path,
        Kind.DELIVERY,
        table.dialect,
        "",
        interval=None if seconds is None else timedelta(seconds=seconds),
        description=None if delivery is None else delivery.description,
        settings=replace(
            default_settings(table.dialect),
            owner=own.owner,
            tags=own.tags,
            grace=own.grace,
            schedule=own.schedule if seconds is None else None,
            timezone=own.timezone,
            conditions=own.conditions if seconds is None else (),
        ),
        problems=problems,
        delivery=delivery,
        version=None if delivery is None else _version(delivery),
    )


def _others(table: Relation, delivery: Delivery | None, known: Collection[str]) -> tuple[Relation, ...]:
    """The delivery whose files it names, and which comes before it."""
    notice = None if delivery is None else delivery.notice
    return () if notice is None or notice.files_of not in known else (delivery_of(table, notice.files_of or ""),)


def _version(delivery: Delivery) -> CodeVersion:
    meaning = hash_text(delivery.meaning)
    return CodeVersion(meaning, meaning, parser_release())


def _problems(entry: WrittenDelivery, known: Mapping[str, WrittenDelivery], path: str) -> Iterator[Problem]:
    notice = None if entry.delivery is None else entry.delivery.notice
    if notice is None or notice.files_of is None:
        return
    others: Sequence[str] = [name for name in known if name != entry.name]
    if notice.files_of not in others:
        error = wording.no_such_delivery(notice.files_of, nearest(notice.files_of, others))
        yield error.at(path, entry.line, entry.column)
        return
    other = known[notice.files_of].delivery
    if other is not None and other.files is None:
        yield wording.delivers_no_files(notice.files_of).at(path, entry.line, entry.column)
