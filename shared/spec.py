"""A service as a value: what the host needs to run it, and the handle its routes are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from shared.changes import Changes, Ctx, Handler, Kind
from shared.messages import Message

if TYPE_CHECKING:
    import asyncpg
    from fastapi import APIRouter
    from sqlalchemy import MetaData

    from shared.catalog.registry import Catalog
    from shared.clock import Clock
    from shared.config import Settings
    from shared.crypto import Keyring
    from shared.db.tables import DeliveryTables
    from shared.release import Release

Command = Callable[[Any, Ctx], tuple[Changes[Any] | None, Any]]
"""`(state | None, ctx) -> (changes, answer)`: a command from a route; raises `RefusedError`, `Conflict`, `Invalid`."""

Source = Callable[[Any, Sequence[Any]], Any]
"""`async (handle, questions) -> answers`, one answer a question."""


Left = Callable[[Any, UUID], Awaitable[None]]
"""`async (handle, account id)`: what a service does when an account was disabled or its roles were changed."""


@dataclass(frozen=True, slots=True)
class Hanging:
    """One obligation that nothing here would move, at one version; `elsewhere`: another service's answer is awaited."""

    id: UUID
    version: int
    application_no: str
    reason: str
    elsewhere: bool = False


Hangs = Callable[["ServiceHandle", "asyncpg.Connection"], Awaitable[Sequence[Hanging]]]
"""`async (handle, conn) -> hanging`: what hangs in a service's own tables now."""


@dataclass(frozen=True)
class Route:
    """Where a message goes: which kind of aggregate, whose id is the envelope's `caseid` or `aggregateid`."""

    kind: str
    handler: Handler
    by: str = "aggregate"


@dataclass(frozen=True)
class Keys:
    """Which keys a service holds: its own sealing key, every service's (intake), the index key, the signing key."""

    own: bool = True
    all_services: bool = False
    index: bool = True
    sign: bool = False


@dataclass(frozen=True)
class ServiceSpec:
    """One service: its tables, its handlers, its routes. `SERVICE` in `service.py` is the only assembly.

    `handlers` maps message types to routes; `local` maps `answer:<name>` and `timer:<name>` (or `answer:*`) per kind.
    `local_sources` are ask sources answered by this service's own tables: `async (handle, questions) -> answers`.
    `stuck` finds the obligations of this service that nothing would ever move; `left` hands over what somebody held.
    `uploads` are paths below the prefix whose bodies may be as large as a file.
    Routes stand under `prefix` (`/api/<name>` unless it says otherwise), `further_routers` under their own.
    """

    name: str
    metadata: MetaData
    delivery: DeliveryTables
    kinds: tuple[Kind[Any], ...] = ()
    handlers: Mapping[type[Message], Route] = field(default_factory=dict)
    local: Mapping[tuple[str, str], Handler] = field(default_factory=dict)
    router: Callable[[ServiceHandle], APIRouter] | None = None
    policy: Path | None = None
    migrations: Path = Path("migrations")
    local_sources: Mapping[str, Source] = field(default_factory=dict)
    prefix: str | None = None
    further_routers: Mapping[str, Callable[[ServiceHandle], APIRouter]] = field(default_factory=dict)
    keys: Keys = Keys()
    rules: Mapping[str, Any] = field(default_factory=dict)
    uploads: tuple[str, ...] = ()
    workers: tuple[Callable[[ServiceHandle], Any], ...] = ()
    stuck: Hangs | None = None
    left: Left | None = None


class ServiceHandle(Protocol):
    """A running service, as its routes and workers see it."""

    spec: ServiceSpec
    settings: Settings
    catalog: Catalog
    clock: Clock
    keyring: Keyring
    policy: Any
    release: Release
    notes: dict[str, str]
    """What holds up a part of this service's work though it can work, by a word, for `/readyz`."""
    made: dict[str, Any]
    """What its routes and workers share."""

    async def command(
        self,
        kind: str,
        aggregate_id: UUID,
        command: Command,
        *,
        actor: str,
        idempotency: tuple[str, str, str, bytes] | None = None,
        beside: Sequence[tuple[str, UUID, Command]] = (),
    ) -> Any:
        """Runs a command on one aggregate (None if new) in one unit of work and returns its answer; commands `beside` it
        change further aggregates in the same transaction."""

    def read(self) -> Any:
        """`async with handle.read() as conn`: an asyncpg connection in the service's role, read only."""

    def transaction(self) -> Any:
        """`async with handle.transaction() as conn`: one transaction in the service's role that audits nothing by itself."""

    def write(self, actor: str, action: str = "write", detail: Mapping[str, Any] | None = None) -> Any:
        """`async with handle.write(actor) as conn`: one transaction in the service's role for its own plain rows, with an
        audit row of who did what."""

    async def require_room(self) -> None:
        """Raises 429 while new work would have to wait too long; a route that creates work asks first."""

    async def load(self, kind: str, aggregate_id: UUID) -> Any | None:
        """The state of one aggregate, or None."""

    def ctx(self, actor: str = "system") -> Ctx:
        """The world as a pure function may see it now."""
