"""`python -m tests`: every test, in two lots side by side that take about as long: the rounds of faults mostly wait, and
the rest fills the time.

What the larger lot says is shown as it comes, what the other says at the end. The exit code is that of the worst run.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from typing import IO

PYTEST = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider")
ASIDE = (("tests/faults",), ("tests/property", "tests/unit"))
"""One lot, run after run, each in a process of its own; whatever else lies in `tests` is the other."""

REST = ("tests", *(f"--ignore={folder}" for run in ASIDE for folder in run))


async def main() -> int:
    """Runs both lots to their ends; when it is stopped, nothing of them goes on."""
    with tempfile.TemporaryFile("w+") as said:
        aside = asyncio.create_task(_each(ASIDE, said))
        try:
            rest = await _run(REST)
            return max(rest, await aside)
        finally:
            aside.cancel()
            await asyncio.wait([aside])
            said.seek(0)
            print(said.read(), flush=True)


async def _each(runs: tuple[tuple[str, ...], ...], said: IO[str]) -> int:
    return max([await _run(run, said) for run in runs])


async def _run(arguments: tuple[str, ...], said: IO[str] | None = None) -> int:
    process = await asyncio.create_subprocess_exec(*PYTEST, *arguments, stdout=said, stderr=said)
    try:
        return abs(await process.wait())
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
