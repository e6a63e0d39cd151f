"""Sealing anew: whatever lies under an old key in a row is found, opened in its own place, and sealed under the newest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from shared.crypto import Aad, Sealed, Sealer
from shared.resealing.parts import AT_REST, Resealing
from shared.resealing.usage import SETTLED, Generation, why_not

KEYS = {"alpha.1-00000000": b"a" * 32, "alpha.2-00000000": b"b" * 32, "beta.1-00000000": b"c" * 32}
OLD = Sealer({kid: key for kid, key in KEYS.items() if kid != "alpha.2-00000000"})
CASE, ITEM, FILE = (UUID(int=n) for n in (1, 2, 3))


def sealed(*aad: Any, owner: str = "alpha") -> dict[str, str]:
    return OLD.seal(owner, Aad(*aad), b"secret").model_dump()


def work(table: str = "item", **more: Any) -> Resealing:
    return Resealing(Sealer(KEYS), ["alpha.1-00000000"], "alpha", table, **more)


def kids(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["kid"]] if "kid" in value else []
        return own + [kid for inner in value.values() for kid in kids(inner)]
    if isinstance(value, list):
        return [kid for inner in value for kid in kids(inner)]
    return kids(orjson.loads(value)) if isinstance(value, str) and value.startswith("{") else []


def test_every_part_of_a_document_is_sealed_anew_in_its_own_place_and_the_rest_stays() -> None:
    body = {
        "id": str(ITEM),
        "case_id": str(CASE),
        "round": 3,
        "part_round": 2,
        "part": sealed(CASE, ITEM, 2, "alpha"),
        "notes": sealed(CASE, ITEM, 0, "alpha/notes"),
        "findings": [{"code": "X", "sealed": sealed(CASE, ITEM, 3, "alpha")}],
        "evidence": {str(FILE): sealed(CASE, "evidence", 0, "alpha")},
        "moment": {"proof": {}, "receiver": sealed(CASE, "receiver/proof", 0, "alpha")},
        "items": [
            {"item_id": str(ITEM), "handled": {"accepted_by": "a", "names": sealed(CASE, ITEM, 0, "alpha/names")}}
        ],
        "theirs": sealed(CASE, ITEM, 3, "beta", owner="beta"),
        "amount": "100.00",
    }
    doing = work()
    changed = doing.row({"id": ITEM, "version": 7, "body": orjson.dumps(body).decode()})
    assert set(changed) == {"body"}
    found = orjson.loads(changed["body"])
    assert (doing.done, doing.left) == (6, 0)
    assert sorted(kids(found)) == ["alpha.2-00000000"] * 6 + ["beta.1-00000000"]
    assert {name: found[name] for name in ("id", "round", "amount", "theirs")} == {
        name: body[name] for name in ("id", "round", "amount", "theirs")
    }
    aad = Aad(CASE, "evidence", 0, "alpha")
    assert Sealer(KEYS).open(Sealed.model_validate(found["evidence"][str(FILE)]), aad) == b"secret"


@pytest.mark.parametrize(
    ("table", "aad", "known"),
    [
        ("ask", (AT_REST, ITEM, 0, "alpha"), ()),
        ("paper", (ITEM, f"paper/{ITEM}", 0, "alpha"), ()),
        ("file", (ITEM, "file_content", 0, "alpha"), ()),
        ("annotation", (ITEM, None, 0, "alpha/annotation"), ()),
        ("idempotency", (AT_REST, FILE, 0, "alpha"), (str(FILE),)),
    ],
)
def test_a_part_in_a_column_of_text_is_sealed_anew(table: str, aad: tuple[Any, ...], known: tuple[str, ...]) -> None:
    doing = work(table, known=known)
    changed = doing.row({"id": ITEM, "name": "x", "content": orjson.dumps(sealed(*aad)).decode()})
    assert kids(changed["content"]) == ["alpha.2-00000000"]
    assert Sealer(KEYS).open(Sealed.from_text(changed["content"]), Aad(*aad)) == b"secret"


def test_what_lies_under_the_newest_key_already_is_left_alone() -> None:
    doing = work()
    first = doing.row({"id": ITEM, "content": orjson.dumps(sealed(ITEM, None, 0, "alpha")).decode()})
    assert doing.row({"id": ITEM, **first}) == {}


def test_a_part_that_belongs_elsewhere_is_counted_and_stays_as_it_is() -> None:
    doing = work()
    text = orjson.dumps(sealed(UUID(int=99), None, 0, "alpha")).decode()
    assert doing.row({"id": ITEM, "content": text}) == {}
    assert (doing.done, doing.left) == (0, 1)


NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Generation("a.2-x", True, None, {}, 0), "newest"),
        (Generation("a.1-x", False, NOW - timedelta(days=200), {"intake.application": 2}, 0), "intake.application 2"),
        (Generation("a.1-x", False, NOW - timedelta(days=200), {}, 3), "3 messages"),
        (Generation("a.1-x", False, NOW - SETTLED / 2, {}, 0), "until"),
        (Generation("a.1-x", False, NOW - timedelta(days=89), {}, None), "until"),
        (Generation("a.1-x", False, NOW - timedelta(days=91), {}, None), None),
        (Generation("a.1-x", False, NOW - SETTLED * 2, {}, 0), None),
    ],
)
def test_a_key_is_retired_only_when_nothing_needs_it(found: Generation, reason: str | None) -> None:
    said = why_not(found, timedelta(days=90), NOW)
    assert (said is None) if reason is None else (said is not None and reason in said[1])
