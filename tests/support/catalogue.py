"""The main job's form and parties, and small made-up catalogues, for tests of the catalogue."""

from __future__ import annotations

from copy import deepcopy
from datetime import date
from typing import Any

from shared.catalog.model import After, Bundle, FormField, LawRef, Matter, ServiceEntry
from shared.catalog.registry import Catalog
from shared.outcomes import Nature

TODAY = date(2026, 11, 21)

SAMPLE: dict[str, Any] = {
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


def sample(**changes: Any) -> dict[str, Any]:
    """A copy of the main job's input with some top-level members replaced."""
    return {**deepcopy(SAMPLE), **changes}


def sample_form(**changes: Any) -> dict[str, Any]:
    """A copy of its form with some fields replaced; a field set to None is left out."""
    return {k: v for k, v in {**deepcopy(SAMPLE["form"]), **changes}.items() if v is not None}


def made_up_matter(code: str, **changes: Any) -> Matter:
    """A matter with everything that the checks ask for."""
    base: dict[str, Any] = {
        "code": code,
        "name": code,
        "official_name": code,
        "nature": Nature.ON_APPLICATION,
        "law": (LawRef("示例办法"),),
    }
    return Matter(**{**base, **changes})


def made_up_catalog(*matters: Matter, fields: tuple[FormField, ...] = (), bundles: tuple[Bundle, ...] = ()) -> Catalog:
    """A catalogue of one service, `svc`, with these matters."""
    return Catalog({"svc": ServiceEntry("svc", "示例", matters=matters, fields=fields, bundles=bundles)})


def after(*codes: str, hard: bool = True) -> tuple[After, ...]:
    """Prerequisites."""
    return tuple(After(code, hard=hard) for code in codes)
