"""Who looks for viruses: a port; a simulator that knows the one string everybody tests with; and nobody."""

from __future__ import annotations

from typing import Final, Literal, Protocol

Verdict = Literal["clean", "infected", "unscanned"]
"""`unscanned` 未查毒: no scanner is connected, and whoever sees the file is told so."""

EICAR: Final = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
"""The harmless text that every scanner calls a virus, in two parts so that none calls this one."""


class Scanner(Protocol):
    """Looks into content before anyone may have it."""

    async def scan(self, content: bytes) -> Verdict:
        """What it finds; raises anything when it does not answer: the file waits, and is looked at again later."""


class SimulatedScanner:
    """Finds the test string, as a real scanner would."""

    async def scan(self, content: bytes) -> Verdict:
        return "infected" if EICAR in content else "clean"


class NoScanner:
    """Nobody looks: files are taken and marked so."""

    async def scan(self, content: bytes) -> Verdict:
        return "unscanned"
