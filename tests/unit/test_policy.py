"""Policy figures: the nearest region and latest start win, and a wrong or missing one says which."""

from __future__ import annotations

from datetime import date

import pytest

from shared.errors import Misconfigured
from shared.policy import Policy, PolicyMissing

DAY = date(2026, 11, 21)


def load(tmp_path, text):
    (tmp_path / "rules.yaml").write_text(text, "utf-8")
    return Policy.load(tmp_path)


def entry(region, start, value, **more):
    lines = [
        f"- rule: cap\n  region: '{region}'\n  effective_from: {start}\n  confidence: 【摘】\n  source: 示例文件\n"
    ]
    lines += [f"  {name}: {text}\n" for name, text in more.items()]
    return "".join([*lines, f"  value: '{value}'\n"])


def test_the_nearest_region_wins_then_the_latest_start(tmp_path):
    text = entry("000000", "2026-06-01", "nation") + entry("420100", "2020-01-01", "city")
    policy = load(tmp_path, text + entry("420100", "2026-01-01", "city now") + entry("420100", "2027-01-01", "later"))
    assert policy.find("cap", "420112001000", DAY).value == "city now"
    assert policy.find("cap", "420112", date(2025, 1, 1)).value == "city"
    assert policy.find("cap", "110101", DAY).value == "nation"


def test_an_entry_that_has_ended_is_not_in_force(tmp_path):
    policy = load(tmp_path, entry("420112", "2020-01-01", "old", effective_to="2026-11-20"))
    assert policy.find("cap", "420112", date(2026, 11, 20)).value == "old"
    with pytest.raises(PolicyMissing, match=r"cap.*420112.*2026-11-21"):
        policy.find("cap", "420112", DAY)


def test_a_missing_figure_names_rule_region_and_date(tmp_path):
    with pytest.raises(PolicyMissing, match=r"POLICY_MISSING: other: 420112 在 2026-11-21"):
        load(tmp_path, entry("420112", "2020-01-01", "x")).find("other", "420112", DAY)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cap: 3", "list of entries"),
        ("- {rule: cap}", r"rules\.yaml \[0\]"),
        (entry("42", "2020-01-01", "x"), "division code"),
        (entry("420112", "2020-01-01", "x", efective_to="2021-01-01"), "efective_to"),
        (entry("420112", "2020-01-01", "x", effective_to="2019-01-01"), "ends before"),
        (entry("420112", "2020-01-01", "x") + entry("420112", "2020-01-01", "y"), "two entries"),
        ("- [", "YAML"),
    ],
)
def test_a_wrong_file_stops_the_start_and_says_where(tmp_path, text, said):
    with pytest.raises(Misconfigured, match=said):
        load(tmp_path, text)


def test_the_version_changes_with_the_figures(tmp_path):
    first = load(tmp_path, entry("420112", "2020-01-01", "x"))
    assert first.version != load(tmp_path, entry("420112", "2020-01-01", "y")).version
    assert first.version == load(tmp_path, entry("420112", "2020-01-01", "x")).version
