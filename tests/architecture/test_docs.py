"""The papers: every link leads somewhere, every path, command and event that is named is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from shared.catalog.registry import load
from shared.runtime.cli.main import app
from tests.architecture.source import HOUSE, plant

FOLDERS = ("services", "shared", "demo", "docs", "tests", "deploy", "benchmarks", "schemas")
SKIP = {".venv", "var", "build", "dist", ".git", ".hypothesis", ".pytest_cache"}
LINK = re.compile(r"\]\(([^)\s]+)\)")
PLACE = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w/.-]*)`")
COMMAND = re.compile(r"`(?:\.venv/bin/)?onewindow ([a-z]+)")
TOPIC = re.compile(r"`(onewindow\.[a-z]+\.[a-z]+)`")
EVENT = re.compile(r"`((?:[A-Z][a-z]+){2,})`")
LATER = {"services/benefits/", "services/exchange/", "services/oversight/", "services/portal/"}


def papers(root: Path) -> Iterator[tuple[str, Path, str]]:
    for path in sorted(root.rglob("*.md")):
        inside = path.relative_to(root)
        if not SKIP & set(inside.parts):
            yield inside.as_posix(), path, path.read_text("utf-8")


def anchors(path: Path) -> set[str]:
    """The headings of a page as the addresses that a browser goes to."""
    heads = re.findall(r"^#+ +(.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def broken_links(root: Path) -> list[str]:
    """Links that lead to no file, or to no heading of it; addresses outside are left alone."""
    return [
        f"{name}: {link}" for name, path, text in papers(root) for link in LINK.findall(text) if _breaks(path, link)
    ]


def _breaks(page: Path, link: str) -> bool:
    if re.match(r"[a-z]+:", link):
        return False
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return not target.exists() or (bool(anchor) and target.suffix == ".md" and anchor not in anchors(target))


def missing_places(root: Path) -> list[str]:
    """Files and folders named in the text that are not there; a record of a decision speaks of its own day."""
    return [
        f"{name}: {place}"
        for name, _, text in papers(root)
        if not name.startswith("docs/adr/")
        for place in PLACE.findall(text)
        if place not in LATER and not (root / place).exists()
    ]


def unknown_commands(text: str, known: set[str]) -> set[str]:
    """What is called a command of ours and is none."""
    return set(COMMAND.findall(text)) - known


def test_every_link_leads_somewhere() -> None:
    assert broken_links(HOUSE) == []


def test_every_place_that_is_named_is_there() -> None:
    assert missing_places(HOUSE) == []


def test_every_command_that_is_named_is_one() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    found = {name: unknown_commands(text, known) for name, _, text in papers(HOUSE)}
    assert {name: said for name, said in found.items() if said} == {}


def test_the_page_for_listeners_names_what_is_published() -> None:
    text = (HOUSE / "docs" / "events.md").read_text("utf-8")
    catalog = load()
    facts = {name for name, topic in catalog.topics.items() if topic.readers is None}
    events = {message.__name__ for service in catalog.services.values() for message in service.events}
    assert set(TOPIC.findall(text)) <= facts
    assert set(EVENT.findall(text)) <= events
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    compile(code, "events.md", "exec")


@pytest.mark.parametrize("text", ["[a](no.md)", "[a](#nowhere)", "[a](other.md#nowhere)"])
def test_a_planted_link_to_nowhere_is_caught(text: str, tmp_path: Path) -> None:
    assert broken_links(plant(tmp_path, {"docs/a.md": text, "docs/other.md": "# Somewhere"}))


def test_a_link_that_leads_somewhere_is_left_in_peace(tmp_path: Path) -> None:
    text = "# Here it is\n[a](#here-it-is) [b](../README.md) [c](mailto:somebody) [d](other.md#some-where)"
    files = {"docs/a.md": text, "README.md": "", "docs/other.md": "## Some where"}
    assert broken_links(plant(tmp_path, files)) == []


def test_planted_places_and_commands_that_are_not_there_are_caught(tmp_path: Path) -> None:
    assert missing_places(plant(tmp_path, {"README.md": "see `services/nobody/domain.py`"}))
    assert unknown_commands("say `onewindow fly --now`, or `onewindow bus lag`", {"bus"}) == {"fly"}
