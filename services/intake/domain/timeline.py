"""The timeline: what happened, one readable sentence an event, Chinese and English, without a personal datum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from services.intake.domain.words import CASE, ITEM, OUTCOME, Words
from shared.catalog.materials import NAMES as MATERIAL_NAMES
from shared.catalog.protocol import CaseView, CorrectionIssued, ItemView
from shared.outcomes import ApplicationStatus, FactStatus, ItemStatus, Nature

if TYPE_CHECKING:
    from services.intake.domain.model import Tolerance
    from shared.catalog.registry import Catalog

_TOLD_MOVES = frozenset(
    {
        *(ItemStatus.ACCEPTED, ItemStatus.REVIEWING),
        *(ItemStatus.PAUSED, ItemStatus.RETURNED),
    }
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the timeline before it has its place."""

    kind: str
    zh: str
    en: str


def received(application_no: str, count: int) -> Line:
    """The application was received 收件, which is not yet acceptance 受理."""
    return Line(
        "received",
        f"已收件,办件编号 {application_no},共 {count} 个事项,同时送各部门办理。",
        f"Received under number {application_no}: {count} matters, handled side by side.",
    )


def opened(case: CaseView, catalog: Catalog) -> Line:
    """Every item was sent out."""
    names = "、".join(_name(i, catalog) for i in case.items)
    return Line("opened", f"已分送办理:{names}。", f"Sent out: {', '.join(i.matter for i in case.items)}.")


def moved(old: ItemView | None, new: ItemView, catalog: Catalog) -> Line | None:
    """An item's public status changed; None where there is nothing a citizen would want to read."""
    if new.findings and not (old is not None and old.findings):
        zh, en = ITEM[ItemStatus.CORRECTING]
        said = _findings(new)
        return Line("item_correcting", f"{_name(new, catalog)}:{zh}{said[0]}。", f"{new.matter}: {en}{said[1]}.")
    if clock := _clock_moved(old, new, catalog):
        return clock
    if new.status not in _TOLD_MOVES or (old is not None and (old.status, old.round) == (new.status, new.round)):
        return None
    zh, en = _standing(old, new, catalog)
    return Line(f"item_{new.status}", f"{_name(new, catalog)}:{zh}。", f"{new.matter}: {en}.")


def _standing(old: ItemView | None, new: ItemView, catalog: Catalog) -> Words:
    """The words of a status; an acceptance 受理 is told though the review began in the same moment, and a pause says why
    and until about when."""
    zh, en = ITEM[new.status]
    if new.status is ItemStatus.PAUSED and new.pause is not None:
        until_zh, until_en = (
            (f",预计 {new.pause.until} 恢复", f", until about {new.pause.until}") if new.pause.until else ("", "")
        )
        return f"{zh}({_ground(new, catalog)}){until_zh}", f"{en} ({new.pause.ground}){until_en}"
    accepted = new.accepted_at is not None and (old is None or old.accepted_at is None)
    if new.status is ItemStatus.REVIEWING and accepted and new.nature is Nature.ON_APPLICATION:
        taken = ITEM[ItemStatus.ACCEPTED]
        return f"{taken[0]},{zh}", f"{taken[1]}, {en}"
    return zh, en


def _ground(item: ItemView, catalog: Catalog) -> str:
    matter, code = catalog.matters.get(item.matter), item.pause.ground if item.pause else ""
    return next((g.name for g in (matter.pauses if matter else ()) if g.code == code), code)


def _clock_moved(old: ItemView | None, new: ItemView, catalog: Catalog) -> Line | None:
    """The handling clock was given more days, or runs again after a pause."""
    name, due = _name(new, catalog), new.due.promised or new.due.legal
    if new.extension is not None and (old is None or old.extension is None):
        to = new.extension.to
        return Line("item_extended", f"{name}:办理时限经批准延长至 {to}。", f"{new.matter}: extended to {to}.")
    if old is not None and old.pause is not None and new.pause is None and new.status is not ItemStatus.PAUSED:
        zh, en = (f",办结日为 {due}", f", due {due}") if due else ("", "")
        return Line("item_resumed", f"{name}:办理时限恢复计算{zh}。", f"{new.matter}: its clock runs again{en}.")
    return None


def corrected(message: CorrectionIssued, catalog: Catalog) -> Line:
    """The one correction paper went out: everything that is missing, of all matters, at once."""
    items = [i for i in message.case.items if i.item_id in message.items]
    names = "、".join(_name(i, catalog) + _findings(i)[0] for i in items)
    until_zh = f",请于 {message.answer_by} 前(含当日)补正" if message.answer_by else ""
    until_en = f": please answer by {message.answer_by}" if message.answer_by else ""
    return Line(
        "correction",
        f"已发出补正告知(第 {message.number} 次),涉及:{names}{until_zh}。",
        f"Correction paper {message.number}: {', '.join(i.matter + _findings(i)[1] for i in items)}{until_en}.",
    )


def concluded(item: ItemView, *, late: bool, catalog: Catalog) -> Line:
    """An item came to its end, with what came of it."""
    zh, en = ITEM[item.status]
    if late:
        zh, en = f"{zh}(迟到的结果,仅作记录)", f"{en} (a late result, recorded only)"
        return Line("item_late", f"{_name(item, catalog)}:{zh}。", f"{item.matter}: {en}.")
    matter = catalog.matters.get(item.matter)
    stops = matter is not None and matter.takes == "stop"
    more = _result(item.result.public if item.result else {}, stops=stops)
    return Line("item_concluded", f"{_name(item, catalog)}:{zh}{more[0]}。", f"{item.matter}: {en}{more[1]}.")


def closed(case: CaseView) -> Line:
    """The case came to its one outcome."""
    zh, en = OUTCOME[case.outcome] if case.outcome else CASE[case.status]
    if case.status is ApplicationStatus.CLOSED and case.outcome is None:
        zh, en = "所有事项均已办结", "every matter has ended"
    return Line("closed", f"本次申请已全部办结:{zh}。", f"The whole application has ended: {en}.")


def reopened(item: ItemView | None, catalog: Catalog) -> Line:
    """An ended item is handled again under the same number."""
    zh, en = (_name(item, catalog), item.matter) if item else ("一个事项", "one matter")
    return Line("reopened", f"{zh}:重新办理,编号不变。", f"{en}: handled again, under the same number.")


def supplemented(round_: int) -> Line:
    """The applicant handed in what was asked for."""
    return Line("supplemented", f"已收到第 {round_} 次补正的内容。", f"What was asked for has come (round {round_}).")


def deferred(tolerances: Sequence[Tolerance]) -> Line | None:
    """What follows later, and by when (容缺受理)."""
    if not tolerances:
        return None
    zh = "、".join(f"{_material(t.material)}({t.promise_by} 前补齐)" for t in tolerances)
    en = ", ".join(f"{t.material} by {t.promise_by}" for t in tolerances)
    return Line("deferred", f"容缺受理,尚缺:{zh};到期不补不发证。", f"Received with these to follow: {en}.")


def overdue(kinds: Sequence[str]) -> Line:
    """A day passed on which something was to have come."""
    zh = "、".join(map(_material, kinds))
    return Line("overdue", f"承诺补交的材料已逾期:{zh}。补齐前不发证、不发放。", f"Overdue: {', '.join(kinds)}.")


def reminded(kinds: Sequence[str], *, ended: bool) -> Line:
    """Somebody reminded the applicant of what is overdue, or ended what lacks it."""
    zh, en = "、".join(map(_material, kinds)), ", ".join(kinds)
    if ended:
        return Line("tolerance_ended", f"逾期未补齐{zh},相关事项终止办理。", f"Ended for lack of {en}.")
    return Line("reminded", f"已催告补交:{zh}。", f"Reminded of {en}.")


def commitment(found: str) -> Line | None:
    """What the check of a commitment found."""
    words = {
        "true": ("承诺内容经核查属实", "what was committed to was found true"),
        "false": ("承诺内容经核查不实,将依法撤销相关决定", "what was committed to was found false"),
    }.get(found)
    return Line(f"commitment_{found}", f"{words[0]}。", f"{words[1].capitalize()}.") if words else None


def handed_back(kind: str) -> Line:
    """A paper was given back."""
    return Line("handed_back", f"已退还原件:{_material(kind)}。", f"Given back: {kind}.")


def withdrawal(items: Iterable[ItemView], catalog: Catalog) -> Line:
    """The applicant asked to withdraw."""
    named = list(items)
    zh, en = "、".join(_name(i, catalog) for i in named), ", ".join(i.matter for i in named)
    return Line("withdrawal", f"已收到撤回申请:{zh}。", f"Asked to withdraw: {en}.")


_FACT: Mapping[FactStatus, Words] = {
    FactStatus.CONFIRMED: ("办理所需的事实已经核实", "a fact that matters wait for is confirmed"),
    FactStatus.CONTRADICTED: (
        "办理所需的事实与登记信息不一致,正由工作人员核实",
        "a fact differs from the record: a person checks it",
    ),
    FactStatus.SILENT: ("正在等待有关部门答复办理所需的事实", "still waiting for the source of a fact"),
}


def fact(status: FactStatus, *, refuted: bool = False) -> Line:
    """What became of a fact that items wait for."""
    zh, en = ("经核实,所述事实不成立", "the fact was found not to be so") if refuted else _FACT[status]
    return Line(f"fact_{'refuted' if refuted else status}", f"{zh}。", f"{en[0].upper()}{en[1:]}.")


def objected() -> Line:
    """Somebody objects to an established fact: what rests on it is held back."""
    zh = "收到对事实的异议,所涉事项的办理和待遇变动已暂停,正由工作人员核实。"
    en = "An established fact is objected to: what rests on it is held back while a person looks into it."
    return Line("objection", zh, en)


def objection_unfounded() -> Line:
    """The fact stands, and what was held goes on."""
    zh = "经核实,异议不成立,所涉事项继续办理。"
    return Line("objection_unfounded", zh, "The objection was found to be unfounded: what was held back goes on.")


def _name(item: ItemView, catalog: Catalog) -> str:
    matter = catalog.matters.get(item.matter)
    return matter.name if matter else item.matter


def _material(kind: str) -> str:
    return MATERIAL_NAMES.get(kind, kind)


def _findings(item: ItemView) -> Words:
    if not item.findings:
        return "", ""
    return (
        "(" + ";".join(f.message_zh for f in item.findings) + ")",
        " (" + "; ".join(f.message_en for f in item.findings) + ")",
    )


def _result(public: Mapping[str, Any], *, stops: bool) -> Words:
    zh, en = [], []
    if public.get("amount") is not None:
        zh.append(f"金额 {public['amount']} 元")
        en.append(f"{public['amount']} yuan")
    if public.get("from") is not None:
        zh.append(f"自 {public['from']} 起" + ("停发" if stops else ""))
        en.append(f"{'ends ' if stops else ''}from {public['from']}")
    return (",".join(["", *zh]), ", ".join(["", *en])) if zh else ("", "")
