"""How the two matters ask what became of a body: the homes' own reports first, then the register outside.

Source `cremation_report` (this service's own rows; always confirmed), about a `person_ref`:
`{"reports": [{"home_no", "name", "certificate_no", "died_on", "cremated_on", "charges": [{"code", "quantity",
"charged"}]}], "waived": ["transport", …]}`; `reports` is empty while no home has reported, `waived` are the items
waived before.

Source `cremation` (outside: the provincial funeral system), asked with `{"person_ref", "person": {"name", "id_type",
"id_no"}, "died_on", "home_no", "charges"?: [… as the family states them]}`: confirmed `{"cremated_on", "home_no",
"certificate_no"?, "name"?, "died_on"?, "charges"?: [{"code", "quantity", "charged"}]}`; contradicted: it knows of
none like it; silent: nothing known yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.changes import Ctx
from shared.handling.model import Item, Work
from shared.handling.procedure import AskSource, Step, WaitFor
from shared.outcomes import WaitKind

REPORTS, REGISTER = "cremation_report", "cremation"
WAITING = "殡仪馆火化信息"
_HEARD = "heard"


def report_ask(item: Item) -> str:
    """The name of the last question to the homes' reports: a new one whenever a home has reported since."""
    heard = item.data.get(_HEARD, 0)
    return f"report.{heard + 1}" if heard else "report"


def hear(item: Item) -> None:
    """A home has reported this person: the reports are to be read again."""
    item.data[_HEARD] = item.data.get(_HEARD, 0) + 1


def ask_reports(item: Item) -> AskSource:
    """The question to the homes' own reports."""
    return AskSource(report_ask(item), REPORTS, {"person_ref": item.person_ref}, WAITING)


def ask_register(name: str, work: Work, **claimed: Any) -> AskSource:
    """The question to the register outside, with what the family states."""
    form = work.part.form
    question = {
        "person_ref": work.item.person_ref,
        "person": _identity(work.part.parties.get("subject", {})),
        "died_on": form["death"]["date"],
        "home_no": form["funeral_home"],
        **claimed,
    }
    return AskSource(name, REGISTER, question, WAITING)


def wait_for_home(name: str, work: Work, ctx: Ctx) -> list[Step]:
    """Visibly waiting for the home, once the register outside has nothing to say."""
    if work.answers.get(name) is None:
        return []
    home = work.part.form["funeral_home"]
    unit = ctx.units.get(home)
    return [WaitFor(WaitKind.DEPARTMENT, str(unit.get("name", home)) if unit else home)]


def _identity(party: Mapping[str, Any]) -> dict[str, Any]:
    return {name: party.get(name) for name in ("name", "id_type", "id_no")}
