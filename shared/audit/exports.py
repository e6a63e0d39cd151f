"""Exports of audit rows: one auditor proposes, another one agrees, and either may fetch it for a day, on the record."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson

from shared.audit.chain import ROW, digest
from shared.audit.readings import Ground, Reading, reading_detail
from shared.clock import SystemClock
from shared.db.documents import qualified
from shared.errors import Conflict, Refused, RefusedError

if TYPE_CHECKING:
    from shared.delivery.service import RunningService
    from shared.http.principal import Principal

PROPOSED, AGREED = "proposed", "agreed"
KEPT: Final = timedelta(days=1)
PAGE: Final = 500
SHOWN: Final = (
    *("number", "first", "last", "state", "proposed_by", "reason", "proposed_at"),
    *("second_by", "second_reason", "second_at"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows, by their numbers, both ends included."""

    first: int
    last: int


class Exports:
    """The exports of one service's audit rows."""

    def __init__(self, service: RunningService) -> None:
        self._service = service
        self._table = qualified(service.spec.delivery.audit_export)
        self._audit = qualified(service.spec.delivery.audit)

    async def propose(self, wanted: Wanted, who: Principal, reason: str) -> dict[str, Any]:
        """A new proposal, or this person's own that is open for the same; nothing leaves by it."""
        if (open_already := await self._proposed(wanted, who, reason)) is not None:
            return await self._one(open_already) or {}
        said = {"first": wanted.first, "last": wanted.last, "reason": reason}
        async with self._service.write(who.account, "audit export proposed", said) as conn:
            number = await conn.fetchval(
                f"INSERT INTO {self._table} (first, last, state, proposed_by, reason)"
                f" VALUES ($1, $2, '{PROPOSED}', $3, $4) RETURNING seq",
                wanted.first,
                wanted.last,
                who.account,
                reason,
            )
        return await self._one(number) or {}

    async def _proposed(self, wanted: Wanted, who: Principal, reason: str) -> int | None:
        """The number of what this person proposed for the same reason, while nobody has agreed."""
        sql = (
            f"SELECT seq FROM {self._table} WHERE first = $1 AND last = $2 AND proposed_by = $3 AND reason = $4"
            f" AND state = '{PROPOSED}' ORDER BY seq LIMIT 1"
        )
        async with self._service.read() as conn:
            found: int | None = await conn.fetchval(sql, wanted.first, wanted.last, who.account, reason)
        return found

    async def agree(self, number: int, who: Principal, reason: str) -> dict[str, Any] | None:
        """The second person's word; None for no such export, `RefusedError` for the first person's own."""
        found = await self._one(number)
        if found is None:
            return None
        if found["proposed_by"] == who.account:
            raise RefusedError(
                Refused("FOUR_EYES", "", "导出须由另一名审计员同意", "another auditor must agree to an export")
            )
        if found["state"] != PROPOSED:
            raise Conflict("ALREADY_AGREED")
        async with self._service.write(
            who.account, "audit export agreed", {"number": number, "reason": reason}
        ) as conn:
            done = await conn.execute(
                f"UPDATE {self._table} SET state = '{AGREED}', second_by = $2, second_reason = $3,"
                f" second_at = clock_timestamp() WHERE seq = $1 AND state = '{PROPOSED}'",
                number,
                who.account,
                reason,
            )
            if done != "UPDATE 1":
                raise Conflict("ALREADY_AGREED")
        return await self._one(number)

    async def listing(self, after: int, most: int) -> list[dict[str, Any]]:
        """Every export proposed, oldest first."""
        async with self._service.read() as conn:
            rows = await conn.fetch(
                f"SELECT seq AS number, * FROM {self._table} WHERE seq > $1 ORDER BY seq LIMIT $2", after, most
            )
        return [{name: row[name] for name in SHOWN} for row in rows]

    async def fetch(self, number: int, who: Principal) -> AsyncIterator[bytes] | None:
        """The rows as JSON lines, each with its digest; None unless this person's, agreed to, and not yet too old.

        That it was fetched is on record before the first row is given.
        """
        found = await self._one(number)
        if found is None or who.account not in {found["proposed_by"], found["second_by"]}:
            return None
        if found["state"] != AGREED or _old(found["second_at"]):
            raise Conflict("NOT_AGREED")
        reading = Reading(whose=(), fields=("audit",), ground=Ground.EXPORT)
        said = {**reading_detail(who, reading), "number": number, "first": found["first"], "last": found["last"]}
        async with self._service.write(who.account, "reading", said):
            pass
        return self._lines(found["first"], found["last"])

    async def _lines(self, first: int, last: int) -> AsyncIterator[bytes]:
        after = first - 1
        while True:
            async with self._service.read() as conn:
                rows = await conn.fetch(
                    f"SELECT {', '.join(ROW)} FROM {self._audit} WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT {PAGE}",
                    after,
                    last,
                )
            if not rows:
                return
            after = rows[-1]["seq"]
            yield b"".join(_line(row) for row in rows)

    async def _one(self, number: int) -> dict[str, Any] | None:
        found = await self.listing(number - 1, 1)
        return found[0] if found and found[0]["number"] == number else None


def _line(row: Any) -> bytes:
    detail = orjson.loads(row["detail"]) if row["detail"] else None
    return orjson.dumps({**dict(row), "detail": detail, "sha256": digest(row).hex()}, option=orjson.OPT_APPEND_NEWLINE)


def _old(agreed: datetime) -> bool:
    # The machine's time, as the database's clock wrote it: business time may stand still.
    return SystemClock().now() - agreed > KEPT
