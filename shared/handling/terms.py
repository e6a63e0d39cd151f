"""Terms that run from delivery: until when a person may turn to whom, and until when they may answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from shared.clock import beijing_date
from shared.months import add_months_to

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.calendar import WorkingCalendar


def remedy_terms(remedy: Mapping[str, Any], delivered_at: datetime, calendar: WorkingCalendar) -> dict[str, Any]:
    """The last days (最迟) for reconsideration and for the court, as `remedy` gives their lengths.

    The day of delivery is not counted (民法典第二百零一条), the last day moves to the next working day (第二百零三条).
    `provisional` where the year's holidays are not published.
    """
    start = beijing_date(delivered_at)
    first = calendar.due(start, int(remedy["reconsideration_days"]), "calendar", roll=True)
    months = add_months_to(start, int(remedy["court_months"]))
    second = calendar.due(months, 0, "calendar", roll=True)
    return {
        "from": start.isoformat(),
        "reconsideration_by": first.date.isoformat(),
        "court_by": second.date.isoformat(),
        "provisional": first.provisional or second.provisional,
    }


def answer_by(delivered_at: datetime, n: int, unit: Any, calendar: WorkingCalendar) -> date:
    """The applicant's last day to answer a correction paper that was delivered then: `n` days, the day of delivery not
    counted, a last rest day moved to the next working day."""
    return calendar.due(beijing_date(delivered_at), n, unit, roll=True).date
