"""Resets: a group's position of a partition is put back, or forward, because two people said so.

Going back is safe as far as the bus keeps records: the last version applied of every stream is kept for good, so what
is delivered again is recognised and dropped. Going forward skips records whose obligations stay, so it must be meant.
The wish is a row; whichever copy of the service owns the partition carries it out between two batches, since nobody
else may move the position of a group at work.
"""

from __future__ import annotations

import asyncio
from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any

from shared.bus.port import Kept, Subscription
from shared.clock import monotonic
from shared.codes import named
from shared.db.documents import qualified
from shared.errors import Conflict, FieldError, Invalid, OneWindowError

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

PROPOSED, REPLACED, WANTED, DONE, REFUSED = "proposed", "replaced", "wanted", "done", "refused"
LOOK_SECONDS = 0.1
BEGINNING, END = "beginning", "end"
_SAID = "topic, partition, target, skip"


@dataclass(frozen=True, slots=True)
class Wish:
    """Where a position shall be: `target` is `beginning`, `end` or an offset; `skip` lets it pass over records."""

    topic: str
    partition: int
    target: str
    skip: bool = False


class Resets:
    """The resets of one service's own group; nobody else's positions are within its reach."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._table = qualified(service.spec.delivery.reset)

    async def ask(self, wish: Wish, who: str, reason: str) -> dict[str, Any]:
        """The first person proposes, a second one with the same wish and a reason of his own has it carried out.

        `Invalid` names what cannot be, `Conflict` says `SKIPS_RECORDS`, `NOTHING_TO_MOVE` or `RESET_UNDER_WAY`.
        """
        position, kept = await self._standing(wish)
        to = allowed(wish, position, kept)
        if to == position:
            raise Conflict("NOTHING_TO_MOVE", f"位置已经是 {to}", f"the position is {to} already")
        detail = {**asdict(wish), "from": position, "to": to, "reason": reason}
        async with self._service.write(who, "reset asked for", detail) as conn:
            before = await self._open(conn, wish)
            if before is None or _wish(before) != wish:
                return await self._propose(conn, wish, who, reason)
            if before["proposed_by"] == who:
                return {"number": before["seq"], "state": PROPOSED}
            return await self._second(conn, before["seq"], who, reason)

    async def _standing(self, wish: Wish) -> tuple[int, Kept]:
        """The group's position there and what the bus keeps; `Invalid` for what this service does not read."""
        name, topics = self._service.spec.name, sorted(self._service.hearing.topics())
        if wish.topic not in topics:
            raise Invalid([FieldError("/topic", "UNKNOWN_TOPIC", named("UNKNOWN_TOPIC", wish.topic, topics))])
        kept = await self._service.bus.kept(wish.topic)
        if wish.partition not in kept:
            told = named("UNKNOWN_PARTITION", wish.partition, map(str, kept))
            raise Invalid([FieldError("/partition", "UNKNOWN_PARTITION", told)])
        lags = {(lag.topic, lag.partition): lag.position for lag in await self._service.bus.lag(name)}
        begin = kept[wish.partition].begin
        return lags.get((wish.topic, wish.partition), begin), kept[wish.partition]

    async def _open(self, conn: Any, wish: Wish) -> Any | None:
        """What was last proposed for that partition; `Conflict` while one is wanted and not yet carried out."""
        before = await conn.fetchrow(
            f"SELECT seq, state, proposed_by, {_SAID} FROM {self._table} WHERE topic = $1 AND partition = $2"
            f" AND state IN ('{PROPOSED}', '{WANTED}') ORDER BY seq DESC LIMIT 1 FOR UPDATE",
            wish.topic,
            wish.partition,
        )
        if before is not None and before["state"] == WANTED:
            raise Conflict(
                "RESET_UNDER_WAY",
            )
        return before

    async def _propose(self, conn: Any, wish: Wish, who: str, reason: str) -> dict[str, Any]:
        """A new proposal; what was proposed before for that partition is no longer."""
        await conn.execute(
            f"UPDATE {self._table} SET state = '{REPLACED}' WHERE topic = $1 AND partition = $2"
            f" AND state = '{PROPOSED}'",
            wish.topic,
            wish.partition,
        )
        number = await conn.fetchval(
            f"INSERT INTO {self._table} ({_SAID}, state, proposed_by, reason)"
            f" VALUES ($1, $2, $3, $4, '{PROPOSED}', $5, $6) RETURNING seq",
            *astuple(wish),
            who,
            reason,
        )
        return {"number": number, "state": PROPOSED}

    async def _second(self, conn: Any, number: int, who: str, reason: str) -> dict[str, Any]:
        await conn.execute(
            f"UPDATE {self._table} SET state = '{WANTED}', second_by = $2, second_reason = $3 WHERE seq = $1",
            number,
            who,
            reason,
        )
        return {"number": number, "state": WANTED}

    async def listing(self, after: int, most: int) -> list[dict[str, Any]]:
        """Every reset asked for, oldest first: what, who, why, and what became of it."""
        async with self._service.read() as conn:
            rows = await conn.fetch(
                f"SELECT seq AS number, {_SAID}, state, proposed_by, reason, proposed_at, second_by, second_reason,"
                f' moved_from AS "from", moved_to AS "to" FROM {self._table} WHERE seq > $1 ORDER BY seq LIMIT $2',
                after,
                most,
            )
        return [dict(row) for row in rows]

    async def ended(self, number: int, seconds: float) -> dict[str, Any]:
        """What became of a reset; waits so long for one that is wanted to be carried out."""
        until = monotonic() + seconds
        while True:
            (row,) = await self.listing(number - 1, 1)
            if row["state"] != WANTED or monotonic() > until:
                return row
            await asyncio.sleep(LOOK_SECONDS)

    async def carry_out(self, subscription: Subscription) -> bool:
        """Carries out what is wanted of partitions that this member owns; whether a position was moved."""
        async with self._service.read() as conn:
            rows = await conn.fetch(
                f"SELECT seq, second_by, {_SAID} FROM {self._table} WHERE state = '{WANTED}' ORDER BY seq"
            )
        mine = [row for row in rows if subscription.owns((row["topic"], row["partition"]))]
        return any([await self._move(subscription, row) for row in mine])

    async def _move(self, subscription: Subscription, row: Any) -> bool:
        wish = _wish(row)
        try:
            # Since it was asked for, the bus may have let records go, and another reset may have been carried out.
            to = allowed(wish, *await self._standing(wish))
        except (Invalid, Conflict) as cause:
            await self._end(row, REFUSED, {**asdict(wish), "because": _code(cause)}, None, None)
            return False
        before = await subscription.seek((wish.topic, wish.partition), to)
        if before is not None:
            await self._end(row, DONE, asdict(wish), before, to)
        return before is not None

    async def _end(self, row: Any, state: str, detail: dict[str, Any], before: int | None, to: int | None) -> None:
        said = {**detail, "number": row["seq"], "from": before, "to": to}
        async with self._service.write(row["second_by"], f"reset {state}", said) as conn:
            await conn.execute(
                f"UPDATE {self._table} SET state = $2, moved_from = $3, moved_to = $4 WHERE seq = $1",
                row["seq"],
                state,
                before,
                to,
            )


def allowed(wish: Wish, position: int, kept: Kept) -> int:
    """The offset that a wish means; raises when it lies outside what is kept, or skips unasked."""
    to = _offset(wish.target, kept)
    if to > position and not wish.skip:
        count = to - position
        raise Conflict(
            "SKIPS_RECORDS",
            f"前移会跳过 {count} 条未处理的事件:其义务仍未了结,同一流后面的事件会因缺口而停放;确要如此请加 --skip",
            f"going forward skips {count} records nobody handled: their obligations stay open, and what follows in their"
            " streams is parked as beyond a gap; say --skip if that is meant",
        )
    return to


def _wish(row: Any) -> Wish:
    return Wish(*(row[name] for name in _SAID.split(", ")))


def _offset(target: str, kept: Kept) -> int:
    if target in {BEGINNING, END}:
        return kept.begin if target == BEGINNING else kept.end
    if not (target.isascii() and target.isdigit()):
        raise _wrong("FORMAT", "应为 beginning、end 或一个偏移量", "must be beginning, end or an offset")
    to = int(target)
    if to > kept.end:
        raise _wrong("BEYOND_END", f"还没有这样的记录,末尾是 {kept.end}", f"no such record yet: the end is {kept.end}")
    if to < kept.begin:
        raise _wrong(
            "NOT_KEPT",
            f"更早的记录已过保留期,最早的是 {kept.begin}",
            f"what is older was kept for its time and is gone: the first record is {kept.begin}",
        )
    return to


def _wrong(code: str, zh: str, en: str) -> Invalid:
    return Invalid([FieldError("/to", code, f"{zh} / {en}")])


def _code(cause: OneWindowError) -> str:
    return cause.errors[0].code if isinstance(cause, Invalid) else cause.code
