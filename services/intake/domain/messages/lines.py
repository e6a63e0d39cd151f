"""What the timeline tells of messages: that somebody was told, how, and what came of it; never whom, nor the number."""

from __future__ import annotations

from services.intake.domain.timeline import Line
from shared.messaging.port import Fate, Way

_WAYS = {
    Way.TEXT: ("短信", "by text message"),
    Way.VOICE: ("语音电话", "by telephone"),
    Way.LETTER: ("信件", "by letter"),
    Way.VILLAGE_TASK: ("村(社区)工作人员", "by a village worker"),
}
_WAITS = ("待发出", "waits to be sent")
_FATES = {
    Fate.SENT: ("已发出", "was sent"),
    Fate.FAILED: ("未能送到", "could not be delivered"),
    Fate.WAITING: _WAITS,
}


def attempt(way: str | None, tries: int, fate: str) -> Line:
    """One message to the applicant as it stands now."""
    zh, en = _FATES[Fate(fate)] if fate in set(Fate) else _WAITS
    how_zh, how_en = _WAYS[Way(way)] if way else ("", "")
    more_zh = f"(第 {tries} 次)" if tries > 1 else ""
    more_en = f" (attempt {tries})" if tries > 1 else ""
    return Line(
        f"message_{fate}",
        f"给申请人的{how_zh}通知{zh}{more_zh}。",
        f"A message to the applicant {en} {how_en}".strip() + f"{more_en}.",
    )
