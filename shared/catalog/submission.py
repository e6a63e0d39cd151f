"""One look at a whole submission: everything wrong with it at once, and what is clean to go on with."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from shared.catalog.external import external_faults
from shared.catalog.forms import World, validate_form
from shared.catalog.model import Matter
from shared.catalog.parties import Submission, clean_parties, validate_parties
from shared.catalog.plan import select
from shared.catalog.registry import Catalog
from shared.clock import beijing_date
from shared.codes import named
from shared.complaints import field_errors
from shared.errors import FieldError


@dataclass(frozen=True, slots=True)
class Examined:
    """What came of the look: with `errors`, nothing else may be used but to look for further ones."""

    errors: list[FieldError]
    submission: Submission | None = None
    matters: list[Matter] = field(default_factory=list)
    form: dict[str, Any] = field(default_factory=dict)
    parties: dict[str, Any] = field(default_factory=dict)


def parse(raw: Mapping[str, Any]) -> tuple[Submission | None, list[FieldError]]:
    """The submission of a JSON body, or what is wrong with its shape."""
    try:
        return Submission.model_validate(raw), []
    except ValidationError as cause:
        return None, field_errors(cause.errors(include_url=False, include_input=False))


def examine(
    catalog: Catalog, raw: Mapping[str, Any], now: datetime, world: World, granted: Collection[str] = ()
) -> Examined:
    """Judges shape, choice of matters, parties, form and dates together; `granted` are matters granted earlier.

    Where the choice itself is wrong, form and parties are judged by what was meant for certain.
    """
    submission, errors = parse(raw)
    bundle, codes, form = _text(raw.get("bundle")), _texts(raw.get("matters")), _object(raw.get("form"))
    matters, wrong_choice = select(catalog, bundle, codes, form, granted)
    known = bundle if bundle in catalog.bundles else None
    meant = matters or [catalog.matters[code] for code in codes if code in catalog.matters]
    clean, wrong_form = validate_form(
        catalog,
        meant or list(catalog.matters.values()),
        form,
        world.today,
        bundle=known,
        world=world,
        complete=bool(meant),
    )
    errors += wrong_choice + wrong_form
    if submission is None:
        return Examined(_once(errors))
    errors += validate_parties(catalog, meant or None, submission, world.today)
    errors += external_faults(catalog, submission)
    errors += _place_and_time(submission, now, world)
    if errors:
        return Examined(_once(errors), submission, matters)
    return Examined([], submission, matters, clean, clean_parties(submission))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _texts(value: object) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _once(errors: list[FieldError]) -> list[FieldError]:
    found: dict[str, FieldError] = {}
    for error in errors:
        found.setdefault(error.pointer, error)
    return list(found.values())


def _place_and_time(given: Submission, now: datetime, world: World) -> Iterator[FieldError]:
    if not world.known_region(given.accept_region):
        told = named("UNKNOWN_REGION", given.accept_region, world.regions())
        yield FieldError("/accept_region", "UNKNOWN_REGION", told)
    if given.received_at is None:
        return
    if given.received_at > now:
        yield FieldError("/received_at", "IN_FUTURE")
    elif beijing_date(given.received_at) < beijing_date(now) and given.received_reason is None:
        yield FieldError("/received_reason", "REQUIRED")
