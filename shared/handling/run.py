"""One handler call on one item: its opened work, the changes it gathers, and what they make visible at the end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Table

from shared.catalog.protocol import ItemProgressed, Up, WaitingOn
from shared.changes import Ask, CancelAsk, CancelTimer, Changes, Ctx, Emit, Put, SetTimer
from shared.clock import beijing_date
from shared.crypto import Sealed
from shared.errors import Poison
from shared.handling import tasks
from shared.handling.limits import end_of
from shared.handling.model import Item, Task, Work
from shared.handling.sealing import open_work, seal_names, seal_notes
from shared.messages import Message, topic_of
from shared.outcomes import FactStatus, WaitKind

REVIEWING: Final = frozenset({"review", "approval"})
"""Stages of tasks in which a person examines the matter itself, so that the item shows as `reviewing`."""


class ProcedureFault(Poison):
    """A procedure asked for what no procedure may do (a rule that denies, an item that nothing will ever move)."""

    code = "PROCEDURE_FAULT"


class Run:
    """Gathers the changes of one call; nothing is carried out before `finish`."""

    def __init__(self, item: Item, ctx: Ctx, task_table: Table) -> None:
        self.item = item
        self.ctx = ctx
        self.changes: Changes[Item] = Changes(item)
        self.notes_changed = False
        self.advanced = False
        self.waiting: WaitingOn | None = None
        self.by: str | None = None
        self._task_table = task_table
        self._before = _visible(item)
        self._tasks_before = {t.id: t.model_dump() for t in item.tasks}

    @cached_property
    def work(self) -> Work:
        """The item with its part and notes opened; opened at the first look only."""
        return open_work(self.item, self.ctx)

    def tell(self, make: Callable[..., Up], **content: Any) -> None:
        """One answer to the coordinator, in the item's round unless it says another."""
        item = self.item
        said = {} if make is ItemProgressed else {"by": self.by, "names": self._names}
        message = make(**{"item_id": item.id, "case_id": item.case_id, "round": item.round, **said, **content})
        self.emit(topic_of(self.ctx.service, "answers"), message)

    def acts(self, account: str, name: str) -> None:
        """Whoever decides in this call: papers name them, and all who acted before."""
        self.by = account
        known = self.work.notes.get("names", {})
        if name and known.get(account) != name:
            self.remember(names={**known, account: name})

    @cached_property
    def _names(self) -> Sealed | None:
        """The names of who acted, where persons did; nothing is opened for what a rule says."""
        item, ctx = self.item, self.ctx
        if self.by is None and not (item.decisions or item.past):
            return None
        names = self.work.notes.get("names")
        return seal_names(ctx.keyring.sealer(), ctx.service, item.case_id, item.id, names) if names else None

    def emit(self, topic: str, message: Message) -> None:
        """One message on this item's stream of a topic."""
        case_id = str(self.item.case_id)
        self.changes.emits.append(Emit(topic, str(self.item.id), message, key=case_id, case_id=case_id))

    def ask(self, name: str, source: str, question: Mapping[str, Any], *, waiting: str, effect: bool) -> None:
        """Asks a source unless this round has asked it by this name."""
        if name in self.item.asked:
            return
        self.item.asked.append(name)
        self.item.waits[name] = WaitingOn(kind=WaitKind.SOURCE, name=waiting, since=self.ctx.now)
        self.changes.asks.append(Ask(in_round(self.item, name), source, question, effect))

    def wake(self, name: str, at: datetime) -> None:
        """Has the procedure called again, once a name; another moment moves it."""
        if self.item.wakes.get(name, at) == at and name in self.item.wakes:
            return
        if name in self.item.wakes and self.item.wakes[name] is None:
            return
        self.item.wakes[name] = at
        self.changes.timers.append(SetTimer(f"wake:{in_round(self.item, name)}", at))

    def remember(self, **private: Any) -> None:
        """Adds to the sealed notes."""
        self.work.notes.update(private)
        self.notes_changed = True

    def stop_waiting(self) -> None:
        """The item is over, or decided: its tasks are cancelled, its asks and timers called off."""
        for task in self.item.tasks:
            tasks.close(task, self.ctx.now)
        self.changes.asks += [CancelAsk(in_round(self.item, name)) for name in self.item.waits]
        pending = [name for name, at in self.item.wakes.items() if at is not None]
        self.changes.timers += [CancelTimer(f"wake:{in_round(self.item, name)}") for name in pending]
        self.item.waits = {}
        self.item.wakes = dict.fromkeys(self.item.wakes)

    def end(self, phase: str) -> None:
        """The item's phase from here on; nothing of the one before keeps running."""
        self.stop_waiting()
        self.item.phase = phase
        self.item.waiting_on, self.item.reviewing, self.waiting = None, False, None

    def finish(self) -> Changes[Item]:
        """The changes of this call: what became visible is told once, notes are sealed, tasks listed."""
        if self.item.phase == "open":
            self._show()
        if self.notes_changed:
            self.item.notes = seal_notes(self.work, self.ctx)
        for task in self.item.tasks:
            self._list(task)
        return self.changes

    def _show(self) -> None:
        item = self.item
        item.waiting_on = self._waits_for()
        item.reviewing = any(t.stage in REVIEWING for t in tasks.live_tasks(item))
        if _visible(item) != self._before:
            self.tell(
                ItemProgressed,
                stage=item.stage,
                stage_name=item.stage_name,
                waiting_on=item.waiting_on,
                reviewing=item.reviewing,
            )

    def _waits_for(self) -> WaitingOn | None:
        before = self.item.waiting_on
        if not self.advanced and not self.item.findings and not self.item.frozen:
            return before  # the procedure was not asked in this call: what it said last still holds
        found = self._first_wait()
        if found and before and (found.kind, found.name) == (before.kind, before.name):
            return found.model_copy(update={"since": before.since})
        return found

    def _first_wait(self) -> WaitingOn | None:
        item, now = self.item, self.ctx.now
        if item.findings:
            return WaitingOn(kind=WaitKind.APPLICANT, name="correction", since=now)
        if item.frozen:
            return WaitingOn(kind=WaitKind.TASK, name=item.frozen[0].ground, since=item.frozen[0].since)
        if self.waiting:
            return self.waiting
        for task in tasks.live_tasks(item):
            return WaitingOn(kind=WaitKind.TASK, name=task.kind, since=task.opened_at, until=task.due)
        for name, wait in item.waits.items():
            # A source that answers at once is not waited for by anybody: it is named when it stays silent.
            if item.answers.get(name) == FactStatus.SILENT:
                return wait
        for name, at in item.wakes.items():
            if at is not None:
                return WaitingOn(kind=WaitKind.TIME, name=name, since=now, until=beijing_date(at))
        return None

    def _list(self, task: Task) -> None:
        before = self._tasks_before.get(task.id)
        after = task.model_dump()
        if before == after:
            return
        self.changes.puts.append(Put(self._task_table, item_task_row(self.item, task), upsert=True))
        if timer := task_timer(task, before):
            self.changes.timers.append(timer)


def in_round(item: Item, name: str) -> str:
    """A name of an ask or timer that is this round's own."""
    return f"{name}@{item.round}"


def out_of_round(item: Item, name: str) -> str | None:
    """The name without its round; None when it is of another round."""
    plain, _, number = name.rpartition("@")
    return plain if number == str(item.round) else None


def task_timer(task: Task, before: Mapping[str, Any] | None) -> SetTimer | CancelTimer | None:
    """The timer of a task's next escalation where its date changed; `before` is the task as it was, None if new."""
    was = before["escalate_on"] if before else None
    if task.escalate_on == was:
        return None
    name = f"task:{task.id}"
    return CancelTimer(name) if task.escalate_on is None else SetTimer(name, end_of(task.escalate_on))


def task_row(task: Task, aggregate_id: UUID) -> dict[str, Any]:
    """A task's row in the list, without what its aggregate adds (matter, application, case, item)."""
    same = ("id", "kind", "stage", "state", "unit", "role", "region", "due", "provisional", "holder", "lease_until")
    more = ("reason_code", "opened_at", "closed_at", "data")
    return {"aggregate_id": aggregate_id, **{name: getattr(task, name) for name in (*same, *more)}}


def item_task_row(item: Item, task: Task) -> dict[str, Any]:
    """A task of an item, as its row in the list."""
    return {
        **task_row(task, item.id),
        "matter": item.matter,
        "application_no": item.application_no,
        "case_id": item.case_id,
        "item_id": item.id,
    }


def _visible(item: Item) -> tuple[object, ...]:
    waiting = item.waiting_on
    return (
        item.stage,
        item.stage_name,
        item.reviewing,
        (waiting.kind, waiting.name, waiting.until) if waiting else None,
    )
