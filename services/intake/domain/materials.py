"""The materials of an application: what was handed in, by whom an original was seen, and what nobody had to bring."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from shared.catalog.burdens import burdens
from shared.catalog.commitments import commitments
from shared.catalog.materials import NAMES
from shared.catalog.model import MaterialNeed, Matter
from shared.catalog.parties import MaterialIn
from shared.catalog.protocol import MaterialRef
from shared.errors import Conflict, FieldError
from shared.handling.limits import working_calendar
from shared.outcomes import FINAL_ITEM

if TYPE_CHECKING:
    from services.intake.domain.model import Application
    from shared.catalog.registry import Catalog
    from shared.changes import Ctx

_TOLERANCE_LAW = "容缺只限次要材料,到期不补不发证(国发〔2022〕5号【摘】)"


class Material(MaterialRef):
    """A material as intake keeps it: who saw the original and when, and to whom of ours it was given back."""

    seen_by: str | None = None
    seen_at: datetime | None = None
    returned_by: str | None = None
    returned_at: datetime | None = None

    def ref(self) -> MaterialRef:
        """The material as items see it."""
        return MaterialRef(**{name: getattr(self, name) for name in MaterialRef.model_fields})


def taken(given: Sequence[MaterialIn], ctx: Ctx) -> list[Material]:
    """The materials as they were handed in now; an original that was seen was seen by who hands in."""
    return [_taken(material, ctx) for material in given]


def _taken(material: MaterialIn, ctx: Ctx) -> Material:
    values: dict[str, Any] = {name: getattr(material, name) for name in MaterialRef.model_fields}
    seen: dict[str, Any] = {"seen_by": ctx.actor, "seen_at": ctx.now} if material.original_seen else {}
    return Material(**values, **seen)


def returned(state: Application, kind: str, ctx: Ctx) -> None:
    """The paper was given back; `Conflict` where no such paper was taken, or it was given back before."""
    for n, material in enumerate(state.materials):
        if material.type == kind and material.source == "paper" and material.returned_at is None:
            state.materials[n] = material.model_copy(update={"returned_by": ctx.actor, "returned_at": ctx.now})
            return
    raise Conflict("NOT_HELD")


# --- what may be promised instead of brought --------------------------------------------------------------------------


def wrong(
    pointer: str, material: MaterialIn, matters: Sequence[Matter], region: str, now: datetime, today: date
) -> Iterator[FieldError]:
    """What is wrong with a material that is to follow later, or for which a commitment stands."""
    needs = [need for m in matters for need in m.materials if need.type == material.type]
    if material.source == "deferred":
        yield from _deferred(pointer, material, needs, today)
    elif material.source == "commitment":
        yield from _committed(pointer, material, needs, region, now, today)
    elif material.commitment is not None:
        yield FieldError(f"{pointer}/commitment", "NOT_ALLOWED", "只有告知承诺的材料才填写 / only beside a commitment")


def _deferred(pointer: str, material: MaterialIn, needs: Sequence[MaterialNeed], today: date) -> Iterator[FieldError]:
    limits = [need.follows for need in needs if need.follows is not None]
    if not needs or len(limits) < len(needs):
        words = "主要材料不能容缺,请现在提交 / a main material cannot follow later"
        yield FieldError(f"{pointer}/source", "NOT_SECONDARY", f"{words}: {_TOLERANCE_LAW}")
        return
    last = min(working_calendar().due(today, limit.n, limit.unit).date for limit in limits)
    if material.promise_by is not None and not today <= material.promise_by <= last:
        words = f"最迟应于 {last} 前补齐 / it must come by {last}"
        yield FieldError(f"{pointer}/promise_by", "PROMISE_TOO_LATE", f"{words}: {_TOLERANCE_LAW}")


def _committed(
    pointer: str, material: MaterialIn, needs: Sequence[MaterialNeed], region: str, now: datetime, today: date
) -> Iterator[FieldError]:
    text = commitments().of(material.type, region, today)
    if text is None or not needs or not all(need.commits for need in needs):
        yield FieldError(f"{pointer}/source", "COMMITMENT_NOT_ALLOWED")
        return
    given = material.commitment
    if given is None:
        return
    if given.version != text.version:
        words = f"告知文本已更新为 {text.version},请重新告知并签署 / version {text.version} is to be told and signed"
        yield FieldError(f"{pointer}/commitment/version", "COMMITMENT_TEXT_OLD", words)
    if not given.informed_at <= given.signed_at <= now:
        yield FieldError(f"{pointer}/commitment/signed_at", "COMMITMENT_TIMES")


# --- what nobody had to bring -----------------------------------------------------------------------------------------


def _papers(catalog: Catalog, codes: Iterable[str]) -> dict[str, list[Matter]]:
    """The papers due in a case of these matters, once each, with the matters that need it."""
    found: dict[str, list[Matter]] = {}
    for code in codes:
        matter = catalog.matters.get(code)
        for need in matter.materials if matter else ():
            found.setdefault(need.type, []).append(catalog.matters[code])
    return found


def not_asked(state: Application, catalog: Catalog) -> dict[str, Any]:
    """What nobody had to bring (免交份, 应交份): how many of the papers due, each with who holds it and whether it was got.

    A paper is got with the decision of an item that rests on it.
    """
    done = {i.matter for i in state.items if i.status in FINAL_ITEM and i.result is not None and i.result.law}
    papers = _papers(catalog, [i.matter for i in state.items])
    fetched = [
        {
            "type": kind,
            "name": NAMES.get(kind, kind),
            "holder": burdens().holders.get(kind, ""),
            "services": sorted({m.service for m in matters}),
            "state": "fetched" if any(m.code in done for m in matters) else "pending",
        }
        for kind, matters in papers.items()
        if _fetched(kind, matters)
    ]
    return {"count": len(fetched), "of": len(papers), "fetched": fetched}


def counted(matters: Sequence[Matter]) -> tuple[int, int]:
    """免交份 and 应交份 of a case of these matters."""
    due = {need.type: need.fetched for m in matters for need in m.materials}
    return sum(due.values()), len(due)


def _fetched(kind: str, matters: Sequence[Matter]) -> bool:
    return any(need.fetched for m in matters for need in m.materials if need.type == kind)
