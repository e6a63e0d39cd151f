"""Three administrators apart: every route of operations and accounts lets in the one whose part it is."""

from typing import Annotated

import pytest
from fastapi import FastAPI

from shared.administrators import ADMINISTRATORS, duty
from shared.errors import Misconfigured
from shared.http.auth import Principal, allow
from shared.http.duties import check_duties


def app_with(method: str, path: str, *roles: str) -> FastAPI:
    app = FastAPI()

    @app.api_route(path, methods=[method])
    async def route(who: Annotated[Principal, allow(*roles)]) -> None:
        """Planted."""

    return app


PARTS = [
    ("GET", "/api/ops/intake/audit/head", {"auditor"}),
    ("POST", "/api/ops/intake/audit/verify", {"auditor"}),
    ("POST", "/api/ops/intake/audit/exports", {"auditor"}),
    ("GET", "/api/ops/intake/parked", {"operator", "auditor"}),
    ("POST", "/api/ops/intake/parked/1/retry", {"operator"}),
    ("POST", "/api/ops/intake/positions/reset", {"operator"}),
    ("POST", "/api/access/units", {"security"}),
    ("DELETE", "/api/access/accounts/1", {"security"}),
]


@pytest.mark.parametrize(("method", "path", "own"), PARTS)
def test_a_route_that_lets_in_another_administrator_stops_the_start(method: str, path: str, own: set[str]) -> None:
    assert duty(method, path) == frozenset(own)
    check_duties(app_with(method, path, *own, "supervisor"))
    for stranger in ADMINISTRATORS - own:
        with pytest.raises(Misconfigured, match=stranger):
            check_duties(app_with(method, path, *own, stranger))


def test_other_routes_are_none_of_their_parts() -> None:
    assert duty("POST", "/api/intake/applications") is None
    check_duties(app_with("POST", "/api/intake/applications", "clerk", "operator"))
