"""Nothing lost, nothing twice, nothing stuck: the platform under every fault, on both buses, seen from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import cycle, islice

import pytest

from deploy.kafka.jars import NoKafka
from shared.failpoints import FAILPOINTS
from tests.faults.conftest import Grounds
from tests.faults.faults import EMBEDDED, FAULTS, KAFKA, Fault, on
from tests.faults.rounds import Outcome, play

BUSES = (EMBEDDED, KAFKA)
ONCE = 1


def planned() -> Iterator[tuple[str, Fault, int]]:
    """The rounds to play: each fault once a bus; with ONEWINDOW_ROUNDS=N, N a bus, the faults taken in turn."""
    rounds = int(os.environ.get("ONEWINDOW_ROUNDS", ONCE))
    for bus in BUSES:
        faults = on(bus)
        turns = enumerate(islice(cycle(faults), rounds if rounds > ONCE else len(faults)))
        numbered = [(bus, fault, turn // len(faults) + 1) for turn, fault in turns]
        # Those that need the same ground and platform stand together: each change costs a start.
        yield from sorted(numbered, key=lambda one: (one[1].nodes, one[1].mode))


def name_of(bus: str, fault: Fault, number: int) -> str:
    """A round's name, which is its seed."""
    return f"{bus}.{fault.name}.{number}"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "number" not in metafunc.fixturenames:
        return
    wanted = os.environ.get("ONEWINDOW_SEED")
    rounds = [_named(wanted)] if wanted else list(planned())
    metafunc.parametrize(("bus", "fault", "number"), rounds, ids=[name_of(*one) for one in rounds])


def _named(seed: str) -> tuple[str, Fault, int]:
    bus, name, number = seed.split(".")
    return bus, next(fault for fault in FAULTS if fault.name == name), int(number)


@pytest.mark.faults
@pytest.mark.timeout(600)
async def test_every_case_is_closed_exactly_once_whatever_strikes(
    grounds: Grounds, outcomes: list[Outcome], bus: str, fault: Fault, number: int
) -> None:
    """I1, I2, I3, I6, I7, I8, I9: all that was answered has its effects once and in order, what a window reads at the end
    is what the events say, and nothing is left behind."""
    try:
        ground, platform = await grounds.under(fault, bus)
    except NoKafka as cause:
        pytest.skip(f"no Kafka: {cause}")
    long = int(os.environ.get("ONEWINDOW_ROUNDS", ONCE)) > ONCE
    outcome = Outcome(name_of(bus, fault, number), fault.name, bus)
    outcomes.append(outcome)
    try:
        await play(fault, ground, platform, outcome, long=long)
        assert not outcome.problems, f"ONEWINDOW_SEED={outcome.name}"
    except BaseException:
        await grounds.clear()  # the next round finds nothing of this one
        raise


def test_every_failpoint_is_struck_by_a_fault() -> None:
    assert {fault.failpoint for fault in FAULTS if fault.failpoint} == set(FAILPOINTS)


def test_a_fault_that_a_bus_does_not_have_says_why() -> None:
    for fault in FAULTS:
        assert set(fault.not_on) < set(BUSES), f"{fault.name} is on some bus"
        assert all(reason for reason in fault.not_on.values())
