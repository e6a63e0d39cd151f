"""What stands in a paper: built once, when it is issued, from the matter, its authority and the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.papers.model import APPLICANT, Draft, Filed, by_person
from services.intake.domain.papers.parts import PARTS
from services.intake.domain.papers.templates import REMEDY, Template, templates
from services.intake.domain.papers.typeset import day, typeset
from shared.clock import beijing_date
from shared.outcomes import ItemStatus

if TYPE_CHECKING:
    from shared.calendar import WorkingCalendar
    from shared.catalog.authority import Authorities, Authority, Remedy
    from shared.catalog.protocol import Finding, ItemView
    from shared.catalog.registry import Catalog
    from shared.changes import Units


@dataclass(frozen=True, slots=True)
class World:
    """What papers are built with: the catalogue, who has authority over what, the legal calendar, the units' names."""

    catalog: Catalog
    authorities: Authorities
    calendar: WorkingCalendar
    units: Units | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """What of a paper's ground is personal, opened: parties, personal sides of results, findings in words."""

    parties: Mapping[str, Any]
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: Mapping[str, Sequence[Finding]] = field(default_factory=dict)
    receiver: str | None = None
    failures: Sequence[str] = ()
    """Why earlier ways of delivery failed, in the words of who tried them."""
    query_hint: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    """Of those who answer for it, by account, where they are known."""


@dataclass(frozen=True, slots=True)
class Source:
    """All that a part of a paper may look at."""

    draft: Draft
    filed: Filed
    opened: Opened
    authority: Authority
    world: World
    template: Template
    made_on: date
    """The Beijing date of the paper."""

    @property
    def items(self) -> Sequence[ItemView]:
        """The items it is about."""
        return self.draft.moment.items

    @property
    def item(self) -> ItemView:
        """The one item of a paper about one."""
        return self.items[0]

    def name(self, matter: str) -> str:
        """A matter's name, as the catalogue has it."""
        known = self.world.catalog.matters.get(matter)
        return known.official_name if known is not None else matter

    def unit(self, code: str) -> str:
        """A unit's name, as people know it; the code itself of one that nobody here knows."""
        known = self.world.units.get(code) if self.world.units is not None else None
        return str(known["name"]) if known is not None else code

    def authority_of(self, matter: str) -> Authority | None:
        """Who has authority over a matter of this case on the paper's day."""
        return self.world.authorities.of(matter, self.filed.place_of(matter), self.made_on)

    def filled(self, text: str) -> str:
        """A template's words, filled from the case."""
        return text.format_map(_Filling(self))


class _Filling(dict[str, str]):
    """What templates may name, worked out when it is named."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def __missing__(self, name: str) -> str:
        return FILLINGS[name](self._source)


FILLINGS: Mapping[str, Callable[[Source], str]] = {
    "application_no": lambda s: s.filed.application_no,
    "matters": lambda s: "、".join(s.name(i.matter) for i in s.items),
    "received": lambda s: day(s.filed.received_at),
    "accepted": lambda s: next((day(i.accepted_at) for i in s.items if i.accepted_at is not None), "受理之日"),
    "made": lambda s: day(s.made_on),
}
"""All that a template may name in braces."""


def authority_for(draft: Draft, filed: Filed, world: World) -> Authority | None:
    """In whose name a paper stands: whoever had authority over its (first) matter there on its day; None: nobody is
    declared, and the paper is held."""
    on = beijing_date(draft.made_at)
    matter = draft.moment.items[0].matter if draft.moment.items else None
    return world.authorities.of(matter, filed.place_of(matter), on) if matter is not None else None


def build(source: Source) -> dict[str, Any]:
    """The content of a paper but for its number; of what goes against the person the remedy is a part, always."""
    authority, template = source.authority, source.template
    parts = [
        {"part": name, "lines": lines} for name in template.parts if name != REMEDY and (lines := PARTS[name](source))
    ]
    remedy = remedy_of(authority.remedy) if REMEDY in template.parts else None
    return {
        "kind": source.draft.kind,
        "number": None,
        "title": template.title.model_dump(),
        "application_no": source.filed.application_no,
        "matters": [i.matter for i in source.items],
        "date": source.made_on.isoformat(),
        "organ": organ_of(authority),
        "parts": parts,
        "signers": signers(source),
        "remedy": remedy,
        "by_rule": by_rule(source),
    }


def signers(source: Source) -> dict[str, str]:
    """What those who sign are called, by the account or unit that stands among the signatures."""
    units = [] if source.draft.moment.by or not source.items else [source.item.unit]
    named = {unit: source.unit(unit) for unit in units} if by_person(source.draft) else {}
    known = {
        account: source.opened.names[account] for account in source.draft.moment.by if account in source.opened.names
    }
    promising = {APPLICANT: "申请人"} if source.draft.moment.commitment is not None else {}
    return {**promising, **known, **named}


def organ_of(authority: Authority) -> dict[str, Any]:
    """In whose name and under whose seal, and how sure we are of it."""
    return {
        "code": authority.organ,
        "name": authority.organ_name,
        "seal": authority.seal,
        "mode": authority.mode,
        "source": authority.source,
        "confidence": authority.confidence,
    }


def remedy_of(remedy: Remedy) -> dict[str, Any]:
    """Whom the person may turn to, and within which terms; counted from delivery, so that no date stands here."""
    text = (
        f"如不服本决定,可以自本文书送达之日起{remedy.reconsideration_days}日内向{remedy.reconsideration}申请行政复议,"
        f"或者自送达之日起{remedy.court_months}个月内向{remedy.court}提起行政诉讼。"
    )
    return {**remedy.model_dump(), "text": typeset(text)}


def by_rule(source: Source) -> bool:
    """Whether no person decided it: what only a person does, or wrote, is nobody's rule."""
    if by_person(source.draft):
        return False
    ends = [i.result for i in source.items if i.result is not None and i.status is not ItemStatus.WITHDRAWN]
    return not source.draft.moment.by and (not ends or all(r.by_rule for r in ends))


def source_of(draft: Draft, filed: Filed, opened: Opened, authority: Authority, world: World) -> Source:
    """What the parts of this paper look at."""
    template, on = templates()[draft.kind], beijing_date(draft.made_at)
    return Source(draft, filed, opened, authority, world, template, on)
