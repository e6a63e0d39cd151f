"""The first story: one application after a death, four services, one outcome and one settlement sheet."""

from __future__ import annotations

from typing import Any

from demo.client import Client, Problem
from demo.families import Family, bereavement_application, invent_family
from demo.screen import Screen
from demo.sheet import show_sheet
from demo.watch import follow, well


def play(client: Client, screen: Screen, seed: int) -> bool:
    """Hands in, follows, settles; whether every item ended, and none in vain."""
    family = invent_family(seed, client.today())
    introduce(screen, family)
    ended = handle(client, screen, family)
    show_sheet(screen, ended, left_open(client, ended))
    return well(ended)


def introduce(screen: Screen, family: Family) -> None:
    """Who they are: all of it is invented."""
    dead, heir = family.deceased.name, family.heir.name
    screen.say(
        f"【虚构】{dead}老人于 {family.died_on} 去世。子女{heir}到窗口,只交一次申请。",
        f"(Invented, seed {family.seed}.) {dead} died on {family.died_on}; the child {heir} applies once, at one window.",
    )


def handle(client: Client, screen: Screen, family: Family) -> dict[str, Any]:
    """The family's application from the window to its end, shown as it goes."""
    application = client.post("/api/intake/applications", "clerk", bereavement_application(family, client.today()))
    count, number, code = len(application["items"]), application["application_no"], application["query_code"]
    screen.say(
        f"已收件:办件编号 {number},查询码 {code},{count} 个事项同时送出。",
        f"Received under {number}, query code {code}: {count} matters, sent out at once.",
    )
    return follow(client, screen, application)


def left_open(client: Client, application: dict[str, Any]) -> list[dict[str, Any]]:
    """Tasks that people still have with this application, of every service that took part."""
    services = sorted({item["service"] for item in application["items"]})
    return [task for service in services for task in tasks_of(client, service, application["application_no"])]


def tasks_of(client: Client, service: str, number: str, state: str | None = None) -> list[dict[str, Any]]:
    """One service's tasks of an application, by default those not done yet."""
    wanted = {"state": state} if state else {}
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        more = {"after": after} if after else {}
        try:
            page = client.get(f"/api/{service}/tasks", "handler", **wanted, **more)
        except Problem as refusal:
            if refusal.status in (403, 404):
                return found
            raise
        found += [task for task in page["items"] if task["application_no"] == number]
        after = page["next"]
        if after is None:
            return found
