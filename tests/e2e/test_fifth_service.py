"""A made-up fifth service joins a bundle by its own folder and one catalogue file; nothing else knows of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from shared.catalog.registry import load
from tests.support.alone import FIFTH
from tests.support.catalogue import sample
from tests.support.database import Server
from tests.support.platform import run_platform

ROOT = Path(__file__).parents[2]
(ENTRY,) = (entry for name, entry in load([FIFTH]).services.items() if name not in load().services)


@pytest.mark.e2e
async def test_a_fifth_service_joins_a_bundle_and_its_item_is_handled_like_every_other(server: Server) -> None:
    async with run_platform(await server.new_platform_database(), catalog=str(FIFTH)) as platform:
        handed_in = await platform.submit(sample())
        closed = await platform.closed(handed_in["application_no"])
        listed = (await platform.get("/api/catalogue", None)).json()
    matter = next(m for m in ENTRY.matters if m.joins)
    states = {item["matter"]: item["status"] for item in closed["items"]}
    assert len(states) == 6
    assert states[matter.code] == "not_applicable"  # nobody has a card
    assert closed["outcome"] == "approved"
    assert matter.code in next(b["matters"] for b in listed["bundles"] if b["code"] == "bereavement")


def test_no_other_file_names_the_fifth_service() -> None:
    words = [rf"\b{ENTRY.name}\.[a-z]", rf"[\"']{ENTRY.name}[\"']", ENTRY.title, *(m.name for m in ENTRY.matters)]
    found = re.compile("|".join([*words, r"support[./]fifth"]))
    files = [path for folder in ("services", "shared", "demo", "deploy") for path in (ROOT / folder).rglob("*.*")]
    naming = [str(path.relative_to(ROOT)) for path in files if path.suffix in _TEXT and found.search(_text(path))]
    assert naming == []
    assert found.search(_text(FIFTH / f"{ENTRY.name}.py")), "the words searched for must find the service itself"


_TEXT = {".py", ".yaml", ".yml", ".toml", ".json", ".sh", ".md"}


def _text(path: Path) -> str:
    return path.read_text("utf-8")
