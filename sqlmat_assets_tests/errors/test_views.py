from __future__ import annotations

from sqlmat_assets.errors.views import would_break


def test_one_view() -> None:
    assert would_break("s.t", [("s.v", "Binder Error: no\n  column")]) == (
        "`s.t` was not replaced: a view that reads it would no longer work\n"
        "  `s.v`: Binder Error: no column\n"
        "  hint: change or drop what reads it first, or keep the columns"
    )


def test_of_many_views_some_are_named() -> None:
    lines = would_break("s.t", [(f"s.v{number}", "no") for number in range(1_012)]).splitlines()
    assert lines[0] == "`s.t` was not replaced: 1,012 views that read it would no longer work"
    assert lines[1:3] == ["  `s.v0`: no", "  `s.v1`: no"]
    assert lines[10:] == [
        "  `s.v9`: no",
        "  and 1,002 more",
        "  hint: change or drop what reads it first, or keep the columns",
    ]
