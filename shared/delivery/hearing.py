"""What a service hears: the topics it reads, and each record of them as an entry of a unit of work."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shared.bus.port import Record
from shared.catalog.protocol import SessionsEnded, UnitChanged
from shared.delivery.unit_of_work import Entry
from shared.errors import NewerRelease, Poison
from shared.messages import Envelope, Message, parse_type

if TYPE_CHECKING:
    from shared.catalog.model import TopicEntry
    from shared.changes import Changes, Ctx
    from shared.delivery.service import RunningService
    from shared.spec import Route

TOLD_TO_ALL = (UnitChanged, SessionsEnded)
LEAVING = ("roles_changed", "disabled")
"""Causes that take from an account what it holds."""


class Hearing:
    """What one running service reads from the bus, and what becomes of it."""

    def __init__(self, service: RunningService) -> None:
        self._service = service

    async def handle(self, records: Sequence[Record]) -> None:
        """Applies records from the bus in one unit of work; raises what the worst of them raises."""
        envelopes = [record.envelope() for record in records]
        read = [(e, model) for e in envelopes if (model := self._model(e)) is not None]
        units = [e for e, model in read if model is UnitChanged]
        ended = [e for e, model in read if model is SessionsEnded]
        entries = [entry for e, model in read if model not in TOLD_TO_ALL and (entry := self._entry(e, model))]
        if units:
            await self._service.units.apply(units)
        if ended:
            await self._sessions_ended([SessionsEnded.model_validate_json(e.data) for e in ended])
        if entries:
            await self._service.unit_of_work.apply_behind(entries)

    def _model(self, envelope: Envelope) -> type[Message] | None:
        """The message's model; what this release does not know is left to one that does.

        Of a pair of versions it is that of the newer one that is known: None for an older one, since the same stands
        right behind it.
        """
        catalog, beside = self._service.catalog, envelope.beside
        if not catalog.knows(envelope.type):
            if beside is None or not catalog.knows(beside):
                raise self._newer(envelope)
            older = catalog.message(beside)
            return None if older in TOLD_TO_ALL else older  # every copy has taken that itself
        known = catalog.message(envelope.type)
        newer = beside is not None and catalog.knows(beside) and parse_type(beside)[2] > parse_type(envelope.type)[2]
        return None if newer and known not in TOLD_TO_ALL else known

    def _newer(self, envelope: Envelope) -> NewerRelease:
        newer = NewerRelease(envelope.type, self._service.release.following)
        self._service.newer.met(newer)
        return newer

    async def _sessions_ended(self, told: Sequence[SessionsEnded]) -> None:
        await self._service.sessions.apply(told)
        if self._service.spec.left is not None:
            for account in dict.fromkeys(event.account_id for event in told if event.cause in LEAVING):
                await self._service.spec.left(self._service, account)

    def _entry(self, envelope: Envelope, model: type[Message]) -> Entry | None:
        route: Route | None = self._service.spec.handlers.get(model)
        if route is None:
            return None
        known = self._service.catalog.knows(envelope.type)
        try:
            message = model.model_validate_json(envelope.data) if known else None
            target = UUID(envelope.caseid or "" if route.by == "case" else envelope.aggregateid)
        except ValueError as cause:
            raise Poison("事件内容读不了", f"{envelope.type} cannot be read: {type(cause).__name__}") from cause
        handler = route.handler

        def call(state: Any, ctx: Ctx) -> tuple[Changes[Any], None]:
            if message is None:  # a newer copy passed over the older version of it, and went away before this one
                raise self._newer(envelope)
            return handler(state, message, ctx), None

        return Entry(
            route.kind,
            target,
            call,
            parse_type(envelope.type)[1],
            envelope=envelope,
        )

    def topics(self) -> list[str]:
        """The topics this service reads: those it may read that carry a message it handles, and the units'."""
        return [topic.name for topic in self._service.catalog.topics.values() if self._reads(topic)]

    def _reads(self, topic: TopicEntry) -> bool:
        if topic.dead:
            return False
        service, kind = topic.name.removeprefix("onewindow.").rsplit(".", 1)
        carried = set(getattr(self._service.catalog.services[service], kind))
        allowed = topic.readers is None or self._service.spec.name in topic.readers
        return UnitChanged in carried or (allowed and not carried.isdisjoint(self._service.spec.handlers))
