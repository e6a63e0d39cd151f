"""A paper as people see it: masked or whole, as JSON and as plain text to be printed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from services.intake.domain.papers import words
from services.intake.domain.papers.lines import NAME
from services.intake.domain.papers.model import Content
from services.intake.domain.papers.typeset import day, moment, plain
from shared.masking import mask_name
from shared.seals import UNSEALED

HIDDEN: Final = "***"


def masked(content: Content) -> dict[str, Any]:
    """The content with names masked and everything else personal hidden."""
    parts = [{**part, "lines": [_masked(line) for line in part["lines"]]} for part in content["parts"]]
    return {**content, "parts": parts}


def is_personal(content: Content) -> bool:
    """Whether anything in it is personal."""
    return any("personal" in line for part in content["parts"] for line in part["lines"])


def _masked(line: Mapping[str, str]) -> Mapping[str, str]:
    kind = line.get("personal")
    if kind is None:
        return line
    return {**line, "text": mask_name(line["text"]) if kind == NAME else HIDDEN}


def to_text(shown: Mapping[str, Any]) -> str:
    """The paper to be printed, from the shape that JSON shows."""
    content: Content = shown["content"]
    lines = [content["organ"]["name"], content["title"]["zh"], str(content["number"]), ""]
    for part in content["parts"]:
        if part["part"] == "signature":
            lines += _remedy(content, shown.get("terms"))
        lines += [_line(line) for line in part["lines"]]
    return "\n".join([*lines, "", *_foot(shown)]) + "\n"


def _line(line: Mapping[str, str]) -> str:
    return f"{line['label']}：{line['text']}" if "label" in line else line["text"]


def _remedy(content: Content, terms: Mapping[str, Any] | None) -> list[str]:
    remedy = content["remedy"]
    if remedy is None:
        return []
    found = [f"救济途径：{remedy['text']}（依据：{remedy['law']}）"]
    if terms is not None:
        first, second = plain(terms["reconsideration_by"]), plain(terms["court_by"])
        doubt = "（有关年度的放假安排尚未公布，以公布后的为准）" if terms["provisional"] else ""
        found.append(f"最迟：申请行政复议，{first}；提起行政诉讼，{second}{doubt}")
    return found


def _foot(shown: Mapping[str, Any]) -> list[str]:
    seal = shown["seal"]
    found = [f"印章：{seal['name']}（{seal['number'] or UNSEALED}）"]
    found += [f"签署：{_signed(signature)}" for signature in shown["signatures"]]
    found.append(f"校验值：{shown['hash']['algorithm']} {shown['hash']['value']}")
    return [*found, *(_delivered(d) for d in shown["deliveries"] if d["effective"])]


def _signed(signature: Mapping[str, Any]) -> str:
    if signature["method"] == "rule":
        return words.signing("rule")
    return f"{signature.get('name') or signature['signer']}（{words.signing(signature['role'])}）"


def _delivered(delivery: Mapping[str, Any]) -> str:
    at, effect = (datetime.fromisoformat(delivery[name]) for name in ("at", "takes_effect"))
    how = words.method(delivery["method"])
    if effect != at:
        return f"送达：{how}，{day(at)}发出公告，{day(effect)}期满视为送达"
    return f"送达：{how}，{moment(at)}"
