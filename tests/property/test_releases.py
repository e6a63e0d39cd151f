"""Any order of upgrades, rollbacks and messages: each counts once and in order, and no note of the newer release is lost."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.property.test_delivery import WHO, Bench, Play, bench
from tests.support.toy import Toy
from tests.support.toy_releases import NEWER, OLDER, OLDER_SPEC, WIDER_SPEC

__all__ = ["bench"]
WHICH = st.integers(0, 1)
ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), WHO, st.integers(1, 4)),
        st.tuples(st.just("again"), WHO, st.integers(1, 6)),
        st.tuples(st.just("upgrade"), WHICH),
        st.tuples(st.just("rollback"), WHICH),
        st.tuples(st.just("pass"), st.integers(1, 30)),
        st.tuples(st.just("look")),
    ),
    max_size=14,
)


class Rolling(Play):
    """Two copies of the service, each of either release; what the newer one noted is remembered at each look."""

    async def restart(self, which: int, *, newer: bool = False) -> None:
        if which < len(self.copies):
            await self.copies[which].stop()
        spec, release = (WIDER_SPEC, NEWER) if newer else (OLDER_SPEC, OLDER)
        made = Toy(self.bench.db, self.bench.keys, direct=self.direct, spec=spec, release=release)
        await made.start(schema=False)
        self.copies[which : which + 1] = [made]

    async def upgrade(self, which: int) -> None:
        await self.restart(which, newer=True)

    async def rollback(self, which: int) -> None:
        await self.restart(which)

    async def run(self, actions: Sequence[tuple]) -> None:
        self.noted: dict[UUID, list[str]] = {}
        await super().run([*actions, ("look",), ("upgrade", 1)])

    async def look(self) -> None:
        """What the newer release has noted up to now is there for good."""
        for identity in self.ids:
            for row in await self.copies[0].fetch("SELECT body, release FROM toy.tally WHERE id = $1", identity):
                memos = orjson.loads(row["body"]).get("memos", [])
                before = self.noted.get(identity, [])
                assert memos[: len(before)] == before
                assert (row["release"] == NEWER.number) == bool(memos)
                self.noted[identity] = memos

    async def mend(self) -> None:
        """Nobody does anything: the copies look by themselves."""
        for copy in self.copies:
            assert copy.service.consumer is not None
            copy.service.consumer._refreshed = None

    async def once_and_in_order(self) -> None:
        await super().once_and_in_order()
        await self.look()
        for identity, messages in self.published.items():
            memos = self.noted.get(identity, [])
            assert memos == [f"added {m.n}" for m in messages][len(messages) - len(memos) :], "one by one to the end"
        assert await self.copies[1].service.parking.listing() == []


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
@given(actions=ACTIONS, direct=st.booleans())
@example(
    actions=[
        ("publish", 0, 3),
        ("pass", 20),
        ("upgrade", 0),
        ("publish", 0, 3),
        ("publish", 1, 2),
        ("pass", 20),
        ("rollback", 0),
        ("publish", 0, 4),
        ("publish", 2, 2),
        ("pass", 30),
        ("look",),
        ("upgrade", 0),
        ("again", 0, 6),
        ("publish", 1, 2),
    ],
    direct=True,
)
def test_upgrades_and_rollbacks_lose_nothing_of_what_the_newer_release_wrote(
    bench: Bench, actions: list[tuple], direct: bool
) -> None:
    bench.runner.run(Rolling(bench, direct).run(actions))
