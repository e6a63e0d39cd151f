"""What tests of delivery say about the toy's tallies."""

from __future__ import annotations

from uuid import UUID

from shared.messages import derived_id
from tests.support.database import eventually
from tests.support.toy import Toy


def ident(n: int) -> UUID:
    """The id of the n-th tally."""
    return derived_id("toy", n)


async def total(toy: Toy, identity: UUID, wanted: int) -> None:
    """Waits until a tally has come to this total."""

    async def reached() -> bool:
        tally = await toy.tally(identity)
        return tally is not None and tally.total == wanted

    await eventually(reached, f"a total of {wanted}", 30)
