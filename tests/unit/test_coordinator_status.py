"""The application's status and outcome, derived from its items."""

import pytest

from services.coordinator.domain.status import Standing, application_status, case_outcome
from shared.outcomes import ApplicationStatus as App
from shared.outcomes import CaseOutcome as Out
from shared.outcomes import ItemStatus as I


def _items(*words):
    """`word` is a status; `+` says accepted, `!` that it waits for the applicant."""
    return [Standing(I(w.rstrip("+!")), "!" in w, "+" in w) for w in words]


@pytest.mark.parametrize(
    ("items", "status", "outcome"),
    [
        (("requested", "waiting"), App.SUBMITTED, None),
        (("requested", "accepted+"), App.IN_PROGRESS, None),
        (("requested", "waiting+"), App.IN_PROGRESS, None),
        (("reviewing+", "paused+"), App.IN_PROGRESS, None),
        (("accepted+", "approved+"), App.PARTIAL, None),
        (("requested", "withdrawn"), App.PARTIAL, None),
        (("returned", "requested"), App.SUBMITTED, None),
        (("correcting!", "approved+"), App.CORRECTING, None),
        (("waiting!", "accepted+"), App.CORRECTING, None),
        (("accepted!+", "requested"), App.CORRECTING, None),
        (("approved+", "approved+"), App.CLOSED, Out.APPROVED),
        (("approved+", "denied+"), App.CLOSED, Out.PARTLY_APPROVED),
        (("approved+", "not_applicable+", "withdrawn"), App.CLOSED, Out.APPROVED),
        (("approved+", "terminated"), App.CLOSED, Out.PARTLY_APPROVED),
        (("denied+", "terminated"), App.CLOSED, Out.DENIED),
        (("denied+", "withdrawn"), App.CLOSED, Out.DENIED),
        (("revoked+",), App.CLOSED, Out.DENIED),
        (("not_applicable+", "not_applicable"), App.CLOSED, None),
        (("not_applicable+", "withdrawn"), App.CLOSED, None),
        (("withdrawn", "terminated"), App.CLOSED, Out.DENIED),
        (("withdrawn", "withdrawn"), App.WITHDRAWN, None),
        (("not_accepted", "not_accepted"), App.NOT_ACCEPTED, None),
        (("terminated", "terminated"), App.TERMINATED, None),
    ],
)
def test_status_and_outcome_follow_from_the_items(items, status, outcome):
    assert application_status(_items(*items)) is status
    assert case_outcome(_items(*items)) is outcome
