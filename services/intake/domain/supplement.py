"""Supplement (补正): the applicant cures what was found; the parts concerned are cut and sealed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Any

from pydantic import Field

from services.intake.domain import timeline
from services.intake.domain.check import Here
from services.intake.domain.facts import to_coordinator
from services.intake.domain.model import Application
from services.intake.domain.sealing import seal, unseal
from services.intake.domain.submit import material_refs
from services.intake.domain.telling import tell
from services.intake.domain.visits import end_calls
from shared.catalog.forms import field_error, validate_form
from shared.catalog.materials import NAMES as MATERIAL_NAMES
from shared.catalog.model import Matter
from shared.catalog.parties import MaterialIn, Shape
from shared.catalog.plan import cut, materials_of
from shared.catalog.protocol import ApplicationSupplemented, ItemView, MaterialRef, SupplementedItem
from shared.changes import Changes, Ctx
from shared.errors import Conflict, FieldError, Invalid
from shared.handling.sealing import seal_part


class Supplement(Shape):
    """What cures the findings of a round: form fields that replace earlier ones, further materials."""

    round: int
    form: dict[str, Any] = Field(default_factory=dict)
    materials: Annotated[list[MaterialIn], Field(max_length=100)] = Field(default_factory=list)


def supplement(state: Application, given: Supplement, here: Here, ctx: Ctx) -> Changes[Application]:
    """Takes a supplement for the items that wait for the applicant.

    `Conflict` (`NOT_CORRECTING`, `ROUND_OLD`) when nothing waits, or another round does; `Invalid` for wrong fields
    and for a supplement that holds nothing.
    """
    waiting = state.correcting()
    _refuse_wrong_round(waiting, given)
    content = unseal(ctx.keyring, state.id, None, state.sealed_round, state.submission)
    matters = [ctx.catalog.matters[i.matter] for i in waiting]
    content["form"] = {**content["form"], **_clean_form(given, matters, content["form"], here, state.bundle)}
    state.materials = _merged(state.materials, material_refs(given.materials))
    state.sealed_round += 1
    state.submission = seal(ctx.keyring, state.id, None, state.sealed_round, content)
    message = ApplicationSupplemented(
        case_id=state.id, round=state.sealed_round, items=tuple(_items(state, waiting, matters, content, ctx))
    )
    puts = tell(state, [timeline.supplemented(given.round)], ctx.now)
    changes = Changes(state, emits=[to_coordinator(state, message)], puts=puts)
    end_calls(changes, ctx)
    return changes


def _refuse_wrong_round(waiting: Sequence[ItemView], given: Supplement) -> None:
    if not waiting:
        raise Conflict("NOT_CORRECTING", "本件目前不需要补正", "nothing waits for a correction now")
    now = max(i.round for i in waiting)
    if given.round != now:
        raise Conflict("ROUND_OLD", f"现在是第 {now} 轮,请重新查看后再补正", f"round {now} is open: read again first")


def _clean_form(
    given: Supplement, matters: Sequence[Matter], form: Mapping[str, Any], here: Here, bundle: str | None
) -> dict[str, Any]:
    """The clean new fields; `Invalid` for each that is wrong, or when there is nothing new."""
    world = here.world()
    clean, errors = validate_form(
        here.catalog, matters, given.form, here.today, bundle=bundle, world=world, complete=False
    )
    for n, material in enumerate(given.materials):
        errors += _material(n, material, matters, here.today)
    if not given.form and not given.materials:
        errors.append(field_error("/form", "REQUIRED"))
    if errors:
        raise Invalid(errors)
    return clean


def _material(n: int, material: MaterialIn, matters: Sequence[Matter], today: date) -> list[FieldError]:
    known = MATERIAL_NAMES.keys() | {need.type for m in matters for need in m.materials}
    found = []
    if material.type not in known:
        found.append(FieldError(f"/materials/{n}/type", "UNKNOWN_MATERIAL", "没有这种材料 / no such material type"))
    if material.file_id is not None:
        message = "没有这个文件,请先上传 / there is no such file, upload it first"
        found.append(FieldError(f"/materials/{n}/file_id", "FILE_UNKNOWN", message))
    elif material.source == "upload":
        found.append(field_error(f"/materials/{n}/file_id", "REQUIRED"))
    if material.source == "deferred" and (material.promise_by is None or material.promise_by < today):
        found.append(field_error(f"/materials/{n}/promise_by", "REQUIRED"))
    return found


def _merged(old: Sequence[MaterialRef], new: Sequence[MaterialRef]) -> list[MaterialRef]:
    replaced = {m.type for m in new}
    return [*(m for m in old if m.type not in replaced), *new]


def _items(
    state: Application, waiting: Sequence[ItemView], matters: Sequence[Matter], content: Mapping[str, Any], ctx: Ctx
) -> list[SupplementedItem]:
    sealer = ctx.keyring.sealer()
    return [
        SupplementedItem(
            item_id=i.item_id,
            sealed=seal_part(
                sealer,
                i.service,
                state.id,
                i.item_id,
                state.sealed_round,
                cut(content["form"], content["parties"], matter),
            ),
            materials=materials_of(matter, state.materials),
        )
        for i, matter in zip(waiting, matters, strict=True)
    ]
