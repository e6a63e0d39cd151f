"""What is at the other end of `ONEWINDOW_BUS`, and the sentence when it is not what we need."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from shared.bus.kafka_link import Link
from shared.errors import Misconfigured, Transient

PRODUCE, FETCH = 0, 1


@asynccontextmanager
async def broker(answer: Callable[[int], bytes]) -> AsyncIterator[str]:
    """Somebody who answers each request (by its correlation id) on a port of this machine; yields host and port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while size := await reader.read(4):
            request = await reader.readexactly(struct.unpack(">i", size)[0])
            writer.write(answer(struct.unpack(">i", request[4:8])[0]))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


def speaks(oldest_fetch: int, asked: list[int] | None = None) -> Callable[[int], bytes]:
    """A broker whose oldest fetch protocol is this one: ApiVersions, as every Kafka answers it. `asked` is told of each
    request."""

    def answer(correlation: int) -> bytes:
        if asked is not None:
            asked.append(correlation)
        ranges = ((PRODUCE, 3, 12), (FETCH, oldest_fetch, 16))
        body = struct.pack(">ih", correlation, 0) + struct.pack(">i", len(ranges))
        body += b"".join(struct.pack(">hhh", *one) for one in ranges)
        return struct.pack(">i", len(body)) + body

    return answer


async def test_an_older_kafka_is_refused_by_name() -> None:
    async with broker(speaks(oldest_fetch=0)) as where:
        with pytest.raises(Misconfigured, match=r"ONEWINDOW_BUS: .* is not Apache Kafka 4"):
            await Link.parse(f"kafka://{where}").probe()


async def test_an_apache_kafka_4_is_taken() -> None:
    asked: list[int] = []
    async with broker(speaks(oldest_fetch=4, asked=asked)) as where:
        await Link.parse(f"kafka://{where}").probe()
    assert asked


async def test_somebody_who_is_no_kafka_is_said_not_to_answer() -> None:
    async with broker(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as where:
        with pytest.raises(Transient, match="Kafka"):
            await Link.parse(f"kafka://{where}").probe()


async def test_the_second_address_is_asked_when_the_first_is_away() -> None:
    asked: list[int] = []
    async with broker(speaks(oldest_fetch=4, asked=asked)) as where:
        await Link.parse(f"kafka://127.0.0.1:1,{where}").probe()
    assert asked


@pytest.mark.parametrize("url", ["kafka://", "kafka://host", "kafka://host:port", "kafka://a:1,b"])
def test_an_address_of_another_form_is_refused_by_name(url: str) -> None:
    with pytest.raises(Misconfigured, match="ONEWINDOW_BUS"):
        Link.parse(url)
