"""The checks that settings make."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sqlmat_assets.project.checks import slug
from sqlmat_assets.project.model import CheckRule, CheckSpec, RuleKind
from sqlmat_assets.project.settings import ModelSettings, Place


def build_rules(settings: ModelSettings, places: Mapping[str, Place]) -> tuple[CheckRule, ...]:
    """Make the checks of a table's settings, each at the place of its setting.

    Their names stay the same as long as the setting does: `unique_a_b`, `not_null_a`, `min_rows`, `max_row_change`.
    """
    return tuple(_rules(settings, places))


def _rules(settings: ModelSettings, places: Mapping[str, Place]) -> Iterator[CheckRule]:
    for columns in settings.unique:
        yield _rule(RuleKind.UNIQUE, places, columns, title=f"unique = ({', '.join(columns)})")
    for column in settings.not_null:
        yield _rule(RuleKind.NOT_NULL, places, (column,), title=f"not_null = {column}")
    if settings.min_rows is not None:
        title = f"min_rows = {settings.min_rows}"
        yield _rule(RuleKind.MIN_ROWS, places, limit=float(settings.min_rows), title=title)
    if settings.max_row_change is not None:
        title = f"max_row_change = {settings.max_row_change * 100:.10g}%"
        yield _rule(RuleKind.MAX_ROW_CHANGE, places, limit=settings.max_row_change, title=title)


def _rule(
    kind: RuleKind, places: Mapping[str, Place], columns: tuple[str, ...] = (), limit: float = 0.0, *, title: str
) -> CheckRule:
    place = places[kind.value]
    name = slug("_".join((kind.value, *columns)))
    return CheckRule(kind, CheckSpec(name, title, is_blocking=True, path=place.path, line=place.line), columns, limit)
