"""Why a file is not taken, as its check found it."""

from __future__ import annotations


class Unfit(Exception):
    """This content is not taken, for the reason of this stable code."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)
