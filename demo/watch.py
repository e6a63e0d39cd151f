"""Following one application until it is closed, by reading it again and again as anybody concerned may."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from demo.client import Client, Problem
from demo.screen import Screen
from shared.clock import monotonic
from shared.errors import Transient

STEP = 0.05
PATIENCE = 90.0
ENDED = frozenset({"closed", "not_accepted", "withdrawn", "terminated"})


class TooSlow(Transient):
    """What was waited for did not come in time."""

    code = "TOO_SLOW"


def follow(client: Client, screen: Screen, application: Mapping[str, Any]) -> dict[str, Any]:
    """Shows every change until the application has ended; `TooSlow` after a minute and a half."""
    path = f"/api/intake/applications/{application['application_no']}"
    now = dict(application)

    def moved() -> dict[str, Any] | None:
        nonlocal now
        now = _newer(client, path, now)
        screen.show(now)
        return now if now["status"] in ENDED else None

    with screen.watching():
        screen.show(now)
        ended: dict[str, Any] = until(moved, "办件办结", "the application to close")
    return ended


def until(look: Callable[[], Any], zh: str, en: str, patience: float = PATIENCE) -> Any:
    """What `look` finds, as soon as it finds something."""
    end = monotonic() + patience
    while (found := look()) is None:
        if monotonic() > end:
            raise TooSlow(f"等了 {patience:.0f} 秒仍未等到:{zh}", f"waited {patience:.0f} s in vain for {en}")
        time.sleep(STEP)
    return found


def _newer(client: Client, path: str, known: dict[str, Any]) -> dict[str, Any]:
    """The next version; the known one when none comes within the platform's own patience."""
    try:
        found: dict[str, Any] = client.get(path, "clerk", min_version=known["version"] + 1)
    except Problem as refusal:
        if refusal.status == 503:
            return known
        raise
    return found


def well(application: Mapping[str, Any]) -> bool:
    """Whether every item came to its end, and none in vain."""
    good = {"approved", "not_applicable"}
    return application["status"] == "closed" and all(i["status"] in good for i in application["items"])
