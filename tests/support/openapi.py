"""Holds an answer against what the OpenAPI document says of its route: nothing missing, nothing unsaid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}


def schema_of(document: Mapping[str, Any], method: str, path: str, status: int) -> dict[str, Any]:
    """The schema that a route's answer of this status has in the document."""
    found: dict[str, Any] = document["paths"][path][method]["responses"][str(status)]["content"]["application/json"]
    return dict(found["schema"])


def differences(document: Mapping[str, Any], schema: Mapping[str, Any], value: Any, at: str = "") -> list[str]:
    """Every place where a value is not what its schema says; a name the schema does not know is one too."""
    return list(_differ(document["components"]["schemas"], schema, value, at))


def _differ(parts: Mapping[str, Any], schema: Mapping[str, Any], value: Any, at: str) -> Iterator[str]:
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        tried = [list(_differ(parts, one, value, at)) for one in schema["anyOf"]]
        yield from min(tried, key=len)
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is none of {schema['enum']}"
    wanted = schema.get("type")
    if wanted and (not isinstance(value, _TYPES[wanted]) or (wanted == "integer" and isinstance(value, bool))):
        yield f"{at}: {type(value).__name__} is no {wanted}"
    elif isinstance(value, dict):
        yield from _of_object(parts, schema, value, at)
    elif isinstance(value, list) and "items" in schema:
        for n, inner in enumerate(value):
            yield from _differ(parts, schema["items"], inner, f"{at}/{n}")


def _of_object(parts: Mapping[str, Any], schema: Mapping[str, Any], value: dict[str, Any], at: str) -> Iterator[str]:
    known = schema.get("properties", {})
    more = schema.get("additionalProperties", not known)
    for name in schema.get("required", ()):
        if name not in value:
            yield f"{at}/{name}: missing"
    for name, inner in value.items():
        if name in known:
            yield from _differ(parts, known[name], inner, f"{at}/{name}")
        elif isinstance(more, dict):
            yield from _differ(parts, more, inner, f"{at}/{name}")
        elif not more:
            yield f"{at}/{name}: not in the document"
