"""The access matrix: every way to read, by every role and place, against rules that are written down here.

A new GET route that has no row fails by its name: say who may call it (`door`: those roles, anybody else is 403) and
who of these is concerned (`sees`: by name of `tests/support/attack.py`, everybody else is 404, or does not find it in
the list). Nothing here is taken from the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest

from shared.clock import SystemClock, new_id
from shared.http.tokens import issue
from tests.support.attack import CITIZENS, EVERYBODY, PEOPLE, call, principal
from tests.support.platform import Hosted

pytestmark = pytest.mark.e2e
World = Mapping[str, Any]

# --- who is who -------------------------------------------------------------------------------------------------------

DEPARTMENTS: Final = {"psb", "hrss", "medins", "court", "dpf", "health"}
RECEIVE: Final = {"clerk", "town_clerk", "village_worker"}
STAFF: Final = {
    *RECEIVE,
    *("handler", "approver", "registrar", "funeral_home", "supervisor", "operator", "auditor", "security"),
}
APPLICATIONS: Final = STAFF - {"funeral_home", "operator", "security"}
"""Who works on applications: a partner, those who keep the platform running and those who hand out roles do not."""
ALL: Final = {*STAFF, *DEPARTMENTS, "citizen"}
OPEN: Final[set[str]] = set()
"""No role is asked for at all, nor a token."""

WINDOWS = {"window", "next window"}
ABOVE = {"county", "city", "auditor"}
"""The bureau of the county and who stands above it, each for all that lies below."""
OLD = {"elderly", "elderly approver"}
SECTIONS = {*OLD, "assistance", "funeral", "marriage", "registrar"}
"""Each handles an item of the family's case."""
OF_A_CASE = {*WINDOWS, *ABOVE, *SECTIONS}
NOBODY: Final[set[str]] = set()
UNKNOWN: Final = "00000000-0000-7000-8000-00000000abcd"


@dataclass(frozen=True)
class Row:
    """A way to read: the route as OpenAPI names it, an address of it, and who may.

    `finds` names what those of `sees` find in a list, and nobody else. `personal` answers hold what is personal.
    """

    route: str
    path: str | Callable[[World], str]
    door: set[str]
    sees: set[str] | None = None
    finds: Callable[[World], str] | None = None
    body: Callable[[World], Any] | None = None
    personal: bool = False


def number(case: str) -> Callable[[World], str]:
    return lambda w: str(w[case]["application_no"])


def of(case: str, rest: str = "") -> Callable[[World], str]:
    return lambda w: f"/api/intake/applications/{w[case]['application_no']}{rest}"


def at(before: str, name: str, rest: str = "") -> Callable[[World], str]:
    return lambda w: f"{before}/{w[name]['id'] if isinstance(w[name], dict) else w[name]}{rest}"


def tasks(service: str, task: str | None, case: str, sees: set[str]) -> dict[str, Row]:
    """The list of a service's tasks and one of them."""
    base = f"/api/{service}/tasks"
    one = at(base, task) if task else f"{base}/{UNKNOWN}"
    return {
        f"tasks of {service}": Row(f"GET {base}", f"{base}?limit=200", STAFF, sees, number(case)),
        f"a task of {service}": Row(f"GET {base}/{{task_id}}", one, STAFF, sees if task else NOBODY),
    }


def operations(rest: str, sees: set[str] | None = None, path: str | None = None) -> Row:
    """What is shown of a service's messages to those who keep it running: never their content."""
    address = f"/api/ops/intake{path or rest}"
    return Row(f"GET /api/ops/{{service}}{rest}", address, {"operator", "auditor", "supervisor"}, sees)


APPLICATION = "GET /api/intake/applications/{no}"
SEARCH = "POST /api/intake/applications/search"
EFFECTS = {"clerk", "town_clerk", "handler", "approver", "supervisor"}

TABLE: dict[str, Row] = {
    # intake
    "an application": Row(APPLICATION, of("closed"), {*APPLICATIONS, "citizen"}, {*OF_A_CASE, "owner"}),
    "it unmasked": Row(
        APPLICATION, of("closed", "?unmasked=true"), {*APPLICATIONS, "citizen"}, {*OF_A_CASE, "owner"}, personal=True
    ),
    "an application of one section": Row(
        APPLICATION, of("assistance"), {*APPLICATIONS, "citizen"}, {*WINDOWS, *ABOVE, "assistance"}
    ),
    "an application of a village": Row(
        APPLICATION, of("village"), {*APPLICATIONS, "citizen"}, {*WINDOWS, *ABOVE, *OLD, "town", "village"}
    ),
    "a timeline": Row(
        f"{APPLICATION}/timeline", of("closed", "/timeline"), {*APPLICATIONS, "citizen"}, {*OF_A_CASE, "owner"}
    ),
    "objections to a fact": Row(
        f"{APPLICATION}/objections",
        of("closed", "/objections"),
        {*APPLICATIONS, "citizen"},
        {*OF_A_CASE, "owner"},
    ),
    "a paper about all items": Row(
        f"{APPLICATION}/papers/{{paper_id}}",
        lambda w: of("closed", f"/papers/{w['receipt']}")(w),
        {*APPLICATIONS, "citizen"},
        {*OF_A_CASE, "owner"},
    ),
    "a paper about one item": Row(
        f"{APPLICATION}/papers/{{paper_id}}",
        lambda w: of("closed", f"/papers/{w['stopped']}")(w),
        {*APPLICATIONS, "citizen"},
        {*WINDOWS, *ABOVE, *OLD, "owner"},
    ),
    "a paper unmasked": Row(
        f"{APPLICATION}/papers/{{paper_id}}",
        lambda w: of("closed", f"/papers/{w['receipt']}?unmasked=true")(w),
        {*APPLICATIONS, "citizen"},
        {*OF_A_CASE, "owner"},
        personal=True,
    ),
    "a file of an application": Row(
        "GET /api/intake/files/{file_id}",
        at("/api/intake/files", "proof"),
        {*APPLICATIONS, "citizen"},
        OF_A_CASE,  # the contract names its uploader and staff: a clerk's scan is not handed to the applicant
    ),
    "a file that no application has": Row(
        "GET /api/intake/files/{file_id}", at("/api/intake/files", "waiting file"), {*APPLICATIONS, "citizen"}, NOBODY
    ),
    "who looked at my own": Row(
        "GET /api/intake/readings", "/api/intake/readings", {"citizen"}, {"owner"}, number("closed")
    ),
    "search for a section's": Row(
        SEARCH,
        "/api/intake/applications/search",
        APPLICATIONS,
        {*WINDOWS, *ABOVE, "assistance"},
        number("assistance"),
        lambda w: {"number": w["assistance"]["application_no"]},
    ),
    "search for a village's": Row(
        SEARCH,
        "/api/intake/applications/search",
        APPLICATIONS,
        {*WINDOWS, *ABOVE, *OLD, "town", "village"},
        number("village"),
        lambda w: {"number": w["village"]["application_no"]},
    ),
    "a draft": Row(
        "GET /api/intake/drafts/{draft_id}",
        at("/api/intake/drafts", "draft"),
        {*RECEIVE, "citizen"},
        {"owner"},
        personal=True,
    ),
    "progress by its code": Row(
        "GET /api/intake/progress/{no}",
        lambda w: f"/api/intake/progress/{w['elderly']['application_no']}?code={w['elderly']['query_code']}",
        OPEN,
    ),
    # the catalogue
    "the catalogue": Row("GET /api/catalogue", "/api/catalogue", OPEN),
    "a matter": Row("GET /api/catalogue/matters/{code}", "/api/catalogue/matters/elderly.age_allowance", OPEN),
    "a bundle": Row("GET /api/catalogue/bundles/{code}", "/api/catalogue/bundles/bereavement", OPEN),
    "a definition": Row(
        "GET /api/catalogue/definitions/{sha256}", lambda w: f"/api/catalogue/definitions/{w['definition']}", OPEN
    ),
    # handling
    "a case": Row(
        "GET /api/coordinator/cases/{case_id}",
        lambda w: f"/api/coordinator/cases/{w['closed']['case_id']}",
        STAFF,
        OF_A_CASE,
    ),
    "a case of one section": Row(
        "GET /api/coordinator/cases/{case_id}",
        lambda w: f"/api/coordinator/cases/{w['assistance']['case_id']}",
        STAFF,
        {*WINDOWS, *ABOVE, "assistance"},
    ),
    **tasks("elderly", "review", "elderly", {*WINDOWS, *ABOVE, *OLD}),
    **tasks("assistance", "relief", "assistance", {*WINDOWS, *ABOVE, "assistance"}),
    **tasks("funeral", "cremation", "contradicted", {*WINDOWS, *ABOVE, "funeral"}),
    **tasks("marriage", "annotation", "twice", {*WINDOWS, *ABOVE, "marriage", "registrar"}),
    **tasks("intake", "check", "contradicted", {*WINDOWS, *ABOVE}),
    **tasks("coordinator", None, "closed", NOBODY),
    "ended benefits of the old": Row(
        "GET /api/elderly/items/{item_id}/effects",
        at("/api/elderly/items", "stop", "/effects"),
        EFFECTS,
        {*WINDOWS, *OLD, "county", "city"},
    ),
    "ended relief": Row(
        "GET /api/assistance/items/{item_id}/effects",
        at("/api/assistance/items", "living", "/effects"),
        EFFECTS,
        {*WINDOWS, "assistance", "county", "city"},
    ),
    "an annotation": Row(
        "GET /api/marriage/annotations/{item_id}", at("/api/marriage/annotations", "note"), {"registrar"}, {"registrar"}
    ),
    "cremations": Row(
        "GET /api/funeral/cremations",
        "/api/funeral/cremations?limit=200",
        {"funeral_home"},
        {"funeral home"},
        lambda _: "HH-SEC-1",
    ),
    # access
    "units": Row("GET /api/access/units", "/api/access/units", ALL),
    "accounts": Row("GET /api/access/accounts", "/api/access/accounts?limit=200", {"security"}),
    "near relatives": Row("GET /api/access/relatives", "/api/access/relatives", STAFF - {"operator", "funeral_home"}),
    "who I am": Row("GET /api/auth/me", "/api/auth/me", ALL),
    "the keys": Row("GET /api/auth/jwks", "/api/auth/jwks", OPEN),
    # operations
    "services": Row("GET /api/ops", "/api/ops", {"operator", "auditor", "supervisor"}),
    "parked messages": operations("/parked"),
    "one parked message": operations("/parked/{number}", NOBODY, "/parked/1"),
    "dead letters": operations("/dead"),
    "what the bus refused": operations("/refused"),
    "what is stuck": operations("/stuck"),
    "lag": operations("/lag"),
    "resets": operations("/positions/resets"),
    "the audit's head": Row("GET /api/ops/{service}/audit/head", "/api/ops/intake/audit/head", {"auditor"}),
    "the audit's exports": Row("GET /api/ops/{service}/audit/exports", "/api/ops/intake/audit/exports", {"auditor"}),
    "an export's rows": Row(
        "GET /api/ops/{service}/audit/exports/{number}/rows",
        "/api/ops/intake/audit/exports/1/rows",
        {"auditor"},
        NOBODY,
    ),
    "health": Row("GET /healthz", "/healthz", OPEN),
    "readiness": Row("GET /readyz", "/readyz", OPEN),
    "readiness of one": Row("GET /readyz/{service}", "/readyz/intake", OPEN),
    "the clock of a demonstration": Row("GET /api/dev/clock", "/api/dev/clock", STAFF),
    "messages of a demonstration": Row(
        "GET /api/dev/messages", lambda w: f"/api/dev/messages?about={number('closed')(w)}", STAFF
    ),
}

READING_POSTS = {SEARCH}
"""Routes that read though they are POSTs: what is looked for is personal and stands in no address."""


def role(who: str) -> str:
    return "citizen" if who in CITIZENS else PEOPLE[who][0]


def expected(row: Row, who: str) -> int:
    """What the rules say that this person is answered."""
    if role(who) not in row.door:
        return 403
    return 200 if row.finds is not None or row.sees is None or who in row.sees else 404


def expired(platform: Hosted) -> dict[str, str]:
    kid, key = platform.host.keyring.signing_key
    token = issue(principal(platform, "window"), kid, key, SystemClock().now() - timedelta(minutes=16))
    return {"Authorization": f"Bearer {token}"}


async def ask(platform: Hosted, world: World, row: Row, who: str | None, **more: Any) -> httpx.Response:
    path = row.path if isinstance(row.path, str) else row.path(world)
    body = {"json": row.body(world)} if row.body is not None else {}
    return await call(platform, who, row.route.partition(" ")[0], path, **body, **more)


@pytest.mark.parametrize("name", TABLE)
async def test_who_may_read_what(platform: Hosted, world: World, name: str) -> None:
    row = TABLE[name]
    if row.door is OPEN:
        for caller, headers in ((None, {}), (None, expired(platform)), ("stranger", {}), ("other window", {})):
            assert (await ask(platform, world, row, caller, headers=headers)).status_code == 200, caller
        return
    assert (await ask(platform, world, row, None)).status_code == 401
    assert (await ask(platform, world, row, None, headers=expired(platform))).status_code == 401
    wrong, found = {}, set()
    for who in EVERYBODY:
        answer = await ask(platform, world, row, who)
        if answer.status_code != expected(row, who):
            wrong[who] = (answer.status_code, expected(row, who), answer.text[:200])
        if row.finds is not None and answer.status_code == 200 and row.finds(world) in answer.text:
            found.add(who)
        own = who == "owner" or (row.personal and answer.status_code == 200)
        said = [s for s in [*world["secrets"], "p1_", "b1_"] if s in answer.text]
        assert own or not said, (who, said)
    assert wrong == {}
    assert row.finds is None or found == row.sees


def routes_that_read(document: Mapping[str, Any]) -> set[str]:
    """Every GET that the OpenAPI document names, and the POSTs that read."""
    return {
        f"{method.upper()} {path}"
        for path, item in document["paths"].items()
        for method in item
        if method == "get" or f"{method.upper()} {path}" in READING_POSTS
    }


def test_every_way_to_read_has_its_row(platform: Hosted) -> None:
    document = platform.app.openapi()
    assert routes_that_read(document) - {row.route for row in TABLE.values()} == set(), "say who may read it"
    assert {row.route for row in TABLE.values()} - routes_that_read(document) == set(), "there is no such route"
    planted = {"paths": {**document["paths"], "/api/intake/secrets": {"get": {}}}}
    assert routes_that_read(planted) - {row.route for row in TABLE.values()} == {"GET /api/intake/secrets"}


async def test_what_is_not_there_and_what_is_anothers_are_told_the_same(platform: Hosted, world: World) -> None:
    for theirs, nowhere, who in (
        (of("assistance")(world), f"/api/intake/applications/{'4' * 23}", "other window"),
        (f"/api/coordinator/cases/{world['closed']['case_id']}", f"/api/coordinator/cases/{UNKNOWN}", "other window"),
        (f"/api/elderly/tasks/{world['review']['id']}", f"/api/elderly/tasks/{UNKNOWN}", "assistance"),
        (f"/api/intake/drafts/{world['draft']}", f"/api/intake/drafts/{new_id()}", "stranger"),
    ):
        answers = [await call(platform, who, "GET", path) for path in (theirs, nowhere)]
        assert [a.status_code for a in answers] == [404, 404]
        assert answers[0].json() == answers[1].json()
