"""Parking: a message that can never succeed stands aside with everything later of its key; other keys go on.

Operators list, retry, or discard. While anything of a key is parked, later messages of that key join it, so order
holds when the key is taken up again. What only a newer release may handle stands aside in the same way, and a copy of
that release takes it up by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import orjson

from shared.bus.port import Record
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.errors import NewerRelease, OneWindowError
from shared.messages import event_id
from shared.release import Release

if TYPE_CHECKING:
    from shared.db.engine import Database
    from shared.spec import ServiceSpec

PARKED, RETRY, DISCARDED = "parked", "retry", "discarded"


class Parking:
    """The parked messages of one service."""

    def __init__(self, db: Database, spec: ServiceSpec, release: Release) -> None:
        self._db = db
        self._role = role_of(spec.name)
        self._table = qualified(spec.delivery.parked)
        self._release = release
        self.keys: set[str] = set()
        self._needs: dict[str, Release] = {}
        self.discarded: set[tuple[str, int, int]] = set()

    async def refresh(self) -> list[str]:
        """Reads which keys are parked and what was given up; returns the keys that are to be retried: an operator wants
        it, or their first waited for this release."""
        async with self._db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(
                f"SELECT key, bool_or(state = '{RETRY}') AS again, (array_agg(needs ORDER BY seq))[1] AS needs"
                f" FROM {self._table} WHERE state <> '{DISCARDED}' GROUP BY key"
            )
            given_up = await conn.fetch(
                f"SELECT topic, partition, \"offset\" FROM {self._table} WHERE state = '{DISCARDED}'"
            )
        self.discarded = {tuple(row) for row in given_up}
        self.keys = {row["key"] for row in rows}
        self._needs = {row["key"]: Release.of(row["needs"]) for row in rows if row["needs"] is not None}
        return [row["key"] for row in rows if row["again"] or self._is_due(row["key"])]

    def _is_due(self, key: str) -> bool:
        return key in self._needs and self._needs[key] <= self._release

    @property
    def waiting(self) -> dict[str, Release]:
        """The keys that wait for a newer release than this copy's, and for which."""
        return {key: release for key, release in self._needs.items() if release > self._release}

    async def park(self, record: Record, reason: str, tries: int, needs: Release | None = None) -> None:
        """Puts one message aside, once however often it is delivered; without a try its first reason stays.

        One that `needs` a newer release, or comes behind such a one, is taken up by a copy of that release.
        """
        if needs is not None:
            self._needs[record.key] = needs
        elif tries:
            self._needs.pop(record.key, None)
        needs = self._needs.get(record.key)  # what comes behind may find nothing before it any more: it waits by itself
        headers = dict(record.headers)
        identity = headers.get("id") or event_id(record.topic, f"{record.partition}", record.offset)
        async with self._db.transaction(self._role) as conn:
            await conn.execute(
                f'INSERT INTO {self._table} AS p (event_id, topic, partition, key, headers, data, "offset", reason, tries,'
                f" needs, state) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '{PARKED}')"
                ' ON CONFLICT (topic, partition, "offset") DO UPDATE SET tries = EXCLUDED.tries, needs = EXCLUDED.needs,'
                f" reason = EXCLUDED.reason, state = '{PARKED}' WHERE p.state <> '{DISCARDED}' AND EXCLUDED.tries > 0",
                identity,
                record.topic,
                record.partition,
                record.key,
                orjson.dumps(headers).decode(),
                record.data,
                record.offset,
                reason,
                tries,
                needs.number if needs else None,
            )
        self.keys.add(record.key)

    async def of_key(self, key: str) -> list[Record]:
        """The parked messages of a key in the order they came, those of one stream in the stream's own: what was missing
        may have come after what waits for it."""
        async with self._db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(
                f'SELECT topic, partition, "offset", key, headers, data FROM {self._table}'
                f" WHERE key = $1 AND state <> '{DISCARDED}' ORDER BY seq",
                key,
            )
        return in_order([Record(r[0], r[1], r[2], r[3], orjson.loads(r[4]), r[5]) for r in rows])

    async def release(self, record: Record) -> None:
        """Forgets a parked message that has been handled after all."""
        async with self._db.transaction(self._role) as conn:
            await conn.execute(
                f'DELETE FROM {self._table} WHERE topic = $1 AND partition = $2 AND "offset" = $3',
                *record.at,
                record.offset,
            )

    def taken_up(self, key: str) -> None:
        """Nothing of this key stands aside any more."""
        self.keys.discard(key)
        self._needs.pop(key, None)

    async def listing(self, after: int = 0, most: int = 50) -> list[dict[str, Any]]:
        """Parked messages for an operator: where from, why, how often tried; never their content."""
        return await self._shown("seq > $1", after, most)

    async def one(self, seq: int) -> dict[str, Any] | None:
        """All of one but its content; None if it is not there."""
        found = await self._shown("seq = $1", seq, 1)
        return found[0] if found else None

    async def _shown(self, which: str, seq: int, most: int) -> list[dict[str, Any]]:
        async with self._db.transaction(self._role, read_only=True) as conn:
            rows = await conn.fetch(
                f'SELECT seq, event_id, topic, partition, "offset", key, reason, tries, state, parked_at,'
                " headers->>'type' AS type, headers->>'discardby' AS discard_by, headers->>'discardreason' AS"
                f" discard_reason FROM {self._table} WHERE {which} AND state <> '{DISCARDED}' ORDER BY seq LIMIT $2",
                seq,
                most,
            )
        return [dict(row) for row in rows]

    async def propose_discard(self, conn: Any, seq: int, who: str, reason: str) -> str | None:
        """Records who first wants a message given up, and returns that account; None if the message is not there."""
        found: str | None = await conn.fetchval(
            f"UPDATE {self._table} SET headers = CASE WHEN headers ? 'discardby' THEN headers ELSE headers"
            " || jsonb_build_object('discardby', $2::text, 'discardreason', $3::text) END"
            f" WHERE seq = $1 AND state <> '{DISCARDED}' RETURNING headers->>'discardby'",
            seq,
            who,
            reason,
        )
        return found

    async def mark(self, seq: int, state: str, conn: Any = None) -> bool:
        """Marks a parked message for retry (its whole key follows) or as discarded; False if it is not there.

        In the caller's transaction where one is given, so that its audit row commits with it.
        """
        async with nullcontext(conn) if conn else self._db.transaction(self._role) as within:
            done = await within.fetchval(
                f"UPDATE {self._table} SET state = $2 WHERE seq = $1 AND state <> '{DISCARDED}' RETURNING 1",
                seq,
                state,
            )
        return done is not None


def in_order(records: Sequence[Record]) -> list[Record]:
    """The records with those of each stream in the order of their versions, at the places that the stream had."""
    streams: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        streams.setdefault(_stream(record), []).append(record)
    following = {stream: iter(sorted(found, key=_version)) for stream, found in streams.items()}
    return [next(following[_stream(record)]) for record in records]


def _stream(record: Record) -> tuple[str, str]:
    return record.topic, record.headers.get("aggregateid", "")


def _version(record: Record) -> int:
    text = record.headers.get("streamversion", "")
    return int(text) if text.isdecimal() else 0


def why(cause: BaseException) -> str:
    """The reason as it may be shown: our own words; of a library's exception only the kind, it may quote a person."""
    kind = type(cause).__name__
    return f"{kind}: {cause}" if isinstance(cause, OneWindowError) else kind


def needed(cause: BaseException) -> Release | None:
    """The release without which a message cannot be handled; None where a release would not help."""
    return cause.needs if isinstance(cause, NewerRelease) else None


async def retry_key(parking: Parking, key: str, handle: Callable[[Sequence[Record]], Any]) -> bool:
    """Handles a key's parked messages in order; stops at the first that fails again (it stays parked)."""
    for record in await parking.of_key(key):
        try:
            await handle([record])
        except Exception as cause:  # noqa: BLE001 — whatever it was, it is recorded on the parked message
            await parking.park(record, why(cause), 1, needed(cause))
            return False
        await parking.release(record)
    parking.taken_up(key)
    return True
