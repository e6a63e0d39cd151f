"""The embedded bus as it lies in its tables: `python -m tests.faults.history.bus_embedded DSN BUS.jsonl [POSITIONS.jsonl]`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import asyncpg

from tests.faults.history.bus_line import bus_line
from tests.faults.history.lines import write_lines

_RECORDS = 'SELECT topic, partition, "offset", key, headers, data FROM bus.record ORDER BY topic, partition, "offset"'
_POSITIONS = 'SELECT grp AS "group", topic, partition, position FROM bus.cursor ORDER BY 1, 2, 3'


async def records(dsn: str) -> list[dict[str, Any]]:
    """Every record, by topic, partition and offset."""
    return [
        bus_line("embedded", topic, partition, offset, key, json.loads(headers), data)
        for topic, partition, offset, key, headers, data in await _rows(dsn, _RECORDS)
    ]


async def positions(dsn: str) -> list[dict[str, Any]]:
    """How far each group has read now."""
    return [dict(row) for row in await _rows(dsn, _POSITIONS)]


async def _rows(dsn: str, sql: str) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(dsn)
    try:
        return list(await conn.fetch(sql))
    finally:
        await conn.close()


async def main(dsn: str, bus: str, groups: str = "") -> None:
    """Writes the files."""
    write_lines(Path(bus), await records(dsn))
    if groups:
        write_lines(Path(groups), await positions(dsn))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
