"""What an intimate matter hides: only what it alone needs, and nothing of the matters beside it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from services.intake.domain.intimate import concealed, neutral_lines, shows_file
from shared.catalog.materials import fetched
from shared.catalog.protocol import MaterialRef
from shared.catalog.registry import load

CATALOG = load()
OPEN, SHUT = "elderly.age_allowance", "marriage.record_annotation"
ITEMS = {OPEN: UUID(int=1), SHUT: UUID(int=2)}
FILES = {"marriage_certificate": UUID(int=11), "life_check": UUID(int=12), "id_card": UUID(int=13)}


@pytest.fixture
def catalog() -> Any:
    matters = {
        OPEN: replace(CATALOG.matters[OPEN], materials=(fetched("life_check"),)),
        SHUT: replace(CATALOG.matters[SHUT], materials=(fetched("marriage_certificate"),), intimate=True),
    }
    return SimpleNamespace(matters=matters)


@pytest.fixture
def application() -> Any:
    materials = [MaterialRef(type=t, source="upload", file_id=str(i)) for t, i in FILES.items()]
    items = [SimpleNamespace(item_id=i, matter=code) for code, i in ITEMS.items()]
    return SimpleNamespace(items=items, materials=materials)


HIDDEN = frozenset({str(ITEMS[SHUT])})


def test_a_file_that_only_a_hidden_matter_needs_is_not_shown(catalog: Any, application: Any) -> None:
    seen = {kind: shows_file(application, i, HIDDEN, catalog) for kind, i in FILES.items()}
    assert seen == {"marriage_certificate": False, "life_check": True, "id_card": False}
    assert all(shows_file(application, i, frozenset(), catalog) for i in FILES.values())


def test_the_matters_beside_it_and_their_people_stay(catalog: Any, application: Any) -> None:
    items = [{"id": str(i), "matter": code, "result": {"x": 1}} for code, i in ITEMS.items()]
    shown = {"bundle": "b", "items": items, "materials": [{"type": t} for t in FILES], "parties": {"applicant": {}}}
    found = concealed(shown, application, HIDDEN, catalog)
    assert found["items"][0] == items[0]
    assert found["items"][1] == {"id": str(ITEMS[SHUT]), "matter": "restricted", "result": None}
    assert found["materials"] == [{"type": "life_check"}]
    assert (found["bundle"], found["parties"]) == (None, {"applicant": {}})
    assert concealed(shown, application, frozenset(), catalog) == shown


def test_a_line_about_it_says_only_that_something_moved(catalog: Any, application: Any) -> None:
    name = catalog.matters[SHUT].name
    lines = [
        {"kind": "item_concluded", "text_zh": f"{name}:未予批准(缺少离婚协议)。", "text_en": f"{SHUT}: not approved."},
        {"kind": "opened", "text_zh": f"已分送办理:高龄津贴、{name}。", "text_en": f"Sent out: {OPEN}, {SHUT}."},
        {"kind": "received", "text_zh": "已收件。", "text_en": "Received."},
    ]
    told = neutral_lines(lines, application, HIDDEN, catalog)
    assert (told[0]["kind"], told[0]["text_zh"]) == ("item_moved", "受限事项有进展。")
    assert told[1]["text_zh"] == "已分送办理:高龄津贴、受限事项。"
    assert told[2] == lines[2]
    assert not any(word in str(told) for word in (name, SHUT, "离婚", "未予批准"))
