"""What the catalogue may not ask of people (国令第716号第七条, 社会救助法第六十二条; elderly_onewindow §2, assistance §1)."""

from __future__ import annotations

from datetime import date

import pytest

from shared.catalog.burdens import Burdens, Retained, burdens
from shared.catalog.checks import check, require_sound
from shared.catalog.definition import labels_of
from shared.catalog.model import Bundle, Joins, MaterialNeed
from shared.catalog.protocol import Limit
from shared.catalog.registry import load
from shared.errors import Misconfigured
from tests.support.catalogue import made_up_catalog, made_up_matter

ON = date(2026, 11, 21)
ASKED = MaterialNeed("ashes_receipt", "骨灰领取单")


def need(kind: str, **more):
    return MaterialNeed(kind, kind, **more)


def asks(*needs):
    return made_up_catalog(made_up_matter("svc.a", materials=needs))


def in_one_bundle(*needs, apart: bool = False):
    joins = (Joins("b"),)
    return made_up_catalog(
        made_up_matter("svc.a", materials=needs, joins=joins),
        made_up_matter("svc.b", yields=("ashes_receipt",), joins=() if apart else joins),
        bundles=(Bundle("b", "b", "b"),),
    )


def retained(material: str, **more):
    entry = {"law": "示例办法", "article": "第一条", "effective_from": ON, "confidence": "核", "source": "公报", **more}
    return Burdens(burdens().supplies, [Retained(matter="svc.a", material=material, **entry)])


@pytest.mark.parametrize(
    ("catalog", "says"),
    [
        (asks(need("residence_proof")), "a village would have to certify it"),
        (asks(need("living_proof", required=False)), "a village would have to certify it"),
        (asks(need("id_card")), "公安 shares it"),
        (asks(need("disability_card")), "残联 shares it"),
        (in_one_bundle(ASKED), "svc.b of the same bundle yields it"),
    ],
)
def test_a_paper_that_nobody_need_bring_stops_the_start(catalog, says):
    assert any(says in problem for problem in check(catalog, ON))
    with pytest.raises(Misconfigured, match="may not ask for"):
        require_sound(catalog, ON)


@pytest.mark.parametrize(
    "catalog",
    [
        asks(need("id_card", fetched=True), need("residence_proof", fetched=True)),
        asks(need("authorization")),
        in_one_bundle(ASKED, apart=True),
        in_one_bundle(need("ashes_receipt", fetched=True)),
    ],
)
def test_what_is_fetched_or_nobody_else_has_may_stand(catalog):
    assert check(catalog, ON) == []


@pytest.mark.parametrize(("catalog", "kind"), [(asks(need("id_card")), "id_card"), (in_one_bundle(ASKED), ASKED.type)])
def test_the_retained_list_lets_in_what_its_law_demands_while_that_is_in_force(catalog, kind):
    assert check(catalog, ON, retained(kind)) == []
    assert check(catalog, ON, retained("another_paper"))
    assert check(catalog, ON, retained(kind, effective_from=date(2027, 1, 1)))
    assert check(catalog, ON, retained(kind, effective_from=date(2020, 1, 1), effective_to=date(2026, 11, 20)))


def test_the_catalogue_in_force_asks_for_nothing_it_need_not():
    assert list(burdens().problems(load(), ON)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        need("a", secondary=True),
        need("a", follows=Limit(n=3, unit="working")),
        need("a", fetched=True, commits=True),
        need("a", fetched=True, secondary=True, follows=Limit(n=3, unit="working")),
    ],
)
def test_a_material_that_follows_has_a_day_and_nobody_promises_what_we_fetch(wrong):
    assert check(asks(wrong), ON)


def test_what_is_not_asked_is_counted_once_a_paper():
    """免提交率=免交份/应交份 (elderly_onewindow 3.8)."""
    from shared.catalog.definition import bundle_document, matter_document

    catalog = load()
    assert matter_document(catalog, "elderly.age_allowance")["not_asked"] == {"count": 3, "of": 5}
    assert bundle_document(catalog, "bereavement")["not_asked"] == {"count": 6, "of": 7}


@pytest.mark.parametrize(("brought_", "belongs"), [(("id_card",), True), (("id_card", "bank_account"), False)])
def test_elderly_onewindow_vector_39_what_is_done_with_one_identity_card(brought_, belongs):
    """3.2: 一张身份证办成=群众自备材料⊆{M_ID}; what we fetch nobody brings."""
    catalog = asks(*(need(kind) for kind in brought_), need("life_check", fetched=True))
    assert ("一张身份证办成" in labels_of(catalog.matters["svc.a"])) is belongs


def test_nothing_is_called_done_at_once_that_is_promised_for_later():
    """elderly_onewindow 3.2: 马上办=即办."""
    at_once = [m for m in load().matters.values() if "马上办" in m.labels]
    assert [m.code for m in at_once if m.promised is None or m.promised.n > 0] == []
