"""Where a service cannot go on where the bus says it stands: put on record, told loudly, and gone on from where it can.

Records may be gone before they were read (an outage longer than the bus keeps them), the bus may have lost its end, or
the database may be an older one that was put back. Nobody is asked, since waiting would bring nothing back; an operator
says when the cases concerned were looked after.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import structlog

from shared.bus.port import Lost, TopicPartition
from shared.db.documents import qualified
from shared.delivery.resets import DONE
from shared.metrics import METRICS

if TYPE_CHECKING:
    from shared.delivery.service import RunningService

log = structlog.get_logger("onewindow.positions")
LOST, SEEN = "lost", "seen"
"""States of a row of the resets: moved without anybody asking; looked after by an operator."""

BY_ITSELF = "system"


class Losses:
    """The losses of one service; they stand among its resets."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._table = qualified(service.spec.delivery.reset)
        self.passed_over: frozenset[TopicPartition] = frozenset()
        """Partitions of which records were passed over, meant or not: gaps are to be expected there."""

        self._losses: list[Any] = []

    async def record(self, lost: Lost) -> None:
        """Puts on record, loudly, that this service cannot go on where the bus says it stands, since records are gone or
        its database is an older one; once, also over a crash."""
        (topic, partition), row = lost.at, (*lost.at, lost.position, lost.begin)
        zh, en = _told(lost)
        detail = {"topic": topic, "partition": partition, "from": lost.position, "to": lost.begin, "cause": lost.cause}
        async with self._service.write(BY_ITSELF, "position moved", detail) as conn:
            await conn.execute(
                f"INSERT INTO {self._table} (topic, partition, target, skip, state, proposed_by, reason, moved_from, moved_to)"
                f" SELECT $1, $2, $6, true, '{LOST}', '{BY_ITSELF}', $5, $3, $4 WHERE NOT EXISTS (SELECT"
                f" FROM {self._table} WHERE (topic, partition, moved_from, moved_to) = ($1, $2, $3, $4)"
                f" AND state = '{LOST}')",
                *row,
                f"{zh} / {en}",
                lost.cause,
            )
        log.critical(_EVENTS[lost.cause], service=self._service.spec.name, topic=topic, records=lost.records, reason=en)
        METRICS.lost.labels(self._service.spec.name, topic).inc(lost.records)
        await self.look()

    async def look(self) -> None:
        """Knows what was passed over, and which losses nobody has looked after yet."""
        async with self._service.read() as conn:
            rows = await conn.fetch(
                f"SELECT topic, partition, state, target, moved_from, moved_to FROM {self._table}"
                f" WHERE state IN ('{LOST}', '{SEEN}', '{DONE}') AND moved_to <> moved_from ORDER BY seq"
            )
        self._losses = [row for row in rows if row["state"] == LOST]
        self.passed_over = frozenset(
            (row["topic"], row["partition"]) for row in rows if row["moved_to"] > row["moved_from"]
        )

    async def look_after(self, number: int, who: str, reason: str) -> bool:
        """An operator has looked after the cases that a loss concerns; False where there is no such loss."""
        async with self._service.write(who, "loss looked after", {"number": number, "reason": reason}) as conn:
            done = await conn.fetchval(
                f"UPDATE {self._table} SET state = '{SEEN}', second_by = $2, second_reason = $3"
                f" WHERE seq = $1 AND state = '{LOST}' RETURNING 1",
                number,
                who,
                reason,
            )
        await self.look()
        return done is not None

    def note(self) -> str:
        """A sentence for operators; empty when every loss was looked after."""
        if not self._losses:
            return ""
        by_cause: dict[str, list[str]] = {}
        for row in self._losses:
            by_cause.setdefault(row["target"], []).append(row["topic"])
        said = [_NOTES[cause].format(", ".join(dict.fromkeys(topics))) for cause, topics in by_cause.items()]
        return f"{'; '.join(said)}: see `onewindow bus resets`"


_NOTES: Final[Mapping[str, str]] = {
    "let_go": "records of {} were gone before they were read 有事件未读已失",
    "bus_back": "the bus has lost the end of {} 总线丢失了末尾",
    "database_back": "the database is older than what was read of {} 数据库比总线旧",
}

_EVENTS: Final[Mapping[str, str]] = {
    "let_go": "records_lost",
    "bus_back": "bus_went_back",
    "database_back": "database_is_older",
}


def _told(lost: Lost) -> tuple[str, str]:
    if lost.cause == "database_back":
        return (
            f"数据库只处理到 {lost.begin},总线记录的位置是 {lost.position}:数据库是较早的;从 {lost.begin} 重读,重复的会被"
            "识别。此后发出过而本库不知道的事件仍在总线上,请核对",
            f"the database has applied {lost.begin}, the bus was told {lost.position}: it is an older one that was put back;"
            f" read again from {lost.begin}, what was applied is recognised. What was sent after that moment, and this"
            " database does not know, stands on the bus: look after it",
        )
    if lost.cause == "let_go":
        return (
            f"总线在读取之前已删除 {lost.records} 条事件(保留期短于停机时间);受影响的办件会因缺口停放,或显示为停滞",
            f"the bus let go of {lost.records} records before they were read (it keeps them for less than the outage was):"
            " cases concerned are parked as beyond a gap, or shown as stuck",
        )
    return (
        f"总线的末尾退到了已读位置 {lost.position} 之前,总线曾丢失记录;从头重读,重复的会被识别",
        f"the bus ends before what was read ({lost.position}), so it has lost records: read again from its beginning, what"
        " was applied is recognised",
    )
