"""The one correction paper (一次性补正告知): what the checks found is gathered and told at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from services.coordinator.domain.clocks import gathered_by
from services.coordinator.domain.state import Case, CaseItem, Found, Told
from services.coordinator.domain.tasks import CHECK_SILENT, NEW_FINDING, NOT_ANSWERED, close_moot, open_task
from services.coordinator.domain.turn import Turn
from shared.catalog.protocol import CorrectionDelivered, Finding
from shared.clock import beijing_date
from shared.handling.limits import start_of


def find(turn: Turn, item: CaseItem, findings: tuple[Finding, ...], by: str | None = None) -> None:
    """Keeps what a check, or a handler, found until a paper tells it.

    What was told before and is not cured may be told again. What is new after the first paper, or after the law has
    held the item accepted, waits for a supervisor and counts as our fault.
    """
    before = item.found.findings if item.found is not None else ()
    whose = dict.fromkeys([*(item.found.by_whom if item.found is not None else ()), *([by] if by else [])])
    found = _merged(before, findings)
    late = bool(turn.case.papers) or item.deemed
    new = [f for f in found if key_of(f) not in item.told_keys] if late else []
    item.found = Found(findings=found, since=turn.said_at(), new=len(new), by_whom=tuple(whose))
    close_moot(turn, item, CHECK_SILENT)
    if new:
        codes = sorted({f.code for f in new})
        open_task(turn, NEW_FINDING, "supervisor", item, "NEW_AFTER_PAPER", findings=codes)
    else:
        item.found.by = gathered_by(turn.case, turn.calendar)


def key_of(finding: Finding) -> str:
    """What makes two findings the same: the code, and where it lies."""
    return f"{finding.code}|{finding.pointer}|{finding.material or ''}"


def nothing_found(turn: Turn, item: CaseItem) -> None:
    """The item's check found nothing more: whatever was found before is cured or moot."""
    if item.found is not None or item.findings:
        item.found = item.findings_at = item.answer_by = None
        item.findings = ()
        turn.dates_moved = True
    close_moot(turn, item, CHECK_SILENT, NEW_FINDING)


def issue(turn: Turn) -> None:
    """Sends the paper out when every check has answered, or at the start of its last day with what has come.

    Nothing goes out while a supervisor has yet to decide on new findings, except on that day.
    """
    found = [item for item in turn.case.open_items() if item.found is not None]
    ready = [i for i in found if i.found is not None and not i.found.held and i.withdrawal is None]
    if not ready:
        return
    waits = any(i.found is not None and i.found.held for i in found) or any(silent(turn.case))
    if waits and turn.now < start_of(gathered_by(turn.case, turn.calendar)):
        return
    _tell(turn, ready)


def silent(case: Case) -> Iterator[CaseItem]:
    """The items whose formal check has not answered."""
    return (item for item in case.open_items() if not item.answered)


def _tell(turn: Turn, items: list[CaseItem]) -> None:
    case = turn.case
    until = _last_day(turn, beijing_date(turn.now))
    by = dict.fromkeys(i.found.approved_by for i in items if i.found is not None and i.found.approved_by)
    paper = Told(
        number=len(case.papers) + 1,
        at=turn.now,
        items=tuple(item.id for item in items),
        silent=tuple(item.id for item in silent(case)),
        runs_from=beijing_date(turn.now),
        answer_by=until,
        supervised=", ".join(by) or None,
        by=tuple(dict.fromkeys(who for i in items if i.found is not None for who in i.found.by_whom)),
        new=sum(i.found.new for i in items if i.found is not None),
    )
    for item in items:
        _told(turn, item, until)
    case.papers.append(paper)
    turn.papers.append(paper.model_dump(exclude={"at", "new", "runs_from", "delivered"}))
    turn.dates_moved = True


def _told(turn: Turn, item: CaseItem, until: date) -> None:
    assert item.found is not None  # noqa: S101 - such items are told
    item.findings = _merged(item.findings, item.found.findings)
    item.findings_at, item.answer_by, item.found = turn.now, until, None
    item.told_keys += [key for f in item.findings if (key := key_of(f)) not in item.told_keys]


def _last_day(turn: Turn, told_on: date) -> date:
    limit = turn.ctx.policy.find("correction.answer_days", turn.case.accept_region, told_on).value
    return turn.calendar.due(told_on, limit["n"], limit["unit"], roll=True).date


def on_delivered(turn: Turn, message: CorrectionDelivered) -> None:
    """A paper counts as delivered: the days to answer it run from there."""
    answer_from(turn, message.number, message.delivered_on)


def answer_from(turn: Turn, number: int, delivered_on: date) -> None:
    """The applicant's days run from the delivery of that paper: what is not answered yet gets its last day anew."""
    told = next((paper for paper in turn.case.papers if paper.number == number), None)
    if told is None:
        return
    told.runs_from, told.delivered, told.answer_by = delivered_on, True, _last_day(turn, delivered_on)
    for item in (turn.case.items[i] for i in told.items):
        if item.findings and item.outcome is None and told_by(turn.case, item) is told:
            item.answer_by = told.answer_by
            item.signs.pop("not_answered", None)
            close_moot(turn, item, NOT_ANSWERED)
    turn.dates_moved = True


def told_by(case: Case, item: CaseItem) -> Told | None:
    """The last paper that told an item's findings."""
    return next((paper for paper in reversed(case.papers) if item.id in paper.items), None)


def recount_answer(turn: Turn, item: CaseItem) -> None:
    """What binds the citizen takes the later of both dates when the calendar changed."""
    told = told_by(turn.case, item)
    if told is not None and told.runs_from is not None and item.answer_by is not None:
        item.answer_by = max(item.answer_by, _last_day(turn, told.runs_from))


def approve(turn: Turn, item: CaseItem, by: str) -> None:
    """The new findings may be told, in that supervisor's name."""
    if item.found is not None:
        item.found.approved_by = by


def drop(turn: Turn, item: CaseItem) -> bool:
    """The new findings are not told; what was told before may be told again. False when nothing is left to tell."""
    if item.found is None:
        return True
    same = tuple(f for f in item.found.findings if key_of(f) in item.told_keys)
    item.found = (
        Found(findings=same, since=item.found.since, by=gathered_by(turn.case, turn.calendar)) if same else None
    )
    return bool(same) or bool(item.findings)


def name_silent(turn: Turn) -> None:
    """Tells the supervisor which checks have not answered on the last day, each once a round."""
    for item in list(silent(turn.case)):
        if item.signs.get("silent") is None:
            item.signs["silent"] = beijing_date(turn.now)
            open_task(turn, CHECK_SILENT, "supervisor", item, "CHECK_NOT_ANSWERED")


def _merged(old: tuple[Finding, ...], new: tuple[Finding, ...]) -> tuple[Finding, ...]:
    return tuple({key_of(f): f for f in (*old, *new)}.values())
