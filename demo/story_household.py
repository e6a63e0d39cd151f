"""The second story: the dead person was one of three in a household on minimum living allowance.

A death ends the person's own benefits, never the household's allowance: a person hears the family first and then
reassesses it (社会救助法第四十八条: 调减、终止前应当听取意见).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from demo.answers import age_allowance
from demo.client import Client
from demo.families import AFTER, BEFORE, HOUSEHOLD_INCOME, OWN_INCOME, Family, household_family
from demo.screen import Screen
from demo.sheet import show_sheet
from demo.story_bereavement import handle, introduce, left_open, tasks_of
from demo.watch import until, well
from shared.clock import BEIJING, as_utc

SERVICE, KIND = "assistance", "household_review"
SAID = "家属意见:父母一方去世后收入减少,希望按两口人重新核算,无异议。"


def play(client: Client, screen: Screen, seed: int) -> bool:
    """The roll is told first; then the application, the hearing, the decision; whether all of it ended well."""
    family = household_family(seed, client.today())
    introduce(screen, family)
    _tell_the_roll(client, screen, family)
    ended = handle(client, screen, family)
    show_sheet(screen, ended, left_open(client, ended))
    return _review(client, screen, ended) and well(ended)


def _tell_the_roll(client: Client, screen: Screen, family: Family) -> None:
    screen.say(
        f"这户三口人享受最低生活保障:家庭月收入 {HOUSEHOLD_INCOME} 元,其中逝者 {OWN_INCOME} 元,每月 {BEFORE} 元。",
        f"Three persons on minimum living allowance: income {HOUSEHOLD_INCOME}, of it {OWN_INCOME} the dead person's;"
        f" {BEFORE} yuan a month.",
    )
    client.post("/api/dev/facts", "clerk", roll_of(family))


def roll_of(family: Family) -> dict[str, Any]:
    """What the roll of benefits says of the dead person: their own age allowance, and the household's."""
    household = {
        "members": len(family.members),
        "income": HOUSEHOLD_INCOME,
        "subject_income": OWN_INCOME,
        "area": "urban",
    }
    living = {
        "scheme": "minimum_living",
        "family": "assistance",
        "monthly": BEFORE,
        "since": "2025-01",
        "paid_through": f"{family.died_on:%Y-%m}",
        "household": household,
    }
    own = age_allowance(family.deceased.id_no, family.died_on)
    person = {"name": family.deceased.name, "id_type": "resident_id", "id_no": family.deceased.id_no}
    return {
        "source": "benefit_roll",
        "about": {"person": person},
        "status": "confirmed",
        "data": {"benefits": [*([own] if own else []), living]},
        "source_no": "DEMO-HOUSEHOLD",
    }


def _review(client: Client, screen: Screen, application: dict[str, Any]) -> bool:
    """A handler hears the family and decides; whether the household's new amount is the one the story names."""
    number = application["application_no"]
    task = until(lambda: _review_task(client, number), "复核待办", "the review task")
    screen.say(
        f"办件已办结;减员重核仍在办,{task['due']} 前完成。经办人认领待办,先听取家属意见。",
        f"The case is closed; the review stays open, due {task['due']}. A handler claims it and hears the family first.",
    )
    decided = _decide(client, task["id"])
    review = until(lambda: _in_force(client, task["item_id"]), "复核决定生效", "the review's decision")
    _show(screen, review)
    return decided["state"] == "done" and (review["before"], review["after"]) == (BEFORE, AFTER)


def _review_task(client: Client, number: str) -> dict[str, Any] | None:
    found = tasks_of(client, SERVICE, number)
    return next((task for task in found if task["kind"] == KIND), None)


def _decide(client: Client, task_id: str) -> dict[str, Any]:
    path = f"/api/{SERVICE}/tasks/{task_id}"
    lease = client.post(f"{path}/claim", "handler", {})["lease"]
    decision = {
        "lease": lease,
        "outcome": "approve",
        "reason_code": "MEMBER_DIED",
        "comment": "减员重核,已听取家属意见",
        "result": {"hearing": {"at": client.get("/api/dev/clock", "clerk")["now"], "said": SAID}},
    }
    found: dict[str, Any] = client.post(f"{path}/decision", "handler", decision)
    return found


def _in_force(client: Client, item_id: str) -> dict[str, Any] | None:
    """The review's row once it is decided; `HouseholdReassessed` leaves in the same commit."""
    reviews = client.get(f"/api/{SERVICE}/items/{item_id}/effects", "handler")["household_reviews"]
    return next((review for review in reviews if review["state"] != "open"), None)


def _show(screen: Screen, review: dict[str, Any]) -> None:
    heard = as_utc(datetime.fromisoformat(review["heard_at"])).astimezone(BEIJING)
    screen.say(
        f"已听取意见({heard:%Y-%m-%d %H:%M}),记录在案:{SAID}",
        "The family was heard; when, and what was said, is recorded.",
    )
    screen.say(
        f"复核决定:每月 {review['before']} 元 → {review['after']} 元,自 {review['from_month']} 起;"
        "已发布 HouseholdReassessed。",
        f"Decided: {review['before']} -> {review['after']} yuan a month from {review['from_month']};"
        " HouseholdReassessed is published.",
    )
