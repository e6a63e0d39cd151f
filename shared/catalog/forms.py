"""What a form holds: the shared field types, and the check of a whole form against the matters of a case.

A type that needs the world (today's date, the tree of units) takes it from the validation context, a `World`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic import ValidationInfo as Info
from pydantic_core import PydanticCustomError

from shared.catalog.model import Bundle, FormField, Matter
from shared.catalog.registry import Catalog
from shared.codes import named
from shared.complaints import field_errors, pointer
from shared.errors import FieldError
from shared.money import NonNegativeYuan, Yuan
from shared.regions import is_region


def _any(_code: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class World:
    """What a value may be checked against: the Beijing date, and which partners (their units) and regions are known; with
    the names that there are, for whoever gave one that there is not."""

    today: date
    known_unit: Callable[[str], bool] = field(default=_any)
    known_region: Callable[[str], bool] = field(default=_any)
    units: Callable[[], Iterable[str]] = field(default=tuple)
    regions: Callable[[], Iterable[str]] = field(default=tuple)


def _world(info: Info) -> World:
    world = (info.context or {}).get("world")
    if not isinstance(world, World):
        raise TypeError("a form is validated with a World in its context")
    return world


def _iso_text(value: object) -> object:
    if not isinstance(value, str | date):
        raise ValueError("应为日期,如 2026-11-21 / must be a day, as 2026-11-21")  # noqa: TRY004 — a field's error
    return value


def _not_future(value: date, info: Info) -> date:
    if value > _world(info).today:
        raise PydanticCustomError("IN_FUTURE", "after today")
    return value


def _region(value: str) -> str:
    if not is_region(value):
        raise PydanticCustomError("REGION_FORMAT", "not a region code")
    return value


def _unit_known(code: str) -> AfterValidator:
    def check(value: str, info: Info) -> str:
        world = _world(info)
        if not world.known_unit(value):
            raise PydanticCustomError(code, "no such unit", {"told": named(code, value, world.units())})
        return value

    return AfterValidator(check)


PastDate = Annotated[date, BeforeValidator(_iso_text), AfterValidator(_not_future)]
"""A day (`YYYY-MM-DD`), today at the latest."""
Region = Annotated[str, StringConstraints(min_length=6, max_length=12), AfterValidator(_region)]
"""A division code of 6 or 12 digits."""
Name = Annotated[str, StringConstraints(min_length=1, max_length=50, strip_whitespace=True)]
"""A person's or an account holder's name."""
Text = Annotated[str, StringConstraints(min_length=1, max_length=2000, strip_whitespace=True)]
"""A paragraph in the citizen's own words."""
AccountNo = Annotated[str, StringConstraints(pattern=r"^[0-9]{8,32}$")]
"""A bank account's or card's number."""
Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""A code of a list that policy holds."""
Month = Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
"""A month, `YYYY-MM`."""
FuneralHomeNo = Annotated[
    str, StringConstraints(pattern=r"^FH-[0-9]{6}-[0-9]{2}$"), _unit_known("UNKNOWN_FUNERAL_HOME")
]
"""The unit code of a funeral home (殡仪馆)."""


def _promised(value: object) -> object:
    if value is not True:
        raise PydanticCustomError("COMMITMENT_REQUIRED", "not promised")
    return value


Promised = Annotated[Literal[True], BeforeValidator(_promised)]
"""A commitment: only true is one."""
YesNo = Annotated[bool, Field(strict=True)]
"""True or false, nothing that merely looks so."""
PositiveYuan = Annotated[Yuan, Field(gt=0, le=10_000_000)]
"""An amount above zero, ten million at most: more is a typing error."""
ChargedYuan = Annotated[NonNegativeYuan, Field(le=10_000_000)]
"""An amount charged, zero allowed."""


class Section(BaseModel):
    """Base of every section of a form: what is not declared is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Death(Section):
    """A death as the family reports it: a claim, until the authoritative source agrees on name, number and date."""

    date: PastDate
    place_kind: Literal["hospital", "home", "institution", "other"]
    place_region: Region
    manner: Literal["natural", "unnatural"]
    cert_no: Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z-]{4,40}$")] | None = None


class FeeItem(Section):
    """One line of the funeral home's bill; `charged` is the line's total, storage counts days, ashes months."""

    code: Code
    quantity: Annotated[int, Field(ge=1, le=9999, strict=True)]
    charged: ChargedYuan


def _one_line_a_code(items: list[FeeItem]) -> list[FeeItem]:
    if len({i.code for i in items}) != len(items):
        raise PydanticCustomError("DUPLICATE_CODE", "a code stands twice")
    return items


FeeItems = Annotated[list[FeeItem], Field(min_length=1, max_length=50), AfterValidator(_one_line_a_code)]
"""The bill, one line a code."""


class Account(Section):
    """A bank account for what the matter pays."""

    holder: Name
    number: AccountNo
    bank: Name | None = None


class Payee(Section):
    """Where money owed to the dead person's heirs goes: an heir who has given the commitment, never the dead."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    holder: Name
    number: AccountNo
    purposes: Annotated[list[Literal["unpaid_benefits"]], Field(min_length=1, max_length=10, alias="for")]


class Expense(Section):
    """One necessary expense behind an application for relief."""

    type: Literal["living", "medical", "education", "rehabilitation", "other"]
    amount: PositiveYuan
    voucher_no: Annotated[str, StringConstraints(min_length=1, max_length=40)] | None = None


MOST_HELPED = 20
"""Wrong names at most that are told which names are near: weighing thousands against each would take minutes."""


def condition_fields(bundle: Bundle | None, matters: Iterable[Matter]) -> set[str]:
    """The form fields that decide which of these matters are members of the bundle."""
    if bundle is None:
        return set()
    joins = (j for m in matters for j in m.joins if j.bundle == bundle.code)
    return {name for j in joins for name in getattr(j.when, "fields", ())}


def check_value(form_field: FormField, value: Any, world: World) -> tuple[Any, list[FieldError]]:
    """One field's value as JSON data, or what is wrong with it."""
    try:
        parsed = form_field.adapter.validate_python(value, context={"world": world})
    except ValidationError as cause:
        return None, field_errors(cause.errors(include_url=False, include_input=False), f"/form/{form_field.name}")
    return form_field.adapter.dump_python(parsed, mode="json", by_alias=True, exclude_none=True), []


def validate_form(
    catalog: Catalog,
    matters: Sequence[Matter],
    form: Mapping[str, Any],
    today: date,
    *,
    bundle: str | None = None,
    world: World | None = None,
    complete: bool = True,
) -> tuple[dict[str, Any], list[FieldError]]:
    """The form as clean JSON data, and every wrong field of it.

    A name that no matter of the case declares (nor the bundle, to choose its members) is `FIELD_NOT_IN_CASE`; a
    required one that is missing is `REQUIRED` unless `complete` is false (a draft).
    """
    at = world or World(today)
    required = {name for m in matters for name in m.required_fields}
    allowed = required | {name for m in matters for name in m.optional_fields} | _deciding(catalog, bundle)
    clean: dict[str, Any] = {}
    errors = [FieldError(f"/form/{name}", "REQUIRED") for name in sorted(required - set(form)) if complete]
    for name, value in form.items():
        if name not in allowed:
            told = named("FIELD_NOT_IN_CASE", name, allowed) if len(errors) < MOST_HELPED else ""
            errors.append(FieldError(pointer(("form", name)), "FIELD_NOT_IN_CASE", told))
            continue
        value_clean, wrong = check_value(catalog.fields[name], value, at)
        errors.extend(wrong)
        if not wrong:
            clean[name] = value_clean
    if not _deciding(catalog, bundle) <= set(clean):
        errors = _without_members_fields(catalog, bundle, errors)
    return clean, errors


def _deciding(catalog: Catalog, bundle: str | None) -> set[str]:
    return set() if bundle is None else condition_fields(catalog.bundles[bundle], catalog.members(bundle))


def _without_members_fields(catalog: Catalog, bundle: str | None, errors: list[FieldError]) -> list[FieldError]:
    """While it is not decided which members join, a field of any member is not called foreign: it may be meant."""
    members = catalog.members(bundle) if bundle else []
    meant = {f"/form/{name}" for m in members for name in (*m.required_fields, *m.optional_fields)}
    return [e for e in errors if e.code != "FIELD_NOT_IN_CASE" or e.pointer not in meant]
