"""How much is measured: the whole table, or enough to try it out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Counts are cases, rates applications a second, the rest seconds."""

    warm: int
    cases: int
    floor_cases: int
    kafka_floor_cases: int
    idle: int
    rate: int
    rate_seconds: int
    step_seconds: int
    steps: tuple[int, ...]
    burst: int
    burst_seconds: int
    recovery_rate: int
    recovery_seconds: int
    memory_cases: int


FULL = Size(
    warm=500,
    cases=20_000,
    floor_cases=5_000,
    kafka_floor_cases=10_000,
    idle=60,
    rate=100,
    rate_seconds=300,
    step_seconds=15,
    steps=(50, 75, 100, 125, 150, 175, 200, 250),
    burst=200,
    burst_seconds=30,
    recovery_rate=40,
    recovery_seconds=10,
    memory_cases=500,
)
QUICK = Size(
    warm=64,
    cases=1_000,
    floor_cases=500,
    kafka_floor_cases=1_000,
    idle=10,
    rate=50,
    rate_seconds=5,
    step_seconds=4,
    steps=(25, 50, 100),
    burst=100,
    burst_seconds=3,
    recovery_rate=20,
    recovery_seconds=4,
    memory_cases=64,
)
