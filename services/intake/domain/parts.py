"""The parts of an application that services hold, cut and sealed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.intake.domain.model import Application
from shared.catalog.plan import cut, materials_of
from shared.catalog.protocol import ApplicationSupplemented, ItemView, SupplementedItem
from shared.changes import Ctx
from shared.handling.sealing import seal_part


def resent(
    state: Application, items: Sequence[ItemView], content: Mapping[str, Any], ctx: Ctx
) -> ApplicationSupplemented:
    """What these items get in the present sealed round: the content's cut for each, and its materials."""
    sealer, refs = ctx.keyring.sealer(), [material.ref() for material in state.materials]
    parts = [
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
            materials=materials_of(matter, refs),
        )
        for i in items
        for matter in (ctx.catalog.matters[i.matter],)
    ]
    return ApplicationSupplemented(case_id=state.id, round=state.sealed_round, items=tuple(parts))
