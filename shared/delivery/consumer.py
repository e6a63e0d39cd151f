"""The consumer: fetch, hand a batch to the unit of work, park what can never succeed, move the position.

A batch that fails is redone one by one. A message's own failure is tried a few times and then parked with all that
follows of its key, and so, at once, is what only a newer release may handle, until a copy of that release takes it up
by itself; a failure of the world (database, bus, setting) pauses with back-off; five different keys failing
in a row stop the consumer loudly, since then the fault is ours. Bytes that are no event of ours go to the dead letters.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from shared.bus.port import Fenced, Record, Subscription
from shared.clock import monotonic
from shared.delivery.parking import Parking, needed, retry_key, why
from shared.delivery.unit_of_work import Gap
from shared.errors import Misconfigured, NewerRelease, OneWindowError, Poison, Transient, Undecodable
from shared.failpoints import hit
from shared.metrics import METRICS
from shared.policy import PolicyMissing

if TYPE_CHECKING:
    from shared.delivery.dead_letters import DeadLetters
    from shared.delivery.losses import Losses
    from shared.delivery.resets import Resets

log = structlog.get_logger("onewindow.consumer")
BATCH = 256
"""Records handled in one unit of work at most: what waits together is read, changed and written once an aggregate."""

TRIES = 3
GAP_TRIES = 8
FAILING_KEYS = 5
COMMIT_SECONDS = 0.25
REFRESH_SECONDS = 2.0
POLL_SECONDS = 0.5

Handle = Callable[[Sequence[Record]], Awaitable[None]]


class TooManyFailures(OneWindowError):
    """Different keys fail in a row: the consumer stops, an operator looks."""

    code = "TOO_MANY_FAILURES"


class Consumer:
    """Reads a service's topics and applies them."""

    def __init__(
        self,
        name: str,
        subscription: Subscription,
        handle: Handle,
        parking: Parking,
        dead_letters: DeadLetters,
        resets: Resets,
        losses: Losses,
    ) -> None:
        self._name = name
        self._subscription = subscription
        self._handle = handle
        self._parking, self._dead_letters = parking, dead_letters
        self._resets, self._losses = resets, losses
        self._new = True
        self._failing: list[str] = []
        self._committed = monotonic()
        self._refreshed: float | None = None
        self._pending = False
        self._in_hand = False
        self.idle = asyncio.Event()

    async def run(self) -> None:
        """Runs until cancelled; on the way out the position is stored and the leases are given back."""
        METRICS.stopped.labels(self._name).set(0)
        try:
            while True:
                # A trouble that was overcome is forgotten: the next one is met with as short a pause as the first.
                async for attempt in patiently(self._name):
                    with attempt:
                        await self._loop(once=attempt.retry_state.attempt_number > 1)
        except (TooManyFailures, Misconfigured):
            METRICS.stopped.labels(self._name).set(1)
            raise
        finally:
            await asyncio.shield(self._leave())

    async def _loop(self, *, once: bool) -> None:
        try:
            while True:
                await self._turn()
                if once:
                    return
        except Transient:
            # Whatever was in hand was not stored as done; start again at the stored position.
            self._subscription.rewind()
            self._in_hand = False
            raise

    async def _turn(self) -> None:
        await self._refresh()
        records = await self._subscription.fetch(BATCH, COMMIT_SECONDS if self._pending else POLL_SECONDS)
        self._in_hand = bool(records)
        if await self._put_elsewhere() or await self._go_on_behind_a_loss():
            return
        if records:
            self.idle.clear()
            await self.process(records)
            self._in_hand = False
            self._pending = True
        else:
            self.idle.set()
        await self._commit(force=not records)

    async def _put_elsewhere(self) -> bool:
        """Whether a reset that was asked for while nobody read here has moved a position: then nothing is in hand.

        After the first fetch, since only then this member owns partitions, and before any of its records is applied.
        """
        if not self._new:
            return False
        moved = await self._resets.carry_out(self._subscription)
        self._new = False
        if moved:
            self._subscription.rewind()
            self._in_hand = False
        return moved

    async def _go_on_behind_a_loss(self) -> bool:
        """Whether the bus has let go of records that nobody here has read: on the record, then on from its first one."""
        lost = self._subscription.lost()
        for one in lost:
            await self._losses.record(one)
            await self._subscription.seek(one.at, one.begin)
        return bool(lost)

    async def _commit(self, *, force: bool) -> None:
        if not self._pending or not (force or monotonic() - self._committed > COMMIT_SECONDS):
            return
        hit("position.before_commit", self._name)
        await self._subscription.commit()
        self._pending = False
        self._committed = monotonic()

    async def _leave(self) -> None:
        # What was fetched but not applied is not done: its position is left where it is, for the next start.
        try:
            if not self._in_hand:
                await self._subscription.commit()
        except (Fenced, Transient):
            log.info("position_not_stored", consumer=self._name)
        await self._subscription.close()

    async def _refresh(self) -> None:
        if self._refreshed is not None and monotonic() - self._refreshed < REFRESH_SECONDS:
            return
        for key in await self._parking.refresh():
            await retry_key(self._parking, key, self._handle)
        await self._commit(force=True)
        await self._resets.carry_out(self._subscription)
        await self._losses.look()
        self._refreshed = monotonic()
        METRICS.parked.labels(self._name).set(len(self._parking.keys) - len(self._parking.waiting))
        METRICS.waiting.labels(self._name).set(len(self._parking.waiting))

    async def process(self, records: Sequence[Record]) -> None:
        """Applies a batch; on return every record is applied or parked."""
        free = [record for record in records if not await self._stands_aside(record)]
        if not free:
            return
        try:
            await self._handle(free)
        except Exception as cause:
            if not _own(cause):
                raise
            await self._one_by_one(free)
        else:
            self._failing.clear()
        METRICS.handled.labels(self._name).inc(len(free))

    async def _one_by_one(self, records: Sequence[Record]) -> None:
        for record in records:
            if await self._stands_aside(record) or await self._is_dead(record):
                continue
            cause = await self._try(record)
            if cause is None:
                self._failing.clear()
            elif (needs := needed(cause)) is not None:
                await self._parking.park(record, why(cause), 1, needs)
            else:
                await self._set_aside(record, cause)

    async def _stands_aside(self, record: Record) -> bool:
        """Whether it is not to be handled now: two people gave it up, or it comes behind a parked one of its key."""
        if (*record.at, record.offset) in self._parking.discarded:
            return True
        if record.key not in self._parking.keys:
            return False
        if not await self._is_dead(record):
            await self._parking.park(
                record, "BEHIND: 同一办件前面的事件停放中 / an earlier one of its key is parked", 0
            )
        return True

    async def _is_dead(self, record: Record) -> bool:
        """Whether it is no event of ours; then it is a dead letter from now on."""
        fault = _fault(record)
        if fault is None:
            return False
        log.error("dead_letter", consumer=self._name, topic=record.topic, offset=record.offset, reason=fault)
        await self._dead_letters.put(record, fault)
        return True

    async def _try(self, record: Record) -> Exception | None:
        """None when it went through, else why it never will, here."""
        for attempt in range(1, GAP_TRIES + 1):
            try:
                await self._handle([record])
            except Exception as cause:
                if not _own(cause):
                    raise
                if attempt >= (1 if self._expected(record, cause) else _limit(cause)):
                    return cause
            else:
                return None
            await asyncio.sleep(min(0.5, 0.02 * 2**attempt))
        return None

    def _expected(self, record: Record, cause: Exception) -> bool:
        """Whether it misses what is known to have been passed over: waiting brings nothing, and it is no fault of ours."""
        return isinstance(cause, Gap) and record.at in self._losses.passed_over

    async def _set_aside(self, record: Record, cause: Exception) -> None:
        reason = why(cause)
        log.error("message_parked", consumer=self._name, topic=record.topic, offset=record.offset, reason=reason[:300])
        if self._expected(record, cause):
            await self._parking.park(record, reason, TRIES)
            return
        self._failing = [k for k in self._failing if k != record.key] + [record.key]
        await self._parking.park(record, reason, TRIES)
        if len(self._failing) >= FAILING_KEYS:
            self._failing.clear()
            raise TooManyFailures(
                f"{self._name}: 连续 {FAILING_KEYS} 个不同办件失败,已停止消费,请查看 onewindow parked list",
                f"{self._name}: {FAILING_KEYS} different keys failed in a row; stopped, see `onewindow parked list`",
            )


def _fault(record: Record) -> str | None:
    """Why it cannot be read as an event; None when it can."""
    try:
        record.envelope()
    except Undecodable as cause:
        return why(cause)
    return None


def _own(cause: BaseException) -> bool:
    """Whether the failure belongs to the message rather than to the world."""
    # A figure that is missing for one region and day, or a case that is ahead of this release, stops nobody else.
    if isinstance(cause, Gap | PolicyMissing | NewerRelease):
        return True
    return isinstance(cause, Exception) and not isinstance(cause, Transient | Misconfigured)


def _limit(cause: BaseException) -> int:
    if isinstance(cause, Poison | NewerRelease):
        return 1
    return GAP_TRIES if isinstance(cause, Gap) else TRIES


def patiently(name: str) -> AsyncRetrying:
    """Tries again, with growing pauses, as long as the world (not the work) is at fault."""

    def report(state: RetryCallState) -> None:
        log.warning("paused", worker=name, cause=str(state.outcome.exception() if state.outcome else ""))

    return AsyncRetrying(
        retry=retry_if_exception_type(Transient), wait=wait_exponential(multiplier=0.1, max=5), before_sleep=report
    )
