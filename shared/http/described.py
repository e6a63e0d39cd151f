"""The OpenAPI document made whole: every route says each error that it may answer, as a problem document.

The framework knows the answers that a route declares; what the edge answers in its place (who may call, what cannot be
read, what is too much) is the same for all, and is added here by what the route is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from shared.http.documented import PROBLEM, Problem
from shared.http.idempotency import ALWAYS

WORDS: Final[Mapping[int, str]] = {
    400: "内容无法读取,或缺少幂等键 / it cannot be read, or lacks an idempotency key",
    401: "未登录,或令牌已失效 / no token, or one that does not hold",
    403: "岗位无权办理 / the caller's roles do not allow it",
    404: "没有,或不是您的 / it does not exist, or is another's",
    409: "与现状冲突 / the state has moved on",
    413: "内容过大 / the body is too large",
    415: "内容类型不对 / a body of another type than is read here",
    422: "填写有误,或按规则不予办理 / wrong fields, or refused by rule",
    429: "请求过多,见 Retry-After / too much at once, see Retry-After",
    503: "暂时无法服务,见 Retry-After / away for a moment, see Retry-After",
}
START: Final = (
    "先取令牌:POST /api/auth/token,表单 grant_type=password、username、password;以后每次请求带"
    " Authorization: Bearer 令牌。新建的 POST 须带 Idempotency-Key 头:每件新事一个编号,重发用同一个,结果只有一份。",
    "事项要填什么、要什么材料,见 GET /api/catalogue/matters/{code} 的 form 和 materials。金额是两位小数的字符串,"
    "期限是北京日期,时刻带时区。",
    "出错一律是 application/problem+json:code 是不变的代码,detail 说明发生了什么、怎么办,errors 逐项指出字段"
    "(JSON pointer)和应当怎么填。429、503 按 Retry-After 稍后再试。",
    "First a token: POST /api/auth/token, a form with grant_type=password, username, password; then send"
    " Authorization: Bearer … with every request. A POST that creates needs an Idempotency-Key header: a new one for"
    " each new thing, the same when it is sent again, and there is one result.",
    "What a matter needs is in the form and the materials of GET /api/catalogue/matters/{code}. Money is a string with"
    " two decimals, due dates are Beijing dates, moments have a zone.",
    "Every error is application/problem+json: code never changes, detail says what happened and what to do, errors"
    " names each wrong field (a JSON pointer) and what would be right. 429 and 503: try again after Retry-After.",
)
"""What whoever reads the document needs first."""
_METHODS: Final = ("get", "put", "post", "delete", "patch")
_REF: Final = "#/components/schemas/"


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The same document with the errors of every route; doing it again changes nothing."""
    document["info"]["description"] = "\n\n".join(START)
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
    for parameter in operation.get("parameters", ()):
        if parameter["schema"].pop(ALWAYS, False) or parameter.pop(ALWAYS, False):
            parameter["required"] = True
            parameter["schema"] = {"type": "string", "title": parameter["schema"].get("title", "")}
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
    if "requestBody" in operation:
        yield 415
    if "requestBody" in operation or operation.get("parameters"):
        yield 422


def _error(status: int) -> dict[str, Any]:
    return {
        "description": WORDS[status],
        "content": {PROBLEM: {"schema": {"$ref": f"{_REF}{Problem.__name__}"}}},
    }
