"""I5: a round of correction is told by one paper: counted, whole, and nothing shown before it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tests.faults.history.history import CaseHistory, History, items_shown
from tests.faults.history.violation import Breach


def papers_are_counted(history: History) -> Iterator[Breach]:
    """The correction papers of a case are numbered 1, 2, 3 …, and each tells something."""
    for case in history.cases.values():
        papers = [event for event in case.events if event.name == "CorrectionIssued"]
        for number, paper in enumerate(papers, 1):
            if paper.body.get("number") != number or not paper.body.get("items"):
                yield Breach(f"correction paper {number} is numbered {paper.body.get('number')}", case.id, [paper])


def findings_are_told_by_papers(history: History) -> Iterator[Breach]:
    """An item shows no finding that no paper has told."""
    for case in history.cases.values():
        yield from _told(case)


def _told(case: CaseHistory) -> Iterator[Breach]:
    told: dict[str, set[str]] = {}
    for event in case.events:
        for shown in items_shown(event):
            if event.name == "CorrectionIssued" and shown["item_id"] in event.body["items"]:
                told.setdefault(shown["item_id"], set()).update(_keys(shown))
            if _keys(shown) - told.get(shown["item_id"], set()):
                yield Breach(f"item {shown['item_id']} shows what no paper has told", case.id, [event])


def _keys(shown: Mapping[str, Any]) -> set[str]:
    found = shown.get("findings") or ()
    return {f"{f.get('code')}|{f.get('pointer', '')}|{f.get('material') or ''}" for f in found}
