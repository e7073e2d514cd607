from sqlmat_assets.project.model import CheckRule, CheckSpec, RuleKind
from sqlmat_assets.project.rules import build_rules
from sqlmat_assets.project.settings import inherit, parse_conf


def rules(conf: str) -> tuple[CheckRule, ...]:
    return build_rules(*inherit([parse_conf(conf, "x.conf")]))


def spec(name: str, title: str, line: int) -> CheckSpec:
    return CheckSpec(name, title, is_blocking=True, path="x.conf", line=line)


def test_each_setting_makes_its_checks() -> None:
    assert rules("unique = (a, b), c\nnot_null = a, b\n\nmin_rows = 3\nmax_row_change = 12.5%") == (
        CheckRule(RuleKind.UNIQUE, spec("unique_a_b", "unique = (a, b)", 1), ("a", "b")),
        CheckRule(RuleKind.UNIQUE, spec("unique_c", "unique = (c)", 1), ("c",)),
        CheckRule(RuleKind.NOT_NULL, spec("not_null_a", "not_null = a", 2), ("a",)),
        CheckRule(RuleKind.NOT_NULL, spec("not_null_b", "not_null = b", 2), ("b",)),
        CheckRule(RuleKind.MIN_ROWS, spec("min_rows", "min_rows = 3", 4), (), 3.0),
        CheckRule(RuleKind.MAX_ROW_CHANGE, spec("max_row_change", "max_row_change = 12.5%", 5), (), 0.125),
    )


def test_no_settings_no_checks() -> None:
    assert rules("distkey = a\nunique = null") == ()


def test_names_are_what_dagster_admits() -> None:
    assert [rule.spec.name for rule in rules('unique = "first name", größe')] == ["unique_first_name", "unique_gr_e"]
