"""The main job's input, as the contract shows it: what the OpenAPI document gives as an example."""

from __future__ import annotations

from typing import Any, Final

EXAMPLE: Final[dict[str, Any]] = {
    "bundle": "bereavement",
    "channel": "window",
    "accept_region": "420112",
    "applicant": {
        "role": "applicant",
        "kind": "person",
        "name": "李明",
        "id_type": "resident_id",
        "id_no": "420112197003150014",
        "phone": "13800000001",
        "relation": "child",
    },
    "subject": {
        "role": "deceased",
        "kind": "person",
        "name": "李国强",
        "id_type": "resident_id",
        "id_no": "420112194002290011",
    },
    "form": {
        "death": {
            "date": "2026-11-10",
            "place_kind": "hospital",
            "place_region": "420112",
            "manner": "natural",
            "cert_no": "420112194002290011",
        },
        "disposition": "cremated",
        "funeral_home": "FH-420112-01",
        "ashes": "stored",
        "fee_items": [
            {"code": "transport", "quantity": 1, "charged": "300.00"},
            {"code": "cold_storage", "quantity": 3, "charged": "240.00"},
            {"code": "cremation", "quantity": 1, "charged": "190.00"},
            {"code": "urn", "quantity": 1, "charged": "150.00"},
            {"code": "ash_storage", "quantity": 12, "charged": "100.00"},
        ],
        "kinship_commitment": True,
        "electronic_delivery": True,
        "payee": {"holder": "李明", "number": "6222020000000000000", "for": ["unpaid_benefits"]},
    },
    "materials": [
        {"type": "death_certificate", "source": "shared"},
        {"type": "cremation_certificate", "source": "platform"},
        {"type": "kinship_proof", "source": "commitment"},
    ],
}
