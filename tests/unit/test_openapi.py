"""The OpenAPI document is all that a caller may have: it says where to begin, what each call does, what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from shared.catalog.registry import load
from shared.runtime.app import describe
from tests.support.catalogue import SAMPLE

DOCUMENT = describe(load())
APPLICATIONS = DOCUMENT["paths"]["/api/intake/applications"]["post"]
KEY = "idempotency-key"


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in DOCUMENT["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def keys(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [p for p in operation.get("parameters", ()) if p["name"] == KEY]


def test_it_says_in_both_languages_how_to_sign_in_and_what_an_error_looks_like() -> None:
    said = DOCUMENT["info"]["description"]
    for word in ("/api/auth/token", "Idempotency-Key", "application/problem+json", "先取令牌", "First a token"):
        assert word in said


def test_every_call_says_what_it_does() -> None:
    assert [name for name, operation in operations() if not operation.get("description")] == []


def test_a_header_without_which_a_call_is_refused_is_called_required() -> None:
    required = {name for name, operation in operations() for key in keys(operation) if key["required"]}
    assert {"POST /api/intake/applications", "POST /api/intake/files", "POST /api/access/units"} <= required
    assert not any(name.endswith(("/claim", "/decision", "/release", "/supplement")) for name in required)
    assert all(key["description"] for _, operation in operations() for key in keys(operation))
    assert "x-always" not in str(DOCUMENT)


def test_a_call_names_the_errors_that_are_its_own() -> None:
    told = {name: operation["responses"].keys() for name, operation in operations()}
    assert "401" in told["POST /api/auth/token"]
    assert "408" in told["POST /api/intake/files"]
    assert all(("415" in told[name]) == ("requestBody" in operation) for name, operation in operations())


def test_its_example_of_an_application_is_the_contracts_and_fits_its_own_schema() -> None:
    body = APPLICATIONS["requestBody"]["content"]["application/json"]
    assert body["example"] == SAMPLE
    jsonschema.validate(body["example"], body["schema"])


def test_a_draft_is_handed_in_without_what_it_holds_already() -> None:
    schema = APPLICATIONS["requestBody"]["content"]["application/json"]["schema"]
    jsonschema.validate({"draft_id": "01a2152f-2629-7530-8abd-159bd6b5bcce"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"channel": "window"}, schema)


def test_an_objection_holds_back_what_was_granted_and_so_says_why() -> None:
    assert DOCUMENT["components"]["schemas"]["ObjectionBody"]["required"] == ["reason"]
