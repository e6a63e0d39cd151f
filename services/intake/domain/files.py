"""A file that somebody handed in: whose it is, whether it was looked into, and the one application it belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from shared.changes import Answer, Ask, CancelTimer, Changes, Ctx, SetTimer, State, Timer
from shared.crypto import Sealed
from shared.errors import FieldError, Invalid, Poison
from shared.outcomes import FactStatus

KEPT = timedelta(days=30)
"""How long a file waits for an application."""

EXPIRY, SCAN, REMOVE = "expire", "scan", "remove"
SCANNER, STORE = "file_scanner", "file_store"
"""The sources that are asked: who looks for viruses, and the store, to keep a file no more."""

FileState = Literal["quarantined", "clean", "refused", "gone"]


class File(State):
    """One file; its content lies sealed in the store under the key in `wrapped`, which goes when the file goes.

    `unit` is the unit of whoever uploaded it, None for a citizen; `scanned` false: nobody looked for viruses 未查毒.
    """

    owner: str
    unit: str | None = None
    name: Sealed | None = None
    type: str
    size: int
    sha256: str
    wrapped: Sealed | None
    state: FileState
    scanned: bool
    at: datetime
    case_id: UUID | None = None

    @property
    def problem(self) -> str | None:
        """Why it cannot be handed in, whoever does; None when it can."""
        return {"quarantined": "FILE_QUARANTINED", "refused": "FILE_REFUSED", "gone": "FILE_UNKNOWN"}.get(self.state)


def keep(file: File) -> Changes[File]:
    """The new file; nobody's application yet, so it goes in thirty days. One not looked into is, later."""
    asks: list[Any] = [Ask(SCAN, SCANNER, {"file_id": str(file.id)})] if file.state == "quarantined" else []
    return Changes(file, asks=asks, timers=[SetTimer(EXPIRY, file.at + KEPT)])


def claim(state: File | None, case_id: UUID, pointer: str) -> Changes[File]:
    """The file belongs to this application from now on, and to no other; `Invalid` (`FILE_OF_ANOTHER`, …) if it cannot."""
    code = "FILE_UNKNOWN" if state is None else state.problem
    if state is not None and state.case_id not in (None, case_id):
        code = "FILE_OF_ANOTHER"
    if state is None or code is not None:
        raise Invalid([FieldError(pointer, code or "FILE_UNKNOWN")])
    state.case_id = case_id
    return Changes(state, timers=[CancelTimer(EXPIRY)])


def on_expired(state: File | None, timer: Timer, ctx: Ctx) -> Changes[File]:
    """Nobody used it in time: nobody can read it any more, and the store is told to keep it no longer."""
    return Changes(_there(state)) if _there(state).case_id is not None else _drop(_there(state), "gone")


def on_answer(state: File | None, answer: Answer, ctx: Ctx) -> Changes[File]:
    """The scanner found something or nothing, or the store has let the file go."""
    file = _there(state)
    if answer.name != SCAN or file.state != "quarantined" or answer.status == FactStatus.SILENT:
        return Changes(file)
    if answer.status == FactStatus.CONTRADICTED:
        return _drop(file, "refused")
    file.state, file.scanned = "clean", bool(answer.data.get("scanned"))
    return Changes(file)


def _drop(file: File, state: FileState) -> Changes[File]:
    file.state, file.wrapped, file.name = state, None, None
    return Changes(file, asks=[Ask(REMOVE, STORE, {"file_id": str(file.id)})])


def _there(state: File | None) -> File:
    if state is None:
        raise Poison("没有这个文件", "there is no such file")
    return state
