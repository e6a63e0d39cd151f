"""What of an application is hidden from whom, since a matter in it is intimate; and its neutral words.

Who received it at the window sees it whole on that day: the person stands before them. From the next day on the
receiving unit, like everybody outside the section that decides, is told only that there is a restricted matter.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.intake.domain.model import Application
from shared.catalog.registry import Catalog
from shared.changes import Units
from shared.clock import beijing_date
from shared.handling.intimacy import NAME, neutral, restricted

if TYPE_CHECKING:
    from shared.http.principal import Principal


def hidden(application: Application, who: Principal, units: Units, catalog: Catalog, today: date) -> frozenset[str]:
    """The ids of the items that one who does not own the application is not shown."""
    if _at_the_window(application, who, today):
        return frozenset()
    return frozenset(
        str(i.item_id)
        for i in application.items
        if restricted(catalog.matters.get(i.matter), i.unit or "", application.accept_region, who.roles, units)
    )


def _at_the_window(application: Application, who: Principal, today: date) -> bool:
    received = application.owner is None and application.acted[:1] == [who.account]
    return received and beijing_date(application.handed_in_at) == today


def concealed(
    shown: Mapping[str, Any], application: Application, items: Collection[str], catalog: Catalog
) -> dict[str, Any]:
    """An application as it was to be shown, without what tells of the hidden items."""
    if not items:
        return dict(shown)
    found = {**shown, "bundle": None}
    if "items" in found:
        found["items"] = [neutral(i) if i["id"] in items else i for i in shown["items"]]
    if "materials" in found:
        told = _material_types(application, items, catalog)
        found["materials"] = [m for m in shown["materials"] if m["type"] in told]
    if "parties" in found and _all(application, items):
        found["parties"] = {}
    return found


def _all(application: Application, items: Collection[str]) -> bool:
    return all(str(i.item_id) in items for i in application.items)


def nothing_left(application: Application, items: Collection[str]) -> bool:
    """Whether every item is hidden: then nobody is named either."""
    return bool(items) and _all(application, items)


def _material_types(application: Application, items: Collection[str], catalog: Catalog) -> set[str]:
    """What the matters that may be shown need."""
    open_ones = [catalog.matters.get(i.matter) for i in application.items if str(i.item_id) not in items]
    return {need.type for matter in open_ones if matter is not None for need in matter.materials}


def shows_file(application: Application, file_id: UUID, items: Collection[str], catalog: Catalog) -> bool:
    """Whether a file may be shown: one that only hidden matters need may not."""
    if not items:
        return True
    told = _material_types(application, items, catalog)
    return any(m.type in told for m in application.materials if m.file_id == str(file_id))


def neutral_lines(
    lines: Sequence[Mapping[str, Any]], application: Application, items: Collection[str], catalog: Catalog
) -> list[dict[str, Any]]:
    """The timeline without the names of hidden matters, and without what happened to them."""
    names = _names(application, items, catalog)
    return [_neutral_line(dict(line), names) for line in lines]


def _names(application: Application, items: Collection[str], catalog: Catalog) -> dict[str, str]:
    found: dict[str, str] = {}
    for i in application.items:
        if str(i.item_id) in items:
            matter = catalog.matters.get(i.matter)
            found |= {i.matter: NAME[1], **({matter.name: NAME[0]} if matter else {})}
    return found


def _neutral_line(line: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    if not any(name in line["text_zh"] or name in line["text_en"] for name in names):
        return line
    if line["kind"].startswith("item_"):
        return {
            **line,
            "kind": "item_moved",
            "text_zh": f"{NAME[0]}有进展。",
            "text_en": f"{NAME[1].capitalize()} moved.",
        }
    for name, instead in names.items():
        line["text_zh"], line["text_en"] = (
            line["text_zh"].replace(name, instead),
            line["text_en"].replace(name, instead),
        )
    return line
