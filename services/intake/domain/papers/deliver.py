"""Delivery (送达) by a person: who may be given a paper, how, and from when it counts.

The terms that the law gives to a way of delivery are dated figures of policy (`policy/delivery.yaml`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from services.intake.domain.check import death_date
from services.intake.domain.facts import to_coordinator
from services.intake.domain.model import Application
from services.intake.domain.papers import words
from services.intake.domain.papers.making import row
from services.intake.domain.papers.model import Moment, Paper, Proof, Tried
from services.intake.domain.papers.templates import internal
from services.intake.domain.sealing import seal
from services.intake.domain.telling import tell
from services.intake.domain.timeline import Line
from services.intake.tables import PAPER_DELIVERY
from shared.catalog.forms import Name
from shared.catalog.parties import Shape, Short
from shared.catalog.protocol import CorrectionDelivered
from shared.changes import Changes, Ctx, Emit, Put
from shared.clock import as_utc, beijing_date
from shared.errors import FieldError, Invalid, Refused, RefusedError
from shared.handling.limits import end_of
from shared.messages import derived_id

if TYPE_CHECKING:
    from shared.policy import PolicyEntry

Way = Literal["in_person", "electronic", "post", "left", "village_worker"]
Method = Literal[Way, "public"]
Why = Literal["whereabouts_unknown", "other_ways_failed"]
PROOF: Final = "delivery"
"""The kind of paper that proves a delivery (送达回证)."""
RECEIVER: Final = "receiver"
RULE: Final = "delivery"
CONSENT: Final = "electronic_delivery"
"""The form field in which an applicant agrees to electronic delivery."""


class Attempt(Shape):
    """An earlier try to deliver the same paper: how and when, and why it came to nothing."""

    method: Way
    at: AwareDatetime
    failure: Short


class Delivery(Shape):
    """How, when and to whom a paper was handed over; a relation is stated where it was not the party.

    A public notice (公告送达) says why: the party cannot be found (下落不明), or the other ways failed, and which were `tried`.
    """

    method: Method
    at: AwareDatetime
    receiver: Name
    receiver_relation: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,29}$")] | None = None
    proof_file_id: UUID | None = Field(None, description="a file of this application")
    ground: Why | None = Field(None, description="of a public notice, and there alone")
    tried: Annotated[list[Attempt], Field(max_length=20)] = Field(
        default_factory=list, description="of a public notice: what came before it"
    )


@dataclass(frozen=True, slots=True)
class Ground:
    """What a delivery is judged by: the parties and form as handed in, the paper, whether one counts already; and what
    whoever records it is called."""

    paper: Paper
    parties: Mapping[str, Any]
    form: Mapping[str, Any]
    region: str
    recorder: str = ""


def refusal(given: Delivery, ground: Ground, ctx: Ctx) -> Refused | None:
    """Why this delivery cannot be one, by rule: no consent to the electronic way, or a receiver who is neither the
    party nor somebody the law lets receive for them."""
    entry = _entry(given, ground, ctx)
    if given.method == "electronic" and ground.form.get(CONSENT) is not True:
        return Refused("NO_CONSENT", entry.cite())
    if given.method == "public":
        return _announced_too_soon(given, entry)
    if _is_party(given.receiver, ground):
        return None
    if given.receiver_relation in entry.value["receivers"]:
        return None
    return Refused("NOT_A_RECEIVER", entry.cite())


def _announced_too_soon(given: Delivery, entry: PolicyEntry) -> Refused | None:
    """A public notice comes last: on a ground that the law knows, after as many other ways as the ground asks for."""
    if given.ground is None:
        return Refused("NO_GROUND_FOR_NOTICE", entry.cite())
    wanted, ways = int(entry.value["grounds"][given.ground]), {attempt.method for attempt in given.tried}
    if len(ways) >= wanted:
        return None
    return Refused(
        "OTHER_WAYS_FIRST",
        entry.cite(),
        f"公告送达前应先以其他方式送达并记明经过:此事由至少{wanted}种,现有{len(ways)}种",
        f"other ways come before a public notice: {wanted} on this ground, {len(ways)} are recorded",
    )


def _is_party(name: str, ground: Ground) -> bool:
    """Applicants, agent, and whom the application is about, unless it is about their death."""
    parties = ground.parties
    people = [parties["applicant"], *parties.get("co_applicants", ())]
    places = ("agent",) if death_date(ground.form) is not None else ("agent", "subject")
    people += [parties[place] for place in places if place in parties]
    return name.strip() in {str(p["name"]).strip() for p in people}


def _entry(given: Delivery, ground: Ground, ctx: Ctx) -> PolicyEntry:
    found: PolicyEntry = ctx.policy.find(f"{RULE}.{given.method}", ground.region, beijing_date(given.at))
    return found


def require_time(given: Delivery, paper: Paper, ctx: Ctx) -> None:
    """`Invalid` for a delivery that lies in the future, or before its paper was issued; and for earlier tries that are none."""
    if as_utc(given.at) > ctx.now:
        raise Invalid([FieldError("/at", "IN_FUTURE", "送达时间不能晚于现在 / a delivery is never in the future")])
    if as_utc(given.at) < paper.made_at:
        raise Invalid([FieldError("/at", "BEFORE_ISSUE")])
    if given.method != "public" and (given.ground is not None or given.tried):
        raise Invalid([FieldError("/ground", "ONLY_OF_NOTICE")])
    between = (paper.made_at, as_utc(given.at))
    wrong = [n for n, tried in enumerate(given.tried) if not between[0] <= as_utc(tried.at) <= between[1]]
    if wrong:
        raise Invalid([FieldError(f"/tried/{n}/at", "NOT_BEFORE_NOTICE") for n in wrong])


def _require_proof(given: Delivery, ground: Ground, ctx: Ctx) -> None:
    """`Invalid` where the law asks for a record of how it was done (留置: 见证人签名,或者拍照、录像) and none is given."""
    entry = _entry(given, ground, ctx)
    if entry.value.get("proof") and given.proof_file_id is None:
        words_ = f"请上传送达过程的记录 / upload the record of the delivery: {entry.cite()}"
        raise Invalid([FieldError("/proof_file_id", "REQUIRED", words_)])


def takes_effect(given: Delivery, ground: Ground, ctx: Ctx) -> datetime:
    """When the delivery counts: at once, or, where the law gives days (公告), on the last of them, as it ends: the terms
    that run from delivery begin on the next day."""
    days = int(_entry(given, ground, ctx).value.get("days", 0))
    at = as_utc(given.at)
    return end_of(beijing_date(at) + timedelta(days=days)) - timedelta(seconds=1) if days else at


def deliver(
    state: Application, given: Delivery, ground: Ground, ctx: Ctx
) -> tuple[Changes[Application], dict[str, Any]]:
    """Records a delivery. The first of a paper counts; a later one is kept as further evidence.

    `RefusedError` (`NO_CONSENT`, `NOT_A_RECEIVER`, `NO_GROUND_FOR_NOTICE`, `OTHER_WAYS_FIRST`, `INTERNAL_PAPER`), `Invalid`
    (`IN_FUTURE`, `BEFORE_ISSUE`, `REQUIRED` …); nothing is changed then.
    """
    if ground.paper.kind in internal():
        raise RefusedError(Refused("INTERNAL_PAPER", _entry(given, ground, ctx).cite()))
    require_time(given, ground.paper, ctx)
    _require_proof(given, ground, ctx)
    if (refused := refusal(given, ground, ctx)) is not None:
        raise RefusedError(refused)
    effective = ground.paper.delivered_at is None
    put = delivery_row(ground.paper, given, ctx, effective=effective, effect=takes_effect(given, ground, ctx))
    puts = [put, _proof(given, ground, put, ctx), *tell(state, [_told(ground.paper, put.values)], ctx.now)]
    emits = [*_answer_runs(state, ground.paper.moment, put.values["takes_effect"])] if effective else []
    return Changes(state, emits=emits, puts=puts), {"delivery_id": str(put.values["id"]), "effective": effective}


def by_message(state: Application, paper_id: UUID, moment: Moment, ctx: Ctx) -> Changes[Application]:
    """A correction is delivered by the news of it, which its applicant agreed to: the days to answer run from now."""
    values = {
        "id": paper_id,
        "paper_id": paper_id,
        "case_id": state.id,
        "method": "electronic",
        "at": ctx.now,
        "by": ctx.actor,
        "recorded_at": ctx.now,
        "effective": True,
        "takes_effect": ctx.now,
    }
    return Changes(state, emits=[*_answer_runs(state, moment, ctx.now)], puts=[Put(PAPER_DELIVERY, values)])


def _answer_runs(state: Application, moment: Moment, effect: datetime) -> Iterator[Emit]:
    """Tells the coordinator from which day the applicant's time to answer a correction runs."""
    told = moment.correction
    if told is not None:
        day = beijing_date(effect)
        yield to_coordinator(state, CorrectionDelivered(case_id=state.id, number=told.number, delivered_on=day))


def delivery_row(paper: Paper, given: Delivery, ctx: Ctx, *, effective: bool, effect: datetime) -> Put:
    """The row of a delivery; who received is sealed, under the delivery's own id."""
    identity = derived_id(paper.id, "delivery", given.method, as_utc(given.at), given.receiver, ctx.actor)
    values = {
        "id": identity,
        "paper_id": paper.id,
        "case_id": paper.case_id,
        "method": given.method,
        "at": as_utc(given.at),
        "receiver": sealed_receiver(paper.case_id, identity, given, ctx),
        "relation": given.receiver_relation,
        "proof_file_id": given.proof_file_id,
        "by": ctx.actor,
        "recorded_at": ctx.now,
        "effective": effective,
        "takes_effect": effect,
    }
    return Put(PAPER_DELIVERY, values)


def sealed_receiver(case_id: UUID, delivery_id: UUID, given: Delivery, ctx: Ctx) -> str:
    """The receiver's name as it rests; of a public notice also why, and what was tried before."""
    notice = {"ground": given.ground, "tried": [tried.model_dump(mode="json") for tried in given.tried]}
    content = {"name": given.receiver, **(notice if given.ground is not None else {})}
    return seal(ctx.keyring, case_id, f"{RECEIVER}/{delivery_id}", 0, content).to_text()


def _proof(given: Delivery, ground: Ground, put: Put, ctx: Ctx) -> Put:
    """The proof of delivery (送达回证), a paper of its own."""
    paper = ground.paper
    proof = Proof(
        paper_id=paper.id,
        title=paper.title,
        number=paper.number or "",
        method=given.method,
        at=put.values["at"],
        takes_effect=put.values["takes_effect"],
        relation=given.receiver_relation,
        by=ctx.actor,
        ground=given.ground,
        tried=tuple(Tried(method=tried.method, at=as_utc(tried.at)) for tried in given.tried),
    )
    identity = put.values["id"]
    told = {"name": given.receiver, "by": ground.recorder, "failures": [tried.failure for tried in given.tried]}
    receiver = seal(ctx.keyring, paper.case_id, f"{RECEIVER}/proof", 0, told)
    law = (_entry(given, ground, ctx).cite(),)
    moment = Moment(items=paper.moment.items, by=(ctx.actor,), proof=proof, law=law, receiver=receiver)
    return row(paper.case_id, PROOF, ctx.now, moment, identity)


def _told(paper: Paper, row_: Mapping[str, Any]) -> Line:
    how, effect = words.method(row_["method"]), row_["takes_effect"]
    if effect != row_["at"]:
        day = beijing_date(effect)
        zh = f"《{paper.title}》已发出公告({how}),公告期满({day})视为送达。"
        return Line("paper_announced", zh, f"A paper was announced ({row_['method']}): delivered as of {day}.")
    return Line("paper_delivered", f"《{paper.title}》已送达({how})。", f"A paper was delivered ({row_['method']}).")
