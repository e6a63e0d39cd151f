"""Named places where tests make the process die or the step fail; nothing happens unless a test armed one."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from shared.errors import Misconfigured, Transient

SETTING = "ONEWINDOW_FAILPOINTS"
FAILPOINTS = {
    "command.before_commit": "a command's unit of work is written, not committed",
    "command.after_commit": "a command is committed, its answer not yet given",
    "unit.before_commit": "a batch's unit of work is written, not committed",
    "unit.after_commit": "a batch is committed, the bus position not yet moved",
    "log.appended": "records stand on the embedded log, its heads locked, their transaction not committed",
    "database.after_commit": "a transaction is committed, and nobody was told: `error` breaks the connection",
    "relay.before_publish": "the relay is about to move outbox rows to the bus",
    "relay.before_remove": "rows are on a bus that is elsewhere, not yet out of the outbox",
    "relay.after_publish": "rows are on the bus and out of the outbox",
    "position.before_commit": "the bus position is about to be stored",
    "ask.before": "a question is about to be put to its source",
    "ask.after": "the source has answered, the answer not yet applied",
    "audit.before_commit": "a batch of audit rows is linked, not committed",
    "audit.after_commit": "a batch of audit rows is linked and committed, the sealer not yet told",
    "timer.before": "due timers are found, not yet fired",
}


@dataclass
class _Armed:
    action: str
    left: int
    where: str


_armed: dict[str, _Armed] = {}


def arm(setting: str) -> None:
    """Arms `[service/]name=kill[@n]` or `…=error[@n]`, comma separated: the n-th time that place is reached, in that
    service if one is named."""
    _armed.clear()
    for part in filter(None, setting.split(",")):
        place, _, action = part.partition("=")
        where, _, name = place.rpartition("/")
        action, _, count = action.partition("@")
        if name not in FAILPOINTS or action not in {"kill", "error"} or not (count or "1").isdigit():
            raise Misconfigured(SETTING, f"不认识 {part!r}", f"{part!r} is not name=kill[@n] or name=error[@n]")
        _armed[name] = _Armed(action, int(count or 1), where)


def hit(name: str, where: str = "") -> None:
    """Does what the test armed for this place (in this service); `error` raises `Transient` once."""
    if not _armed:
        return
    armed = _armed.get(name)
    if armed is None or armed.where not in {"", where}:
        return
    armed.left -= 1
    if armed.left > 0:
        return
    del _armed[name]
    if armed.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise Transient("测试注入的故障", f"failpoint {name}")
