"""The demonstration, loaded by name and only under `ONEWINDOW_DEMO`: accounts, units, simulated facts, `/api/dev`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Protocol

from shared.errors import Misconfigured

if TYPE_CHECKING:
    from fastapi import APIRouter

    from shared.config import Settings
    from shared.facts.port import FactAnswer, Question
    from shared.runtime.host import Host

MODULE = "demo.plugin"


class Demonstration(Protocol):
    """What the demonstration brings."""

    async def seed(self, host: Host) -> None:
        """Units and accounts, once however often it is called."""

    def answer(self, question: Question) -> FactAnswer | None:
        """What a simulated source says of a person nobody has described."""

    def router(self, host: Host) -> APIRouter:
        """Routes under `/api/dev`."""


def demonstration(settings: Settings) -> Demonstration | None:
    """The demonstration if it is switched on; it never runs by itself."""
    if not settings.demo:
        return None
    try:
        found: Demonstration = importlib.import_module(MODULE).Plugin()
    except ImportError as cause:
        raise Misconfigured("ONEWINDOW_DEMO", "这里没有演示部分", "the demonstration is not installed here") from cause
    return found
