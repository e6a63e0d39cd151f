"""Parts sealed by an algorithm, or under a key, that this copy does not have yet: they wait, seen, and go on by themselves."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.catalog.registry import Catalog
from shared.changes import Changes, Ctx
from shared.crypto import Aad, Keyring, Sealed, sealing
from shared.crypto.folder import SEAL, add_generation
from shared.runtime import supervisor
from shared.spec import Route
from tests.delivery.test_releases import ONE, TWO, Make, make, parked, process, record, refresh
from tests.support.database import eventually
from tests.support.toy import ENTRY, NAME, Add, on_add, request
from tests.support.toy_releases import OLDER_SPEC

__all__ = ["make"]


class AddSealed(Add):
    """A number that only its reader may see."""

    sealed: Sealed


PLACE = Aad(ONE, None, 0, NAME)
CATALOG = Catalog({NAME: replace(ENTRY, requests=(*ENTRY.requests, AddSealed))})


def add_sealed(state: Any, message: AddSealed, ctx: Ctx) -> Changes[Any]:
    plain = ctx.keyring.sealer().open(message.sealed, PLACE)
    return on_add(state, message.model_copy(update={"n": int(plain)}), ctx)


SPEC = replace(OLDER_SPEC, handlers={**OLDER_SPEC.handlers, AddSealed: Route("tally", add_sealed)})


async def test_a_part_sealed_by_an_algorithm_of_a_newer_release_waits_for_it(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = await make(older=SPEC, catalog=CATALOG)
    sealed = old.service.keyring.sealer().seal(NAME, PLACE, b"7")
    later = AddSealed(sealed=sealed.model_copy(update={"alg": "SM4-GCM"}))

    await process(old, record(1, Add(n=1)), record(2, later, type_="AddSealed.v1"), record(3, Add(n=30)))
    await process(old, record(1, Add(n=5), TWO))
    assert ((await old.tally(ONE)).total, (await old.tally(TWO)).total) == (1, 5)
    first, second = await parked(old)
    assert first["reason"].startswith("NewerRelease")
    assert "SM4-GCM" in first["reason"]
    assert second["reason"].startswith("BEHIND")
    assert "1 cases wait" in old.service.newer.note(old.service.parking)
    await refresh(old)
    assert len(await parked(old)) == 2

    monkeypatch.setitem(sealing.ALGORITHMS, "SM4-GCM", AESGCM)  # type: ignore[misc]
    new = await make(newer=SPEC, catalog=CATALOG)
    await refresh(new)
    assert (await new.tally(ONE)).total == 38
    assert await parked(new) == []


async def test_a_message_under_a_key_that_is_not_here_yet_holds_back_and_goes_on_when_it_comes(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is never parked as if it could not succeed; `/readyz` names the key meanwhile."""
    monkeypatch.setattr(supervisor, "LONGEST_PAUSE", 0.2)

    toy = await make(older=SPEC, workers=True, catalog=CATALOG)
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(tmp_path / "keys", elsewhere)
    name = add_generation(elsewhere, SEAL, NAME)
    sealed = Keyring.open(elsewhere, [NAME]).sealer().seal(NAME, PLACE, b"7")
    envelope = request(ONE, 1, AddSealed(sealed=sealed))
    await toy.bus.publish([replace(envelope, type="cn.onewindow.coordinator.AddSealed.v1")])
    await eventually(lambda: "toy.consumer" in toy.supervisor.failed, "the consumer to wait for the key")
    assert name.removesuffix(".key") in toy.supervisor.failed["toy.consumer"]
    assert await parked(toy) == []
    shutil.copy(elsewhere / SEAL / name, tmp_path / "keys" / SEAL / name)

    async def applied() -> bool:
        tally = await toy.tally(ONE)
        return tally is not None and tally.total == 7

    await eventually(applied, "it to be applied when the key has come", 20)
    await eventually(lambda: toy.supervisor.failed == {}, "nothing to wait any more")
