"""What a route answers, for the OpenAPI document: clients are generated from it, tests hold the answers against it.

The answers themselves are not run through these models: they are built once, by the domain, and may hold more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

PROBLEM: Final = "application/problem+json"


class Shown(BaseModel):
    """Base of what is shown: every field is in the answer, `null` where there is nothing to say."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class Wrong(Shown):
    """One wrong field: a JSON pointer into the body (or `/query/…`), a stable code, words."""

    pointer: str
    code: str
    message: str


class Problem(BaseModel):
    """A problem document (RFC 9457); extension members as `existing`, `present` or `law` may stand beside these."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str = Field(description="稳定的错误码 / stable")
    detail: str
    errors: list[Wrong]


class AsBuilt(JSONResponse):
    """An answer of plain JSON values, sent as the domain built it: the framework need not look through it for others."""

    def render(self, content: Any) -> bytes:
        """Its bytes."""
        return orjson.dumps(content)


def answers(model: Any, status: int = 200, also: Mapping[int, str] | None = None) -> dict[str, Any]:
    """For a route's decorator: `@routes.get("/…", **answers(Model))` documents its answer.

    Errors that are the same for all routes are added by `described.complete`; `also` names further statuses.
    """
    return {
        "response_model": None,
        "status_code": status,
        "responses": {status: {"model": model}, **{code: _problem(words) for code, words in (also or {}).items()}},
    }


def _problem(words: str) -> dict[str, Any]:
    """A further error of one route, as OpenAPI describes it."""
    return {"description": words, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
