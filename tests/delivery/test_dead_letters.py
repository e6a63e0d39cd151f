"""Bytes that are no event of ours: kept with where they came from, and nobody waits for them; on both buses."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
import pytest_asyncio

from deploy.kafka.local import LocalKafka
from shared.bus.port import Record
from shared.db.engine import Database
from shared.delivery.dead_letters import MOST_BYTES
from shared.messages import attributes
from tests.support.both import make, scribble, scribble_bytes
from tests.support.database import eventually
from tests.support.kafka import own_url
from tests.support.toy import REQUESTS, Add, Toy, request
from tests.support.toy_cases import ident, total

__all__ = ["make"]
DEAD = ("onewindow.toy.deadletters", 0)


@pytest_asyncio.fixture
async def toy(make: Any) -> AsyncIterator[Toy]:
    made = make()
    await made.start()
    yield made
    await made.stop()


async def dead(toy: Toy, count: int) -> list[dict[str, Any]]:
    async def there() -> bool:
        return len(await toy.service.dead_letters.listing(None, 50)) >= count

    await eventually(there, f"{count} dead letters", 30)
    return await toy.service.dead_letters.listing(None, 50)


async def original(toy: Toy, number: int) -> Record:
    (record,) = await toy.bus.read(DEAD, number, 1)
    return record


async def test_bytes_without_an_envelope_are_kept_with_where_they_came_from_and_the_rest_goes_on(toy: Toy) -> None:
    await scribble(toy, {"colour": "red"}, b"\xff\xfe not ours")
    await toy.send((ident(1), 1, Add(n=2)), (ident(2), 1, Add(n=3)))
    await total(toy, ident(1), 2)
    await total(toy, ident(2), 3)
    (letter,) = await dead(toy, 1)
    assert {k: letter[k] for k in ("topic", "partition", "offset", "bytes")} == {
        "topic": REQUESTS,
        "partition": 0,
        "offset": 0,
        "bytes": 11,
    }
    assert "id is missing" in letter["reason"]
    assert await toy.service.parking.listing() == []


async def test_a_dead_letter_holds_the_bytes_and_headers_that_came(toy: Toy) -> None:
    await scribble(toy, {"id": "李国强", "colour": "red"}, b"\x00\xff", key="李国强")
    (letter,) = await dead(toy, 1)
    kept = await original(toy, letter["number"])
    headers = orjson.loads(b64decode(kept.headers["originalheaders"]))
    told = {name.removeprefix("ce_"): b64decode(value).decode() for name, value in headers}
    assert kept.data == b"\x00\xff"
    assert b64decode(kept.headers["originalkey"]).decode() == "李国强"
    assert told == {"id": "李国强", "colour": "red"}
    assert "李国强" not in str(letter)


@pytest.mark.parametrize(
    ("name", "value"),
    [("id", "17"), ("type", "com.example.Happened"), ("time", "yesterday"), ("streamversion", "first")],
)
async def test_a_malformed_attribute_is_named_and_its_value_is_not(toy: Toy, name: str, value: str) -> None:
    headers = {**attributes(request(ident(1), 1, Add())), name: value}
    await scribble(toy, headers, b"{}")
    (letter,) = await dead(toy, 1)
    assert f"its attribute {name} is missing or malformed" in letter["reason"]
    assert value not in letter["reason"]


async def test_an_event_that_reads_but_cannot_be_applied_is_parked_and_is_no_dead_letter(toy: Toy) -> None:
    await toy.send((ident(1), 1, Add(poison=True)))
    headers = attributes(request(ident(2), 1, Add()))
    await scribble(toy, headers, b"\xff no JSON", key=str(ident(2)))

    async def both_parked() -> bool:
        return len(await toy.service.parking.listing()) == 2

    await eventually(both_parked, "both to be parked", 30)
    assert await toy.service.dead_letters.listing(None, 50) == []


async def test_a_dead_letter_on_a_parked_key_does_not_join_what_is_parked(toy: Toy) -> None:
    await toy.send((ident(1), 1, Add(poison=True)))
    await eventually(lambda: toy.service.parking.keys, "the key to be parked", 30)
    await scribble(toy, {"colour": "red"}, b"?", key=str(ident(1)))
    assert len(await dead(toy, 1)) == 1
    assert len(await toy.service.parking.listing()) == 1


async def test_more_than_a_broker_takes_is_cut_and_its_true_size_is_told(toy: Toy) -> None:
    await scribble(toy, {"colour": "red"}, b"x" * (MOST_BYTES + 1000))
    (letter,) = await dead(toy, 1)
    assert letter["bytes"] == MOST_BYTES + 1000
    assert len((await original(toy, letter["number"])).data) == MOST_BYTES


@pytest.mark.parametrize("spoilt", ["key", "header", "NUL"])
async def test_on_kafka_a_key_or_header_that_is_no_text_is_a_dead_letter_with_its_own_bytes(
    db: Database, tmp_path: Path, kafka: LocalKafka, spoilt: str
) -> None:
    toy = Toy(db, tmp_path / "keys", kafka=own_url(kafka))
    await toy.start()
    good = {f"ce_{n}": str(v).encode() for n, v in attributes(request(ident(1), 1, Add())).items()}
    key = b"\xff\xfe" if spoilt == "key" else b"key"
    good |= {} if spoilt == "key" else {"ce_source": b"\xff\xfe" if spoilt == "header" else b"a\0b"}
    await scribble_bytes(toy, list(good.items()), b"{}", key)
    (letter,) = await dead(toy, 1)
    kept = await original(toy, letter["number"])
    told = dict(orjson.loads(b64decode(kept.headers["originalheaders"])))
    assert "key or envelope is no text" in letter["reason"]
    assert b64decode(kept.headers["originalkey"]) == key
    assert b64decode(told["ce_source"]) == good["ce_source"]
    await toy.stop()
