"""A history made by hand: what a sound platform says of a few cases, to be spoilt one thing at a time."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

EVENTS, REQUESTS, RECEIVED = "onewindow.coordinator.events", "onewindow.coordinator.requests", "onewindow.intake.events"
FINAL = {"approved", "denied", "not_applicable", "not_accepted", "withdrawn", "terminated", "revoked"}


@dataclass
class Said:
    """One message, without its number and place."""

    topic: str
    aggregate: str
    name: str
    case: str
    body: dict[str, Any]
    key: str = ""
    partition: int = 0


@dataclass
class Story:
    """Messages in the order in which they were said, what clients saw, how far groups had read."""

    said: list[Said] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    positions: list[dict[str, Any]] = field(default_factory=list)

    def of(self, name: str, **body: Any) -> Said:
        """The first message of this name whose content has these values."""
        return next(s for s in self.said if s.name == name and body.items() <= s.body.items())

    def saw(self, what: str, **values: Any) -> dict[str, Any]:
        """The client's first line of this kind with these values."""
        return next(line for line in self.seen if line["saw"] == what and values.items() <= line.items())

    def drop(self, said: Said) -> None:
        """It was never said."""
        self.said.remove(said)

    def again(self, said: Said, **changed: Any) -> None:
        """It is said once more, right after, perhaps with other content."""
        body = {**said.body, **changed}
        self.said.insert(self.said.index(said) + 1, Said(said.topic, said.aggregate, said.name, said.case, body))

    def bus(self, kind: str = "embedded") -> list[dict[str, Any]]:
        """As it lies on a bus: each message is the next of its stream and of its partition."""
        versions: Counter[tuple[str, str]] = Counter()
        offsets: Counter[tuple[str, int]] = Counter()
        return [_line(said, kind, versions, offsets) for said in self.said]


def _line(
    said: Said, kind: str, versions: Counter[tuple[str, str]], offsets: Counter[tuple[str, int]]
) -> dict[str, Any]:
    stream, place = (said.topic, said.aggregate), (said.topic, said.partition)
    versions[stream] += 1
    offsets[place] += 1
    headers = {
        "id": f"{said.topic}/{said.aggregate}/{versions[stream]}",
        "type": f"cn.onewindow.any.{said.name}.v1",
        "caseid": said.case,
        "aggregateid": said.aggregate,
        "streamversion": str(versions[stream]),
    }
    where = {"bus": kind, "topic": said.topic, "partition": said.partition, "offset": offsets[place] - 1}
    return {**where, "key": said.key or said.case, "headers": headers, "data": json.dumps(said.body)}


class Case:
    """Says what the platform says of one case, from its submission on."""

    def __init__(self, story: Story, number: int, **matters: str) -> None:
        self.id, self.no, self.key = f"case-{number}", f"number-{number}", f"key-{number}"
        self.story = story
        self.closed_as: str | None = None
        self.items = {
            f"{name}-{number}": {"item_id": f"{name}-{number}", "matter": matter, "status": "waiting", "round": 1}
            for name, matter in matters.items()
        }
        self._handed_in()

    def _handed_in(self) -> None:
        self.story.seen.append({"saw": "submitted", "key": self.key})
        self.say(REQUESTS, self.id, "ApplicationSubmitted", application_no=self.no)
        self.say(RECEIVED, self.id, "ApplicationReceived", application_no=self.no)
        for item in self.items:
            self.down(item, "ItemRequested", person_ref="p1_x")
        self.event("CaseOpened")

    def answered(self) -> Case:
        """The client got its answer."""
        known = {"case_id": self.id, "application_no": self.no}
        self.story.seen.append({"saw": "answered", "key": self.key, "status_code": 201, **known})
        return self

    def say(self, topic: str, aggregate: str, name: str, **body: Any) -> None:
        """One message of this case."""
        self.story.said.append(Said(topic, aggregate, name, self.id, {"case_id": self.id, **body}))

    def down(self, item: str, name: str, **body: Any) -> None:
        """The coordinator to the item's service."""
        known = {"item_id": item, "round": self.items[item]["round"]}
        self.say(self._topic(item, "requests"), item, name, **{**known, **body})

    def up(self, item: str, name: str, **body: Any) -> None:
        """The item's service to the coordinator."""
        known = {"item_id": item, "round": self.items[item]["round"]}
        self.say(self._topic(item, "answers"), item, name, **{**known, **body})

    def fact(self, item: str, name: str) -> None:
        """The item's service to everyone."""
        self.say(self._topic(item, "events"), item, name, person_ref="p1_x")

    def _topic(self, item: str, kind: str) -> str:
        return f"onewindow.{self.items[item]['matter'].partition('.')[0]}.{kind}"

    def event(self, name: str, **body: Any) -> None:
        """The coordinator to everyone, with the whole case as it is now."""
        view = {"case_id": self.id, "application_no": self.no, "status": self.status, "outcome": self.outcome}
        items = [dict(item) for item in self.items.values()]
        shown = {name: value for name, value in view.items() if value is not None}
        self.say(EVENTS, self.id, name, case={**shown, "items": items}, **body)

    @property
    def status(self) -> str:
        """The application's status; none of these cases was accepted."""
        words = [item["status"] for item in self.items.values()]
        final = [word for word in words if word in FINAL]
        if any(item.get("findings") and item["status"] not in FINAL for item in self.items.values()):
            return "correcting"
        if len(final) < len(words):
            return "partial" if final else "submitted"
        return words[0] if words[0] in {"withdrawn", "terminated"} and len(set(words)) == 1 else "closed"

    @property
    def outcome(self) -> str | None:
        """What a closed case came to."""
        words = {item["status"] for item in self.items.values()} - {"not_applicable", "withdrawn"}
        if self.status != "closed" or not words:
            return None
        return "approved" if words == {"approved"} else "partly_approved" if "approved" in words else "denied"

    def moved(self, item: str, **fields: Any) -> None:
        """The item changed in front of everyone."""
        self.items[item].update(fields)
        self.event("ItemMoved", item_id=item)

    def ended(self, item: str, outcome: str, *, settle: bool = True) -> None:
        """The item is over with this outcome, for its service and for everyone; the case closes with the last one."""
        number = self.items[item]["round"]
        if settle:
            self.down(item, "ItemSettled", status="applied")
        result = {"outcome": outcome, "public": {"schemes": ["age_allowance"]} if outcome == "approved" else {}}
        self.items[item].update(status=outcome, result=result)
        self.items[item].pop("waiting_on", None)
        self.event("ItemConcluded", item_id=item, round=number, outcome=outcome, result=result, late=False)
        if all(other["status"] in FINAL for other in self.items.values()):
            self.event("CaseClosed")

    def corrected(self, number: int, *items: str) -> None:
        """One paper tells what is missing in these items."""
        for item in items:
            self.items[item].update(status="correcting", findings=[{"code": "MISSING"}])
            self.items[item]["waiting_on"] = {"kind": "applicant"}
        self.event("CorrectionIssued", number=number, items=list(items))

    def late(self, item: str, outcome: str) -> None:
        """A decision that came too late: recorded, and told as such."""
        self.up(item, "ItemDecided", outcome=outcome)
        self.down(item, "ItemSettled", status="late")
        self.event("ItemConcluded", item_id=item, round=1, outcome=outcome, late=True)

    def looked_at(self) -> None:
        """The client reads the application, now that it is over."""
        items = [{**{n: i[n] for n in ("matter", "status", "round")}, "id": i["item_id"]} for i in self.items.values()]
        seen = {"case_id": self.id, "status": self.status, "outcome": self.outcome, "items": items}
        self.story.seen.append({"saw": "concluded", **seen})

    def withdrawn(self) -> None:
        """The client asks for the application back, and is told that this was taken."""
        known = {"key": f"w-{self.id}", "case_id": self.id}
        self.story.seen.append({"saw": "withdrawing", **known})
        self.say(REQUESTS, self.id, "WithdrawalSubmitted")
        for item in self.items:
            self.down(item, "WithdrawalRequested")
        self.story.seen.append({"saw": "withdrawn", **known, "status_code": 202})


def sound_story() -> Story:
    """Everything that a sound platform may do to a case, once."""
    story = Story()
    for tell in (_granted, _withdrawn, _timed_out, _lapsed, _revoked, _waiting, _corrected):
        tell(story)
    Case(story, 7, g="elderly.age_allowance").moved("g-7", waiting_on={"kind": "task"})  # its client never heard of it
    story.seen.append({"saw": "rest"})
    where = {"group": "coordinator", "topic": EVENTS, "partition": 0}
    story.positions += [{**where, "position": n} for n in (2, 5)]
    story.positions += [{**where, "position": 3, "reset": True}, {**where, "position": 4}]
    return story


def _granted(story: Story) -> None:
    case = Case(story, 1, e="elderly.benefit_stop", a="assistance.benefit_stop").answered()
    case.up("e-1", "ItemDecided", outcome="approved")
    case.up("a-1", "ItemDecided", outcome="not_applicable")
    case.ended("e-1", "approved")
    case.fact("e-1", "AllowanceStopped")
    case.ended("a-1", "not_applicable")
    case.looked_at()


def _withdrawn(story: Story) -> None:
    case = Case(story, 2, g="elderly.age_allowance").answered()
    case.withdrawn()
    case.up("g-2", "WithdrawalAnswered", answer="agreed")
    case.ended("g-2", "withdrawn", settle=False)
    case.looked_at()


def _timed_out(story: Story) -> None:
    case = Case(story, 3, g="elderly.age_allowance").answered()
    case.withdrawn()
    case.down("g-3", "ItemCancelled", cause="withdrawn")
    case.ended("g-3", "withdrawn", settle=False)
    case.looked_at()
    case.late("g-3", "approved")


def _lapsed(story: Story) -> None:
    """Sent back by one unit, and lapsed at the next."""
    case = Case(story, 4, t="assistance.temporary").answered()
    case.up("t-4", "ItemReturned")
    case.items["t-4"]["round"] = 2
    case.down("t-4", "ItemRequested", person_ref="p1_x")
    case.moved("t-4", waiting_on={"kind": "time"})
    case.up("t-4", "ItemEnded")
    case.ended("t-4", "terminated")
    case.looked_at()


def _revoked(story: Story) -> None:
    """Granted, and revoked after the case was closed."""
    case = Case(story, 5, m="marriage.record_annotation").answered()
    case.up("m-5", "ItemDecided", outcome="approved")
    case.ended("m-5", "approved")
    case.fact("m-5", "RecordAnnotated")
    case.up("m-5", "ItemRevoked")
    case.items["m-5"].update(round=2, status="requested")
    case.event("CaseReopened", item_id="m-5", round=2)
    case.ended("m-5", "revoked")
    case.looked_at()


def _waiting(story: Story) -> None:
    case = Case(story, 6, f="funeral.cremation", w="funeral.fee_waiver", e="elderly.benefit_stop").answered()
    case.say(REQUESTS, case.id, "FactEstablished", fact="death_confirmed", source="death", status="silent")
    case.moved("f-6", status="requested", waiting_on={"kind": "source", "name": "home"})
    case.moved("e-6", waiting_on={"kind": "source", "name": "death"})
    case.moved("w-6", waiting_on={"kind": "prerequisite"})


def _corrected(story: Story) -> None:
    """Two services find something; one paper tells it, and one item is told the same once more."""
    case = Case(story, 8, g="elderly.age_allowance", t="assistance.temporary").answered()
    for item in ("g-8", "t-8"):
        case.up(item, "CorrectionRequested")
    case.corrected(1, "g-8", "t-8")
    case.items["t-8"].update(status="requested", findings=[], waiting_on={"kind": "task"})
    case.event("ItemMoved", item_id="t-8")
    case.corrected(2, "t-8")
