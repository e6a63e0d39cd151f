"""Judges a whole submission against the catalogue, the units and the day: everything wrong with it, at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError

from services.intake.domain import materials, routing
from services.intake.domain.lenient import beside, set_aside
from services.intake.domain.routing import Unit
from shared.catalog.forms import World
from shared.catalog.model import Matter
from shared.catalog.parties import MaterialIn, Submission, file_ids, named_parties
from shared.catalog.registry import Catalog
from shared.catalog.submission import examine
from shared.clock import beijing_date
from shared.errors import FieldError
from shared.identity import birth_of, normalise_id_no

_MOMENT: TypeAdapter[datetime | None] = TypeAdapter(AwareDatetime | None)
_UNSEEN = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
DEATH = "death"
"""The form field in which a family reports a death (intake's own, in the catalogue)."""

MOST_TOLD = 200
"""Wrong fields named at most: who sends thousands of them is no form, and weighing each against each takes minutes."""
OLDEST = timedelta(days=3 * 366)
"""How far back a day of receiving may lie: what is older is a typing error."""


@dataclass(frozen=True, slots=True)
class Here:
    """The world of a submission: the catalogue and units in force, when it is, what was granted before, and the files
    it names: each with the code of what keeps it from being used, or None."""

    catalog: Catalog
    units: Sequence[Unit]
    now: datetime
    granted: Collection[str] = ()
    files: Mapping[str, str | None] = field(default_factory=dict)

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
            units=lambda: routing.partners(self.units),
            regions=lambda: routing.regions(self.units),
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
    places: dict[str, str] = field(default_factory=dict)
    """Where a matter is handled, of those that are handled elsewhere than where they were received."""

    @property
    def occurred_on(self) -> date | None:
        """When what the facts are about happened, as the form says."""
        return death_date(self.form)


def check(raw: Mapping[str, Any], here: Here) -> tuple[Checked | None, list[FieldError]]:
    """The checked submission, or every wrong field of it."""
    rest, misshapen = set_aside(raw)
    misshapen = [*misshapen[:MOST_TOLD], *_too_old(rest, here)]
    found = examine(here.catalog, rest, here.now, here.world(), here.granted)
    errors, units, places = found.errors[:MOST_TOLD], dict[str, str | None](), dict[str, str]()
    if found.submission is not None:
        places = _places(found.matters, found.submission, here)
        units = _units(found.matters, found.submission, places, here)
        errors += beside(_further(found.submission, found.matters, units, here), errors)
    errors = misshapen + beside(errors, misshapen)
    if errors or found.submission is None:
        return None, errors
    handled = {code: unit for code, unit in units.items() if unit is not None}
    received_at = found.submission.received_at or here.now
    return Checked(found.submission, found.matters, found.form, found.parties, handled, received_at, places), []


def _places(matters: Sequence[Matter], given: Submission, here: Here) -> dict[str, str]:
    named = ((m.code, routing.place_of(m, given.accept_region, given.form, here.units)) for m in matters)
    return {code: place for code, place in named if place != given.accept_region}


def _units(
    matters: Sequence[Matter], given: Submission, places: Mapping[str, str], here: Here
) -> dict[str, str | None]:
    return {
        m.code: routing.unit_of(m, places.get(m.code, given.accept_region), here.units, here.today) for m in matters
    }


def death_date(form: Mapping[str, Any]) -> date | None:
    """The day of death in a form, None where there is none or it is no date."""
    death = form.get(DEATH)
    try:
        return date.fromisoformat(death["date"]) if isinstance(death, Mapping) else None
    except (KeyError, TypeError, ValueError):
        return None


def not_the_applicant() -> FieldError:
    """A citizen handed in an application whose applicant is another."""
    return FieldError("/applicant/id_no", "APPLICANT_NOT_YOU")


def not_by_oneself(submission: Submission, today: date) -> list[FieldError]:
    """What a citizen may not say of their own application: that it came on an earlier day, or that an official has
    seen an original."""
    found = seen_by_oneself(submission.materials)
    if submission.received_at is not None and beijing_date(submission.received_at) != today:
        found.append(FieldError("/received_at", "NOT_BY_YOURSELF"))
    return found


def seen_by_oneself(given: Sequence[MaterialIn]) -> list[FieldError]:
    """Originals that a citizen says an official has seen."""
    return [
        FieldError(f"/materials/{n}/original_seen", "NOT_BY_YOURSELF") for n, m in enumerate(given) if m.original_seen
    ]


def _too_old(rest: dict[str, Any], here: Here) -> list[FieldError]:
    """Takes a day of receiving out that no calendar holds."""
    try:
        given = _MOMENT.validate_python(rest.get("received_at"))
    except ValidationError:
        return []
    if given is None or given >= here.now - OLDEST:
        return []
    del rest["received_at"]
    return [FieldError("/received_at", "TOO_OLD")]


def _hidden(submission: Submission) -> Iterator[FieldError]:
    """Names with control, direction or zero-width characters: one name would show as another, and never be found."""
    for pointer, party in named_parties(submission):
        if any(unicodedata.category(c) in _UNSEEN for c in party.name):
            yield FieldError(f"{pointer}/name", "HIDDEN_CHARACTER")


def _further(
    submission: Submission, matters: Sequence[Matter], units: Mapping[str, str | None], here: Here
) -> Iterator[FieldError]:
    if None in units.values():
        yield FieldError("/accept_region", "NO_UNIT")
    yield from _hidden(submission)
    yield from _lifetime(submission)
    for n, material in enumerate(submission.materials if matters else ()):  # else the choice of matters is told first
        yield from materials.wrong(f"/materials/{n}", material, matters, submission.accept_region, here.now, here.today)
    for pointer, file_id in file_ids(submission):
        if code := here.files.get(file_id, "FILE_UNKNOWN"):
            yield FieldError(pointer, code)


def _lifetime(submission: Submission) -> Iterator[FieldError]:
    died, subject = death_date(submission.form), submission.subject
    if died is None or subject is None or not subject.id_no:
        return
    born = birth_of(normalise_id_no(subject.id_type, subject.id_no))
    if born is not None and died < born:
        yield FieldError(f"/form/{DEATH}/date", "BEFORE_BIRTH")
