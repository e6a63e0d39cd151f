"""The OpenAPI document made whole: every route says each error that it may answer, as a problem document.

The framework knows the answers that a route declares; what the edge answers in its place (who may call, what cannot be
read, what is too much) is the same for all, and is added here by what the route is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.http.documented import PROBLEM, Problem

WORDS: Final[Mapping[int, str]] = {
    400: "内容无法读取,或缺少幂等键 / it cannot be read, or lacks an idempotency key",
    401: "未登录,或令牌已失效 / no token, or one that does not hold",
    403: "岗位无权办理 / the caller's roles do not allow it",
    404: "没有,或不是您的 / it does not exist, or is another's",
    409: "与现状冲突 / the state has moved on",
    413: "内容过大 / the body is too large",
    422: "填写有误,或按规则不予办理 / wrong fields, or refused by rule",
    429: "请求过多,见 Retry-After / too much at once, see Retry-After",
    503: "暂时无法服务,见 Retry-After / away for a moment, see Retry-After",
}
_METHODS: Final = ("get", "put", "post", "delete", "patch")
_REF: Final = "#/components/schemas/"


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The same document with the errors of every route; doing it again changes nothing."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas.update(_problem_schemas())
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                _complete(item[method], method, path)
    schemas_sorted = dict(sorted(schemas.items()))
    document["components"]["schemas"] = schemas_sorted
    return document


def _problem_schemas() -> dict[str, Any]:
    whole = Problem.model_json_schema(ref_template=_REF + "{model}")
    return {**whole.pop("$defs"), Problem.__name__: whole}


def _complete(operation: dict[str, Any], method: str, path: str) -> None:
    answers = operation["responses"]
    if PROBLEM not in answers.get("422", {}).get("content", {PROBLEM: None}):
        del answers["422"]  # the framework's own, which nobody is answered
    for status in _errors(operation, method, path):
        answers.setdefault(str(status), _error(status))
    operation["responses"] = dict(sorted(answers.items()))


def _errors(operation: Mapping[str, Any], method: str, path: str) -> Iterator[int]:
    yield from (400, 503)
    if "security" in operation:
        yield from (401, 403)
    if "{" in path:
        yield 404
    if method != "get":
        yield from (409, 413)
    if method != "get" or "security" not in operation:
        yield 429  # strangers may try an open door only so often
    if "requestBody" in operation or operation.get("parameters"):
        yield 422


def _error(status: int) -> dict[str, Any]:
    return {
        "description": WORDS[status],
        "content": {PROBLEM: {"schema": {"$ref": f"{_REF}{Problem.__name__}"}}},
    }
