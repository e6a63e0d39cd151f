"""Live rows: after a whole story the copies that services hold are the documents that a reader would find."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.e2e.acting import ended, family, hand_in
from tests.support.database import eventually
from tests.support.platform import Platform

pytestmark = pytest.mark.e2e


async def test_a_copy_in_memory_is_the_document_that_is_stored(platform: Platform) -> None:
    closed = await ended(platform, (await hand_in(platform, family(platform)))["application_no"])
    ids = [UUID(closed["case_id"]), *(UUID(item["id"]) for item in closed["items"])]
    compared = set()

    async def each_compared() -> bool:
        for service in platform.host.services.values():
            for kind in service.spec.kinds:
                for identity, copy in service.unit_of_work.live.take(kind.name, ids).items():
                    stored = await service.load(kind.name, identity)
                    if stored.version == copy.version:  # else a later message has come in between, and left a copy
                        assert copy == stored
                        compared.add(service.spec.name)
        return {"intake", "coordinator", "elderly"} <= compared

    await eventually(each_compared, "a copy of each of them to be met with its row")
