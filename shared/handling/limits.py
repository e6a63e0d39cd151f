"""Legal dates: working days, the two clocks' last days, lamps, and the moment at which a legal day is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from functools import cache

from shared.calendar import Due as Day
from shared.calendar import Span, Unit, WorkingCalendar
from shared.catalog.protocol import Due, ItemView, Limit
from shared.clock import BEIJING, as_utc, beijing_date
from shared.handling.figures import yellow
from shared.outcomes import FINAL_ITEM, ItemStatus, Lamp, WaitKind
from shared.policy import NATION

_LOCAL: dict[date, bool] = {}


@cache
def working_calendar() -> WorkingCalendar:
    """The one table of working days, local days included, built at its first use (about 50 ms)."""
    return WorkingCalendar.load(_LOCAL)


def keep_local_days(days: Mapping[date, bool]) -> None:
    """From here on this process reckons with these local days (a local holiday, a day on which offices were closed)."""
    if days != _LOCAL:
        _LOCAL.clear()
        _LOCAL.update(days)
        working_calendar.cache_clear()


def working_days_from(now: datetime, days: int) -> Day:
    """The legal day on which a limit of so many working days, starting today, ends."""
    return working_calendar().due(beijing_date(now), days, "working")


def working_days_until(last: date, now: datetime) -> int:
    """Working days left until a last day that the law counts in calendar days or months; what binds the office ends
    on the working day before it where that day is a rest day."""
    return working_calendar().working_days_between(beijing_date(now), last)


def end_of(day: date) -> datetime:
    """The moment, in UTC, at which this legal day is over in Beijing."""
    return start_of(after(day))


def after(day: date) -> date:
    """The next day."""
    return day + timedelta(days=1)


def start_of(day: date) -> datetime:
    """The moment, in UTC, at which this legal day begins in Beijing."""
    return as_utc(datetime.combine(day, time(), BEIJING))


# --- the two clocks ---------------------------------------------------------------------------------------------------


def examination_due(start: date, limits: Iterable[Limit], calendar: WorkingCalendar) -> Day | None:
    """The last day of the shortest examination clock (收件审查期限) that began on this day; None without limits."""
    days = [calendar.due(start, limit.n, limit.unit) for limit in limits]
    return min(days, key=lambda day: day.date, default=None)


def handling_due(
    start: date,
    promised: Limit | None,
    legal: Limit | None,
    calendar: WorkingCalendar,
    pauses: Sequence[Span] = (),
    extra: int = 0,
) -> Due:
    """The last days of the handling clock (办理期限) that began on this day, pauses not counted.

    `extra` are the days of an extension, in the promise's unit (the law's where nothing is promised); the law's last
    day follows where the promise passes it.
    """
    promise = _last(start, promised, calendar, pauses, extra)
    law = _last(start, legal, calendar, pauses, extra if promised is None else 0)
    last = law.date if law is not None else None
    if extra and promise is not None and last is not None:
        last = max(last, promise.date)
    return Due(
        promised=promise.date if promise is not None else None,
        legal=last,
        provisional=any(day.provisional for day in (promise, law) if day is not None),
    )


def _last(
    start: date, limit: Limit | None, calendar: WorkingCalendar, pauses: Sequence[Span], extra: int
) -> Day | None:
    return None if limit is None else calendar.due(start, limit.n + extra, limit.unit, pauses=pauses)


# --- lamps ------------------------------------------------------------------------------------------------------------


def yellow_from(whole: int, due: date, region: str = NATION) -> int:
    """The days left from which the lamp of a limit of so many days, ending on that day, is yellow there, by dated policy
    (`lamp.yellow`); none for what is done on the spot (即办件不用黄灯)."""
    if whole <= 0:
        return -1
    figure = yellow(region, due)
    return max(figure.least, -(-whole * figure.percent // 100))


def yellow_day(due: date, whole: int, unit: Unit, calendar: WorkingCalendar, region: str = NATION) -> date | None:
    """The first day on which the lamp of such a limit is yellow."""
    left = yellow_from(whole, due, region)
    if left < 0:
        return None
    return calendar.add_working_days(due, -left) if unit == "working" else due - timedelta(days=left)


def lamp(
    due: Due, whole: int, today: date, calendar: WorkingCalendar, unit: Unit = "working", region: str = NATION
) -> Lamp:
    """Legal red past the law, red past the promise, yellow near the promise, else green.

    `whole` is the limit in days of the unit. Without an event a lamp only ever gets worse from day to day.
    """
    if due.legal is not None and today > due.legal:
        return Lamp.LEGAL_RED
    promise = due.promised or due.legal
    if promise is None:
        return Lamp.GREEN
    if today > promise:
        return Lamp.RED
    return (
        Lamp.YELLOW
        if calendar.days_between(today, promise, unit) <= yellow_from(whole, promise, region)
        else Lamp.GREEN
    )


def task_lamp(opened: date, due: date, today: date, region: str = NATION) -> Lamp:
    """The lamp of a task that was opened on this day."""
    calendar = working_calendar()
    return lamp(Due(promised=due), calendar.working_days_between(opened, due), today, calendar, region=region)


def stopped(item: ItemView) -> bool:
    """Whether the item's clock stands: the applicant must act, or a pause runs."""
    waits = item.waiting_on
    return (
        item.status in (ItemStatus.PAUSED, ItemStatus.CORRECTING)
        or item.pause is not None
        or bool(item.findings)
        or (waits is not None and waits.kind is WaitKind.APPLICANT)
    )


def item_lamp(
    item: ItemView,
    promised: Limit | None,
    legal: Limit | None,
    now: datetime,
    calendar: WorkingCalendar,
    region: str = NATION,
) -> Lamp:
    """The lamp of one item: grey while its clock stands, once it is over whether it was in time, else as `lamp`."""
    limit = promised or legal
    whole, unit = (limit.n, limit.unit) if limit is not None else (5, "working")
    if item.status in FINAL_ITEM:
        ended = item.result.decided_at if item.result is not None else None
        seen = lamp(item.due, whole, beijing_date(ended), calendar, unit, region) if ended is not None else Lamp.GREEN
        return Lamp.GREEN if seen is Lamp.YELLOW else seen
    return Lamp.GREY if stopped(item) else lamp(item.due, whole, beijing_date(now), calendar, unit, region)
