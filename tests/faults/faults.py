"""The faults: one table of what is done to a platform, and on which bus, or why not on one.

A fault strikes while cases are in flight, brings back what it took away, and says from when on the platform is
expected to have recovered (`is_back`; else from the strike).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from shared.clock import monotonic
from tests.faults import poison
from tests.faults.database_faults import every_write_fails
from tests.faults.rounds import REST_SECONDS, SERVICES, Scene
from tests.faults.scattered import APART
from tests.faults.silence import clock_jumps, killed_at_a_timer
from tests.support.database import eventually

EMBEDDED, KAFKA = "embedded", "kafka"
OUTBOX, NOISY = "outbox", "noisy"
Strike = Callable[[Scene], Awaitable[None]]
DIRECT = "the embedded bus appends in the unit's own transaction: there is no relay between"
NO_BROKER = "the log lies in the database, which other faults kill"


@dataclass(frozen=True)
class Fault:
    """One way to attack; `not_on` declares why a bus does not have it."""

    name: str
    does: str
    strike: Strike
    not_on: Mapping[str, str] = field(default_factory=dict)
    mode: str = ""
    nodes: int = 1
    lasts: float = 0.0
    lasts_long: float = 0.0
    failpoint: str = ""

    def mode_on(self, bus: str) -> str:
        """How the platform runs for it: on Kafka the outbox is the only way there is."""
        return "" if bus == KAFKA and self.mode == OUTBOX else self.mode


# --- the platform's process --------------------------------------------------------------------------------------


async def killed(scene: Scene) -> None:
    await scene.platform.kill()
    await scene.platform.restart()


async def one_service_killed(scene: Scene) -> None:
    """The others go on; what is meant for the one waits on the bus."""
    service = scene.rng.choice(SERVICES)
    await scene.platform.kill(service)
    await asyncio.sleep(scene.rng.uniform(0, 2))
    await scene.platform.restart(service)
    scene.is_back()


def killed_at(failpoint: str) -> Strike:
    """SIGKILL by itself, the n-th time that it comes by this place."""

    async def strike(scene: Scene) -> None:
        await scene.platform.arm(f"{failpoint}=kill@{scene.rng.randint(1, 6)}")
        await scene.platform.dies()
        scene.struck = monotonic()
        await scene.platform.restart()

    return strike


async def stale_lease(scene: Scene) -> None:
    """Another process takes over while this one stands still, longer than its leases last; then it goes on."""
    other = scene.ground.platform()
    await other.start()
    scene.client.url = other.url
    await scene.platform.pause(STALE_SECONDS)
    scene.is_back()

    async def leave_it_alone() -> None:
        await eventually(scene.rests, "both processes to come to rest", REST_SECONDS, 0.1)
        scene.client.url = scene.platform.url
        await other.stop()

    scene.afterwards.append(leave_it_alone)


STALE_SECONDS = 12.0
"""Beyond the ten seconds of a lease on the embedded bus and of a session on Kafka."""


# --- the database ------------------------------------------------------------------------------------------------


async def database_killed(scene: Scene) -> None:
    scene.ground.kill_database()
    await asyncio.sleep(scene.rng.uniform(0, 1))
    await scene.ground.start_database()
    scene.is_back()


async def database_and_platform_killed(scene: Scene) -> None:
    scene.ground.kill_database()
    await scene.platform.kill()
    await scene.ground.start_database()
    await scene.platform.restart()


async def dropped_after_commit(scene: Scene) -> None:
    """The answer to COMMIT is lost again and again: nobody knows whether the unit is done."""
    for _ in range(DROPS):
        await scene.platform.arm(f"database.after_commit=error@{scene.rng.randint(1, 6)}")
        await asyncio.sleep(0.05)


DROPS = 12


# --- the bus -----------------------------------------------------------------------------------------------------


async def nothing_more(scene: Scene) -> None:
    """The fault is there all the time."""


async def broker_killed(scene: Scene) -> None:
    scene.ground.kafka.kill()
    await asyncio.sleep(scene.rng.uniform(0, 10 if scene.long else 2))
    await scene.ground.start_broker()
    scene.is_back()


async def one_of_three_killed(scene: Scene) -> None:
    number = scene.rng.randint(1, 3)
    scene.ground.kafka.kill(number)
    scene.afterwards.append(lambda: scene.ground.start_broker(number))


async def broker_stands_still(scene: Scene) -> None:
    scene.ground.kafka.signal(1, signal.SIGSTOP)
    await asyncio.sleep(STILL_LONG if scene.long else STILL)
    scene.ground.kafka.signal(1, signal.SIGCONT)
    scene.is_back()


STILL, STILL_LONG = 8.0, 40.0

EMBEDDED_ONLY = {KAFKA: "offsets are given out by the broker"}
KAFKA_ONLY = {EMBEDDED: NO_BROKER}


def at(failpoint: str, does: str, *, mode: str = "", not_on: Mapping[str, str] | None = None) -> Fault:
    """SIGKILL at a named place."""
    name = f"killed_at_{failpoint.replace('.', '_')}"
    return Fault(name, does, killed_at(failpoint), not_on=not_on or {}, mode=mode, failpoint=failpoint)


FAULTS = (
    Fault("killed", "SIGKILL to the platform at any moment", killed),
    Fault("one_service_killed", "SIGKILL to one service of a process each", one_service_killed, mode=APART, lasts=30),
    at("command.before_commit", "SIGKILL while a command is written, not committed"),
    at("command.after_commit", "SIGKILL before a committed command is answered"),
    at("unit.before_commit", "SIGKILL while a batch is written, not committed"),
    at("unit.after_commit", "SIGKILL between a batch's commit and its position"),
    at("log.appended", "SIGKILL with the heads of the log locked", not_on=EMBEDDED_ONLY),
    at("position.before_commit", "SIGKILL before a position is stored"),
    at("ask.before", "SIGKILL before a question is put"),
    at("ask.after", "SIGKILL between a source's answer and its effect"),
    Fault("killed_at_timer", "SIGKILL with due timers found, not fired", killed_at_a_timer, failpoint="timer.before"),
    at("audit.before_commit", "SIGKILL while audit rows are linked, not committed"),
    at("audit.after_commit", "SIGKILL with audit rows linked, the sealer not yet told"),
    at("relay.before_publish", "SIGKILL before outbox rows are published", mode=OUTBOX),
    at("relay.before_remove", "SIGKILL with rows published and still in the outbox", not_on={EMBEDDED: DIRECT}),
    at("relay.after_publish", "SIGKILL with rows published and removed", mode=OUTBOX),
    Fault("stale_lease", "a process stands still beyond its leases, another takes over", stale_lease, lasts=60),
    Fault("database_killed", "SIGKILL to PostgreSQL, which comes back", database_killed),
    Fault("power_cut", "SIGKILL to PostgreSQL and the platform together", database_and_platform_killed),
    Fault(
        "dropped_after_commit",
        "the connection breaks after COMMIT: the outcome is unknown",
        dropped_after_commit,
        failpoint="database.after_commit",
    ),
    Fault("disk_full_injected", "every write fails for seconds as on a full disk (53100)", every_write_fails),
    Fault("repeated_and_mixed", "every record comes five times, mixed between topics", nothing_more, mode=NOISY),
    Fault("clock_jump", "business time jumps days while items wait for a source", clock_jumps),
    Fault("poison", "one case fails for good until it is mended", poison.one_case),
    Fault("five_poisons", "case after case fails: the consumer stops loudly", poison.every_case, lasts=60),
    Fault(
        "broker_killed", "SIGKILL to the only broker, which comes back", broker_killed, not_on=KAFKA_ONLY, lasts_long=30
    ),
    Fault("one_of_three_killed", "SIGKILL to one of three brokers", one_of_three_killed, not_on=KAFKA_ONLY, nodes=3),
    Fault(
        "broker_stands_still",
        "SIGSTOP to the only broker for 8 s, or 40 s",
        broker_stands_still,
        not_on=KAFKA_ONLY,
        lasts=STILL,
        lasts_long=STILL_LONG,
    ),
)


def on(bus: str) -> list[Fault]:
    """The faults that a bus has."""
    return [fault for fault in FAULTS if bus not in fault.not_on]
