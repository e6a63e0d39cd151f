"""A position put back or forward: two people, on the record, by whoever owns the partition; on both buses."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
import pytest_asyncio

from shared.bus.outgoing import partition_of
from shared.bus.port import Kept
from shared.delivery.parking import DISCARDED
from shared.delivery.resets import DONE, PROPOSED, REFUSED, WANTED, Wish, allowed
from shared.errors import Conflict, Invalid
from shared.policy import Policy
from shared.runtime.workers import workers_of
from tests.support.both import make
from tests.support.database import eventually
from tests.support.toy import REQUESTS, Add, Toy
from tests.support.toy_cases import ident, total

__all__ = ["make"]
FIRST, SECOND = "operator one", "operator two"
PARTITION = partition_of(str(ident(1)), 4)
BACK = Wish(REQUESTS, PARTITION, "beginning")
BACK_AT = (REQUESTS, PARTITION)


@pytest_asyncio.fixture
async def toy(make: Any) -> AsyncIterator[Toy]:
    made = make()
    await made.start()
    yield made
    await made.stop()


async def both(toy: Toy, wish: Wish) -> dict[str, Any]:
    """Two people ask for the same."""
    await toy.service.resets.ask(wish, FIRST, "the first one's reason")
    return await toy.service.resets.ask(wish, SECOND, "the second one's reason")


async def became(toy: Toy, number: int, state: str) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def reached() -> bool:
        seen.update(next(r for r in await toy.service.resets.listing(0, 50) if r["number"] == number))
        return seen["state"] == state

    await eventually(reached, f"reset {number} to be {state}", 30)
    return seen


async def stored(toy: Toy, position: int) -> None:
    async def reached() -> bool:
        lags = await toy.bus.lag("toy")
        return any((lag.topic, lag.partition, lag.position) == (*BACK_AT, position) for lag in lags)

    await eventually(reached, f"position {position} to be stored", 30)


async def test_what_is_delivered_again_after_going_back_has_no_second_effect(toy: Toy) -> None:
    await toy.send(*((ident(1), v, Add(n=1)) for v in range(1, 6)))
    await total(toy, ident(1), 5)
    await stored(toy, 5)
    done = await became(toy, (await both(toy, BACK))["number"], DONE)
    assert (done["from"], done["to"]) == (5, 0)
    await stored(toy, 5)  # all of it was read again
    await toy.send((ident(1), 6, Add(n=1)))
    await total(toy, ident(1), 6)
    assert len(await toy.fetch("SELECT 1 FROM toy.line")) == 6


async def test_the_first_person_only_proposes_and_the_same_one_again_stays_alone(toy: Toy) -> None:
    await toy.send((ident(1), 1, Add()))
    await stored(toy, 1)
    for _ in range(2):
        assert (await toy.service.resets.ask(BACK, FIRST, "a reason"))["state"] == PROPOSED
    assert (await toy.service.resets.ask(BACK, SECOND, "a reason"))["state"] == WANTED


async def test_another_wish_takes_the_place_of_the_one_before(toy: Toy) -> None:
    await toy.send((ident(1), 1, Add()), (ident(1), 2, Add()))
    await stored(toy, 2)
    await toy.service.resets.ask(BACK, FIRST, "a reason")
    other = Wish(REQUESTS, PARTITION, "1")
    assert (await toy.service.resets.ask(other, SECOND, "a reason"))["state"] == PROPOSED
    assert (await toy.service.resets.ask(other, FIRST, "a reason"))["state"] == WANTED


async def test_a_reset_stands_in_the_audit_with_who_from_where_to_where_and_why(toy: Toy) -> None:
    await toy.send((ident(1), 1, Add()))
    await stored(toy, 1)
    await became(toy, (await both(toy, BACK))["number"], DONE)
    rows = await toy.fetch("SELECT actor, action, detail FROM toy.audit WHERE action LIKE 'reset%' ORDER BY seq")
    said = [(row["actor"], row["action"], orjson.loads(row["detail"])) for row in rows]
    assert [(who, what) for who, what, _ in said] == [
        (FIRST, "reset asked for"),
        (SECOND, "reset asked for"),
        (SECOND, "reset done"),
    ]
    assert [detail["reason"] for _, _, detail in said[:2]] == ["the first one's reason", "the second one's reason"]
    assert {(detail["topic"], detail["partition"], detail["from"], detail["to"]) for _, _, detail in said} == {
        (REQUESTS, PARTITION, 1, 0)
    }


async def test_going_forward_is_refused_with_its_consequence_unless_it_is_meant(toy: Toy) -> None:
    await toy.supervisor.stop()
    await toy.send((ident(1), 1, Add()), (ident(1), 2, Add()))
    with pytest.raises(Conflict, match=r"obligations stay open.*--skip") as caught:
        await toy.service.resets.ask(Wish(REQUESTS, PARTITION, "end"), FIRST, "a reason")
    assert caught.value.code == "SKIPS_RECORDS"


async def test_a_reset_asked_for_while_the_consumer_stood_still_comes_before_any_record(make: Any, toy: Toy) -> None:
    await toy.send((ident(1), 1, Add()))
    await stored(toy, 1)
    await toy.stop()
    still = make()
    await still.start(workers=False)
    await still.send((ident(1), 2, Add(poison=True)))
    number = (await both(still, Wish(REQUESTS, PARTITION, "end", skip=True)))["number"]
    await still.stop()
    again = make()
    await again.start()
    done = await became(again, number, DONE)
    assert (done["from"], done["to"]) == (1, 2)
    assert await again.service.parking.listing() == []
    await again.stop()


async def test_a_failure_while_looking_for_resets_loses_nothing_that_was_fetched(
    make: Any, toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    await toy.send((ident(1), 1, Add(n=1)))
    await total(toy, ident(1), 1)
    await toy.stop()
    again = make()
    looks = itertools.count(1)
    look = again.service.resets.carry_out

    async def fails_after_the_first_fetch(subscription: Any) -> bool:
        if next(looks) == 2:
            raise RuntimeError("a defect of ours")
        return bool(await look(subscription))

    monkeypatch.setattr(again.service.resets, "carry_out", fails_after_the_first_fetch)
    await again.start(workers=False)
    await again.send((ident(1), 2, Add(n=1)))
    again.supervisor.start("toy.consumer", workers_of(again.service)["consumer"])
    await total(again, ident(1), 2)
    assert next(looks) > 2, "the look that fails was never come to"
    await again.stop()


async def test_with_several_copies_the_one_that_owns_the_partition_carries_it_out(make: Any, toy: Toy) -> None:
    await toy.send((ident(1), 1, Add()))
    await stored(toy, 1)
    copy = make()
    await copy.start(schema=False)
    done = await became(copy, (await both(copy, BACK))["number"], DONE)
    assert (done["from"], done["to"]) == (1, 0)
    await copy.stop()


async def test_a_message_that_two_people_gave_up_is_not_taken_up_again_by_going_back(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    await toy.send((ident(1), 1, Add(n=1)), (ident(1), 2, Add(n=5, rule="a figure nobody has set")))
    await eventually(lambda: toy.service.parking.keys, "the second to be parked", 30)
    (row,) = await toy.service.parking.listing()
    await toy.service.parking.mark(row["seq"], DISCARDED)
    await eventually(lambda: toy.service.parking.discarded, "it to be known as given up", 30)
    await stored(toy, 2)
    monkeypatch.setattr(Policy, "find", lambda *_: None)  # now it would go through
    await became(toy, (await both(toy, BACK))["number"], DONE)
    await stored(toy, 2)
    assert await toy.service.parking.listing() == []
    await total(toy, ident(1), 1)


async def test_a_wish_that_has_become_impossible_is_refused_on_the_record(toy: Toy, make: Any) -> None:
    await toy.send((ident(1), 1, Add()), (ident(1), 2, Add()))
    await stored(toy, 2)
    await toy.stop()
    still = make()
    await still.start(workers=False)
    number = (await both(still, Wish(REQUESTS, PARTITION, "1")))["number"]
    await still.fetch("UPDATE toy.reset SET target = '7'")  # as if the bus had lost what it was asked for
    await still.stop()
    again = make()
    await again.start()
    seen = await became(again, number, REFUSED)
    assert seen["from"] is None
    await again.stop()


@pytest.mark.parametrize(
    ("wish", "pointer", "code"),
    [
        (Wish("onewindow.funeral.requests", 0, "beginning"), "/topic", "UNKNOWN_TOPIC"),
        (Wish("onewindow.toy.answers", 0, "beginning"), "/topic", "UNKNOWN_TOPIC"),
        (Wish(REQUESTS, 9, "beginning"), "/partition", "UNKNOWN_PARTITION"),
        (Wish(REQUESTS, 0, "7"), "/to", "BEYOND_END"),
        (Wish(REQUESTS, 0, "yesterday"), "/to", "FORMAT"),
        (Wish(REQUESTS, 0, "-1"), "/to", "FORMAT"),
    ],
)
async def test_what_cannot_be_is_named_in_both_languages(toy: Toy, wish: Wish, pointer: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        await toy.service.resets.ask(wish, FIRST, "a reason")
    (wrong,) = caught.value.errors
    assert (wrong.pointer, wrong.code) == (pointer, code)
    assert " / " in wrong.message


def test_a_position_older_than_what_is_kept_is_refused_with_what_is_kept() -> None:
    with pytest.raises(Invalid) as caught:
        allowed(Wish(REQUESTS, 0, "39"), 120, Kept(40, 120))
    (wrong,) = caught.value.errors
    assert wrong.code == "NOT_KEPT"
    assert "40" in wrong.message
    assert allowed(Wish(REQUESTS, 0, "beginning"), 120, Kept(40, 120)) == 40
