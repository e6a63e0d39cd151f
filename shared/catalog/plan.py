"""The pure planner: definition + form + facts -> the graph of items, and the part of the form each one gets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from uuid import UUID

from shared.catalog.forms import World, check_value, condition_fields
from shared.catalog.model import Matter
from shared.catalog.protocol import Limit, MaterialRef, PlannedItem, Prerequisite
from shared.catalog.registry import Catalog
from shared.codes import named
from shared.crypto import Sealed
from shared.errors import FieldError
from shared.messages import derived_id
from shared.outcomes import Nature

Selection = tuple[list[Matter], list[FieldError]]
UnitOf = Callable[[Matter, str], str]
"""`(matter, accept_region) -> unit code` that decides the matter there."""


@dataclass(frozen=True, slots=True)
class ItemDraft:
    """One item of a plan, before its part is sealed."""

    item_id: UUID
    matter: str
    service: str
    nature: Nature
    unit: str
    prerequisites: tuple[Prerequisite, ...]
    facts: tuple[str, ...]
    rests_on: tuple[str, ...]
    check: Literal["formal", "none"]
    examination: Limit
    promised: Limit | None
    legal: Limit | None
    lapses: bool
    pauses: tuple[str, ...]

    def planned(self, sealed: Sealed, materials: Sequence[MaterialRef], person_ref: str | None) -> PlannedItem:
        """The item as the coordinator is told of it."""
        return PlannedItem(
            item_id=self.item_id,
            matter=self.matter,
            service=self.service,
            nature=self.nature,
            unit=self.unit,
            prerequisites=self.prerequisites,
            facts=self.facts,
            rests_on=self.rests_on,
            check=self.check,
            examination=self.examination,
            promised=self.promised,
            legal=self.legal,
            lapses=self.lapses,
            pauses=self.pauses,
            materials=tuple(materials),
            sealed=sealed,
            person_ref=person_ref,
        )


# --- which matters -----------------------------------------------------------------------------------------------


def select(
    catalog: Catalog,
    bundle: str | None,
    matters: Sequence[str],
    form: Mapping[str, Any],
    granted: Collection[str] = (),
    facts: Mapping[str, Any] | None = None,
) -> Selection:
    """The matters of the case in the order in which they come, and what is wrong with the choice.

    `bundle` alone: every member whose condition holds; with `matters`: those and their hard prerequisites not
    `granted` earlier; `matters` alone: those, a missing hard prerequisite is `PREREQUISITE_MISSING`. Beside an error
    only such matters stand as are meant for certain, so that the rest of the form can be judged at once.
    """
    unknown = list(_unknown(catalog, bundle, matters))
    if unknown:
        return [], unknown
    if bundle is None:
        chosen = [catalog.matters[code] for code in dict.fromkeys(matters)]
        return _answer(catalog, bundle, chosen, list(_missing(chosen, matters, granted)))
    if matters:
        chosen = _with_prerequisites(catalog, matters, granted)
        return _answer(catalog, bundle, chosen, list(_not_members(catalog, bundle, chosen, matters, form, facts or {})))
    return _whole_bundle(catalog, bundle, form, facts or {})


def _answer(catalog: Catalog, bundle: str | None, chosen: list[Matter], errors: list[FieldError]) -> Selection:
    return ([], errors) if errors else (in_order(catalog, bundle, chosen), [])


def _unknown(catalog: Catalog, bundle: str | None, matters: Sequence[str]) -> Iterator[FieldError]:
    if bundle is None and not matters:
        yield FieldError("/bundle", "REQUIRED", "请选择一件事或事项 / choose a bundle or matters")
    if bundle is not None and bundle not in catalog.bundles:
        yield FieldError("/bundle", "UNKNOWN_BUNDLE", named("UNKNOWN_BUNDLE", bundle, catalog.bundles))
    for n, code in enumerate(matters):
        if code not in catalog.matters:
            yield FieldError(f"/matters/{n}", "UNKNOWN_MATTER", named("UNKNOWN_MATTER", code, catalog.matters))


def _missing(chosen: Sequence[Matter], matters: Sequence[str], granted: Collection[str]) -> Iterator[FieldError]:
    codes = {m.code for m in chosen}
    for matter in chosen:
        for after in matter.after:
            if after.hard and after.matter not in codes and after.matter not in granted:
                yield FieldError(
                    f"/matters/{list(matters).index(matter.code)}",
                    "PREREQUISITE_MISSING",
                    f"须先办理或一并办理 {after.matter} / {after.matter} comes first, add it",
                )


def _with_prerequisites(catalog: Catalog, matters: Sequence[str], granted: Collection[str]) -> list[Matter]:
    chosen: dict[str, Matter] = {}
    waiting = list(matters)
    while waiting:
        code = waiting.pop()
        if code not in chosen:
            chosen[code] = catalog.matters[code]
            waiting += [a.matter for a in chosen[code].after if a.hard and a.matter not in granted]
    return list(chosen.values())


def _not_members(
    catalog: Catalog,
    bundle: str,
    chosen: Sequence[Matter],
    matters: Sequence[str],
    form: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> Iterator[FieldError]:
    members = {m.code for m in catalog.members(bundle)}
    pointers = {code: f"/matters/{n}" for n, code in enumerate(matters)}
    for matter in chosen:
        pointer = pointers.get(matter.code, "/matters")
        if matter.code not in members:
            if matter.code in pointers:
                told = named("MATTER_NOT_IN_BUNDLE", matter.code, members)
                yield FieldError(pointer, "MATTER_NOT_IN_BUNDLE", told)
        elif not joins(matter, bundle, form, facts):
            yield FieldError(
                pointer, "CONDITION_NOT_MET", f"{matter.code}: 不符合联办条件 / its condition does not hold"
            )


def _whole_bundle(catalog: Catalog, bundle: str, form: Mapping[str, Any], facts: Mapping[str, Any]) -> Selection:
    members = catalog.members(bundle)
    errors = _undecided(catalog, bundle, form)
    chosen = [m for m in members if joins(m, bundle, form, facts)]
    if not chosen and not errors:
        errors = [FieldError("/bundle", "NOTHING_TO_DO")]
    return in_order(catalog, bundle, chosen), errors


def _undecided(catalog: Catalog, bundle: str, form: Mapping[str, Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    for name in sorted(condition_fields(catalog.bundles[bundle], catalog.members(bundle))):
        if name not in form:
            errors.append(FieldError(f"/form/{name}", "REQUIRED"))
        else:
            errors += check_value(catalog.fields[name], form[name], _NOWHERE)[1]
    return errors


# Only the form of a condition's value is judged here; today and the units are the whole form's check.
_NOWHERE = World(date.max)


def joins(matter: Matter, bundle: str, form: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
    """Whether the matter joins the bundle for this form and these facts."""
    return any(j.when is None or j.when(form, facts) for j in matter.joins if j.bundle == bundle)


def in_order(catalog: Catalog, bundle: str | None, matters: Sequence[Matter]) -> list[Matter]:
    """The matters, each after what it comes after; the bundle's order among equals, then the code."""
    rank = {code: n for n, code in enumerate(catalog.bundles[bundle].order)} if bundle else {}
    left = sorted(matters, key=lambda m: (rank.get(m.code, len(rank)), m.code))
    done: list[Matter] = []
    while left:
        codes = {m.code for m in left}
        free = next(m for m in left if not any(a.matter in codes for a in m.after))
        left.remove(free)
        done.append(free)
    return done


# --- the graph ---------------------------------------------------------------------------------------------------


def plan(case_id: UUID, matters: Sequence[Matter], region: str, unit_of: UnitOf) -> tuple[ItemDraft, ...]:
    """The items of a case, prerequisites before dependants, each with an id that the case and matter always give.

    `matters` are in order (`select` gives them so); a prerequisite outside the case is no edge.
    """
    ids = {m.code: derived_id("item", case_id, m.code) for m in matters}
    return tuple(_draft(matter, ids, unit_of(matter, region)) for matter in matters)


def _draft(matter: Matter, ids: Mapping[str, UUID], unit: str) -> ItemDraft:
    return ItemDraft(
        item_id=ids[matter.code],
        matter=matter.code,
        service=matter.service,
        nature=matter.nature,
        unit=unit,
        prerequisites=tuple(
            Prerequisite(item_id=ids[a.matter], matter=a.matter, hard=a.hard) for a in matter.after if a.matter in ids
        ),
        facts=matter.facts,
        rests_on=matter.rests_on,
        check=matter.check,
        examination=matter.examination,
        promised=matter.promised,
        legal=matter.legal,
        lapses=matter.task_type == "licence",
        pauses=tuple(ground.code for ground in matter.pauses),
    )


def fact_sources(catalog: Catalog, matters: Sequence[Matter]) -> dict[str, str]:
    """The source to ask for each fact that these matters wait for."""
    sources = {fact: source for b in catalog.bundles.values() for fact, source in b.fact_sources.items()}
    return {fact: sources[fact] for m in matters for fact in m.facts}


# --- what each matter gets ---------------------------------------------------------------------------------------


def cut(form: Mapping[str, Any], parties: Mapping[str, Any], matter: Matter) -> dict[str, Any]:
    """`{"parties": …, "form": …}`: only what this matter declares, to be sealed for its service."""
    names = {*matter.required_fields, *matter.optional_fields}
    places = parties_of(matter)
    return {
        "parties": {place: party for place, party in parties.items() if place in places},
        "form": {name: value for name, value in form.items() if name in names},
    }


def parties_of(matter: Matter) -> frozenset[str]:
    """The places of parties that this matter sees; an agent only where there is an applicant to act for."""
    places = {"applicant"}
    places |= {"subject"} if matter.subject != "none" else set()
    places |= {"co_applicants"} if matter.co_applicants else set()
    places |= {"household"} if matter.household else set()
    places |= {"agent"} if matter.nature is Nature.ON_APPLICATION else set()
    return frozenset(places)


def materials_of(matter: Matter, materials: Sequence[MaterialRef]) -> tuple[MaterialRef, ...]:
    """The materials of the application that this matter asks for."""
    needed = {need.type for need in matter.materials}
    return tuple(m for m in materials if m.type in needed)
