"""References to the people of an application: keyed, so that nothing personal stands in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from shared.crypto import Keyring
from shared.messages import derived_id
from shared.person_index import PersonIndex

NAME, QUERY_CODE = "name", "query_code"
RECEIVED_BY = "received_by"
"""Where, beside parties and form, the names of who received an application rest, by account."""
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_LENGTH = 10


def index_of(keyring: Keyring) -> PersonIndex:
    """The index under this installation's key."""
    return PersonIndex(keyring.index_key)


def refs_by_role(parties: Mapping[str, Any], index: PersonIndex, case_id: UUID) -> dict[str, list[str]]:
    """`person_ref`s by role; a person nobody can name gets one that no other application shares."""
    found: dict[str, list[str]] = {}
    for place, role in (
        ("applicant", "applicant"),
        ("subject", "subject"),
        ("co_applicants", "co_applicant"),
        ("household", "household"),
    ):
        people = parties.get(place) or []
        people = people if isinstance(people, list) else [people]
        found[role] = [_ref(p, index, derived_id(case_id, place, n)) for n, p in enumerate(people)]
    return found


def _ref(party: Mapping[str, Any], index: PersonIndex, unknown: UUID) -> str:
    return index.ref_of(party) or index.unknown_person_ref(unknown)


def owner_ref(whose: str, refs: Mapping[str, Sequence[str]]) -> str:
    """Whose matter it is: the subject where the matter says so and there is one, else the applicant."""
    return (refs["subject"] or refs["applicant"])[0] if whose == "subject" else refs["applicant"][0]


def query_code(index: PersonIndex, case_id: UUID) -> str:
    """The code that opens the progress page: ten characters no one mistakes for another, always the same a case."""
    number = int(index.blind(QUERY_CODE, str(case_id))[3:], 16)
    code = ""
    for _ in range(_CODE_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        code += _ALPHABET[digit]
    return code


def query_hash(index: PersonIndex, code: str) -> str:
    """What is stored of a query code."""
    return index.blind("query_code_row", code)
