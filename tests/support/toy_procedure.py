"""A matter that does everything a procedure can: it checks, asks, waits for people, decides by rule, and follows up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, MetaData, Table, Text

from shared.catalog.model import LawRef, Matter, PauseGround, ServiceEntry
from shared.catalog.protocol import Finding, Limit
from shared.catalog.registry import Catalog
from shared.changes import Ctx
from shared.handling.engine import Engine
from shared.handling.model import Work
from shared.handling.procedure import (
    AskSource,
    Conclude,
    OpenTask,
    Publish,
    Remember,
    Stage,
    Step,
    WaitFor,
    Wake,
    Write,
)
from shared.handling.tables import handling_tables
from shared.messages import Message
from shared.outcomes import Decision, Nature, WaitKind

METADATA = MetaData(schema="toy")
TABLES = handling_tables(METADATA)
EFFECT = Table("effect", METADATA, Column("id", Text, primary_key=True))
STANDING = Table("standing", METADATA, Column("id", Text, primary_key=True), Column("state", Text))
LAW = "《示例办法》第一条"


class ToyGranted(Message):
    """The toy's own fact."""

    what: str


class Toy:
    """The form says what happens: `missing` (a finding), `ask`, `wake`, `people`, `wait`, `nothing`, else granted."""

    matter = "toy.thing"

    def check(self, work: Work, ctx: Ctx) -> Sequence[Finding]:
        if work.part.form.get("missing"):
            return [Finding(code="MISSING", message_zh="缺", message_en="missing")]
        return []

    def advance(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        form = work.part.form
        if form.get("ask") and work.answer("roll") is None:
            return [Stage("ASKING", "查询中"), AskSource("roll", "roll", {"key": "x"}, waiting="名册")]
        answer = work.answer("roll")
        if answer and answer["status"] == "contradicted" and work.decision("difference") is None:
            return [OpenTask("difference", "review", "handler", 3)]
        if form.get("wake") and "later" not in work.item.wakes:
            return [Wake("later", ctx.now + timedelta(days=3))]
        if form.get("wake") and work.item.wakes["later"] is not None:
            return []
        if form.get("wait") and not work.notes.get("reported"):
            return [WaitFor(WaitKind.DEPARTMENT, "殡仪馆")]
        if form.get("people"):
            return self._people(work)
        return [] if form.get("nothing") else self._granted(by_rule=True)

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        steps: list[Step] = [Write(EFFECT, {"id": str(work.item.id)}), Publish(ToyGranted(what="granted"))]
        if work.part.form.get("afterwards"):
            steps.append(OpenTask("afterwards", "review", "handler", 10))
        return steps

    def follow_up(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        decided = work.decision("afterwards")
        return [Publish(ToyGranted(what=f"again: {decided.outcome}"))] if decided else []

    def _people(self, work: Work) -> Sequence[Step]:
        if work.decision("review") is None:
            return [Stage("REVIEW", "初审"), OpenTask("review", "review", "handler", 5)]
        approval = work.decision("approval")
        if approval is None:
            return [Stage("APPROVAL", "审批"), OpenTask("approval", "approval", "approver", 5, four_eyes=True)]
        if approval.outcome == "deny":
            return [Conclude(Decision.DENIED, approval.reason_code, LAW)]
        return self._granted(by_rule=False) if approval.outcome == "approve" else []

    def _granted(self, *, by_rule: bool) -> Sequence[Step]:
        done: dict[str, Any] = {"amount": "100.00"}
        return [
            Remember(public={"worked_out": True}, private={"payee": "李明"}),
            Conclude(Decision.APPROVED, "GRANTED", LAW, done, {"payee": "李明"}, by_rule=by_rule),
        ]


def toy_catalog(task_type: Any = "licence", legal: int = 20) -> Catalog:
    """A catalogue of the toy's one matter, which may be paused on two grounds."""
    ref = LawRef("示例办法", "第一条")
    matter = Matter(
        code="toy.thing",
        name="示例",
        official_name="示例事项",
        nature=Nature.ON_APPLICATION,
        law=(ref,),
        task_type=task_type,
        promised=Limit(n=10, unit="working"),
        legal=Limit(n=legal, unit="working"),
        pauses=(PauseGround("EXPERT", "专家评审", ref), PauseGround("G", "听证", ref, Limit(n=20, unit="calendar"))),
    )
    return Catalog({"toy": ServiceEntry(name="toy", title="示例", matters=(matter,))})


def toy_engine(procedure: Any = None) -> Engine:
    """An engine over one matter."""
    procedure = procedure or Toy()
    return Engine({procedure.matter: procedure}, TABLES)


class Undoable(Toy):
    """The toy whose effects can be suspended and undone; the row says how it stands."""

    def settled(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        granted = work.item.outcome == Decision.APPROVED
        return [*super().settled(work, ctx), _stands(work, "in_force")] if granted else []

    def frozen(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        return [_stands(work, "suspended")]

    def released(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        return [_stands(work, "in_force")]

    def reversed(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        return [_stands(work, "reversed"), OpenTask("recovery", "review", "handler", 10)]

    def follow_up(self, work: Work, ctx: Ctx) -> Sequence[Step]:
        if work.item.phase != "revoked":
            return super().follow_up(work, ctx)
        decided = work.decision("recovery")
        return [_stands(work, f"recovery {decided.outcome}")] if decided else []


def _stands(work: Work, how: str) -> Step:
    return Write(STANDING, {"id": str(work.item.id), "state": how}, upsert=True)
