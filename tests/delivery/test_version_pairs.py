"""A message in two versions, one beside the other: readers of either release apply it once, whoever takes over when."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from shared.bus.port import Record
from shared.catalog.registry import Catalog
from shared.changes import Changes, Ctx, Emit
from shared.delivery.writes import Writes
from shared.messages import Envelope, Message, attributes
from shared.spec import Route
from tests.delivery.test_releases import ONE, AddAgain, Make, body, make, parked, process, refresh
from tests.support.kafka import own_url
from tests.support.toy import ENTRY, NAME, NOW, REQUESTS, Add, Tally
from tests.support.toy_cases import total
from tests.support.toy_releases import WIDER_SPEC

__all__ = ["make"]


class AddBeside(AddAgain):
    """The next version, which says by whom; for one release it is said in the one before too."""

    by: str

    def older(self) -> Message:
        return Add(n=self.n)


AddBeside.__name__ = "Add"
PAIR = Catalog({NAME: replace(ENTRY, requests=(Add, AddBeside))})


def said(*numbers: int, identity: UUID = ONE) -> list[Envelope]:
    """What a producer of the newer release sends of one aggregate: each number as a pair."""
    writes = Writes("coordinator", lambda m: PAIR.writers["coordinator", m], {REQUESTS: 4}, lambda *_: "", 0)
    sender = Tally(id=identity)
    ctx: Any = SimpleNamespace(now=NOW, envelope=None)
    for n in numbers:
        writes.emits.append((sender, Emit(REQUESTS, str(identity), AddBeside(n=n, by="0.2"), str(identity)), ctx))
    writes.number()
    return [row["envelope"] for row in writes.outbox]


def records(*numbers: int) -> list[Record]:
    return [Record(e.topic, 0, n, e.key, attributes(e), e.data) for n, e in enumerate(said(*numbers))]


def newer_of_pair() -> dict[str, Any]:
    """The release that reads both versions, and notes by whom the newer one says it is."""

    def add(state: Any, message: AddBeside, ctx: Ctx) -> Changes[Any]:
        changes = WIDER_SPEC.handlers[Add].handler(state, message, ctx)
        changes.state.memos[-1] += f" by {message.by}"
        return changes

    handlers = {**WIDER_SPEC.handlers, AddBeside: Route("tally", add)}
    return {"newer": replace(WIDER_SPEC, handlers=handlers), "catalog": PAIR}


def test_a_pair_of_versions_stands_at_one_place_of_the_stream_the_older_first() -> None:
    first, second, *later = said(1, 2)
    assert [e.type.rpartition(".")[2] for e in (first, second)] == ["v1", "v2"]
    assert (first.streamversion, second.streamversion, [e.streamversion for e in later]) == (1, 1, [2, 2])
    assert (first.beside, second.beside) == (second.type, first.type)
    assert len({e.id for e in (first, second, *later)}) == 4
    assert said(1, 2) == [first, second, *later], "done again, the unit says the same"
    assert b"by" not in first.data
    assert b"by" in second.data


@pytest.mark.parametrize("bus", ["embedded", "kafka"])
@pytest.mark.parametrize("newer", [False, True], ids=["older reader", "newer reader"])
async def test_of_a_pair_of_versions_each_reader_applies_the_newest_that_it_knows_once(
    make: Make, request: pytest.FixtureRequest, bus: str, newer: bool
) -> None:
    url = own_url(request.getfixturevalue("kafka")) if bus == "kafka" else None
    toy = await make(workers=True, kafka=url, **(newer_of_pair() if newer else {}))
    await toy.bus.publish(said(1, 20, 300))
    await toy.bus.publish(said(1, 20, 300)[-3:])
    await total(toy, ONE, 321)
    assert await parked(toy) == []
    assert (await toy.tally(ONE)).seen == {f"{REQUESTS}/{ONE}": 3}
    if newer:
        assert (await body(toy))["memos"] == ["added 1 by 0.2", "added 20 by 0.2", "added 300 by 0.2"]


@pytest.mark.parametrize("after", [1, 2, 3])
@pytest.mark.parametrize("first", ["older", "newer"])
async def test_a_pair_of_versions_counts_once_where_one_copy_takes_over_in_the_middle_of_it(
    make: Make, first: str, after: int
) -> None:
    """What a newer copy passed over, expecting the next, an older one does not pass over too."""
    old, new = await make(), await make(**newer_of_pair())
    one, other = (old, new) if first == "older" else (new, old)
    coming = records(1, 20)
    await process(one, *coming[:after])
    await process(other, *coming[after:])
    await refresh(new)
    assert (await new.tally(ONE)).total == 21
    assert await parked(new) == []
