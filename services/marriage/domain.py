"""婚姻信息标注: what the register of marriages says of a dead person, and whose record is annotated.

Source `marriage_record`, asked with `{"person_ref", "person": {"name", "id_type", "id_no"}}`: confirmed
`{"records": [{"cert_no", "registered_on", "status": "married"|"divorced"|"widowed"|"annulled", "spouse": {"name",
"id_type", "id_no", "alive": true|false|null}}]}`, no record being an empty list; contradicted: the register's own
entries disagree; silent: nothing yet. A divorce under way, when divorces come, is ended by the death (民法典 1080).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import orjson

from services.marriage.tables import ANNOTATION
from shared.catalog.protocol import Finding
from shared.catalog.services.marriage import AnnotationRemoved, RecordAnnotated
from shared.changes import Ctx
from shared.clock import beijing_date
from shared.crypto import Aad, Sealed
from shared.death import died_on
from shared.handling.basis import law_of
from shared.handling.model import Work
from shared.handling.procedure import AskSource, Conclude, OpenTask, Publish, Remember, Step, Write
from shared.handling.tasks import TaskOutcome
from shared.messages import derived_id
from shared.outcomes import Decision, FactStatus
from shared.person_index import PersonIndex

ASK = SOURCE = "marriage_record"
TASK = "annotation_check"
REMOVED_TASK = "annotation_removed"
"""The kind of task in which a registrar finds out whether the marriage that stands again is still wanted, and free."""
_IN_FORCE = "married"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the register means for the annotation: `annotate` the record, `nothing` to annotate, or a `person`."""

    kind: str
    reason: str
    record: Mapping[str, Any] | None = None


def judge(answer: Mapping[str, Any]) -> Verdict:
    """One marriage in force with a living spouse is annotated; none is no matter of ours; the rest a person reads."""
    if answer["status"] == FactStatus.CONTRADICTED:
        return Verdict("person", "SOURCE_CONTRADICTS")
    records = answer["data"].get("records", ())
    in_force = [r for r in records if r.get("status") == _IN_FORCE]
    if len(in_force) > 1:
        return Verdict("person", "SEVERAL_RECORDS")
    if not in_force:
        return Verdict("nothing", "NO_MARRIAGE_IN_FORCE" if records else "NO_MARRIAGE_RECORD")
    return _of_one(in_force[0])


def _of_one(record: Mapping[str, Any]) -> Verdict:
    spouse = record.get("spouse", {})
    if spouse.get("alive") is False:
        return Verdict("nothing", "SPOUSE_DIED_BEFORE")
    if spouse.get("alive") is True and spouse.get("id_no"):
        return Verdict("annotate", "SPOUSE_DIED", record)
    return Verdict("person", "SPOUSE_UNCLEAR", record)


def chosen(work: Work) -> Mapping[str, Any] | None:
    """The record to annotate: the rule's, or the one a registrar named (`result.record`, from 1, as the register
    lists those in force)."""
    answer = work.answer(ASK)
    if answer is None:
        return None
    verdict, decision = judge(answer), work.decision(TASK)
    in_force = [r for r in answer["data"].get("records", ()) if r.get("status") == _IN_FORCE]
    number = decision.result.get("record", 1 if len(in_force) == 1 else 0) if decision else 0
    if isinstance(number, int) and 1 <= number <= len(in_force):
        found: Mapping[str, Any] = in_force[number - 1]
        return found if found.get("spouse", {}).get("id_no") else None
    return verdict.record if verdict.kind == "annotate" and decision is None else None


@dataclass(frozen=True)
class RecordAnnotation:
    """依职权, on a confirmed death: the living spouse stands as widowed in the register of marriages."""

    matter: str = "marriage.record_annotation"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        """Nothing for the family to bring."""
        return ()

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The register is asked at once; it is decided when the death is established."""
        steps: list[Step] = [_question(work)]
        answer = work.answer(ASK)
        if answer is None or not work.item.ready:
            return steps
        verdict = judge(answer)
        if verdict.kind == "person" or not _policy(work, ctx)["by_rule"]:
            return [*steps, *_by_person(verdict, work, ctx)]
        if verdict.kind == "nothing":
            return [
                *steps,
                Conclude(Decision.NOT_APPLICABLE, verdict.reason, law_of(work.item.matter, ctx), by_rule=True),
            ]
        return [*steps, _annotate(work, ctx, verdict.reason, by_rule=True)]

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The annotation is made: its row, the spouse sealed, and the public fact."""
        record = chosen(work)
        if work.item.outcome != Decision.APPROVED or record is None:
            return ()
        ref = _spouse_ref(record, ctx)
        day = died_on(work)
        told = RecordAnnotated(person_ref=ref, status="widowed", effective_on=day)
        made = Remember({"annotated_at": ctx.now.isoformat()})
        return [made, Write(ANNOTATION, _row(record, ref, day, work, ctx)), Publish(told)]

    def frozen(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The death is in doubt: the annotation says nothing meanwhile."""
        return _standing("suspended", work, ctx)

    def released(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """The death stands, and so does the annotation."""
        return _standing("in_force", work, ctx)

    def reversed(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        """There was no death: the marriage stands as it did. A spouse who married again meanwhile, or will not have it
        back, is a registrar's to find out (民法典第五十一条)."""
        record = chosen(work)
        if record is None:
            return ()
        told = AnnotationRemoved(
            person_ref=_spouse_ref(record, ctx), status="married", removed_on=beijing_date(ctx.now)
        )
        days = int(_policy(work, ctx)["task_days"])
        task = OpenTask(REMOVED_TASK, "review", "registrar", days, "DEATH_RETRACTED")
        return [*_standing("reversed", work, ctx), Publish(told), task]


def _spouse_ref(record: Mapping[str, Any], ctx: Ctx) -> str:
    spouse = record["spouse"]
    return PersonIndex(ctx.keyring.index_key).person_ref(spouse["id_type"], spouse["id_no"])


def _standing(state: str, work: Work, ctx: Ctx) -> list[Step]:
    """The annotation as it stands now."""
    record = chosen(work)
    if record is None:
        return []
    row = _row(record, _spouse_ref(record, ctx), died_on(work), work, ctx)
    made = work.item.data.get("annotated_at")
    at = datetime.fromisoformat(made) if made else ctx.now
    return [Write(ANNOTATION, {**row, "annotated_at": at, "state": state}, upsert=True)]


def _question(work: Work) -> AskSource:
    subject = work.part.parties.get("subject", {})
    person = {name: subject.get(name) for name in ("name", "id_type", "id_no")}
    return AskSource(ASK, SOURCE, {"person_ref": work.item.person_ref, "person": person}, "婚姻登记信息")


def _by_person(verdict: Verdict, work: Work, ctx: Ctx) -> list[Step]:
    decision = work.decision(TASK)
    if decision is None:
        days = int(_policy(work, ctx)["task_days"])
        return [OpenTask(TASK, "review", "registrar", days, verdict.reason, four_eyes=True)]
    reason = decision.reason_code or "DECIDED_BY_REGISTRAR"
    if decision.outcome == TaskOutcome.NOT_APPLICABLE:
        return [Conclude(Decision.NOT_APPLICABLE, reason, law_of(work.item.matter, ctx))]
    if decision.outcome == TaskOutcome.APPROVE and chosen(work) is not None:
        return [_annotate(work, ctx, reason, by_rule=False)]
    return []  # ex officio: it cannot be denied, nor annotated without a record


def _annotate(work: Work, ctx: Ctx, reason: str, *, by_rule: bool) -> Conclude:
    record = chosen(work) or {}
    spouse = record.get("spouse", {})
    result = {"annotation": "WIDOWED_SPOUSE", "annotated_on": beijing_date(ctx.now).isoformat()}
    personal = {
        "spouse": {"name": spouse.get("name"), "id_no": spouse.get("id_no")},
        "cert_no": record.get("cert_no"),
        "effective_on": died_on(work).isoformat(),
    }
    return Conclude(Decision.APPROVED, reason, law_of(work.item.matter, ctx), result, personal, by_rule=by_rule)


def _row(record: Mapping[str, Any], ref: str, day: date, work: Work, ctx: Ctx) -> dict[str, Any]:
    item = work.item
    identity = derived_id(item.id, item.round, ref)
    personal = orjson.dumps({"spouse": record["spouse"], "cert_no": record.get("cert_no")})
    sealed = ctx.keyring.sealer().seal(ctx.service, _aad(identity, ctx), personal)
    return {
        "id": identity,
        "item_id": item.id,
        "region": item.region,
        "person_ref": ref,
        "deceased_ref": item.person_ref,
        "status": "widowed",
        "effective_on": day,
        "annotated_at": ctx.now,
        "content": sealed.to_text(),
        "state": "in_force",
    }


def opened(annotation: Mapping[str, Any], ctx: Ctx) -> dict[str, Any]:
    """The personal side of an annotation's row: `{"spouse": {…}, "cert_no"}`."""
    sealed = Sealed.from_text(annotation["content"])
    found: dict[str, Any] = orjson.loads(ctx.keyring.sealer().open(sealed, _aad(annotation["id"], ctx)))
    return found


def _aad(identity: UUID, ctx: Ctx) -> Aad:
    return Aad(identity, None, 0, f"{ctx.service}/annotation")


def _policy(work: Work, ctx: Ctx) -> dict[str, Any]:
    entry = ctx.policy.find(f"{work.item.matter}.handling", work.item.region, beijing_date(ctx.now))
    found: dict[str, Any] = entry.value
    return found
