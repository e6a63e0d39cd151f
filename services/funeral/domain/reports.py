"""What a funeral home reports: one cremation, kept for good, whether or not anybody has applied."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.funeral.domain.fees import Charge, charge_rows
from shared.catalog.forms import Code, Name
from shared.changes import Ctx, State
from shared.clock import beijing_date
from shared.codes import named
from shared.crypto import Aad, Sealed
from shared.errors import FieldError
from shared.identity import birth_of, check_id_no, normalise_id_no
from shared.masking import mask_id_no, mask_name
from shared.messages import derived_id
from shared.money import NonNegativeYuan
from shared.person_index import PersonIndex

KIND = "cremation"
Short = Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)]


class Shape(BaseModel):
    """Base of what is handed in: an unknown name is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Person(Shape):
    """The person cremated; somebody nobody can name yet is not reported here."""

    id_type: Literal["resident_id", "hmt_residence", "foreign_permanent", "passport"]
    id_no: Annotated[str, StringConstraints(max_length=40)]
    name: Name


class ReportedCharge(Shape):
    """One line of the home's bill; `charged` is the line's total."""

    code: Code
    quantity: Annotated[int, Field(ge=1, le=9999, strict=True)]
    charged: Annotated[NonNegativeYuan, Field(le=10_000_000)]


class CremationReport(Shape):
    """What a home hands in (火化信息上报)."""

    home_no: Annotated[str, StringConstraints(pattern=r"^FH-[0-9]{6}-[0-9]{2}$")]
    person: Person
    died_on: date
    cremated_on: date
    furnace: Short | None = None
    certificate_no: Short
    charges: Annotated[list[ReportedCharge], Field(min_length=1, max_length=50)]

    @property
    def id(self) -> UUID:
        """The one id of this home's certificate."""
        return derived_id(KIND, self.home_no, self.certificate_no)

    def bill(self) -> list[Charge]:
        """The charges as the rules read them."""
        return [Charge(c.code, c.quantity, c.charged) for c in self.charges]

    def content(self) -> dict[str, Any]:
        """Everything reported, in one way of writing: two reports of the same content are the same report."""
        found = self.model_dump(mode="json")
        found["person"]["id_no"] = normalise_id_no(self.person.id_type, self.person.id_no)
        return {**found, "charges": sorted(charge_rows(self.bill()), key=lambda c: str(c["code"]))}


class Cremation(State):
    """A reported cremation (火化). Who it was, the certificate and the furnace lie in `content`, sealed."""

    person_ref: str
    home_no: str
    died_on: date
    cremated_on: date
    charges: list[dict[str, Any]]
    reported_at: datetime
    reported_by: str
    content: Sealed

    def opened(self, ctx: Ctx) -> dict[str, Any]:
        """The whole report as it came in; personal."""
        found: dict[str, Any] = orjson.loads(ctx.keyring.sealer().open(self.content, _aad(self.id, ctx)))
        return found

    def report(self, ctx: Ctx) -> dict[str, Any]:
        """What the source `cremation_report` says of it."""
        content = self.opened(ctx)
        return {
            "home_no": self.home_no,
            "name": content["person"]["name"],
            "certificate_no": content["certificate_no"],
            "died_on": self.died_on.isoformat(),
            "cremated_on": self.cremated_on.isoformat(),
            "charges": self.charges,
        }

    def shown(self, ctx: Ctx) -> dict[str, Any]:
        """The home's own record for its list, the person masked."""
        content = self.opened(ctx)
        person = content["person"]
        return {
            "id": str(self.id),
            "home_no": self.home_no,
            "certificate_no": content["certificate_no"],
            "person": {"name": mask_name(person["name"]), "id_no": mask_id_no(person["id_no"])},
            "died_on": self.died_on.isoformat(),
            "cremated_on": self.cremated_on.isoformat(),
            "charges": self.charges,
            "reported_at": self.reported_at.isoformat(),
        }


def district_of(home_no: str) -> str:
    """The division code in a home's number: `FH-420112-01` lies in 420112."""
    return home_no[3:9]


def faults(report: CremationReport, codes: Collection[str], today: date) -> list[FieldError]:
    """Everything wrong with a report of the right shape; `codes` are the charges that a home may name."""
    return [*_identity(report, today), *_days(report, today), *_charges(report, codes)]


def cremation(report: CremationReport, by: str, ctx: Ctx) -> Cremation:
    """The record of a report, its personal side sealed under this service's own key."""
    content = report.content()
    person = content["person"]
    sealed = ctx.keyring.sealer().seal(ctx.service, _aad(report.id, ctx), orjson.dumps(content))
    return Cremation(
        id=report.id,
        person_ref=PersonIndex(ctx.keyring.index_key).person_ref(person["id_type"], person["id_no"]),
        home_no=report.home_no,
        died_on=report.died_on,
        cremated_on=report.cremated_on,
        charges=content["charges"],
        reported_at=ctx.now,
        reported_by=by,
        content=sealed,
    )


def today(ctx: Ctx) -> date:
    """The Beijing date."""
    return beijing_date(ctx.now)


def _aad(identity: UUID, ctx: Ctx) -> Aad:
    return Aad(identity, None, 0, f"{ctx.service}/{KIND}")


def _identity(report: CremationReport, today: date) -> Iterator[FieldError]:
    problem = check_id_no(report.person.id_type, report.person.id_no, today)
    if problem:
        yield FieldError("/person/id_no", problem)
        return
    born = birth_of(normalise_id_no(report.person.id_type, report.person.id_no))
    if born and born > report.died_on:
        yield FieldError("/died_on", "BEFORE_BIRTH")


def _days(report: CremationReport, today: date) -> Iterator[FieldError]:
    for name, day in (("died_on", report.died_on), ("cremated_on", report.cremated_on)):
        if day > today:
            yield FieldError(f"/{name}", "IN_FUTURE")
    if report.cremated_on < report.died_on:
        yield FieldError("/cremated_on", "BEFORE_DEATH")


def _charges(report: CremationReport, codes: Collection[str]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for n, charge in enumerate(report.charges):
        if charge.code not in codes:
            yield FieldError(f"/charges/{n}/code", "UNKNOWN_CHARGE", named("UNKNOWN_CHARGE", charge.code, codes))
        elif charge.code in seen:
            yield FieldError(f"/charges/{n}/code", "DUPLICATE_CODE")
        seen.add(charge.code)
