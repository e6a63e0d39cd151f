"""The one port to sources outside: questions in, what each source said out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from shared.outcomes import FactStatus


@dataclass(frozen=True, slots=True)
class Question:
    """One question to one source.

    `question` names whom it is about as `person: {id_type, id_no, …}`, as `person_ref`, or what as `key`; the rest is
    what is claimed. The same `idempotency_key` is the same question, asked again.
    """

    ask_id: UUID
    source: str
    question: Mapping[str, Any]
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class FactAnswer:
    """What a source said: it confirms, it contradicts, or it is silent (then it is asked again later).

    `data` is what it knows, personal; `source_no` its own number for it.
    """

    status: FactStatus
    data: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    source_no: str | None = None


class FactSource(Protocol):
    """Answers questions in batches. It may block on the network for as long as its own time limit says."""

    async def answer(self, questions: Sequence[Question]) -> Sequence[FactAnswer]:
        """One answer a question, in their order; raises anything when it cannot be reached: that is silence."""
