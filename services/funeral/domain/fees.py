"""The bill of a funeral home and what of it is waived (基本殡葬减免)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from shared.errors import FieldError, Invalid
from shared.money import ZERO, format_yuan, round_yuan, yuan
from shared.policy import Calculation, Policy

WAIVED = "funeral.fee_waiver.waived"


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of a bill; `charged` is the line's total in yuan. Storage counts days, ashes months."""

    code: str
    quantity: int
    charged: Decimal


@dataclass(frozen=True, slots=True)
class Cap:
    """What is waived of one item at most: `price` yuan for `per` units, for `quantity` units."""

    price: Decimal
    quantity: int
    per: int = 1

    def of(self, charge: Charge) -> Decimal:
        """`min(paid, min(quantity, most units) × unit price)`, to the fen."""
        allowed = round_yuan(min(charge.quantity, self.quantity) * self.price / self.per)
        return min(charge.charged, allowed)


@dataclass(frozen=True, slots=True)
class Line:
    """One charge and what of it is waived."""

    charge: Charge
    waived: Decimal

    def public(self) -> dict[str, Any]:
        """The line as it stands in a result."""
        c = self.charge
        left = format_yuan(c.charged - self.waived)
        money = {"charged": format_yuan(c.charged), "waived": format_yuan(self.waived), "family_pays": left}
        return {"code": c.code, "quantity": c.quantity, **money}


def waive(charges: Iterable[Charge], caps: Mapping[str, Cap], total: Decimal | None = None) -> list[Line]:
    """What is waived line by line, under `total` over all of them if there is one.

    Items that did not occur give nothing and turn into no money; what is beyond a cap, or no basic item, the family
    pays itself.
    """
    lines, left = [], total
    for charge in charges:
        cap = caps.get(charge.code)
        amount = cap.of(charge) if cap else ZERO
        if left is not None:
            amount = min(amount, left)
            left -= amount
        lines.append(Line(charge, amount))
    return lines


def parse_charges(rows: Iterable[Mapping[str, Any]]) -> list[Charge]:
    """A bill as a source, a form or a home gives it; `ValueError` when it is none."""
    try:
        charges = [Charge(str(r["code"]), int(r["quantity"]), yuan(r["charged"])) for r in rows]
    except (KeyError, TypeError) as cause:
        raise ValueError("not a list of charges") from cause
    if any(c.quantity < 1 or c.charged < 0 for c in charges):
        raise ValueError("a charge is below nothing")
    return charges


def charge_rows(charges: Iterable[Charge]) -> list[dict[str, Any]]:
    """A bill as JSON data."""
    return [{"code": c.code, "quantity": c.quantity, "charged": format_yuan(c.charged)} for c in charges]


def differences(stated: Iterable[Charge], reported: Iterable[Charge]) -> list[str]:
    """The codes in which two bills differ: missing in one, or another quantity or amount; order aside."""
    one, other = ({c.code: c for c in bill} for bill in (stated, reported))
    return sorted(code for code in one.keys() | other.keys() if one.get(code) != other.get(code))


def waived(inputs: Mapping[str, Any], policy: Policy, as_of: date, region: str) -> Calculation:
    """基本殡葬减免: `{"waived", "family_pays", "lines"}` of a bill, by the caps in force on the day of the cremation.

    `inputs` holds `charges` (rows of code, quantity, charged) or, as the command line gives it, one
    `code=quantity:charged` an item; `already` names items that were waived for this person before. `Invalid` names
    what cannot be read. Law: 武汉市2023-11-30通知; formula 分项封顶,未发生项不抵扣、不折现,超出自付.
    """
    charges, already = _inputs(inputs)
    entry = policy.find("funeral.fee_waiver.caps", region, as_of)
    names = policy.find("funeral.charges", region, as_of).value
    caps = {code: _cap(given) for code, given in entry.value["items"].items() if code not in already}
    total = yuan(entry.value["total"]) if entry.value.get("total") else None
    lines = waive(charges, caps, total)
    value = _totals(lines)
    return Calculation(
        rule=WAIVED,
        value=value,
        explanation=[*(_explain(line, caps, names) for line in lines), _sum(value)],
        inputs={"charges": charge_rows(charges), "already": sorted(already)},
        law=(entry.cite(),),
        policy_version=policy.version,
    )


def _totals(lines: Sequence[Line]) -> dict[str, Any]:
    saved = sum((line.waived for line in lines), ZERO)
    charged = sum((line.charge.charged for line in lines), ZERO)
    return {
        "waived": format_yuan(saved),
        "family_pays": format_yuan(charged - saved),
        "lines": [line.public() for line in lines],
    }


def _cap(given: Mapping[str, Any]) -> Cap:
    return Cap(yuan(given["price"]), int(given["quantity"]), int(given.get("per", 1)))


def _inputs(inputs: Mapping[str, Any]) -> tuple[list[Charge], set[str]]:
    rows = inputs.get("charges")
    if rows is None:
        rows = [_from_text(code, text) for code, text in inputs.items() if code != "already"]
    try:
        charges = parse_charges(rows)
    except ValueError:
        raise _unreadable("/charges") from None
    already = inputs.get("already", ())
    return charges, set(already.split(",") if isinstance(already, str) else already)


def _from_text(code: str, text: Any) -> dict[str, Any]:
    quantity, colon, charged = str(text).partition(":")
    if not colon or not quantity.strip().isdecimal():
        raise _unreadable(f"/{code}")
    return {"code": code, "quantity": int(quantity), "charged": charged.strip()}


def _unreadable(pointer: str) -> Invalid:
    text = "应为 数量:金额,如 cold_storage=3:240.00 / write quantity:charged, as in cold_storage=3:240.00"
    return Invalid([FieldError(pointer, "FORMAT", text)])


def _explain(line: Line, caps: Mapping[str, Cap], names: Mapping[str, Any]) -> str:
    charge, cap = line.charge, caps.get(line.charge.code)
    said = names.get(charge.code, {"name": charge.code, "unit": ""})
    head = f"{said['name']} {charge.quantity}{said['unit']},收费 {format_yuan(charge.charged)} 元"
    waived_ = format_yuan(line.waived)
    if cap is None:
        return f"{head},不在减免项目内或已减免过,自付 / {charge.code}: no basic item or waived before, the family pays"
    per = f"每{cap.per}{said['unit']}" if cap.per > 1 else f"每{said['unit']}"
    most = f"{per} {format_yuan(cap.price)} 元、最多 {cap.quantity}{said['unit']}"
    return (
        f"{head};封顶{most},减免 {waived_} 元 / {charge.code}: charged {format_yuan(charge.charged)}, waived {waived_}"
    )


def _sum(value: Mapping[str, Any]) -> str:
    return (
        f"合计减免 {value['waived']} 元,家属自付 {value['family_pays']} 元"
        f" / waived {value['waived']}, the family pays {value['family_pays']}"
    )


RULES = {WAIVED: waived}
