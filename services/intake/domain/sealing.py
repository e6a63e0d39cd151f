"""What is sealed under intake's own key: the application's parties and form, a draft, a person's comments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson

from shared.crypto import Aad, Keyring, Sealed

OWN = "intake"
EVIDENCE, COMMENT, REASON, DRAFT, FILE_NAME = "evidence", "comment", "reason", "draft", "file_name"


def seal(keyring: Keyring, case_id: UUID, part: str | None, round_: int, content: Mapping[str, Any]) -> Sealed:
    """Seals content for intake itself; `part` keeps one kind of content from standing in for another."""
    return keyring.sealer().seal(OWN, Aad(case_id, part, round_, OWN), orjson.dumps(dict(content)))


def unseal(keyring: Keyring, case_id: UUID, part: str | None, round_: int, sealed: Sealed) -> dict[str, Any]:
    """Opens what `seal` sealed."""
    content: dict[str, Any] = orjson.loads(keyring.sealer().open(sealed, Aad(case_id, part, round_, OWN)))
    return content
