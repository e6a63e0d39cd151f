"""What a catalogue entry is made of: matters, bundles, services, topics, form fields. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from pydantic import TypeAdapter

from shared.catalog.protocol import Limit
from shared.entries import Confidence
from shared.messages import MESSAGE_BYTES, Message
from shared.outcomes import Nature

Condition = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""`(form, facts) -> bool`, a named function in the catalogue."""


@dataclass(frozen=True)
class LawRef:
    """A legal basis: document, article, effective date, and how sure we are (核, 摘, 未核实)."""

    document: str
    article: str = ""
    effective: date | None = None
    confidence: Confidence = "未核实"

    def cite(self) -> str:
        """The basis as it stands in a paper."""
        return f"《{self.document}》{self.article}"

    def marked(self) -> str:
        """The basis, saying so where nobody has checked it against its text (【摘】, 【未核实】)."""
        return self.cite() + ("" if self.confidence == "核" else f"【{self.confidence}】")


def in_force(refs: Iterable[LawRef], on: date) -> list[LawRef]:
    """The bases that are in force on a day: a law that was published is cited from the day of its effect."""
    return [ref for ref in refs if ref.effective is None or ref.effective <= on]


TaskType = Literal["licence", "benefit", "confirmation", "reward", "service"]
"""What kind of act a matter is: 行政许可, 行政给付, 行政确认, 行政奖励, 公共服务."""


Taking = Literal["stop", "reduction", "revocation", "recovery"]
"""What granting a matter takes from somebody: 停发, 减发, 撤销, 追缴. Its paper then names the remedy."""


@dataclass(frozen=True)
class PauseGround:
    """A listed ground (暂停事由) on which the handling clock may stand, by which law, for how many days at most."""

    code: str
    name: str
    law: LawRef
    longest: Limit | None = None


@dataclass(frozen=True)
class MaterialNeed:
    """A material a matter needs; `fetched` ones are got by us (免提交) and need not be listed.

    A `secondary` one may follow later (容缺受理), within `follows` days; for one that `commits` a written commitment
    may stand (告知承诺).
    """

    type: str
    name: str
    required: bool = True
    fetched: bool = False
    secondary: bool = False
    follows: Limit | None = None
    commits: bool = False


@dataclass(frozen=True)
class After:
    """An item that comes first, hard or soft, in any case that holds both."""

    matter: str
    hard: bool = True


@dataclass(frozen=True)
class Joins:
    """This matter is a member of a bundle, if the condition holds."""

    bundle: str
    when: Condition | None = None
    when_text: str = ""


@dataclass(frozen=True)
class FormField:
    """One top-level form field; a name means one thing in the whole catalogue."""

    name: str
    title: str
    adapter: TypeAdapter[Any]
    personal: bool = False


@dataclass(frozen=True)
class Matter:
    """One catalogue entry (事项). `facts` it waits for; `rests_on` those it falls with though it does not wait.

    `handled_where` is the form field that says which place handles it (户籍地, 急难发生地), wherever it is handed in; empty:
    the place that receives it. `yields` are the material types that its papers are to other matters.
    """

    code: str
    name: str
    official_name: str
    nature: Nature
    law: tuple[LawRef, ...]
    aliases: tuple[str, ...] = ()
    basic_code: str = ""
    labels: tuple[str, ...] = ()
    conditions: str = ""
    required_fields: tuple[str, ...] = ()
    optional_fields: tuple[str, ...] = ()
    subject: Literal["required", "optional", "none"] = "optional"
    co_applicants: bool = False
    household: bool = False
    materials: tuple[MaterialNeed, ...] = ()
    after: tuple[After, ...] = ()
    facts: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    joins: tuple[Joins, ...] = ()
    check: Literal["formal", "none"] = "formal"
    examination: Limit = Limit(n=5, unit="working")
    promised: Limit | None = None
    legal: Limit | None = None
    whose: Literal["subject", "applicant", "pair", "household", "organisation"] = "subject"
    once: Literal["live", "granted", "ever"] = "live"
    decided_at: Literal["province", "city", "county", "town"] = "county"
    handled_where: str = ""
    papers: tuple[str, ...] = ()
    yields: tuple[str, ...] = ()
    task_type: TaskType = "service"
    pauses: tuple[PauseGround, ...] = ()
    intimate: bool = False
    takes: Taking | None = None

    @property
    def service(self) -> str:
        """The service that handles it."""
        return self.code.partition(".")[0]


@dataclass(frozen=True)
class Bundle:
    """A named set of matters (一件事): name, texts, order. Its members are said by the matters that join it."""

    code: str
    name: str
    local_name: str
    order: tuple[str, ...] = ()
    intro: str = ""
    law: tuple[LawRef, ...] = ()
    fact_sources: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TopicEntry:
    """A topic: its partitions are fixed when it is made; `days` of retention, None keeps for good; `most_bytes` of a
    message with all that is said about it.

    `dead` is a topic of dead letters: bytes that are no event, read by nobody but its own service for an operator.
    """

    name: str
    writer: str
    readers: tuple[str, ...] | None
    partitions: int = 4
    days: int | None = 90
    dead: bool = False
    most_bytes: int = MESSAGE_BYTES


@dataclass(frozen=True)
class ServiceEntry:
    """One service's catalogue file as a value. `module` holds its `SERVICE`; `handles` says it speaks the protocol."""

    name: str
    title: str
    module: str = ""
    handles: bool = True
    matters: tuple[Matter, ...] = ()
    fields: tuple[FormField, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    requests: tuple[type[Message], ...] = ()
    answers: tuple[type[Message], ...] = ()
    events: tuple[type[Message], ...] = ()
    request_writer: str = "coordinator"
    examples: Mapping[str, Message] = field(default_factory=dict)

    @property
    def spec_module(self) -> str:
        """Where its `SERVICE` is: `services.<name>.service` unless it says otherwise."""
        return self.module or f"services.{self.name}.service"
