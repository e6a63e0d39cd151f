"""Live rows: the states that this process wrote last, so that a busy aggregate is not read and parsed again.

A copy is only ever used under the lock of its row, and only when the row still has the version that was kept (see
`documents.lock`): what another process has written is read. Whoever takes a copy owns it; one whose unit did not
commit is not given back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from shared.changes import State

MOST = 512
"""Copies kept a service, the longest unused dropped first: some 20 MB at most, and more than is in hand at a time."""

Where = tuple[str, UUID]
"""Kind and id of an aggregate."""


class LiveRows:
    """The latest committed states of one service's aggregates, as far as this process wrote them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._states: dict[Where, State] = {}

    def take(self, kind: str, ids: Iterable[UUID]) -> dict[UUID, State]:
        """The copies of these aggregates; they are the caller's now."""
        found = {identity: self._states.pop((kind, identity), None) for identity in ids}
        return {identity: state for identity, state in found.items() if state is not None}

    def keep(self, states: Mapping[Where, State]) -> None:
        """Keeps what was committed just now."""
        for where, state in states.items():
            self._states.pop(where, None)
            self._states[where] = state
        while len(self._states) > self._most:
            del self._states[next(iter(self._states))]
