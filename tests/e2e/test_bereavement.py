"""The main job: one application after a death, five matters of four services, one outcome."""

from __future__ import annotations

from tests.support.catalogue import sample
from tests.support.platform import Platform


async def test_the_sample_of_the_contract_ends_with_the_figures_of_the_contract(everywhere: Platform) -> None:
    received = await everywhere.submit(sample())
    closed = await everywhere.closed(received["application_no"])
    items = {item["matter"]: item for item in closed["items"]}
    assert closed["outcome"] == "approved"
    assert {matter: item["status"] for matter, item in items.items()} == {
        "funeral.cremation": "approved",
        "funeral.fee_waiver": "approved",
        "elderly.benefit_stop": "approved",
        "assistance.benefit_stop": "not_applicable",
        "marriage.record_annotation": "approved",
    }
    waiver = items["funeral.fee_waiver"]["result"]
    assert (waiver["waived"], waiver["family_pays"]) == ("980.00", "0.00")
    stop = items["elderly.benefit_stop"]["result"]
    assert (stop["owed"], stop["from"]) == ("200.00", "2026-12")
