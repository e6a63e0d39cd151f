"""Where a sealing key is still needed: rows of any service, messages that wait, messages that the bus still keeps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Final

from shared.crypto.folder import made_at
from shared.crypto.sealing import generation_of, newest_kids, owner_of
from shared.db.documents import qualified
from shared.db.engine import role_of
from shared.resealing.reseal import byte_holders, holders, under

if TYPE_CHECKING:
    from shared.catalog.registry import Catalog
    from shared.crypto import Keyring
    from shared.db.engine import Database
    from shared.spec import ServiceSpec

SETTLED: Final = timedelta(seconds=30)
"""By then every process has taken up a new generation, and what it sealed before under the old one is committed."""

SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True)
class Generation:
    """One sealing key: whether it is the newest, since when there is a newer one, and where it is still needed."""

    kid: str
    newest: bool
    superseded: datetime | None
    rows: Mapping[str, int]
    messages: int | None
    """On the embedded bus; None where the bus cannot be asked: then its retention decides."""

    @property
    def needed(self) -> bool:
        """Whether something that can be seen still lies under it."""
        return bool(self.rows) or bool(self.messages)


def generations(folder: Path, keyring: Keyring, service: str) -> list[tuple[str, bool, datetime | None]]:
    """The sealing keys of a service, oldest first: id, whether newest, when the next one was made."""
    kids = sorted((k for k in keyring.kids if owner_of(k) == service), key=generation_of)
    newest = newest_kids(kids).get(service)
    after: dict[str, str] = dict(pairwise(kids))
    return [(kid, kid == newest, made_at(folder, after[kid]) if kid in after else None) for kid in kids]


async def rows_under(db: Database, spec: ServiceSpec, kid: str) -> dict[str, int]:
    """How many rows of a service's tables name this key, by table."""
    found = {}
    async with db.transaction(role_of(spec.name), read_only=True) as conn:
        for table, columns in holders(spec):
            sql = f"SELECT count(*) FROM {qualified(table)} WHERE {under(columns, 1)}"
            found[f"{spec.name}.{table.name}"] = await conn.fetchval(sql, [f"%{kid}%"], timeout=SECONDS)
        for table, columns in byte_holders(spec):
            where = " OR ".join(f"position(convert_to($1, 'UTF8') in \"{name}\") > 0" for name in columns)
            sql = f"SELECT count(*) FROM {qualified(table)} WHERE {where}"
            found[f"{spec.name}.{table.name} (messages)"] = await conn.fetchval(sql, kid, timeout=SECONDS)
    return {name: count for name, count in found.items() if count}


async def messages_under(db: Database, kid: str, kept: timedelta) -> int:
    """How many messages that the embedded bus must keep name this key."""
    sql = (
        "SELECT count(*) FROM bus.record WHERE position(convert_to($1, 'UTF8') in data) > 0"
        " AND appended_at > clock_timestamp() - $2::interval"
    )
    async with db.connection() as conn:
        if not await conn.fetchval("SELECT to_regclass('bus.record') IS NOT NULL"):
            return 0
        count: int = await conn.fetchval(sql, kid, kept, timeout=SECONDS)
        return count


def retention(catalog: Catalog) -> timedelta:
    """How long the bus keeps messages with sealed parts."""
    return timedelta(days=max((t.days or 0 for t in catalog.topics.values()), default=0))


def why_not(found: Generation, kept: timedelta, now: datetime) -> tuple[str, str] | None:
    """Why a key cannot be retired at this moment, in Chinese and English; None when nothing needs it."""
    if found.newest or found.superseded is None:
        return "它是最新的一代,正在使用", "it is the newest generation, in use"
    if found.rows:
        named = ", ".join(f"{name} {count}" for name, count in found.rows.items())
        return f"还有数据需要它:{named};先运行 keys reseal", f"rows still need it: {named}; run keys reseal first"
    if found.messages:
        return f"总线上还有 {found.messages} 条消息需要它", f"{found.messages} messages on the bus still need it"
    until = found.superseded + (kept if found.messages is None else SETTLED)
    if now < until:
        at = until.isoformat(timespec="seconds")
        return f"总线上的消息可能还需要它,直到 {at}", f"messages may still need it until {at}"
    return None
