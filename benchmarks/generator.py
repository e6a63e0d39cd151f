"""The load generator, a process of its own: `python -m benchmarks.generator`, the plan on its input.

It is an open loop. Each application has its moment, fixed beforehand by the rate, and is sent then whatever became of
those before; its time counts from that moment, so a platform that makes the generator wait cannot hide it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import uvloop

from benchmarks.wire import Client, request
from shared.clock import monotonic, new_id

PATH = "/api/intake/applications"
CREATED = 201
NO_ANSWER = 0
START_SECONDS = 0.2


def application_request(body: bytes, token: str) -> bytes:
    """The POST of an application under a key of its own."""
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Idempotency-Key": str(new_id()),
    }
    return request("POST", PATH, body, headers)


class Generator:
    """Sends requests at their moments; `answers` holds status, milliseconds and case of each."""

    def __init__(self, client: Client, requests: list[bytes], rate: float) -> None:
        self._client, self._requests, self._rate = client, requests, rate
        self.answers: list[tuple[int, float, str | None]] = [(NO_ANSWER, 0.0, None)] * len(requests)
        self.started = monotonic() + START_SECONDS

    def due(self, number: int) -> float:
        """The moment of a request."""
        return self.started + number / self._rate

    async def run(self) -> None:
        """Returns when every request is answered or has failed."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(len(self._requests)):
                early = self.due(number) - monotonic()
                if early > 0:
                    await asyncio.sleep(early)
                tasks.create_task(self._send(number))

    async def _send(self, number: int) -> None:
        try:
            answer = await self._client.call(self._requests[number])
        except OSError:
            self.answers[number] = (NO_ANSWER, self._since(number), None)
            return
        case = answer.json()["case_id"] if answer.status == CREATED else None
        self.answers[number] = (answer.status, self._since(number), case)

    def _since(self, number: int) -> float:
        return (monotonic() - self.due(number)) * 1000


async def generate(plan: dict[str, Any], bodies: list[bytes]) -> dict[str, Any]:
    """Sends these as the plan says; what came of it."""
    client = Client(plan["port"])
    generator = Generator(client, [application_request(body, plan["token"]) for body in bodies], plan["rate"])
    before = time.process_time()
    await generator.run()
    cpu = time.process_time() - before
    client.close()
    return {"last": generator.due(len(bodies) - 1), "cpu": cpu, "answers": generator.answers}


def main() -> None:
    """Plan in, answers out."""
    plan = orjson.loads(sys.stdin.buffer.read())
    bodies = Path(plan["bodies"]).read_bytes().splitlines()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.stdout.buffer.write(orjson.dumps(runner.run(generate(plan, bodies))))


if __name__ == "__main__":
    main()
