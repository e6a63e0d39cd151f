"""What is handed in (contract shapes): parties, materials, the submission; and which parties a case takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from shared.catalog.forms import Name, Region
from shared.catalog.materials import NAMES as MATERIAL_NAMES
from shared.catalog.model import Matter
from shared.catalog.registry import Catalog
from shared.codes import named
from shared.errors import FieldError
from shared.identity import IdType, check_id_no, normalise_id_no
from shared.outcomes import Channel

Short = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z_]{0,29}$")]
MatterCode = Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}\.[a-z_]{1,40}$")]
_EXTERNAL = (
    "其他部门的联办事项;在该部门接入之前逐项拒绝(EXTERNAL_NOT_CONNECTED)"
    " / matters of other departments: refused one by one until the department is connected"
)
FileId = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class Shape(BaseModel):
    """Base of what is handed in: an unknown name is refused, not passed over."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Party(Shape):
    """A person or organisation in a role (当事人); only an unknown person has no number."""

    role: Word | None = None
    kind: Literal["person", "organisation"] = "person"
    name: Name
    id_type: IdType
    id_no: Annotated[str, StringConstraints(max_length=40)] | None = None
    phone: Annotated[str, StringConstraints(pattern=r"^\+?[0-9][0-9 -]{4,19}$")] | None = None
    relation: Literal["spouse", "child", "parent", "sibling", "grandchild", "other"] | None = None
    contact: Short | None = None


class Member(Party):
    """A member of the household, with the authorization to look into the means."""

    authorization_file_id: FileId | None = None


class AgentParty(Party):
    """Who acts for the applicant, of which kind, by which mandate."""

    kind: Literal[  # type: ignore[assignment]  # the contract gives an agent's `kind` another meaning
        "relative", "guardian", "voluntary_guardian", "village_committee", "grid_worker", "institution", "lawyer"
    ]
    mandate_file_id: FileId


class CommitmentIn(Shape):
    """That somebody was told in writing, under which version of the text, and signed of their own will."""

    version: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    informed_at: AwareDatetime
    signed_at: AwareDatetime
    method: Literal["written", "electronic"] | None = None


class MaterialIn(Shape):
    """One material of the application, and where it comes from."""

    type: Word
    source: Literal["shared", "certificate", "platform", "upload", "paper", "commitment", "deferred"]
    file_id: FileId | None = None
    form: Literal["original", "copy", "scan"] | None = None
    copies: Annotated[int, Field(ge=1, le=99)] | None = None
    original_seen: bool | None = None
    promise_by: date | None = None
    commitment: CommitmentIn | None = None


class Submission(Shape):
    """An application as it is handed in; the form is checked against the matters of the case afterwards."""

    bundle: Annotated[str, StringConstraints(max_length=40)] | None = None
    matters: Annotated[list[MatterCode], Field(max_length=30)] = Field(default_factory=list)
    applicant: Party
    co_applicants: Annotated[list[Party], Field(max_length=10)] = Field(default_factory=list)
    subject: Party | None = None
    household: Annotated[list[Member], Field(max_length=30)] = Field(default_factory=list)
    agent: AgentParty | None = None
    form: dict[str, Any] = Field(default_factory=dict)
    materials: Annotated[list[MaterialIn], Field(max_length=100)] = Field(default_factory=list)
    channel: Channel
    accept_region: Region
    received_at: AwareDatetime | None = None
    received_reason: Short | None = None
    partner_ref: Annotated[str, StringConstraints(min_length=1, max_length=100)] | None = None
    external: Annotated[list[MatterCode], Field(max_length=30, description=_EXTERNAL)] = Field(default_factory=list)


def named_parties(submission: Submission) -> Iterator[tuple[str, Party]]:
    """Every party with its JSON pointer."""
    yield "/applicant", submission.applicant
    yield from ((f"/co_applicants/{n}", p) for n, p in enumerate(submission.co_applicants))
    if submission.subject:
        yield "/subject", submission.subject
    yield from ((f"/household/{n}", p) for n, p in enumerate(submission.household))
    if submission.agent:
        yield "/agent", submission.agent


def file_ids(submission: Submission) -> Iterator[tuple[str, str]]:
    """Every file the submission names, with its JSON pointer."""
    if submission.agent:
        yield "/agent/mandate_file_id", submission.agent.mandate_file_id
    for n, member in enumerate(submission.household):
        if member.authorization_file_id:
            yield f"/household/{n}/authorization_file_id", member.authorization_file_id
    for n, material in enumerate(submission.materials):
        if material.file_id:
            yield f"/materials/{n}/file_id", material.file_id


def clean_parties(submission: Submission) -> dict[str, Any]:
    """The parties as JSON data by place, identity numbers in their one way of writing; absent ones left out."""
    parties: dict[str, Any] = {"applicant": _clean(submission.applicant, "applicant")}
    if submission.subject:
        parties["subject"] = _clean(submission.subject, "subject")
    if submission.co_applicants:
        parties["co_applicants"] = [_clean(p, "co_applicant") for p in submission.co_applicants]
    if submission.household:
        parties["household"] = [_clean(p, "household") for p in submission.household]
    if submission.agent:
        parties["agent"] = _clean(submission.agent, "agent")
    return parties


def _clean(party: Party, role: str) -> dict[str, Any]:
    data = party.model_dump(mode="json", exclude_none=True)
    data.setdefault("role", role)
    if party.id_no is not None:
        data["id_no"] = normalise_id_no(party.id_type, party.id_no)
    return data


def validate_parties(
    catalog: Catalog, matters: Sequence[Matter] | None, submission: Submission, today: date
) -> list[FieldError]:
    """Every party and material that is wrong for these matters, all at once; None: it is not known which are meant."""
    return [
        *(_places(matters, submission) if matters is not None else ()),
        *(e for pointer, party in named_parties(submission) for e in _identity(pointer, party, today)),
        *_same_person(matters or (), submission),
        *_materials(catalog, submission),
    ]


def _places(matters: Sequence[Matter], given: Submission) -> Iterator[FieldError]:
    if given.subject is None and any(m.subject == "required" for m in matters):
        yield FieldError("/subject", "REQUIRED")
    refused = (
        (given.subject, any(m.subject != "none" for m in matters), "/subject", "SUBJECT_NOT_TAKEN"),
        (given.co_applicants, any(m.co_applicants for m in matters), "/co_applicants", "CO_APPLICANT_NOT_TAKEN"),
        (given.household, any(m.household for m in matters), "/household", "HOUSEHOLD_NOT_TAKEN"),
    )
    yield from (FieldError(pointer, code) for value, ok, pointer, code in refused if value and not ok)


def _identity(pointer: str, party: Party, today: date) -> Iterator[FieldError]:
    organisation = party.id_type == "uscc"
    if not isinstance(party, AgentParty) and organisation != (party.kind == "organisation"):
        yield FieldError(f"{pointer}/id_type", "NOT_ALLOWED")
    problem = check_id_no(party.id_type, party.id_no, today)
    if problem is not None:
        yield FieldError(f"{pointer}/id_no", problem)


def _same_person(matters: Sequence[Matter], given: Submission) -> Iterator[FieldError]:
    subject = given.subject
    if subject is None or not any(m.subject == "required" for m in matters):
        return
    if subject.id_no and _key(subject) == _key(given.applicant):
        yield FieldError("/subject/id_no", "SAME_PERSON")


def _key(party: Party) -> tuple[str, str]:
    return party.id_type, normalise_id_no(party.id_type, party.id_no or "")


def _materials(catalog: Catalog, given: Submission) -> Iterator[FieldError]:
    known = MATERIAL_NAMES.keys() | {need.type for m in catalog.matters.values() for need in m.materials}
    for n, material in enumerate(given.materials):
        if material.type not in known:
            yield FieldError(
                f"/materials/{n}/type", "UNKNOWN_MATERIAL", named("UNKNOWN_MATERIAL", material.type, known)
            )
        if material.source == "upload" and material.file_id is None:
            yield FieldError(f"/materials/{n}/file_id", "REQUIRED")
        if material.source == "deferred" and material.promise_by is None:
            yield FieldError(f"/materials/{n}/promise_by", "REQUIRED")
