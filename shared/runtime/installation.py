"""That the key folder and the databases belong together; and new keys taken up while the platform runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import structlog

from shared.crypto.sealing import SETTING
from shared.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path

    from shared.crypto import Keyring
    from shared.db.site import Site

log = structlog.get_logger("onewindow.keys")
LOOK_SECONDS = 2.0
_TABLE = """
CREATE SCHEMA IF NOT EXISTS bus;
CREATE TABLE IF NOT EXISTS bus.installation (
    one boolean PRIMARY KEY DEFAULT true CHECK (one), id uuid NOT NULL, index_mark text NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Installation:
    """Whose data a database holds: its id, and what tells its index key from another."""

    id: UUID
    index_mark: str


async def installation_of(site: Site) -> Installation | None:
    """Whose data a database holds; None for one that nobody used yet."""
    async with site.db.connection() as conn:
        if not await conn.fetchval("SELECT to_regclass('bus.installation') IS NOT NULL"):
            return None
        row = await conn.fetchrow("SELECT id, index_mark FROM bus.installation")
    return None if row is None else Installation(UUID(str(row["id"])), row["index_mark"])


async def keep_to_one_installation(keyring: Keyring, folder: Path, site: Site) -> None:
    """Remembers in a database whose data it holds; `Misconfigured` where it is another's, or the index key is another."""
    async with site.db.transaction() as conn:
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('bus.installation'))")
        await conn.execute(_TABLE)
        row = await conn.fetchrow(
            "INSERT INTO bus.installation AS i (id, index_mark) VALUES ($1, $2)"
            " ON CONFLICT (one) DO UPDATE SET id = i.id RETURNING id, index_mark",
            keyring.installation,
            keyring.index_mark,
        )
    held = Installation(UUID(str(row["id"])), row["index_mark"])
    if held.id != keyring.installation:
        raise Misconfigured(
            SETTING,
            f"密钥文件夹 {folder} 属于另一个平台 {keyring.installation},数据库属于 {held.id}",
            f"the key folder {folder} is that of another installation, {keyring.installation}; the database is that of"
            f" {held.id}",
        )
    if held.index_mark != keyring.index_mark:
        raise Misconfigured(
            SETTING,
            f"密钥文件夹 {folder} 中的 index.key 缺失或不是原来的,所有人员引用都依赖它,请从备份恢复",
            f"index.key in the key folder {folder} is missing or another one, and every reference of a person hangs on"
            " it: restore it from its backup",
        )


async def follow_keys(keyring: Keyring) -> None:
    """Takes up new keys, and lets retired ones go, within seconds, for ever; a folder that is away changes nothing."""
    told = ""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            keyring.refresh()
            told = ""
        except Misconfigured as cause:
            if told != str(cause):
                log.warning("keys_not_read", cause=str(cause))
            told = str(cause)
