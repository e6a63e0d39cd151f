"""Judges a whole submission against the catalogue, the units and the day: everything wrong with it, at once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.intake.domain import routing
from services.intake.domain.routing import Unit
from services.intake.domain.shape import beside, set_aside
from shared.catalog.forms import World
from shared.catalog.model import Matter
from shared.catalog.parties import Submission, file_ids
from shared.catalog.registry import Catalog
from shared.catalog.submission import examine
from shared.clock import beijing_date
from shared.errors import FieldError
from shared.identity import birth_of, normalise_id_no

DEATH = "death"
"""The form field in which a family reports a death (intake's own, in the catalogue)."""

_WORDS = {
    "NO_UNIT": "该地区没有办理此事项的机构 / no unit there handles this matter",
    "FILE_UNKNOWN": "没有这个文件,请先上传 / there is no such file, upload it first",
    "BEFORE_BIRTH": "死亡日期早于证件号码中的出生日期 / the death is before the birth in the number",
    "APPLICANT_NOT_YOU": "网上申请须由申请人本人提交 / an application online is handed in by the applicant",
}


@dataclass(frozen=True, slots=True)
class Here:
    """The world of a submission: the catalogue and units in force, when it is, and what was granted before."""

    catalog: Catalog
    units: Sequence[Unit]
    now: datetime
    granted: Collection[str] = ()

    @property
    def today(self) -> date:
        """The Beijing date."""
        return beijing_date(self.now)

    def world(self) -> World:
        """What a form's values are checked against."""
        return World(
            today=self.today,
            known_unit=lambda code: routing.partner(code, self.units) is not None,
            known_region=lambda region: routing.knows_region(region, self.units),
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """A submission that may be received: its matters in order, clean form and parties, the unit of each matter."""

    submission: Submission
    matters: list[Matter]
    form: dict[str, Any]
    parties: dict[str, Any]
    units: dict[str, str]
    received_at: datetime

    @property
    def occurred_on(self) -> date | None:
        """When what the facts are about happened, as the form says."""
        return death_date(self.form)


def check(raw: Mapping[str, Any], here: Here) -> tuple[Checked | None, list[FieldError]]:
    """The checked submission, or every wrong field of it."""
    rest, misshapen = set_aside(raw)
    found = examine(here.catalog, rest, here.now, here.world(), here.granted)
    errors, units = list(found.errors), dict[str, str | None]()
    if found.submission is not None:
        units = {m.code: routing.unit_of(m, found.submission.accept_region, here.units) for m in found.matters}
        errors += beside(_further(found.submission, units), errors)
    errors = misshapen + beside(errors, misshapen)
    if errors or found.submission is None:
        return None, errors
    handled = {code: unit for code, unit in units.items() if unit is not None}
    received_at = found.submission.received_at or here.now
    return Checked(found.submission, found.matters, found.form, found.parties, handled, received_at), []


def death_date(form: Mapping[str, Any]) -> date | None:
    """The day of death in a form, None where there is none or it is no date."""
    death = form.get(DEATH)
    try:
        return date.fromisoformat(death["date"]) if isinstance(death, Mapping) else None
    except (KeyError, TypeError, ValueError):
        return None


def not_the_applicant() -> FieldError:
    """A citizen handed in an application whose applicant is another."""
    return _error("/applicant/id_no", "APPLICANT_NOT_YOU")


def _further(submission: Submission, units: Mapping[str, str | None]) -> Iterator[FieldError]:
    if None in units.values():
        yield _error("/accept_region", "NO_UNIT")
    yield from _lifetime(submission)
    # Until files are kept nothing can have been uploaded.
    yield from (_error(pointer, "FILE_UNKNOWN") for pointer, _ in file_ids(submission))


def _lifetime(submission: Submission) -> Iterator[FieldError]:
    died, subject = death_date(submission.form), submission.subject
    if died is None or subject is None or not subject.id_no:
        return
    born = birth_of(normalise_id_no(subject.id_type, subject.id_no))
    if born is not None and died < born:
        yield _error(f"/form/{DEATH}/date", "BEFORE_BIRTH")


def _error(pointer: str, code: str) -> FieldError:
    return FieldError(pointer, code, _WORDS[code])
