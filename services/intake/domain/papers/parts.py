"""The parts of papers, one pure function each: lines of label and text; what is personal in a line says so.

`personal` is `name` (shown to staff masked) or `secret` (not shown to them at all).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from services.intake.domain.papers import between, promised, words
from services.intake.domain.papers.lines import NAME, SECRET, Line, line
from services.intake.domain.papers.lines import provisional as _provisional
from services.intake.domain.papers.typeset import day, moment, plain
from shared.catalog.materials import NAMES
from shared.catalog.model import in_force
from shared.clock import beijing_date
from shared.handling.extension import allowed
from shared.masking import mask_account
from shared.outcomes import Nature

if TYPE_CHECKING:
    from services.intake.domain.papers.content import Source
    from shared.catalog.model import LawRef, Matter

_PROMISED: Mapping[str, tuple[str, str]] = {
    "deferred": ("容缺材料", ";到期不补不发证、不发放"),
    "commitment": ("告知承诺", ";办结后核查,承诺不实的撤销决定、追回款项,修复前不再适用告知承诺"),
}
"""What was promised instead of brought: how the receipt calls it, and what follows (国发〔2022〕5号、国办发〔2020〕42号)."""

_UNITS = {"working": "个工作日", "calendar": "日"}


def _addressee(source: Source) -> list[Line]:
    people = [source.opened.parties["applicant"], *source.opened.parties.get("co_applicants", ())]
    return [line(str(p["name"]), "致", NAME) for p in people]


def _subject(source: Source) -> list[Line]:
    """Whom the matter is about, where that is another than the applicant: the dead person a benefit of whom ends."""
    subject = source.opened.parties.get("subject")
    if not subject:
        return []
    return [line(str(subject["name"]), "逝者" if subject.get("role") == "deceased" else "当事人", NAME)]


def _opening(source: Source) -> list[Line]:
    return [line(source.filled(source.template.opening))]


def _closing(source: Source) -> list[Line]:
    return [line(source.filled(source.template.closing))] if source.template.closing else []


def _matters(source: Source) -> list[Line]:
    return [line(_matter(source, i.matter), source.name(i.matter)) for i in source.items]


def _matter(source: Source, code: str) -> str:
    """Who examines and decides, and until when: each matter has its own."""
    matter, authority = source.world.catalog.matters.get(code), source.authority_of(code)
    said = [f"办理机关:{authority.organ_name}" if authority is not None else "办理机关:待确定"]
    if matter is not None:
        start = beijing_date(source.filed.received_at)
        due = source.world.calendar.due(start, matter.examination.n, matter.examination.unit)
        if matter.nature is Nature.ON_APPLICATION:
            said.append(f"最迟于{day(due.date)}(含当日)告知是否受理{_provisional(due.provisional)}")
        else:  # nobody accepts what nobody applied for
            said.append("依职权办理,无须受理" if matter.nature is Nature.EX_OFFICIO else "告知性事项,无须受理")
        said += _limits(matter)
    return ";".join(said)


def _limits(matter: Matter) -> list[str]:
    began = "受理" if matter.nature is Nature.ON_APPLICATION else "启动办理"
    pairs = (("承诺时限", matter.promised), ("法定时限", matter.legal))
    return [f"{name}:自{began}之日起{limit.n}{_UNITS[limit.unit]}" for name, limit in pairs if limit is not None]


def _limits_part(source: Source) -> list[Line]:
    item = source.item
    matter = source.world.catalog.matters.get(item.matter)
    said = _limits(matter) if matter is not None else []
    dates = (("承诺办结日期", item.due.promised), ("法定办结日期", item.due.legal))
    found = [line(f"{day(on)}{_provisional(item.due.provisional)}", label) for label, on in dates if on is not None]
    return [*(line(text) for text in said), *found]


def _materials(source: Source) -> list[Line]:
    by_source: dict[str, list[str]] = {}
    for m in source.filed.materials:
        name = NAMES.get(m["type"], m["type"])
        until = f"({day(date.fromisoformat(str(m['promise_by'])))}前(含当日)补齐)" if m["source"] == "deferred" else ""
        kind = m["source"] if m["source"] in _PROMISED else ""
        by_source.setdefault(kind, []).append(f"{name}{until}")
    found = [line("、".join(dict.fromkeys(by_source[""])), "已收材料")] if "" in by_source else []
    for kind, (label, words_after) in _PROMISED.items():
        if kind in by_source:
            found.append(line("、".join(dict.fromkeys(by_source[kind])) + words_after, label))
    return found


def _query(source: Source) -> list[Line]:
    return [line(f"凭办件编号和查询码({source.opened.query_hint})查询办理进度", "查询")]


def _findings(source: Source) -> list[Line]:
    return [
        line(finding.message_zh, source.name(i.matter), SECRET if finding.sealed is not None else "")
        for i in source.items
        for finding in source.opened.findings.get(str(i.item_id), i.findings)
    ]


def _answer_by(source: Source) -> list[Line]:
    said = source.draft.moment.correction
    if said is None:
        return []
    found = []
    if said.answer_by is not None:
        after = "本告知书送达晚于出具之日的,补正期限自送达之日起重新计算"
        found.append(line(f"请于{day(said.answer_by)}前(含当日)补正;{after}。", "期限"))
    if said.number > 1:  # a later paper is our fault: it says so, and who approved it signs
        found.append(line(f"本次为第{said.number}次告知,已经负责人批准。", "说明"))
    return found


def _law(source: Source) -> list[Line]:
    """What the decision cites, else the matter's own bases, each with how sure we are of it."""
    cited = [i.result.law for i in source.items if i.result is not None and i.result.law]
    bases = (ref.marked() for i in source.items for ref in _bases(source, i.matter))
    return [line("、".join(dict.fromkeys(cited or bases)), "依据")] if cited or source.items else []


def _bases(source: Source, code: str) -> Iterable[LawRef]:
    """The matter's own bases that are in force on the paper's day."""
    matter = source.world.catalog.matters.get(code)
    return in_force(matter.law if matter is not None else (), source.made_on)


def _reason(source: Source) -> list[Line]:
    result = source.item.result
    if result is None:
        return []
    more = source.opened.results.get(str(source.item.item_id), {})
    told = [str(more[name]) for name in ("reason", "comment", "note") if more.get(name)]
    return [line(words.reason(result.reason_code), "理由"), *(line(text, "说明", SECRET) for text in told)]


def _where_to_go(source: Source) -> list[Line]:
    result = source.item.result
    where = result.public.get("where_to_go") if result is not None else None
    return [line(source.unit(str(where)), "应向何处提出")] if where else []


def _result(source: Source) -> list[Line]:
    result = source.item.result
    if result is None:
        return []
    kinds = (source.draft.kind, *(["running"] if result.public.get("from") else []))
    found = ((words.result(name, *kinds), _said(source, name, value)) for name, value in result.public.items())
    told = [line(plain(value), label) for label, value in found if label and value is not None]
    return [*_schemes(result.public), *told]


def _said(source: Source, name: str, value: Any) -> str | None:
    """A public value as a paper says it: of an organisation its name; None for what is no plain value."""
    if not isinstance(value, str | int | float):
        return None
    return source.unit(str(value)) if words.is_unit(name) else str(value)


def _schemes(public: Mapping[str, Any]) -> list[Line]:
    """Which benefits it is about, by name."""
    rows = public.get("schemes")
    names = [row.get("scheme") if isinstance(row, Mapping) else row for row in rows or ()]
    return [line("、".join(words.scheme(str(n)) for n in dict.fromkeys(names)), "待遇")] if names else []


def _personal(source: Source) -> list[Line]:
    return list(_leaves(source.opened.results.get(str(source.item.item_id), {})))


def _leaves(values: Mapping[str, Any]) -> Iterable[Line]:
    """The personal values that papers tell; an account is named by its last digits only."""
    for name, value in values.items():
        label = words.personal(name)
        if label is None or name in ("reason", "comment", "note"):
            continue
        if isinstance(value, Mapping):
            yield from _leaves(value)
        elif isinstance(value, str):
            yield line(mask_account(value) if name == "number" else value, label, SECRET)


def _decided(source: Source) -> list[Line]:
    result = source.item.result
    if result is None or not result.by_rule:
        return []
    return [line("本决定由系统按规则作出,您可以要求由工作人员复核。", "说明")]


def _pause(source: Source) -> list[Line]:
    pause, matter = source.item.pause, source.world.catalog.matters.get(source.item.matter)
    if pause is None:
        return []
    ground = next((g for g in (matter.pauses if matter is not None else ()) if g.code == pause.ground), None)
    found = [line(ground.name if ground is not None else pause.ground, "事由")]
    if pause.until is not None:
        days = source.world.calendar.working_days_between(beijing_date(pause.since), pause.until)
        found.append(line(f"{days}个工作日", "预计所需时间"))
        found.append(line(day(pause.until), "预计恢复日期"))
    if ground is not None:
        found.append(line(ground.law.marked(), "依据"))
    return found


def _extension(source: Source) -> list[Line]:
    extension = source.item.extension
    if extension is None:
        return []
    found = [line(words.reason(extension.reason_code), "理由"), line(day(extension.to), "延长至")]
    matter = source.world.catalog.matters.get(source.item.matter)
    if matter is None:
        return found
    licence, place = matter.task_type == "licence", source.filed.place_of(matter.code)
    law = allowed(licence=licence, legal=matter.legal, region=place, on=source.made_on).law
    return [*found, line(law, "依据")]


def _delivery(source: Source) -> list[Line]:
    proof = source.draft.moment.proof
    if proof is None:
        return []
    found = [
        line(f"{proof.title}({proof.number})", "文书"),
        line(words.method(proof.method), "送达方式"),
        line(moment(proof.at), "公告时间" if proof.method == "public" else "送达时间"),
    ]
    if source.opened.receiver and proof.method != "public":
        found.append(line(source.opened.receiver, "受送达人" if proof.method == "left" else "签收人", NAME))
    if proof.relation:
        found.append(line(words.relation(proof.relation), "与受送达人的关系"))
    if proof.ground:
        found.append(line(words.ground(proof.ground), "公告事由"))
    for n, (tried, why) in enumerate(zip(proof.tried, source.opened.failures, strict=False), 1):
        found.append(line(why, f"此前送达{n}({words.method(tried.method)},{day(tried.at)})", SECRET))
    if proof.takes_effect != proof.at:
        found.append(line(day(proof.takes_effect), "视为送达之日"))
    return [*found, *(line(law, "依据") for law in source.draft.moment.law)]


def _signature(source: Source) -> list[Line]:
    return [line(source.authority.organ_name), line(day(source.made_on))]


PARTS: Mapping[str, Callable[[Source], list[Line]]] = {
    "addressee": _addressee,
    "subject": _subject,
    "opening": _opening,
    "matters": _matters,
    "limits": _limits_part,
    "materials": _materials,
    "query": _query,
    "findings": _findings,
    "answer_by": _answer_by,
    "law": _law,
    "reason": _reason,
    "where_to_go": _where_to_go,
    "result": _result,
    "personal": _personal,
    "decided": _decided,
    "pause": _pause,
    "extension": _extension,
    "delivery": _delivery,
    "lacking": promised.lacking,
    "if_late": promised.if_late,
    "tolerance_law": promised.tolerance_law,
    "supplied": promised.supplied,
    "promiser": promised.promiser,
    "told": promised.told,
    "signed": promised.signed,
    "commitment_law": promised.commitment_law,
    "receiving_unit": between.receiving_unit,
    "transfer": between.transfer,
    "supervision": between.supervision,
    "signature": _signature,
    "closing": _closing,
}
