"""The bill and what of it is waived: the law paper's examples, and the sample family's."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.funeral.domain.fees import RULES, WAIVED, Cap, Charge, differences, waive
from services.funeral.service import SERVICE
from shared.errors import Invalid
from shared.money import yuan
from shared.policy import Policy, PolicyMissing
from tests.support.catalogue import SAMPLE

assert SERVICE.policy is not None
POLICY = Policy.load(SERVICE.policy)
DAY = date(2026, 11, 12)

# 雷州 (a local example, F5): yuan a kilometre, days, pieces, years; the whole capped at 1540.
LEIZHOU = {
    "transport": Cap(yuan("3.00"), 160),
    "disinfection": Cap(yuan("90.00"), 1),
    "cold_storage": Cap(yuan("80.00"), 3),
    "farewell": Cap(yuan("230.00"), 1),
    "cremation": Cap(yuan("250.00"), 1),
    "urn": Cap(yuan("150.00"), 1),
    "ash_storage": Cap(yuan("100.00"), 1),
}
EVERYTHING = [
    Charge("disinfection", 1, yuan("90.00")),
    Charge("cold_storage", 5, yuan("400.00")),
    Charge("farewell", 1, yuan("230.00")),
    Charge("cremation", 1, yuan("250.00")),
    Charge("urn", 1, yuan("600.00")),
    Charge("ash_storage", 3, yuan("300.00")),
]


def driven(km):
    return Charge("transport", km, yuan(km * 3))


@pytest.mark.parametrize(
    ("vector", "charges", "expected"),
    [
        (17, [driven(100), *EVERYTHING], "1360.00"),
        (18, [driven(200), *EVERYTHING], "1540.00"),
        (19, [driven(20), Charge("cremation", 1, yuan("250.00"))], "310.00"),
    ],
)
def test_the_law_papers_examples_of_capped_waiving_come_out(vector, charges, expected):
    lines = waive(charges, LEIZHOU, yuan("1540.00"))
    assert sum(line.waived for line in lines) == yuan(expected)


def test_the_sample_familys_bill_is_waived_whole():
    found = RULES[WAIVED]({"charges": SAMPLE["form"]["fee_items"]}, POLICY, DAY, "420112")
    assert (found.value["waived"], found.value["family_pays"]) == ("980.00", "0.00")
    assert len(found.explanation) == 6
    assert "未核实" in found.law[0]


def test_what_is_beyond_the_caps_the_family_pays():
    inputs = {"cold_storage": "5:400.00", "urn": "1:600.00", "flowers": "1:80.00"}
    value = RULES[WAIVED](inputs, POLICY, DAY, "420112001000").value
    assert [line["waived"] for line in value["lines"]] == ["240.00", "150.00", "0.00"]
    assert (value["waived"], value["family_pays"]) == ("390.00", "690.00")


def test_half_a_years_storage_is_capped_at_half_the_years_price():
    assert RULES[WAIVED]({"ash_storage": "6:60.00"}, POLICY, DAY, "420112").value["waived"] == "50.00"


def test_what_was_waived_before_is_not_waived_again():
    value = RULES[WAIVED]({"urn": "1:150.00", "cremation": "1:190.00", "already": "urn"}, POLICY, DAY, "420112").value
    assert value["waived"] == "190.00"


@pytest.mark.parametrize("text", ["3", "x:10.00", "3:ten", "3:10.001"])
def test_a_charge_that_cannot_be_read_is_named(text):
    with pytest.raises(Invalid):
        RULES[WAIVED]({"urn": text}, POLICY, DAY, "420112")


def test_a_place_without_figures_is_named():
    with pytest.raises(PolicyMissing, match=r"funeral\.fee_waiver\.caps"):
        RULES[WAIVED]({"urn": "1:150.00"}, POLICY, DAY, "440882")


money = st.decimals(0, 10_000, places=2)
bills = st.lists(
    st.builds(Charge, st.sampled_from([*LEIZHOU, "flowers"]), st.integers(1, 400), money),
    unique_by=lambda c: c.code,
)


@given(bills, st.none() | money)
def test_no_line_is_waived_beyond_what_was_paid_nor_all_beyond_the_whole(charges, total):
    lines = waive(charges, LEIZHOU, total)
    assert [line.charge for line in lines] == charges
    assert all(Decimal(0) <= line.waived <= line.charge.charged for line in lines)
    assert total is None or sum(line.waived for line in lines) <= total


@given(bills)
def test_the_order_of_a_bills_lines_makes_no_difference(charges):
    assert differences(charges, reversed(charges)) == []
