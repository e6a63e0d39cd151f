"""Matters of other departments that a form may ask for (`external`): what each is, and who handles it.

None of them is connected before departments handle items by the protocol themselves. Until then a form that asks for
one is refused by that field, so that nobody believes it was passed on: the applicant goes there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from shared.catalog.parties import Submission
from shared.catalog.registry import Catalog
from shared.codes import named, words
from shared.errors import FieldError


@dataclass(frozen=True, slots=True)
class ExternalMatter:
    """What a department outside handles."""

    name: str
    department: str


EXTERNAL: Final[Mapping[str, ExternalMatter]] = {
    "psb.household_cancel": ExternalMatter("户口注销", "公安"),
    "psb.spouse_move": ExternalMatter("夫妻投靠落户", "公安"),
    "hrss.pension_stop": ExternalMatter("养老保险待遇停发", "人社"),
    "hrss.survivor_benefit": ExternalMatter("遗属待遇", "人社"),
    "medins.account_settle": ExternalMatter("医保个人账户结清", "医保"),
    "dpf.card": ExternalMatter("残疾人证办理", "残联"),
    "dpf.card_cancel": ExternalMatter("残疾人证注销", "残联"),
    "health.birth_registration": ExternalMatter("生育登记", "卫健"),
}


def external_faults(catalog: Catalog, given: Submission) -> Iterator[FieldError]:
    """What is wrong with each matter outside that a form asks for: unknown, one of ours, or not connected."""
    for n, code in enumerate(given.external):
        yield FieldError(f"/external/{n}", *_fault(catalog, code))


def _fault(catalog: Catalog, code: str) -> tuple[str, str]:
    if code in catalog.matters:
        return "NOT_ALLOWED", "本平台办理的事项请写在 matters 中 / a matter that is handled here stands in `matters`"
    found = EXTERNAL.get(code)
    if found is None:
        return "UNKNOWN_MATTER", named("UNKNOWN_MATTER", code, EXTERNAL)
    zh, en = words("EXTERNAL_NOT_CONNECTED")
    return "EXTERNAL_NOT_CONNECTED", f"{found.name}({found.department}):{zh} / {code}: {en}"
