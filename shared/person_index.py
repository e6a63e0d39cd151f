"""Keyed references that stand for a person or a value without telling it."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from shared.identity import normalise_id_no


class PersonIndex:
    """References that stand for a person or a value without telling it: HMAC-SHA-256 under the index key.

    The key (32 bytes or more, else `ValueError`) is never rotated: references stay the same for good.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 32:
            raise ValueError("the index key has at least 32 bytes")
        self._key = key

    def __repr__(self) -> str:
        return "PersonIndex(…)"

    def person_ref(self, id_type: str, id_no: str) -> str:
        """`p1_` and 64 hex digits: the same for every way of writing one number of one type."""
        return "p1_" + _hmac(self._key, "person", id_type, normalise_id_no(id_type, id_no))

    def ref_of(self, party: Any) -> str | None:
        """The reference of a party by its type and number; None where it names none."""
        if not isinstance(party, Mapping) or not (party.get("id_type") and party.get("id_no")):
            return None
        return self.person_ref(str(party["id_type"]), str(party["id_no"]))

    def unknown_person_ref(self, random_id: UUID) -> str:
        """A `p1_` reference for a person nobody can name yet, from a fresh id that the caller keeps."""
        return "p1_" + _hmac(self._key, "unknown", random_id.hex)

    def exact(self, name: str, value: str) -> str:
        """`b1_` and 64 hex digits: finds this very value, letter by letter."""
        return "b1_" + _hmac(self._key, "exact", name, value)

    def blind(self, name: str, value: str) -> str:
        """`b1_` and 64 hex digits: finds an equal value of the same field, spaces and width aside."""
        plain = re.sub(r"\s+", " ", unicodedata.normalize("NFKC", value)).strip().casefold()
        return "b1_" + _hmac(self._key, "blind", name, plain)


def subject_ref(department_key: bytes, person_ref: str) -> str:
    """`s1_` and 64 hex digits: what one department sees in place of `person_ref`; two departments cannot join on it."""
    if len(department_key) < 32:
        raise ValueError("a department's key has at least 32 bytes")
    return "s1_" + _hmac(department_key, "subject", person_ref)


def _hmac(key: bytes, *parts: str) -> str:
    return hmac.digest(key, "\x1f".join(parts).encode(), hashlib.sha256).hex()
