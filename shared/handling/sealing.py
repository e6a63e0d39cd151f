"""What is sealed around an item: its part of the application, the personal side of its result, a service's notes.

All of it lies under the handling service's own key, which intake holds too; the associated data says which is which.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

import orjson
from pydantic_core import to_jsonable_python

from shared.changes import Ctx
from shared.crypto import Aad, Sealed, Sealer
from shared.errors import Poison
from shared.handling.model import Item, Part, Work

_NOTES_ROUND: Final = 0
"""Notes, and the names of who acted, outlive rounds."""


def seal_part(
    sealer: Sealer, service: str, case_id: UUID, item_id: UUID, sealed_round: int, part: Mapping[str, Any]
) -> Sealed:
    """The part `{parties: {role: party or list}, form: {…}}` of an application, sealed for its service."""
    return sealer.seal(service, Aad(case_id, item_id, sealed_round, service), _dump(part))


def open_part(sealer: Sealer, service: str, case_id: UUID, item_id: UUID, sealed_round: int, sealed: Sealed) -> Part:
    """The opened part; `Poison` when it was altered or belongs elsewhere."""
    content = orjson.loads(sealer.open(sealed, Aad(case_id, item_id, sealed_round, service)))
    if not isinstance(content, dict):
        raise Poison("密封内容的形状不对", "the sealed part has not the shape that was agreed")
    return Part(parties=content.get("parties", {}), form=content.get("form", {}))


def seal_result(
    sealer: Sealer, service: str, case_id: UUID, item_id: UUID, round_: int, personal: Mapping[str, Any]
) -> Sealed:
    """The personal side of a result, under the service's own key with the service as recipient: intake opens it."""
    return sealer.seal(service, Aad(case_id, item_id, round_, service), _dump(personal))


def open_result(
    sealer: Sealer, service: str, case_id: UUID, item_id: UUID, round_: int, sealed: Sealed
) -> dict[str, Any]:
    """The personal side of a result, for whoever holds the service's key; `Poison` when it belongs elsewhere."""
    content: dict[str, Any] = orjson.loads(sealer.open(sealed, Aad(case_id, item_id, round_, service)))
    return content


def seal_names(sealer: Sealer, service: str, case_id: UUID, item_id: UUID, names: Mapping[str, str]) -> Sealed:
    """The names of who acted on an item, by account, under its service's own key: intake opens them for papers."""
    return sealer.seal(service, _names_aad(service, case_id, item_id), _dump(names))


def open_names(sealer: Sealer, service: str, case_id: UUID, item_id: UUID, sealed: Sealed) -> dict[str, str]:
    """The names of who acted, for whoever holds the service's key; `Poison` when they belong elsewhere."""
    content: dict[str, str] = orjson.loads(sealer.open(sealed, _names_aad(service, case_id, item_id)))
    return content


def _names_aad(service: str, case_id: UUID, item_id: UUID) -> Aad:
    return Aad(case_id, item_id, _NOTES_ROUND, f"{service}/names")


def open_work(item: Item, ctx: Ctx) -> Work:
    """The item with its part and notes opened, as a procedure looks at it."""
    sealer = ctx.keyring.sealer()
    part = open_part(sealer, ctx.service, item.case_id, item.id, item.part_round, item.part)
    notes: dict[str, Any] = {}
    if item.notes is not None:
        notes = orjson.loads(sealer.open(item.notes, _notes_aad(item, ctx)))
    return Work(item=item, part=part, answers=notes.pop("answers", {}), notes=notes)


def seal_notes(work: Work, ctx: Ctx) -> Sealed:
    """The notes and answers of a piece of work, for this service alone."""
    plain = _dump({**work.notes, "answers": work.answers})
    return ctx.keyring.sealer().seal(ctx.service, _notes_aad(work.item, ctx), plain)


def _notes_aad(item: Item, ctx: Ctx) -> Aad:
    return Aad(item.case_id, item.id, _NOTES_ROUND, f"{ctx.service}/notes")


def _dump(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps(to_jsonable_python(content))
