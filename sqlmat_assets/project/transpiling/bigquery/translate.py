"""A query of BigQuery in DuckDB's SQL."""

from __future__ import annotations

from sqlglot import exp

from sqlmat_assets.project.positions import Positions
from sqlmat_assets.project.references import Names, iter_tables, reference_of

# Each of these enters what it knows into the lists.
from sqlmat_assets.project.transpiling.bigquery import casts as _casts
from sqlmat_assets.project.transpiling.bigquery import extracts as _extracts
from sqlmat_assets.project.transpiling.bigquery import operators as _operators
from sqlmat_assets.project.transpiling.bigquery import values as _values
from sqlmat_assets.project.transpiling.bigquery.functions import aggregates as _aggregates
from sqlmat_assets.project.transpiling.bigquery.functions import arrays as _arrays
from sqlmat_assets.project.transpiling.bigquery.functions import conditions as _conditions
from sqlmat_assets.project.transpiling.bigquery.functions import dates as _dates
from sqlmat_assets.project.transpiling.bigquery.functions import hashes as _hashes
from sqlmat_assets.project.transpiling.bigquery.functions import json as _json
from sqlmat_assets.project.transpiling.bigquery.functions import maths as _maths
from sqlmat_assets.project.transpiling.bigquery.functions import printing as _printing
from sqlmat_assets.project.transpiling.bigquery.functions import regexps as _regexps
from sqlmat_assets.project.transpiling.bigquery.functions import strings as _strings
from sqlmat_assets.project.transpiling.bigquery.functions import texts_of_moments as _texts_of_moments
from sqlmat_assets.project.transpiling.bigquery.functions import timestamps as _timestamps
from sqlmat_assets.project.transpiling.bigquery.functions import windows as _windows
from sqlmat_assets.project.transpiling.bigquery.queries import say_query
from sqlmat_assets.project.transpiling.bigquery.tables import RELATION
from sqlmat_assets.project.transpiling.bigquery.translator import Translator
from sqlmat_assets.project.transpiling.raw import function_name

MODULES = (
    _casts,
    _extracts,
    _operators,
    _values,
    _aggregates,
    _arrays,
    _conditions,
    _dates,
    _hashes,
    _json,
    _maths,
    _printing,
    _regexps,
    _strings,
    _texts_of_moments,
    _timestamps,
    _windows,
)
_DIALECT = "bigquery"
# Which argument of a function is the part of a date.
_PARTS = {f"{kind}_TRUNC": 1 for kind in ("DATE", "DATETIME", "TIMESTAMP", "TIME")}
_PARTS.update({f"{kind}_DIFF": 2 for kind in ("DATE", "DATETIME", "TIMESTAMP", "TIME")}, LAST_DAY=1)


def translate_query(tree: exp.Expr, names: Names) -> tuple[exp.Expr, Translator]:
    """Say a query; what of it cannot be said is in the translator's findings.

    Args:
        tree: The query, with each function as it was written.
        names: How names are told apart.
    """
    _prepare(tree, names)
    t = Translator()
    return say_query(t, tree, is_top=True), t


def translate_value(tree: exp.Expr, names: Names) -> tuple[exp.Expr, Translator]:
    """Say an expression."""
    _prepare(tree, names)
    t = Translator()
    return t.tree(tree), t


def _prepare(tree: exp.Expr, names: Names) -> None:
    """Note which names are tables, and which are parts of dates."""
    positions = Positions("")
    for table in iter_tables(tree, _DIALECT):
        reference = reference_of(table, _DIALECT, positions)
        table.meta[RELATION] = names.identity(reference.parts, reference.quoted)
    for node in list(tree.find_all(exp.Anonymous)):
        index = _PARTS.get(function_name(node) or "")
        if index is None or index >= len(node.expressions):
            continue
        part = node.expressions[index]
        if isinstance(part, exp.Column) and len(part.parts) == 1:
            node.expressions[index].replace(exp.Var(this=part.name))
