"""The platform of `onewindow up` in a process made to be attacked.

SIGUSR1 arms the failpoints that stand in a file, while it runs, and removes the file. Mode `outbox`: units go by outbox
and relay on the embedded bus too, as with a bus that is elsewhere. Mode `noisy`: every record is delivered five times,
mixed between topics.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from shared import failpoints
from shared.bus.port import Bus, Positions, Record, Subscription
from shared.runtime.cli import running
from shared.runtime.host import Host
from tests.support.worker import OutboxHost

TIMES = 5


class NoisyHost(Host):
    """A host whose bus repeats everything and keeps no order between topics."""

    def _bus(self) -> Bus:
        return cast("Bus", NoisyBus(super()._bus()))


class NoisyBus:
    """A bus that gives more than it holds."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    def __getattr__(self, name: str) -> Any:
        return getattr(self._bus, name)

    def subscribe(self, group: str, topics: Sequence[str], positions: Positions | None = None) -> Subscription:
        return cast("Subscription", NoisySubscription(self._bus.subscribe(group, topics, positions)))


class NoisySubscription:
    """What is fetched comes five times over, each partition in its order, the partitions mixed."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self._rng = random.Random(7)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subscription, name)

    async def fetch(self, most: int, timeout: float) -> list[Record]:
        return repeated(await self._subscription.fetch(most, timeout), self._rng)


def repeated(records: Sequence[Record], rng: random.Random) -> list[Record]:
    """Each partition's records five times over, one after another from partitions taken at random."""
    parts: dict[tuple[str, int], list[Record]] = defaultdict(list)
    for record in records:
        parts[record.at].append(record)
    waiting = [list(part) * TIMES for part in parts.values()]
    mixed = []
    while waiting:
        part = rng.choice(waiting)
        mixed.append(part.pop(0))
        waiting = [part for part in waiting if part]
    return mixed


HOSTS: dict[str, type[Host]] = {"": Host, "outbox": OutboxHost, "noisy": NoisyHost}


def main(environment: dict[str, str], arm: Path, output: Path, mode: str = "", only: str = "") -> None:
    """Serves every service, or `only` this one, under this environment until it is stopped or killed; what it says goes
    to `output`."""

    def armed(*_: object) -> None:
        failpoints.arm(arm.read_text())
        arm.unlink()

    os.environ.clear()
    os.environ.update(environment)
    with output.open("ab") as log:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(log.fileno(), stream.fileno())
    signal.signal(signal.SIGUSR1, armed)
    running.Host = HOSTS[mode]  # type: ignore[misc]
    running.serve(only) if only else running.up()
