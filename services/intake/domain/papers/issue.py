"""Issuing: a paper that was made gets its content, its number, its hash and its signatures, and never changes again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from services.intake.domain.papers.content import Opened, World, authority_for, build, source_of
from services.intake.domain.papers.model import APPLICANT, HASH, Draft, Filed, Moment, by_person
from services.intake.domain.papers.templates import templates
from services.intake.domain.people import RECEIVED_BY, index_of, query_code
from services.intake.domain.sealing import seal, unseal
from shared.catalog.definition import canonical, sha256_of
from shared.catalog.protocol import Finding, ItemView
from shared.crypto import Keyring, Sealed
from shared.handling.sealing import open_names, open_result
from shared.seals import SealMark, ToSeal

Series = tuple[str, str, int]
"""Whose numbers these are: the organ's word, the word of the kind, the year in Beijing."""
NO_AUTHORITY = "NO_AUTHORITY"
SYSTEM = "system"
_LAST = {
    **dict.fromkeys(("receipt", "tolerance", "supplied", "commitment"), "received"),
    **dict.fromkeys(("acceptance", "pause", "resume", "transfer"), "handled"),
    "delivery": "delivered",
}
"""What the last one who signed such a paper did; everywhere else they decided."""


@dataclass(slots=True)
class Ready:
    """A paper that only lacks its number."""

    draft: Draft
    series: Series
    content: dict[str, Any]
    number: str = ""
    digest: str = ""

    def numbered(self, n: int) -> None:
        """Gives it its number in its series, and with it its hash."""
        organ, word, year = self.series
        self.number = self.content["number"] = f"{organ}{word}〔{year}〕{n}号"
        self.digest = sha256_of(canonical(self.content))

    def to_seal(self) -> ToSeal:
        """What a seal is put under."""
        organ = self.content["organ"]
        return ToSeal(self.draft.id, organ["code"], organ["seal"], HASH, self.digest)


class People(NamedTuple):
    """The parties of an application, and the names of who received it, by account."""

    parties: Mapping[str, Any]
    received_by: Mapping[str, str]


def open_people(filed: Filed, keyring: Keyring) -> People:
    """The people of an application, opened once for all its papers."""
    found = unseal(keyring, filed.id, None, filed.sealed_round, filed.submission)
    return People(found["parties"], found.get(RECEIVED_BY, {}))


def prepare(draft: Draft, filed: Filed, people: People, keyring: Keyring, world: World) -> Ready | None:
    """The paper as far as it goes without a number; None where nobody is declared to have authority."""
    authority = authority_for(draft, filed, world)
    if authority is None:
        return None
    content = build(source_of(draft, filed, open_ground(draft, filed, people, keyring), authority, world))
    word = templates()[draft.kind].word
    return Ready(draft, (authority.organ_short, word, int(content["date"][:4])), content)


def open_ground(draft: Draft, filed: Filed, people: People, keyring: Keyring) -> Opened:
    """Opens what the paper's content needs of what is sealed, and nothing else."""
    moment = draft.moment
    receiver = unseal(keyring, filed.id, "receiver/proof", 0, moment.receiver) if moment.receiver else {}
    named = {moment.proof.by: receiver["by"]} if moment.proof is not None and receiver.get("by") else {}
    return Opened(
        parties=people.parties,
        results={str(i.item_id): found for i in moment.items if (found := _result(i, filed, keyring))},
        findings={str(i.item_id): _findings(i, filed, keyring) for i in moment.items if i.findings},
        receiver=receiver.get("name"),
        failures=receiver.get("failures", ()),
        query_hint=_hint(filed.id, keyring) if draft.kind == "receipt" else "",
        names={**people.received_by, **_names(moment, filed, keyring), **named} if moment.by else {},
    )


def _names(moment: Moment, filed: Filed, keyring: Keyring) -> dict[str, str]:
    """Of those who acted on its items; nothing is opened where a rule did."""
    found: dict[str, str] = {}
    for item in moment.items:
        if item.handled is not None and item.handled.names is not None:
            found |= open_names(keyring.sealer(), item.service, filed.id, item.item_id, item.handled.names)
    return found


def _hint(case_id: UUID, keyring: Keyring) -> str:
    """Enough of the query code to know it again, too little to use it."""
    code = query_code(index_of(keyring), case_id)
    return f"{code[:2]}{'*' * (len(code) - 2)}"


def _result(item: ItemView, filed: Filed, keyring: Keyring) -> Mapping[str, Any]:
    if item.result is None or item.result.sealed is None:
        return {}
    return open_result(keyring.sealer(), item.service, filed.id, item.item_id, item.round, item.result.sealed)


def _findings(item: ItemView, filed: Filed, keyring: Keyring) -> list[Finding]:
    return [_in_words(item, finding, filed, keyring) for finding in item.findings]


def _in_words(item: ItemView, finding: Finding, filed: Filed, keyring: Keyring) -> Finding:
    if finding.sealed is None:
        return finding
    words = open_result(keyring.sealer(), item.service, filed.id, item.item_id, item.round, finding.sealed)
    return finding.model_copy(update={"message_zh": words["zh"]})


def demand(ready: Iterable[Ready]) -> list[tuple[Series, int]]:
    """How many numbers each series must give, in one order for everybody."""
    wanted: dict[Series, int] = {}
    for one in ready:
        wanted[one.series] = wanted.get(one.series, 0) + 1
    return sorted(wanted.items())


def number_all(ready: Sequence[Ready], last: Mapping[Series, int]) -> None:
    """Numbers the papers in their order; `last` is the last number given to each series now."""
    following = {series: last[series] - count for series, count in demand(ready)}
    for one in ready:
        following[one.series] += 1
        one.numbered(following[one.series])


def sealed_content(one: Ready, keyring: Keyring) -> str:
    """The content as it rests, bound to its paper."""
    return seal(keyring, one.draft.case_id, place_of(one.draft.id), 0, one.content).to_text()


def open_content(keyring: Keyring, case_id: UUID, paper_id: UUID, sealed: Sealed) -> dict[str, Any]:
    """What `sealed_content` sealed; `Poison` when it was altered or belongs to another paper."""
    return unseal(keyring, case_id, place_of(paper_id), 0, sealed)


def place_of(paper_id: UUID) -> str:
    """What a paper's content is bound to."""
    return f"paper/{paper_id}"


def signatures(one: Ready, mark: SealMark | None) -> list[dict[str, Any]]:
    """Who answers for the paper: the accounts that acted, the deciding one last; its unit where a person acted whom the
    service did not name; or the rule; and the seal."""
    by, last = one.draft.moment.by, _last(one.draft)
    signers = [(a, last if n == len(by) else "handled", "account") for n, a in enumerate(by, 1)]
    if (made := one.draft.moment.commitment) is not None:
        signers = [(APPLICANT, "committed", "handwriting" if made.method == "written" else "electronic"), *signers]
    nobody = (one.draft.moment.items[0].unit, "handled", "unit") if by_person(one.draft) else (SYSTEM, "rule", "rule")
    rows = [_signature(one, n, *who) for n, who in enumerate(signers or [nobody], 1)]
    return [*rows, seal_row(one.to_seal(), len(rows) + 1, mark, one.draft.made_at)] if mark is not None else rows


def _last(draft: Draft) -> str:
    told = draft.moment.correction
    if told is not None:  # what is found is told by who found it, unless a supervisor had to let it out
        return "decided" if told.supervised else "handled"
    return _LAST.get(draft.kind, "decided")


def _signature(one: Ready, n: int, signer: str, role: str, method: str) -> dict[str, Any]:
    return {
        "paper_id": one.draft.id,
        "n": n,
        "signer": signer,
        "role": role,
        "method": method,
        "at": one.draft.made_at,
        "algorithm": HASH,
        "digest": one.digest,
        "provider": None,
        "provider_no": None,
        "witnesses": None,
    }


def seal_row(paper: ToSeal, n: int, mark: SealMark, at: Any) -> dict[str, Any]:
    """The seal under a paper, as the last of its signatures."""
    return {
        "paper_id": paper.paper_id,
        "n": n,
        "signer": paper.seal,
        "role": "seal",
        "method": "seal",
        "at": at,
        "algorithm": paper.algorithm,
        "digest": paper.digest,
        "provider": mark.provider,
        "provider_no": mark.number,
        "witnesses": None,
    }
