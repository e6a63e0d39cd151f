"""The parts that messages are made of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.crypto import Sealed
from shared.outcomes import ItemStatus, Nature, WaitKind


class Value(BaseModel):
    """Base of the parts of messages."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Finding(Value):
    """One thing that is missing or wrong, told to the applicant in one paper.

    `code` is stable, `pointer` the form field or material (JSON pointer), `material` the material type if it is one.
    The messages are set texts; what a person wrote beside them is in `sealed`, for intake: `{zh, en}`.
    """

    code: str
    pointer: str = ""
    material: str | None = None
    message_zh: str
    message_en: str
    sealed: Sealed | None = None


class WaitingOn(Value):
    """Whom or what an item waits for, since when and until when (legal dates in Beijing time)."""

    kind: WaitKind
    name: str
    since: datetime
    until: date | None = None


class Limit(Value):
    """A limit in days: `n` working or calendar days."""

    n: int
    unit: Literal["working", "calendar"]


class Due(Value):
    """Dates by which an item must end: promised to the citizen and set by law; provisional when the year's
    calendar is not published."""

    promised: date | None = None
    legal: date | None = None
    provisional: bool = False


class Pause(Value):
    """The handling clock stands on a listed ground, until about when; `by` is the account that paused it."""

    ground: str
    since: datetime
    until: date | None = None
    by: str | None = None


class Handled(Value):
    """Who handled an item where persons did, by account: accepted it, let its clock run again.

    `names` are the names of all who acted on it, sealed for intake: `{account: name}`.
    """

    accepted_by: str | None = None
    resumed_by: str | None = None
    names: Sealed | None = None


class Transfer(Value):
    """The item was handed over to another unit (转办): from which, on which ground, when, by which account."""

    from_unit: str
    reason_code: str
    at: datetime
    by: str | None = None


class Supervision(Value):
    """Somebody was told to see to an item that is late (督办): what is late and since which day, for the `number`-th time.

    `unit` is where it is answered, by `answer_by`; `kind` names the task.
    """

    kind: str
    number: int
    unit: str
    since: date
    answer_by: date
    at: datetime


class Extension(Value):
    """The one extension: to which day, why, and the leader who approved it, by account."""

    to: date
    approved_by: str
    reason_code: str


class Doubt(Value):
    """What an item rests on is in doubt, on which ground, since when: its effects are held back."""

    ground: str
    since: datetime


class Result(Value):
    """What came of an item. `public` is typed by the matter and holds nothing personal; `sealed` is for intake.

    `decided_by` are the accounts that acted where persons decided, the deciding one last.
    """

    outcome: ItemStatus
    reason_code: str
    law: str
    public: dict[str, Any] = Field(default_factory=dict)
    sealed: Sealed | None = None
    by_rule: bool = False
    decided_by: tuple[str, ...] = ()
    decided_at: datetime | None = None


class Prerequisite(Value):
    """An item that comes first: refused hard ends the dependant, refused soft sends it to a person."""

    item_id: UUID
    matter: str
    hard: bool = True


class MaterialRef(Value):
    """One material of the application as an item sees it; the file itself stays with intake."""

    type: str
    source: str
    file_id: str | None = None
    form: str | None = None
    copies: int | None = None
    original_seen: bool | None = None
    promise_by: date | None = None


class PlannedItem(Value):
    """One item of the plan that intake made: its matter, who handles it, after what, and its sealed part.

    `rests_on` are facts that it does not wait for, but falls with when they are retracted.
    `lapses`: it counts as accepted when its examination clock runs out (a licence: 行政许可法第三十二条); `pauses` are the
    grounds on which its handling clock may stand.
    """

    item_id: UUID
    matter: str
    service: str
    nature: Nature
    unit: str
    prerequisites: tuple[Prerequisite, ...] = ()
    facts: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    check: Literal["formal", "none"] = "formal"
    examination: Limit | None = None
    promised: Limit | None = None
    legal: Limit | None = None
    lapses: bool = False
    pauses: tuple[str, ...] = ()
    materials: tuple[MaterialRef, ...] = ()
    sealed: Sealed
    person_ref: str | None = None
