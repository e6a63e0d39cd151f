"""What only a newer release may touch, as far as this copy of a service has met it; told once, and kept for `/readyz`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import structlog

if TYPE_CHECKING:
    from shared.delivery.parking import Parking
    from shared.errors import NewerRelease
    from shared.release import Release

log = structlog.get_logger("onewindow.releases")


class Newer:
    """Aggregates that a newer release has written: this copy's timers and asks leave them to a copy of that release.

    An aggregate never becomes older again, so what is known here stays true; another start learns it anew.
    """

    def __init__(self, service: str, release: Release) -> None:
        self._service = service
        self.release = release
        self.database: Release | None = None
        """The release that brought the database to its newest revision, where that is a later one."""
        self.ids: dict[UUID, Release] = {}
        self._told: set[tuple[str, Release]] = set()

    def met(self, cause: NewerRelease, identity: UUID | None = None) -> None:
        """Remembers what was met; the log hears of each kind once."""
        for one in cause.met or ([identity] if identity else []):
            self.ids[one] = cause.needs
        told = (cause.what, cause.needs)
        if told not in self._told:
            self._told.add(told)
            log.warning("newer_release_needed", service=self._service, reason=str(cause))

    def note(self, parking: Parking) -> str:
        """A sentence for operators; empty when this release may touch everything."""
        needed = max([*self.ids.values(), *parking.waiting.values(), *filter(None, [self.database])], default=None)
        if needed is None or needed <= self.release:
            return ""
        return (
            f"release {needed} has been at work here and this is {self.release}: {len(parking.waiting)} cases wait for it,"
            f" finish the upgrade 须升级到 {needed}"
        )
