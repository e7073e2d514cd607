"""The page of what each engine guarantees."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from sqlmat_assets.warehouses.config import ENGINES

ROOT = Path(__file__).parents[2]


def test_the_page_of_warehouses_is_up_to_date() -> None:
    command = [sys.executable, "-m", "sqlmat_assets.warehouses.config"]
    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60).stdout
    assert (ROOT / "docs/warehouses.md").read_text(encoding="utf-8") == printed


def test_every_fact_names_a_page_or_a_test_that_is_there() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "sqlmat_assets_tests").rglob("*.py"))
    known = set(re.findall(r"def (test_\w+)\(", tests))
    for engine in ENGINES:
        assert engine.facts
        for fact in engine.facts:
            assert fact.sources
            for source in fact.sources:
                assert source in known or source.startswith("https://"), source
