"""A small world for the coordinator's pure core: plans, answers and a context, all invented."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.coordinator.api import decide
from services.coordinator.handlers import HANDLERS, LOCAL, take_step
from shared.catalog import protocol as p
from shared.changes import Changes, Ctx, Timer
from shared.crypto import Sealed
from shared.handling import tasks
from shared.handling.limits import start_of
from shared.messages import Message, derived_id
from shared.outcomes import Nature
from shared.policy import Policy

NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
CASE_ID = derived_id("case")
SEALED = Sealed(alg="A256GCM", kid="north.1-0", nonce="AAAA", ct="AAAA")
POLICY = Policy.load(Path("services/coordinator/policy"))
TREE = {"desk": "hall", "hall": "bureau", "bureau": None, "other": "bureau"}


class Tree:
    """Units desk < hall < bureau, and other < bureau."""

    def get(self, code: str, on: datetime | None = None) -> dict[str, Any] | None:
        return {"code": code, "region": "420112"} if code in TREE else None

    def chain(self, code: str) -> list[str]:
        found = []
        above: str | None = code
        while above in TREE:
            found.append(above)
            above = TREE[above]
        return found

    def all(self) -> list[dict[str, Any]]:
        return [{"code": code, "region": "420112"} for code in TREE]


def context(now: datetime = NOW) -> Ctx:
    nothing: Any = None
    return Ctx("coordinator", now, nothing, nothing, POLICY, Tree())


def item_id(n: int) -> UUID:
    return derived_id("item", n)


def planned(
    n: int,
    after: Iterable[tuple[int, bool]] = (),
    facts: Sequence[str] = (),
    nature: Nature = Nature.ON_APPLICATION,
    check: Any = "formal",
    rests_on: Sequence[str] = (),
    **fields: Any,
) -> p.PlannedItem:
    """Item `n` of service `s{n}`, after items `(m, hard)`."""
    return p.PlannedItem(
        item_id=item_id(n),
        matter=f"s{n}.thing",
        service=f"s{n}",
        nature=nature,
        unit="desk",
        prerequisites=tuple(p.Prerequisite(item_id=item_id(m), matter=f"s{m}.thing", hard=h) for m, h in after),
        facts=tuple(facts),
        rests_on=tuple(rests_on),
        check=check,
        sealed=SEALED,
        **{
            "promised": p.Limit(n=5, unit="working"),
            "legal": p.Limit(n=20, unit="calendar"),
            "pauses": ("expert_review",),
            **fields,
        },
    )


def submitted(*items: p.PlannedItem) -> p.ApplicationSubmitted:
    return p.ApplicationSubmitted(
        case_id=CASE_ID,
        application_no="42011220261120010000010",
        bundle="together",
        definition="0" * 64,
        accept_region="420112",
        channel="window",
        received_at=NOW,
        items=items,
        acted=("clerk",),
    )


def up(kind: type[p.Up], n: int, round_: int = 1, **fields: Any) -> p.Up:
    """An answer about item `n` with whatever else it needs."""
    defaults: dict[type[p.Up], dict[str, Any]] = {
        p.CorrectionRequested: {"findings": (p.Finding(code="BLURRED", message_zh="不清楚", message_en="blurred"),)},
        p.ItemAccepted: {"accepted_at": NOW},
        p.ItemNotAccepted: {"reason_code": "NOT_HERE", "law": "law"},
        p.ItemProgressed: {"stage": "WORKING"},
        p.ItemPaused: {"ground": "expert_review", "until": date(2099, 1, 1)},
        p.ItemResumed: {"ground": "expert_review"},
        p.ItemDecided: {"outcome": "approved", "reason_code": "MET", "law": "law", "decided_at": NOW},
        p.ItemEnded: {"reason_code": "LAPSED", "law": "law"},
        p.ItemReturned: {"reason_code": "WRONG_PLACE"},
        p.WithdrawalAnswered: {"answer": "agreed"},
        p.ItemCorrected: {"reason_code": "SLIP", "law": "law"},
        p.ItemRevoked: {"reason_code": "FRAUD", "law": "law"},
    }
    values = {"item_id": item_id(n), "case_id": CASE_ID, "round": round_, **defaults.get(kind, {}), **fields}
    return kind(**values)


class Desk:
    """The coordinator of one case as a person sees it: say something, look at what it sends."""

    def __init__(self, *items: p.PlannedItem) -> None:
        self.case: Any = None
        self.now = NOW
        self.sent: list[Message] = []
        self.last: Changes[Any] | None = None
        self.timers: dict[str, Any] = {}
        self.say(submitted(*items))

    def say(self, message: Message) -> list[Message]:
        """Hands a message in; what it caused, down and out, in order."""
        return self._take(HANDLERS[type(message)](self.case, message, context(self.now)))

    def wait_until(self, day: date) -> list[Message]:
        """Lets time pass to that day's morning; the clocks' timer fires on its way, whenever it is due."""
        said, end = [], start_of(day)
        while (timer := self.timers.get("clocks")) is not None and timer.due_at <= end:
            self.now = max(self.now, timer.due_at)
            said += self.ring("clocks")
        self.now = max(self.now, end)
        return said

    def kinds(self) -> list[str]:
        """The kinds of the live tasks."""
        return sorted(t.kind for t in tasks.live_tasks(self.case))

    def ring(self, name: str) -> list[Message]:
        """Lets a timer fire."""
        timer = self.timers.pop(name)
        return self._take(LOCAL["case", "timer:*"](self.case, Timer(name, timer.data), context(self.now)))

    def up(self, kind: type[p.Up], n: int, round_: int = 1, **fields: Any) -> list[Message]:
        return self.say(up(kind, n, round_, **fields))

    def decide(self, n: int, outcome: str = "approved", round_: int = 1, **fields: Any) -> list[Message]:
        return self.up(p.ItemDecided, n, round_, outcome=outcome, **fields)

    def fact(self, name: str, status: str, **fields: Any) -> list[Message]:
        return self.say(p.FactEstablished(case_id=CASE_ID, fact=name, status=status, source="registry", **fields))

    def dispute(self, ground: str = "OBJECTION", fact: str = "death") -> list[Message]:
        return self.say(p.FactDisputed(case_id=CASE_ID, fact=fact, ground=ground))

    def uphold(self, ground: str = "OBJECTION", fact: str = "death") -> list[Message]:
        return self.say(p.FactUpheld(case_id=CASE_ID, fact=fact, ground=ground))

    def withdraw(self, *items: int) -> list[Message]:
        return self.say(p.WithdrawalSubmitted(case_id=CASE_ID, items=tuple(map(item_id, items)) or None))

    def look(self, step: Callable[[Any], None]) -> list[Message]:
        """One step that no message asked for, as the sweeper takes it."""
        return self._take(take_step(self.case, context(self.now), step))

    def settle_task(self, outcome: str, kind: str | None = None, of: int | None = None, **result: Any) -> list[Message]:
        """Someone claims the first live task (of this kind, about this item) and decides it."""
        about = None if of is None else str(item_id(of))
        fits = (t for t in tasks.live_tasks(self.case) if kind in (None, t.kind))
        task = next(t for t in fits if about in (None, t.data["item_id"]))
        tasks.claim(self.case, task.id, "wang", self.now)
        assert task.lease is not None
        decision = tasks.TaskDecision(task.id, task.lease, tasks.TaskOutcome(outcome), "wang", result=result)
        return self._take(decide(self.case, decision, context(self.now)))

    def item(self, n: int) -> Any:
        return self.case.items[item_id(n)]

    @property
    def view(self) -> p.CaseView:
        """The state that the last public event carried."""
        return next(m.case for m in reversed(self.sent) if isinstance(m, p.CaseMessage))

    def _take(self, changes: Changes[Any]) -> list[Message]:
        self.case, self.last = changes.state, changes
        for timer in changes.timers:
            if hasattr(timer, "due_at"):
                self.timers[timer.name] = timer
            else:
                self.timers.pop(timer.name, None)
        said = [emit.message for emit in changes.emits]
        self.sent += said
        return said


def names(messages: Iterable[Message]) -> list[str]:
    return [type(m).__name__ for m in messages]
