"""How an item begins, and begins again: a new round (reassigned, corrected, reopened) under the same id."""

from __future__ import annotations

from shared.catalog.protocol import ItemRequested
from shared.changes import Ctx
from shared.handling.model import Item
from shared.handling.run import Run
from shared.handling.sealing import open_work

_KEPT = ("version", "out", "seen", "tasks", "notes", "done", "pauses", "extension", "frozen")


def new_item(message: ItemRequested, ctx: Ctx) -> Item:
    """The item as it stands when it is requested."""
    same = ("case_id", "application_no", "matter", "definition", "nature", "round", "unit", "received_at", "check")
    more = ("ready", "received_on", "person_ref", "reason_code")
    return Item(
        id=message.item_id,
        region=_region(message, ctx),
        part=message.sealed,
        part_round=message.sealed_round,
        materials=list(message.materials),
        acted=list(message.acted),
        **{name: getattr(message, name) for name in (*same, *more)},
    )


def begin_again(run: Run, message: ItemRequested) -> None:
    """Stops what the round before waited for and puts the item at its start; closed tasks and notes stay, answers go."""
    item = run.item
    run.stop_waiting()
    fresh = new_item(message, run.ctx)
    fresh.past = [*item.past, *item.decisions]
    for name in Item.model_fields:
        if name not in _KEPT:
            setattr(item, name, getattr(fresh, name))
    run.work = open_work(item, run.ctx)
    if run.work.answers:
        run.work.answers = {}
        run.notes_changed = True


def _region(message: ItemRequested, ctx: Ctx) -> str:
    """Where the item's unit works; where it was received while the unit is not known here."""
    unit = ctx.units.get(message.unit)
    return str(unit["region"]) if unit else message.accept_region
