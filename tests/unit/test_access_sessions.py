"""Sessions: how many, how long, and what ends them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from services.access.domain.sessions import (
    Limits,
    Session,
    Sessions,
    end_sessions,
    limits_for,
    open_session,
    renew_session,
)
from services.access.service import SERVICE
from shared.clock import FixedClock
from shared.errors import Conflict
from shared.http.ended import EndedSessions
from shared.http.tokens import LIFETIME
from shared.policy import NATION, Policy

NOW = datetime(2026, 11, 21, 1, tzinfo=UTC)
ACCOUNT = UUID(int=9)
LIMITS = Limits(2, timedelta(minutes=15), timedelta(hours=8))


def session(number: int, at: datetime = NOW, proof: str | None = None) -> Session:
    return Session(id=UUID(int=number), started_at=at, expires_at=at + LIMITS.idle, proof=proof)


def opened(*numbers: int) -> Sessions:
    state = None
    for number in numbers:
        changes, _ = open_session(state, ACCOUNT, session(number), LIMITS, NOW)
        state = changes.state
    assert state is not None
    return state


def test_one_session_too_many_ends_the_oldest_and_tells_it() -> None:
    changes, _ = open_session(opened(1, 2), ACCOUNT, session(3), LIMITS, NOW)
    assert [s.id.int for s in changes.state.live] == [2, 3]
    (emit,) = changes.emits
    assert (emit.message.sessions, emit.message.cause) == ((UUID(int=1),), "superseded")
    assert emit.message.until == NOW + LIMITS.idle


def test_a_session_that_ended_by_itself_takes_no_place() -> None:
    later = NOW + LIMITS.idle
    changes, _ = open_session(opened(1, 2), ACCOUNT, session(3, later), LIMITS, later)
    assert [s.id.int for s in changes.state.live] == [3]
    assert changes.emits == []


def test_a_session_goes_on_while_it_is_used_and_no_longer_than_a_session_may() -> None:
    state, at = opened(1), NOW
    while at < NOW + LIMITS.longest - timedelta(minutes=10):
        at += timedelta(minutes=10)
        changes, until = renew_session(state, UUID(int=1), LIMITS, at)
        state = changes.state
        assert until == min(at + LIMITS.idle, NOW + LIMITS.longest)
    with pytest.raises(Conflict, match="SESSION_ENDED"):
        renew_session(state, UUID(int=1), LIMITS, NOW + LIMITS.longest)


@pytest.mark.parametrize("number", [1, 7], ids=["idle for too long", "never opened"])
def test_what_is_over_is_not_renewed(number) -> None:
    with pytest.raises(Conflict, match="SESSION_ENDED"):
        renew_session(opened(1), UUID(int=number), LIMITS, NOW + LIMITS.idle)


def test_signing_out_ends_one_session_or_all() -> None:
    changes, ended = end_sessions(opened(1, 2), ACCOUNT, "signed_out", NOW, {UUID(int=1)})
    assert (ended, [s.id.int for s in changes.state.live]) == (1, [2])
    changes, ended = end_sessions(changes.state, ACCOUNT, "signed_out", NOW)
    assert (ended, changes.state.live) == (1, [])
    changes, ended = end_sessions(changes.state, ACCOUNT, "signed_out", NOW)
    assert (ended, changes.emits) == (0, [])


def test_who_leaves_is_told_of_though_nobody_is_signed_in() -> None:
    changes, _ = end_sessions(None, ACCOUNT, "disabled", NOW)
    assert changes.emits[0].message.account_id == ACCOUNT


def test_an_outside_token_opens_one_session_however_often_and_none_after_it_was_signed_out() -> None:
    changes, first = open_session(None, ACCOUNT, session(1, proof="p"), LIMITS, NOW)
    changes, again = open_session(changes.state, ACCOUNT, session(2, proof="p"), LIMITS, NOW + timedelta(minutes=1))
    assert (first.id, again.id, len(changes.state.live)) == (UUID(int=1), UUID(int=1), 1)
    changes, _ = end_sessions(changes.state, ACCOUNT, "signed_out", NOW)
    with pytest.raises(Conflict, match="SESSION_ENDED"):
        open_session(changes.state, ACCOUNT, session(3, proof="p"), LIMITS, NOW + timedelta(hours=23))


def test_two_outside_tokens_do_not_push_each_other_out_for_ever() -> None:
    one = Limits(1, LIMITS.idle, LIMITS.longest)
    changes, _ = open_session(None, ACCOUNT, session(1, proof="a"), one, NOW)
    changes, _ = open_session(changes.state, ACCOUNT, session(2, proof="b"), one, NOW)
    with pytest.raises(Conflict, match="SESSION_ENDED"):
        open_session(changes.state, ACCOUNT, session(3, proof="a"), one, NOW)


def test_the_strictest_of_a_persons_roles_holds_and_no_token_outlives_fifteen_minutes() -> None:
    figures = Policy.load(SERVICE.policy).find("access.sessions", NATION, NOW.date()).value
    assert limits_for(["clerk"], figures, LIFETIME) == Limits(5, LIFETIME, timedelta(hours=10))
    both = limits_for(["clerk", "security"], figures, LIFETIME)
    assert both == Limits(1, timedelta(minutes=10), timedelta(hours=4))
    assert (
        limits_for([], {"default": {"at_once": 1, "idle_minutes": 99, "longest_hours": 1}}, LIFETIME).idle == LIFETIME
    )


def test_ended_sessions_are_forgotten_once_no_token_is_left_of_them() -> None:
    ended = EndedSessions(FixedClock(NOW))
    ended.add([(UUID(int=1), NOW + timedelta(minutes=1)), (UUID(int=2), NOW)])
    assert UUID(int=1) in ended
    assert UUID(int=2) not in ended
    ended._clock = FixedClock(NOW + timedelta(minutes=2))
    ended.add([])
    assert UUID(int=1) not in ended
