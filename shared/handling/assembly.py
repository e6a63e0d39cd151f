"""What a service's `service.py` feeds into its `ServiceSpec` to handle items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.catalog.protocol import (
    EffectsFrozen,
    EffectsReleased,
    ItemCancelled,
    ItemReady,
    ItemRequested,
    ItemSettled,
    ItemSupplemented,
    ReversalRequested,
    WithdrawalRequested,
)
from shared.changes import Handler, Kind
from shared.errors import Misconfigured
from shared.handling.engine import Engine
from shared.handling.leaving import free_tasks
from shared.handling.model import Item
from shared.handling.procedure import Procedure
from shared.handling.recount import Recounter, recount_items
from shared.handling.run import item_task_row
from shared.handling.stuck import hangs
from shared.handling.tables import ITEM, HandlingTables, item_kind
from shared.messages import Message
from shared.spec import Hangs, Left, Route, ServiceHandle


@dataclass(frozen=True)
class HandlingParts:
    """`kinds`, `handlers`, `local`, `stuck`, `left` and `workers` for the `ServiceSpec`; `engine` for the service's own
    commands."""

    engine: Engine
    kinds: tuple[Kind[Item], ...]
    handlers: Mapping[type[Message], Route]
    local: Mapping[tuple[str, str], Handler]
    stuck: Hangs
    left: Left
    workers: tuple[Callable[[ServiceHandle], Any], ...]


def handling_parts(service: str, procedures: Mapping[str, Procedure], tables: HandlingTables) -> HandlingParts:
    """Everything that the handling protocol needs, for these procedures (by matter) over these tables.

    A procedure under another name than its own matter's, or of another service, is `Misconfigured`.
    """
    for code, procedure in procedures.items():
        if procedure.matter != code or not code.startswith(f"{service}."):
            raise Misconfigured(code, f"不是 {service} 的事项程序", f"not a procedure of {service}")
    engine = Engine(procedures, tables)
    return HandlingParts(
        engine,
        (item_kind(tables),),
        _routes(engine),
        _local(engine),
        hangs(tables),
        free_tasks(ITEM, tables.task, item_task_row),
        (Recounter(ITEM, tables.task, recount_items(tables.task)),),
    )


def _routes(engine: Engine) -> dict[type[Message], Route]:
    handlers: dict[type[Message], Any] = {
        ItemRequested: engine.on_item_requested,
        ItemReady: engine.on_item_ready,
        ItemSupplemented: engine.on_item_supplemented,
        WithdrawalRequested: engine.on_withdrawal_requested,
        ItemCancelled: engine.on_item_cancelled,
        ItemSettled: engine.on_item_settled,
        EffectsFrozen: engine.on_effects_frozen,
        EffectsReleased: engine.on_effects_released,
        ReversalRequested: engine.on_reversal_requested,
    }
    return {message: Route(ITEM, handler) for message, handler in handlers.items()}


def _local(engine: Engine) -> dict[tuple[str, str], Handler]:
    return {(ITEM, "answer:*"): engine.on_answer, (ITEM, "timer:*"): engine.on_timer}
