"""A process that stands back does so beside every other of the machine, and takes nobody else with it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Where the kernel groups no sessions the file is not there; where it does but has put this session into no group (one that
# a container brought along), it is there and empty.
SAY = (
    "import os; from pathlib import Path; from shared.runtime.priority import stand_back; stand_back({nice});"
    "group = Path('/proc/self/autogroup');"
    "said = group.read_text().split() if group.exists() else [];"
    "print(os.getpriority(os.PRIO_PROCESS, 0), said[-1] if said else '-')"
)


def said(nice: int, *, alone: bool) -> list[str]:
    command = [sys.executable, "-c", SAY.format(nice=nice)]
    return subprocess.run(command, check=True, capture_output=True, text=True, start_new_session=alone).stdout.split()


@pytest.mark.parametrize(("nice", "alone"), [(0, True), (7, True), (7, False)])
def test_a_process_stands_back_with_its_own_session_and_never_with_another(nice, alone):
    now = os.getpriority(os.PRIO_PROCESS, 0)
    before = said(0, alone=alone)
    priority, group = said(nice, alone=alone)
    assert int(priority) == min(19, now + nice)
    assert group == (str(nice) if nice and alone and before[1] != "-" else before[1])
