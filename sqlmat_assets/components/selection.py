"""Which tables a selection means: Dagster's own syntax, with `schema.table` and `changed` understood in it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection
from dataclasses import dataclass

from sqlmat_assets.errors import UsageError
from sqlmat_assets.errors.usage import selection_empty, selection_syntax, selection_unsupported
from sqlmat_assets.project.model import Project
from sqlmat_assets.relation import Relation

# What Dagster's grammar writes as one thing: a quoted string, a mark, white space, or else a word.
_TOKEN = re.compile(r'"[^"]*"|[+():=,]|\s+|[^\s+():=,"]+|"')
# In what is translated: a key without a wildcard.
_KEY = re.compile(r'key:(?:"([^"*]+)"|([^\s+():=,"*]+)(?![^\s+():=,"]))')
CHANGED = "changed"
# A thousand names joined by `or` take Dagster's parser seven seconds; a tag takes it none.
_TAG = "sqlmat/changed"
_CHANGED_TAG = f'tag:"{_TAG}"="true"'
_PLACE = re.compile(r"Syntax error at line \d+, column (\d+): (.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Translated:
    """A selection in Dagster's syntax, and which place of it comes from which of the original.

    `names` are the `schema.table` words as they were written; `starts` pairs the start of each token in `text`
    with its start in the original.
    """

    text: str
    names: tuple[str, ...]
    starts: tuple[tuple[int, int], ...]

    def original_column(self, column: int) -> int:
        """The column of the original, from 0, where the token at a column of `text` stands."""
        return max((pair for pair in self.starts if pair[0] <= column), default=(0, 0))[1]


def names_changed(expression: str) -> bool:
    """Whether an expression has the word `changed` in the place of a table.

    Examples:
        >>> names_changed("changed+ and not first.people"), names_changed("tag:changed"), names_changed("a.changed")
        (True, False, False)
    """
    return _CHANGED_TAG in translate_selection(expression).text


def names_of(expression: str) -> frozenset[str]:
    """The whole names of tables in an expression, `schema.table` or as Dagster writes keys.

    Examples:
        >>> sorted(names_of('+first.people or second.* or key:"first/cities"+ or key:first/shops'))
        ['first.cities', 'first.people', 'first.shops']
    """
    found = _KEY.findall(translate_selection(expression).text)
    return frozenset((quoted or plain).replace("/", ".") for quoted, plain in found)


def translate_selection(expression: str) -> Translated:
    """Turn every `schema.table` into Dagster's `key:"schema/table"`, and `changed` into a tag.

    Examples:
        >>> translate_selection("+first.people or first.c*").text
        '+key:"first/people" or key:"first/c*"'
        >>> translate_selection('group:first and not key:"first/people"').text
        'group:first and not key:"first/people"'
    """
    parts: list[str] = []
    names: list[str] = []
    starts: list[tuple[int, int]] = []
    length, before = 0, ""
    for match in _TOKEN.finditer(expression):
        token = match.group()
        is_operand = not token.startswith('"') and before not in (":", "=")
        is_name = is_operand and "." in token
        if is_name:
            names.append(token)
        part = f'key:"{token.replace(".", "/")}"' if is_name else token
        if is_operand and token == CHANGED:
            part = _CHANGED_TAG
        starts.append((length, match.start()))
        parts.append(part)
        length += len(part)
        before = before if token.isspace() else token
    starts.append((length, len(expression)))
    return Translated("".join(parts), tuple(names), tuple(starts))


def resolve_selection(
    project: Project, expression: str, changed: Collection[Relation] = frozenset()
) -> frozenset[Relation]:
    """The tables of the project that an expression selects.

    Args:
        project: The tables.
        expression: As a person types it.
        changed: Those that `changed` means; an expression with that word may select nothing.

    Raises:
        UsageError: The expression cannot be read, asks for what only a running Dagster knows, or selects nothing.
    """
    translated = translate_selection(expression)
    keys = _resolve(project, expression, translated, changed)
    chosen = frozenset(relation for relation in project.models if relation.key in keys)
    known = [str(relation) for relation in project.models]
    missing = [name for name in translated.names if name not in known]
    # That none of some tables has changed is no mistake, unless one of them is misspelt.
    may_be_empty = _CHANGED_TAG in translated.text and all("*" in name for name in missing)
    if not chosen and not may_be_empty:
        raise selection_empty(expression, missing, known)
    return chosen


def _resolve(
    project: Project, expression: str, translated: Translated, changed: Collection[Relation]
) -> set[tuple[str, ...]]:
    # The public `AssetSelection.from_string` hides where the error is and falls back to an older syntax.
    from dagster import AssetsDefinition, AssetSpec, DagsterError, map_asset_specs
    from dagster._core.definitions.antlr_asset_selection.antlr_asset_selection import AntlrAssetSelectionParser

    from sqlmat_assets.components.sql_project import build_definitions

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Dagster calls a parameter of its own parser a beta
        try:
            selection = AntlrAssetSelectionParser(translated.text).asset_selection
        except Exception as error:  # noqa: BLE001 - the parser raises nothing narrower
            raise _syntax_error(project, expression, translated, str(error)) from None
    tables = [asset for asset in build_definitions(project).assets or () if isinstance(asset, AssetsDefinition)]
    if changed:
        named = {relation.key for relation in changed}

        def tag(spec: AssetSpec) -> AssetSpec:
            return spec.merge_attributes(tags={_TAG: "true"}) if tuple(spec.key.path) in named else spec

        tables = list(map_asset_specs(tag, tables))
    try:
        keys = selection.resolve(tables)
    except (NotImplementedError, DagsterError) as error:
        raise selection_unsupported(expression) from error
    return {tuple(key.path) for key in keys}


def _syntax_error(project: Project, expression: str, translated: Translated, said: str) -> UsageError:
    found = _PLACE.search(said)
    if found is None:  # well formed, with a value that Dagster does not know, such as `is:nothing`
        return selection_unsupported(expression)
    column = translated.original_column(int(found[1]))
    word = _TOKEN.match(expression, column)
    if word is None:
        return selection_syntax(expression, column, "it ends too early", None)
    named = word.group()
    # As a path, which is how Dagster writes an asset and a shell a file.
    dotted = named.replace("/", ".")
    same = [str(relation) for relation in project.models if dotted in (relation.name, str(relation))]
    if named in same:
        hint = "combine tables with `or`, `and`, `not`"
    elif same:
        hint = f"write `{same[0]}`"
    else:
        hint = "tables are written `schema.table`, combined with `and`, `or`, `not`"
    return selection_syntax(expression, column, f"`{named}` is not expected here", hint)
