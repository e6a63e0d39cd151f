"""Who has authority over a matter where: declared once, dated, without overlap; a village never decides."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.intake.domain import routing
from shared.catalog.authority import Authorities, authorities
from shared.catalog.checks import check
from shared.catalog.definition import matter_document
from shared.catalog.registry import load
from shared.errors import Misconfigured
from tests.support.catalogue import made_up_catalog, made_up_matter

CATALOG = load()
DAY = date(2026, 11, 21)
UNITS = list(yaml.safe_load(Path("demo/units.yaml").read_text("utf-8"))["units"])
TOWN, DELEGATED = "420112001000", "420112002000"
ENTRY: dict[str, Any] = {
    "matter": "*",
    "region": "420113",
    "effective_from": date(2024, 1, 1),
    "confidence": "未核实",
    "source": "示例",
    "mode": "own",
    "receiving": ["420113-HALL"],
    "accepting": "420113",
    "examining": "420113",
    "deciding": "420113",
    "organ": "420113",
    "organ_name": "示例区民政局",
    "organ_short": "示民",
    "seal": "示例区民政局",
    "remedy": {
        "reconsideration": "示例区人民政府",
        "reconsideration_days": 60,
        "court": "示例区人民法院",
        "court_months": 6,
        "law": "《行政复议法》第二十条",
    },
}


def made(folder: Path, *entries: dict[str, Any]) -> Authorities:
    (folder / "420113.yaml").write_text(yaml.safe_dump(list(entries), allow_unicode=True), "utf-8")
    return Authorities.load(folder)


def unit(matter: str, place: str, form: dict[str, Any] | None = None) -> str | None:
    entry = CATALOG.matters[matter]
    return routing.unit_of(entry, routing.place_of(entry, place, form or {}, UNITS), UNITS, DAY)


def test_every_matter_has_an_authority_in_every_district_and_one_without_is_named():
    assert check(CATALOG) == []
    assert all(authorities().of(code, "420112", DAY) for code in CATALOG.matters)


def test_a_matter_that_nobody_has_authority_over_is_unsound(monkeypatch):
    left = Authorities([e for e in authorities().entries if e.matter != "*" or e.region != "420112"])
    monkeypatch.setattr("shared.catalog.checks.authorities", lambda: left)
    (problem,) = check(made_up_catalog(made_up_matter("svc.a")))
    assert "svc.a: nobody has authority over it in 420112" in problem


def test_every_unit_that_an_authority_names_is_in_the_demonstrations_tree():
    known = {u["code"] for u in UNITS}
    for e in authorities().entries:
        assert {*e.receiving, e.accepting, e.examining, e.deciding, *e.assisting, e.organ} <= known, e.region


@pytest.mark.parametrize("role", ["accepting", "examining", "deciding", "organ"])
def test_a_village_may_only_assist(tmp_path, role):
    """Assistance paper, corrections 2: 受理、审核在乡镇(街道);村(居)委会只协助."""
    with pytest.raises(Misconfigured, match=rf"420113.yaml \[0\].*{role}.*may only assist"):
        made(tmp_path, {**ENTRY, role: "420113001201"})
    assert made(tmp_path, {**ENTRY, "assisting": ["420113001201"]}).entries


def test_two_authorities_over_the_same_are_refused_and_named(tmp_path):
    earlier = {**ENTRY, "effective_to": date(2025, 12, 31)}
    later = {**ENTRY, "effective_from": date(2026, 1, 1)}
    assert made(tmp_path, earlier, later).of("x.y", "420113", DAY) is not None
    with pytest.raises(Misconfigured, match=r"420113.yaml \[1\].*overlaps with .*\[0\]"):
        made(tmp_path, ENTRY, later)


@pytest.mark.parametrize(
    "wrong", [{"mode": "devolved", "deciding": "420113001000"}, {"mode": "delegated"}], ids=lambda w: w["mode"]
)
def test_what_is_devolved_is_decided_in_ones_own_name_and_what_is_delegated_is_not(tmp_path, wrong):
    with pytest.raises(Misconfigured):
        made(tmp_path, {**ENTRY, **wrong})


def test_a_towns_own_decision_has_its_seal_and_is_reconsidered_by_the_county_government():
    """Assistance paper, corrections 2: delegated (以县局名义) and devolved (以镇街名义) decide the seal and the remedy."""
    devolved = authorities().of("assistance.temporary", TOWN, DAY)
    assert devolved is not None
    assert (devolved.organ, devolved.remedy.reconsideration) == (TOWN, "武汉市东西湖区人民政府")
    assert "吴家山街道" in devolved.seal
    delegated = authorities().of("elderly.age_allowance", DELEGATED, DAY)
    assert delegated is not None
    assert (delegated.deciding, delegated.organ, delegated.seal) == (
        DELEGATED,
        "420112",
        "武汉市东西湖区民政局行政审批专用章",
    )


def test_the_item_goes_to_the_deciding_unit():
    assert unit("assistance.temporary", "420112") == "420112-ASSISTANCE"
    assert unit("assistance.temporary", TOWN) == TOWN
    assert unit("assistance.temporary", DELEGATED) == "420112-ASSISTANCE"
    assert unit("elderly.age_allowance", DELEGATED) == DELEGATED
    assert unit("funeral.fee_waiver", TOWN) == "420112-FUNERAL"


def test_a_matter_is_handled_where_its_form_says_wherever_it_is_handed_in():
    """跨区域通办: 户籍地; 社会救助法第三十七条: 急难发生地."""
    assert unit("elderly.age_allowance", "420102", {"hukou_region": "420112"}) == "420112-ELDERLY"
    assert unit("assistance.temporary", "420102", {"occurred_region": TOWN}) == TOWN
    assert unit("elderly.age_allowance", "420112", {"hukou_region": "420102"}) == "420102"
    assert unit("elderly.age_allowance", "420112", {"hukou_region": "330106"}) == "420112-ELDERLY", "unknown here"
    assert routing.elsewhere({"m": "420112-ELDERLY"}, "420102", UNITS) == ("420112",)
    assert routing.elsewhere({"m": "420112-ELDERLY"}, TOWN, UNITS) == ()


def test_what_a_citizen_hands_in_is_received_by_a_unit_that_the_authority_names():
    declared = authorities().of("assistance.temporary", TOWN, DAY)
    assert routing.receiving_unit(TOWN, UNITS, declared) == f"{TOWN}-HALL"


def test_the_catalogue_says_who_has_authority_over_a_matter():
    shown = matter_document(CATALOG, "assistance.temporary")["authorities"]
    assert shown["handled_where"] == "occurred_region"
    assert [(e["region"], e["mode"]) for e in shown["declared"]] == [
        ("420102", "own"),
        (TOWN, "devolved"),
        ("420112", "own"),
    ]
