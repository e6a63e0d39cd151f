"""Whose a matter is: under which key two applications for the same would be duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from shared.catalog.model import Matter


def keys_of(matter: Matter, refs: Mapping[str, Sequence[str]]) -> list[str]:
    """The keys of one matter, from `person_ref`s by role (applicant, co_applicant, subject, household).

    A pair has one key whatever its order; a household has one for each of its members, so that a person stands in one
    household only.
    """
    applicant = list(refs.get("applicant", ()))
    subject = list(refs.get("subject", ())) or applicant
    if matter.whose == "subject":
        return subject
    if matter.whose == "pair":
        return [_pair([*applicant, *refs.get("co_applicant", ())])]
    if matter.whose == "household":
        return list(dict.fromkeys([*subject, *refs.get("household", ())]))
    return applicant


def _pair(refs: Sequence[str]) -> str:
    return "pr_" + sha256("/".join(sorted(refs)).encode()).hexdigest()
