"""A client as a window has one: it hands applications in over HTTP, waits for their end, and writes down what it saw.

It sends a request again, under the same `Idempotency-Key`, whenever it was told to (503 and 429 with `Retry-After`,
409 while the first is still running) or does not know what became of it (refused, reset, timed out).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from json import loads
from typing import Any, Self

import aiohttp

from demo.families import bereavement_application, invent_family
from shared.clock import SystemClock, beijing_date
from tests.faults.history.client import ClientLog
from tests.support.platform import PASSWORD

AT_ONCE = 16
LOOK_SECONDS = 0.4
UNKNOWN_PAUSE = 0.2
LONGEST_PAUSE = 2.0
LONG = aiohttp.ClientTimeout(60)
APPLICATIONS = "/api/intake/applications"


class Refused(Exception):
    """An answer that no application of the load may get."""


@dataclass
class Client:
    """One clerk's client, which writes into a log what it sees."""

    url: str
    today: date
    log: ClientLog | None = None
    answered: list[str] = field(default_factory=list)
    """Cases whose application was answered, the newest last."""

    concluded: set[str] = field(default_factory=set)
    _tokens: dict[str, str] = field(default_factory=dict)

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(8))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    # --- what it does ---

    async def run(self, numbers: Sequence[int]) -> None:
        """Hands in the applications of these families, sixteen at once, each until its end."""
        left = iter(numbers)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._one_after_another(left))

    async def _one_after_another(self, left: Iterator[int]) -> None:
        for number in left:
            await self.case(number)

    async def case(self, number: int) -> None:
        """Hands in one family's application and waits until it is closed."""
        key = f"family-{number}"
        body = bereavement_application(invent_family(number, self.today), self.today)
        self._log.submitted(key)
        status, found = await self.ask("POST", APPLICATIONS, json=body, headers={"Idempotency-Key": key})
        if status != 201:
            raise Refused(f"{key}: {status} {found}")
        self._log.answered(key, status, found)
        self.answered.append(found["case_id"])
        await self._until_closed(found["application_no"])

    async def _until_closed(self, application: str) -> None:
        while True:
            status, found = await self.ask("GET", f"{APPLICATIONS}/{application}")
            if status == 200 and found["status"] == "closed":
                break
            await asyncio.sleep(LOOK_SECONDS)
        self._log.concluded(found)
        self.concluded.add(found["case_id"])

    @property
    def _log(self) -> ClientLog:
        assert self.log is not None, "a load is written down"
        return self.log

    @property
    def in_flight(self) -> list[str]:
        """Cases answered and not yet closed, the newest last."""
        return [case for case in self.answered if case not in self.concluded]

    # --- how it asks ---

    async def ask(self, method: str, path: str, account: str = "clerk", **request: Any) -> tuple[int, Any]:
        """Status and body of the first answer that is one."""
        headers = dict(request.pop("headers", {}))
        while True:
            headers["Authorization"] = f"Bearer {await self._token(account)}"
            status, body, pause = await self._once(method, path, headers=headers, **request)
            if status == 401:
                self._tokens.pop(account, None)
            elif not _again(status, body):
                return status, body
            await asyncio.sleep(pause)

    async def lines(self, path: str, account: str) -> list[dict[str, Any]]:
        """The JSON lines that a POST without content answers."""
        headers = {"Authorization": f"Bearer {await self._token(account)}"}
        async with self._http.post(self.url + path, json={}, headers=headers, timeout=LONG) as answer:
            return [loads(line) for line in (await answer.text()).splitlines()]

    async def _token(self, account: str) -> str:
        form = {"grant_type": "password", "username": account, "password": PASSWORD}
        while account not in self._tokens:
            status, body, pause = await self._once("POST", "/api/auth/token", data=form)
            if status == 200:
                self._tokens[account] = str(body["access_token"])
            else:
                await asyncio.sleep(pause)
        return self._tokens[account]

    async def _once(self, method: str, path: str, **request: Any) -> tuple[int, Any, float]:
        try:
            async with self._http.request(method, self.url + path, **request) as answer:
                pause = min(LONGEST_PAUSE, float(answer.headers.get("Retry-After", UNKNOWN_PAUSE)))
                return answer.status, await answer.json(content_type=None), pause
        except (aiohttp.ClientError, TimeoutError, OSError):
            return 0, None, UNKNOWN_PAUSE


def _again(status: int, body: Any) -> bool:
    """Whether the same request is to be sent again."""
    return status in {0, 429, 503} or (status == 409 and body.get("code") == "STILL_RUNNING")


async def today_at(url: str) -> date:
    """The platform's own business day, which a virtual clock may have moved."""
    async with Client(url, SystemClock().now().date()) as client:
        _, found = await client.ask("GET", "/api/dev/clock")
    return beijing_date(datetime.fromisoformat(found["now"]))
