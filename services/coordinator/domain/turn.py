"""One message's work on one case: what was visible before, what follows, what became visible."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.coordinator.domain.clocks import legal_calendar
from services.coordinator.domain.state import Case, CaseItem
from services.coordinator.domain.view import Visible, case_view, visible
from shared.catalog.protocol import (
    CaseClosed,
    CaseMessage,
    CaseReopened,
    CaseView,
    CorrectionIssued,
    ItemConcluded,
    ItemMoved,
    ItemReady,
    ItemRequested,
    ItemSettled,
    ItemSupplemented,
    ReversalRequested,
)
from shared.changes import CancelTimer, Changes, Ctx, Emit, SetTimer
from shared.errors import Poison
from shared.handling.model import Task
from shared.messages import Message, topic_of

if TYPE_CHECKING:
    from shared.calendar import WorkingCalendar

EVENTS = topic_of("coordinator", "events")


class Turn:
    """Collects what follows from one message; `changes` closes it.

    Every public event of a turn carries the same view, the state after it, so that it is built once.
    """

    __slots__ = (
        *("before", "calendar", "case", "concluded", "ctx", "dates_moved", "down", "events", "late", "now"),
        *("papers", "tasks", "timers"),
    )

    def __init__(self, case: Case, ctx: Ctx, calendar: WorkingCalendar | None = None) -> None:
        self.case = case
        self.ctx = ctx
        self.now: datetime = ctx.now
        self.calendar = calendar or legal_calendar()
        self.before: dict[UUID, Visible] = {i: visible(case, item) for i, item in case.items.items()}
        self.down: list[Emit] = []
        self.events: list[CaseMessage] = []
        self.concluded: dict[UUID, CaseItem] = {}
        self.late: list[dict[str, Any]] = []
        self.papers: list[dict[str, Any]] = []
        self.dates_moved = False
        self.timers: list[SetTimer | CancelTimer] = []
        self.tasks: list[Task] = []

    def item(self, item_id: UUID) -> CaseItem:
        """The item, or `Poison`: whoever answers for an item of another case can never be applied."""
        found = self.case.items.get(item_id)
        if found is None:
            raise Poison(f"办件中没有子件 {item_id}", f"the case has no item {item_id}")
        return found

    def said_at(self) -> datetime:
        """When the message in hand was said, in business time."""
        return self.ctx.envelope.time if self.ctx.envelope is not None else self.now

    def send(self, item: CaseItem, message: Message) -> None:
        """One message down to the item's service, on the item's stream."""
        if _expects_answer(item, message):
            item.unanswered_since = self.now
        key = str(self.case.id)
        topic = topic_of(item.service, "requests")
        kid = item.sealed.kid if isinstance(message, ItemRequested | ItemSupplemented) else None
        self.down.append(Emit(topic, str(item.id), message, key=key, case_id=key, key_id=kid))

    def settle(self, item: CaseItem, round_: int, status: Any) -> None:
        """Tells the handler what became of its decision."""
        self.send(item, ItemSettled(item_id=item.id, case_id=self.case.id, round=round_, status=status))

    def changes(self, opened: type[CaseMessage] | None = None) -> Changes[Case]:
        """All that follows, the public events last; closes the case if this turn ended its last obligation."""
        closes = self._closes()
        return Changes(state=self.case, emits=self.down + self._public(opened, closes=closes), timers=self.timers)

    def _closes(self) -> bool:
        if self.case.closed_at is not None or any(True for _ in self.case.open_items()):
            return False
        self.case.closed_at = self.now
        return True

    def _public(self, opened: type[CaseMessage] | None, *, closes: bool) -> list[Emit]:
        after = {i: visible(self.case, item) for i, item in self.case.items.items()}
        told = {i for paper in self.papers for i in paper["items"]}
        shown = {*self.concluded, *told}
        moved = [i for i, fields in after.items() if i not in shown and fields != self.before.get(i)]
        if not (opened or moved or self.concluded or self.late or self.events or self.papers or closes):
            return []
        view = case_view(self.case, after)
        events = list(self.events)
        if opened is not None:
            events.append(opened(case=view, at=self.now))
            moved = []
        events += [self._conclusion(item, view) for item in self.concluded.values()]
        events += [ItemConcluded(case=view, at=self.now, late=True, **fields) for fields in self.late]
        events += [CorrectionIssued(case=view, at=self.now, **fields) for fields in self.papers]
        events += [ItemMoved(case=view, at=self.now, item_id=i) for i in moved]
        if closes:
            events.append(CaseClosed(case=view, at=self.now))
        key = str(self.case.id)
        return [Emit(EVENTS, key, event, key=key, case_id=key) for event in events]

    def _conclusion(self, item: CaseItem, view: CaseView) -> ItemConcluded:
        assert item.outcome is not None  # noqa: S101 - only a concluded item is in the list
        return ItemConcluded(
            case=view, at=self.now, item_id=item.id, round=item.round, outcome=item.outcome, result=item.result
        )

    def reopened(self, item: CaseItem, cause: str) -> None:
        """The case is open again, as this moment shows it."""
        view = case_view(self.case)
        self.events.append(CaseReopened(case=view, at=self.now, item_id=item.id, round=item.round, cause=cause))


def _expects_answer(item: CaseItem, message: Message) -> bool:
    """Whether silence would mean that the item is stuck; one whose handler said what it waits for is not."""
    if isinstance(message, ItemRequested):
        return message.ready or message.check != "none"
    return isinstance(message, ItemSupplemented | ReversalRequested) or (
        isinstance(message, ItemReady) and item.told is None
    )
