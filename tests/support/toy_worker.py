"""The toy service in a process of its own, with timers that are due at once; made to be killed.

`python -m tests.support.toy_worker DSN KEYS COUNT`: the same requests however often it is started; it ends when every
timer has fired.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from uuid import UUID

from shared import failpoints
from shared.db.engine import Database
from shared.messages import derived_id
from tests.support.toy import Add, Toy

PART = 20
"""Timers set at once, so that they become due in several batches."""


def ident(n: int) -> UUID:
    return derived_id("toy worker", n)


async def main(dsn: str, keys: str, count: int) -> None:
    db = Database(dsn, 8)
    await db.open()
    toy = Toy(db, Path(keys))
    await toy.start()
    failpoints.arm(os.environ.get(failpoints.SETTING, ""))
    for start in range(0, count, PART):
        await toy.send(*((ident(n), 1, Add(timer_after=0)) for n in range(start, min(count, start + PART))))
        await asyncio.sleep(0.02)
    sql = "SELECT count(*) = $1 AND NOT EXISTS (SELECT FROM toy.timer) AS done FROM toy.tally"
    while not (await toy.fetch(sql, count))[0]["done"]:
        await asyncio.sleep(0.02)
    await toy.stop()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
