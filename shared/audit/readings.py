"""Readings: who was shown whose personal fields, on what ground, for which case; a list of masked rows is one entry."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from shared.db.documents import qualified

if TYPE_CHECKING:
    from shared.http.principal import Principal
    from shared.spec import ServiceHandle


class Ground(StrEnum):
    """Why somebody may be shown a personal field in clear; nobody is without one of these."""

    HANDLING = "handling"
    """办理本件 the application is being handled."""
    INQUIRY = "inquiry"
    """当事人询问 the person asks about it."""
    CORRECTION = "correction"
    """核对更正 something in it is checked or set right."""
    COMPLAINT = "complaint"
    """投诉信访 a complaint is looked into."""
    SUPERVISION = "supervision"
    """监督检查 the handling is supervised."""
    LEGAL = "legal"
    """司法行政协查 a court or an authority asks by law."""
    EXPORT = "export"
    """导出 it leaves the platform as a file."""
    DELIVERY = "delivery"
    """送达 it is handed or sent to somebody outside."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was shown: `whose` (person references), which fields, why; of which aggregate, of which case."""

    whose: tuple[str, ...]
    fields: tuple[str, ...]
    ground: Ground
    kind: str = "row"
    aggregate_id: str = ""
    case: str = ""


async def note_reading(handle: ServiceHandle, who: Principal, reading: Reading) -> None:
    """One audit row, written before the answer goes out: who was shown whose fields, on what ground."""
    await _note(handle, who, "reading", reading.kind, reading.aggregate_id, reading_detail(who, reading))


async def note_list(handle: ServiceHandle, who: Principal, rows: int, what: str = "row") -> None:
    """One audit row for a list of masked rows."""
    await _note(handle, who, "list", what, "", {"rows": rows})


def reading_detail(who: Principal, reading: Reading) -> dict[str, Any]:
    """What stands in the row beside who it was: as whom, whose, which fields, why, of which case."""
    held = who.roles[0] if who.roles else None
    return {
        "whose": list(reading.whose),
        "fields": list(reading.fields),
        "ground": reading.ground.value,
        "unit": held.unit if held else "",
        "role": held.role if held else who.kind,
        **({"case": reading.case} if reading.case else {}),
    }


async def _note(
    handle: ServiceHandle, who: Principal, action: str, kind: str, aggregate_id: str, detail: dict[str, Any]
) -> None:
    async with handle.transaction() as conn:
        await conn.execute(
            f"INSERT INTO {qualified(handle.spec.delivery.audit)} (at, actor, action, kind, aggregate_id, version, detail)"
            " VALUES ($1, $2, $3, $4, $5, 0, $6::jsonb)",
            handle.clock.now(),
            who.account,
            action,
            kind,
            aggregate_id,
            orjson.dumps(detail).decode(),
        )


_READINGS = """
SELECT seq, at, aggregate_id, detail FROM {audit}
WHERE action = 'reading' AND aggregate_id = ANY($1::text[]) AND detail->'whose' ? $2 AND ($3::bigint IS NULL OR seq < $3)
ORDER BY seq DESC LIMIT $4
"""


async def readings_of(
    handle: ServiceHandle, person_ref: str, aggregates: list[str], before: int | None, most: int
) -> list[dict[str, Any]]:
    """Who was shown this person's fields in these aggregates, newest first; never the name of who it was."""
    async with handle.read() as conn:
        sql = _READINGS.format(audit=qualified(handle.spec.delivery.audit))
        rows = await conn.fetch(sql, aggregates, person_ref, before, most)
    older = {"unit": "", "role": ""}  # rows from before these were written down
    return [
        {
            **older,
            "seq": row["seq"],
            "at": row["at"],
            "aggregate_id": row["aggregate_id"],
            **orjson.loads(row["detail"]),
        }
        for row in rows
    ]
