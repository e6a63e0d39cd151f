"""Supplement (补正): the applicant cures what was found; the parts concerned are cut and sealed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from services.intake.domain import commitment, timeline, tolerance
from services.intake.domain.check import Here
from services.intake.domain.facts import to_coordinator
from services.intake.domain.materials import Material, taken, wrong
from services.intake.domain.model import Application
from services.intake.domain.papers.making import committed, supplied, tolerated
from services.intake.domain.parts import resent
from services.intake.domain.people import RECEIVED_BY
from services.intake.domain.sealing import seal, unseal
from services.intake.domain.telling import tell
from services.intake.domain.visits import end_calls
from shared.catalog.forms import validate_form
from shared.catalog.materials import NAMES as MATERIAL_NAMES
from shared.catalog.model import Matter
from shared.catalog.parties import MaterialIn, Shape
from shared.catalog.protocol import ItemView
from shared.changes import Changes, Ctx
from shared.codes import named
from shared.errors import Conflict, FieldError, Invalid


class Supplement(Shape):
    """What cures the findings of a round: form fields that replace earlier ones, further materials."""

    round: int
    form: dict[str, Any] = Field(default_factory=dict)
    materials: Annotated[list[MaterialIn], Field(max_length=100)] = Field(default_factory=list)


def supplement(
    state: Application, given: Supplement, here: Here, ctx: Ctx, received_by: Mapping[str, str] | None = None
) -> Changes[Application]:
    """Takes a supplement for the items that wait for the applicant, or for a material that was promised (容缺);
    `received_by` is whoever took it in at a window, by account with their name.

    `Conflict` (`NOT_CORRECTING`, `ROUND_OLD`) when nothing waits, or another round does; `Invalid` for wrong fields
    and for a supplement that holds nothing.
    """
    waiting = _waiting(state, given, ctx)
    _refuse_wrong_round(waiting, given)
    content = unseal(ctx.keyring, state.id, None, state.sealed_round, state.submission)
    matters = [ctx.catalog.matters[i.matter] for i in waiting]
    content["form"] = {**content["form"], **_clean_form(given, matters, state, here)}
    by = received_by or {}
    content[RECEIVED_BY] = {**content.get(RECEIVED_BY, {}), **by}
    state.materials = _merged(state.materials, taken(given.materials, ctx))
    state.sealed_round += 1
    state.submission = seal(ctx.keyring, state.id, None, state.sealed_round, content)
    message = resent(state, waiting, content, ctx)
    changes = _promises(state, given, tuple(by), ctx)
    changes.emits.append(to_coordinator(state, message))
    changes.puts += tell(state, [timeline.supplemented(given.round)], ctx.now)
    end_calls(changes, ctx)
    return changes


def _waiting(state: Application, given: Supplement, ctx: Ctx) -> list[ItemView]:
    """The items to correct, and those that lack what was promised and comes now."""
    correcting = state.correcting()
    came = {m.type for m in given.materials if m.source != "deferred"}
    promised = came & {t.material for t in state.tolerances if t.state != "cured"}
    known = {i.item_id for i in correcting}
    owing = tolerance.owing(state, promised, ctx) if promised and (not given.form or correcting) else []
    return [*correcting, *(i for i in owing if i.item_id not in known)]


def _promises(state: Application, given: Supplement, by: Sequence[str], ctx: Ctx) -> Changes[Application]:
    """What was promised and came, and what is promised or committed to now."""
    came = [m.type for m in given.materials if m.source != "deferred"]
    open_before = {t.material for t in state.tolerances if t.state != "cured"}
    changes = tolerance.cure(state, came, ctx) if state.tolerances else Changes(state)
    known = {t.material for t in state.tolerances}
    arrived = [t for t in state.tolerances if t.state == "cured" and t.material in came and t.material in open_before]
    changes.puts += supplied(state, arrived, by, ctx.now, ctx.catalog)
    if new := [t for t in tolerance.promised(state) if t.material not in known]:
        state.tolerances += new
        changes.timers += tolerance.timer(state)
        changes.puts += tolerated(state, new, by, ctx.now, ctx.catalog)
    if made := commitment.signed(state, given.materials):
        state.commitments += made
        changes.timers += commitment.timer(state)
        changes.puts += committed(state, made, by, ctx.now, ctx.catalog)
    return changes


def _refuse_wrong_round(waiting: Sequence[ItemView], given: Supplement) -> None:
    if not waiting:
        raise Conflict("NOT_CORRECTING")
    now = max(i.round for i in waiting)
    if given.round != now:
        raise Conflict("ROUND_OLD", f"现在是第 {now} 轮,请重新查看后再补正", f"round {now} is open: read again first")


def _clean_form(given: Supplement, matters: Sequence[Matter], state: Application, here: Here) -> dict[str, Any]:
    """The clean new fields; `Invalid` for each that is wrong, or when there is nothing new."""
    world = here.world()
    clean, errors = validate_form(
        here.catalog, matters, given.form, here.today, bundle=state.bundle, world=world, complete=False
    )
    for n, material in enumerate(given.materials):
        errors += _material(f"/materials/{n}", material, matters, state, here)
    if not given.form and not given.materials:
        errors.append(FieldError("/form", "REQUIRED"))
    if errors:
        raise Invalid(errors)
    return clean


def _material(
    pointer: str, material: MaterialIn, matters: Sequence[Matter], state: Application, here: Here
) -> list[FieldError]:
    known = MATERIAL_NAMES.keys() | {need.type for m in matters for need in m.materials}
    found = []
    if material.type not in known:
        found.append(FieldError(f"{pointer}/type", "UNKNOWN_MATERIAL", named("UNKNOWN_MATERIAL", material.type, known)))
    if material.file_id is not None:
        code = here.files.get(material.file_id, "FILE_UNKNOWN")
        found += [FieldError(f"{pointer}/file_id", code)] if code else []
    elif material.source == "upload":
        found.append(FieldError(f"{pointer}/file_id", "REQUIRED"))
    if material.source == "deferred" and material.promise_by is None:
        found.append(FieldError(f"{pointer}/promise_by", "REQUIRED"))
    if material.source == "deferred" and material.type in {t.material for t in state.tolerances}:
        found.append(FieldError(f"{pointer}/source", "PROMISED_BEFORE"))
    return [*found, *wrong(pointer, material, matters, state.accept_region, here.now, here.today)]


def _merged(old: Sequence[Material], new: Sequence[Material]) -> list[Material]:
    replaced = {m.type for m in new}
    return [*(m for m in old if m.type not in replaced), *new]
