"""Load over HTTP: what the generator is told, and what it found."""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson

from benchmarks.generator import CREATED

TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class Sent:
    """One application: what was answered (0: nothing), how many milliseconds after its moment, and its case."""

    status: int
    ms: float
    case: str | None


@dataclass(frozen=True)
class Load:
    """All that were sent; `last` is the moment of the last, `own_ms` what one cost the generator's processor."""

    last: float
    own_ms: float
    sent: list[Sent]

    @property
    def cases(self) -> list[UUID]:
        """Those taken in."""
        return [UUID(one.case) for one in self.sent if one.case]

    @property
    def refused(self) -> int:
        """How many were told to come back later."""
        return sum(one.status == TOO_MANY for one in self.sent)

    @property
    def failed(self) -> int:
        """How many got any other answer than the one hoped for, or none."""
        return len(self.sent) - len(self.cases) - self.refused

    def percentile(self, percent: int) -> float:
        """Milliseconds within which so many of those taken in were answered."""
        return percentile([one.ms for one in self.sent if one.status == CREATED], percent)


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many percent do not exceed; infinite when there are none."""
    if len(values) < 2:
        return values[0] if values else float("inf")
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


async def load(port: int, token: str, bodies: Sequence[dict[str, Any]], rate: float) -> Load:
    """Runs the generator over these applications at a fixed rate."""
    with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
        path = Path(file.name)
        await asyncio.to_thread(path.write_bytes, b"\n".join(map(orjson.dumps, bodies)))
        plan = {"port": port, "token": token, "bodies": file.name, "rate": rate}
        command = (sys.executable, "-m", "benchmarks.generator")
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
        try:
            said, _ = await process.communicate(orjson.dumps(plan))
        finally:
            if process.returncode is None:
                process.kill()
    found = orjson.loads(said)
    sent = [Sent(*one) for one in found["answers"]]
    return Load(found["last"], found["cpu"] / len(sent) * 1000, sent)
