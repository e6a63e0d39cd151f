"""The roll of running benefits (在册名册): what its source answers, and what a death does to one of them.

Question to the source `benefit_roll`: `{"family", "person_ref", "person": {"id_type", "id_no", "name"}, "died_on":
"YYYY-MM-DD"}` (`died_on` only where a death is the cause). Answer: `{"benefits": [{"scheme", "monthly": "100.00",
"family"?, "paid_through"?: "2026-09", "since"?: "2020-02", "household"?: {"members": 3, "income": "1500.00",
"subject_income": "600.00", "area": "urban"}}]}`; an empty list says that nothing runs, an entry without `family` is of
the family asked for. `household` stands only where a whole household is the beneficiary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shared.errors import Poison
from shared.money import ZERO, NonNegativeYuan, format_yuan, yuan
from shared.months import add_months, month_of, months_from

SOURCE: Final = "benefit_roll"

MonthText = Annotated[str, StringConstraints(pattern=r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$")]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RollHousehold(_Value):
    """The household behind a benefit: its members and monthly income in yuan, the person's own share of it."""

    members: Annotated[int, Field(ge=1)]
    income: NonNegativeYuan
    subject_income: NonNegativeYuan = ZERO
    area: Literal["urban", "rural"] = "urban"


class Running(_Value):
    """One running benefit: yuan a month, the last month paid (None: none yet), the first month due."""

    scheme: str
    family: str | None = None
    monthly: NonNegativeYuan
    paid_through: MonthText | None = None
    since: MonthText | None = None
    household: RollHousehold | None = None


class _Roll(_Value):
    benefits: tuple[Running, ...]


def question(
    family: str, person_ref: str | None, person: Mapping[str, Any], died_on: str | None = None
) -> dict[str, Any]:
    """What the source is asked about a person."""
    who = {name: person[name] for name in ("id_type", "id_no", "name") if name in person}
    asked = {"family": family, "person_ref": person_ref, "person": who, "died_on": died_on}
    return {name: value for name, value in asked.items() if value is not None}


def read_roll(data: Mapping[str, Any], family: str) -> list[Running]:
    """The running benefits of one family; `Poison` when the answer has not the shape that was agreed."""
    try:
        found = _Roll.model_validate(data).benefits
    except ValidationError:
        raise Poison("名册的答复不合约定的格式", "the roll's answer has not the shape that was agreed") from None
    return [b for b in found if b.family in (None, family)]


@dataclass(frozen=True, slots=True)
class Ending:
    """How one benefit ends: `from_month` is the first month not paid; what is owed, and what was paid too much."""

    scheme: str
    from_month: str
    monthly: Decimal
    owed_months: tuple[str, ...]
    owed: Decimal
    overpaid_months: tuple[str, ...]
    overpaid: Decimal

    def public(self) -> dict[str, Any]:
        """The ending as it stands in a result; nothing in it is personal."""
        return {
            "scheme": self.scheme,
            "from": self.from_month,
            "monthly": format_yuan(self.monthly),
            "owed_months": list(self.owed_months),
            "owed": format_yuan(self.owed),
            "overpaid_months": list(self.overpaid_months),
            "overpaid": format_yuan(self.overpaid),
        }

    def explain(self) -> str:
        """One sentence in each language."""
        owed, over = format_yuan(self.owed), format_yuan(self.overpaid)
        return (
            f"{self.scheme}:自 {self.from_month} 起停发;应发未发 {_said(self.owed_months)} 共 {owed} 元,"
            f"多发 {_said(self.overpaid_months)} 共 {over} 元 / {self.scheme}: ends from {self.from_month}; "
            f"owed {owed} yuan, overpaid {over} yuan"
        )


def end_with_death(
    benefit: Running,
    died_on: date,
    months_after: int,
    amount_of: Callable[[str], Decimal] | None = None,
    *,
    in_cash: bool = True,
) -> Ending:
    """The benefit ends so many months after the month of death (1: 死亡次月停发), and is due until then.

    `amount_of` tells a month's yuan where it is not the roll's; what is not paid in cash is never owed.
    """
    stop = add_months(month_of(died_on), months_after)
    last = add_months(stop, -1)
    unpaid_from = add_months(benefit.paid_through, 1) if benefit.paid_through else (benefit.since or last)
    owed = months_from(unpaid_from, last) if in_cash else []
    overpaid = months_from(stop, benefit.paid_through) if benefit.paid_through else []
    amount = amount_of or (lambda _: benefit.monthly)
    return Ending(
        benefit.scheme, stop, benefit.monthly, tuple(owed), _sum(owed, amount), tuple(overpaid), _sum(overpaid, amount)
    )


@dataclass(frozen=True, slots=True)
class Restoring:
    """A benefit that runs again as if it had never ended: paid as usual from `from_month`, what fell due before and was
    never paid is `arrears`."""

    scheme: str
    from_month: str
    monthly: Decimal
    arrears_months: tuple[str, ...]
    arrears: Decimal


def restore(
    benefit: Running, on: date, amount_of: Callable[[str], Decimal] | None = None, *, in_cash: bool = True
) -> Restoring:
    """The benefit runs again from the month after `on`; all unpaid months through that of `on` are its arrears (补发).

    What was paid after the supposed death was due, and is no overpayment. Which month payment resumes with is 未核实.
    """
    this = month_of(on)
    unpaid_from = add_months(benefit.paid_through, 1) if benefit.paid_through else (benefit.since or this)
    months = months_from(unpaid_from, this) if in_cash else []
    arrears = _sum(months, amount_of or (lambda _: benefit.monthly))
    return Restoring(benefit.scheme, add_months(this, 1), benefit.monthly, tuple(months), arrears)


def _sum(months: Iterable[str], amount_of: Callable[[str], Decimal]) -> Decimal:
    return yuan(sum(map(amount_of, months), ZERO))


def _said(months: tuple[str, ...]) -> str:
    return "、".join(months) or "0 个月"
