"""Near relatives (近亲属): whoever is one of a person concerned is kept from a task, which goes to others.

Staff declare their relatives, who are known by reference only; what is kept from whom stands with the task.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from shared.changes import Ctx
from shared.handling import escalation, tasks
from shared.handling.model import Item, Task
from shared.handling.sealing import open_work
from shared.http.principal import Principal
from shared.person_index import PersonIndex

REFUSED: Final = "STAFF_KINSHIP"
"""The answer's code, which the routes turn into a 403: what is refused is written down all the same."""


def item_people(item: Item, ctx: Ctx) -> Iterable[str]:
    """The references of everybody in an item's part."""
    index = PersonIndex(ctx.keyring.index_key)
    parties = open_work(item, ctx).part.parties.values()
    people = [p for place in parties for p in (place if isinstance(place, list | tuple) else [place])]
    return [r for r in (item.person_ref, *map(index.ref_of, people)) if r]


def keep_away(task: Task, who: Principal, people: Iterable[str], ctx: Ctx) -> bool:
    """Whether the person is a relative of one concerned: barred from then on, and if none is left, others are let in."""
    if not who.kin or who.kin.isdisjoint(people):
        return False
    if who.account not in task.kin:
        task.kin = [*task.kin, who.account]
        task.barred = sorted({*task.barred, who.account})
        if task.holder == who.account:
            tasks.free(task)
        escalation.if_nobody_may(task, ctx)
    return True
