"""What the platform asks and tells outside: fact sources, messenger, seals. Simulated under a demonstration, an
installation's own where a setting names one, else unconnected, which says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shared.db.migrate import create_tables
from shared.facts.simulator import SimulatedFacts
from shared.facts.tables import metadata as facts_metadata
from shared.facts.unconnected import Unconnected as NoFacts
from shared.messaging.simulator import SimulatedMessages
from shared.messaging.tables import metadata as messages_metadata
from shared.messaging.unconnected import Unconnected as NoMessenger
from shared.person_index import PersonIndex
from shared.runtime.plugs import plugged
from shared.seals import NoSeals, Seals, SimulatedSeals

if TYPE_CHECKING:
    from shared.clock import Clock
    from shared.config import Settings
    from shared.crypto import Keyring
    from shared.db.engine import Database
    from shared.facts.port import FactSource
    from shared.messaging.port import Messenger
    from shared.runtime.demonstration import Demonstration


async def fact_source(demonstration: Demonstration | None, db: Database, clock: Clock, keyring: Keyring) -> FactSource:
    """Who is asked for facts."""
    if demonstration is None:
        return NoFacts()
    await create_tables(db.dsn, facts_metadata)
    return SimulatedFacts(db, clock, PersonIndex(keyring.index_key), demonstration.answer)


async def messenger(settings: Settings, demonstration: Demonstration | None, db: Database, clock: Clock) -> Messenger:
    """Who tells applicants."""
    if settings.messenger:
        return cast("Messenger", plugged("ONEWINDOW_MESSENGER", settings.messenger, settings))
    if demonstration is None:
        return NoMessenger()
    await create_tables(db.dsn, messages_metadata)
    return SimulatedMessages(db, clock)


def seals(settings: Settings, demonstration: Demonstration | None) -> Seals:
    """Who seals papers."""
    if settings.seal:
        return cast("Seals", plugged("ONEWINDOW_SEAL", settings.seal, settings))
    return NoSeals() if demonstration is None else SimulatedSeals()
