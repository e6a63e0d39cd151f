"""Which process of a machine goes first when it has not time for all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

AUTOGROUP = Path("/proc/self/autogroup")


def stand_back(nice: int) -> None:
    """Has this process stand back behind others of the machine by so much, from 0 (not at all) to 19; threads that run
    already are not asked. Within a container or a unit of its own that has a share of the processor, that share decides.
    """
    if not nice:
        return
    os.nice(nice)
    if os.getsid(0) == os.getpid():
        # Linux weighs sessions before the processes in them, where it groups them at all; this one is ours alone.
        with contextlib.suppress(OSError):
            AUTOGROUP.write_text(str(nice))
