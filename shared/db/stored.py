"""What is stored of every aggregate, described so that a change of it is seen in review, and held to its release.

A release that is out keeps its shapes: its patches change none. So a shape that differs from the committed one needs a
`Kind.since` that is not out yet.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from shared.changes import Kind
from shared.release import Release

if TYPE_CHECKING:
    from shared.spec import ServiceSpec

_RELEASED = re.compile(r"^## \[?v?(\d+\.\d+)\.\d+", re.MULTILINE)


def released(changelog: str) -> frozenset[Release]:
    """The releases that are out: those with a heading of their own in the changelog."""
    return frozenset(map(Release.parse, _RELEASED.findall(changelog)))


def shapes(specs: Sequence[ServiceSpec]) -> dict[str, Any]:
    """Each kind of aggregate with the release that last changed it, and the fields of every model in it."""
    return {
        f"{spec.name}.{kind.name}": {"since": str(kind.since), "models": _models(kind)}
        for spec in specs
        for kind in spec.kinds
    }


def faults(committed: Mapping[str, Any], now: Mapping[str, Any], this: Release, out: Collection[Release]) -> list[str]:
    """Why these shapes may not be committed; empty when they may."""
    found = []
    for name, shape in now.items():
        since, before = Release.parse(shape["since"]), committed.get(name, shape)
        if since > this:
            found.append(
                f"{name}: since {since}, but this is {this}: a patch changes no stored shape, raise the version in"
                f" pyproject.toml 补丁版本不得改变存储结构"
            )
        elif since < Release.parse(before["since"]):
            found.append(f"{name}: since went back to {since} 不得改回更早的版本")
        elif shape["models"] != before["models"] and since in out:
            changed = ", ".join(_changed(before["models"], shape["models"]))
            found.append(
                f"{name}: what is stored has changed ({changed}) since {since}, which is out: say the release being made"
                f" in its Kind(since=…) 存储结构有变,须写明新版本"
            )
    return found


def _changed(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [
        f"{model}.{name}"
        for model in sorted(before.keys() | now.keys())
        for name in sorted(before.get(model, {}).keys() | now.get(model, {}).keys())
        if before.get(model, {}).get(name) != now.get(model, {}).get(name)
    ]


def _models(kind: Kind[Any]) -> dict[str, dict[str, str]]:
    _, schema = models_json_schema([(model, "validation") for model in (kind.model, *kind.beside)])
    return {
        name: {"=": _said(model)} if "properties" not in model else _fields(model)
        for name, model in sorted(schema["$defs"].items())
    }


def _fields(model: Mapping[str, Any]) -> dict[str, str]:
    required = model.get("required", ())
    return {name: _said(f) + ("" if name in required else "?") for name, f in model["properties"].items()}


def _said(schema: Mapping[str, Any]) -> str:
    """A type in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_said(choice) for choice in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(repr, schema["enum"]))
    if "const" in schema:
        return repr(schema["const"])
    if schema.get("type") == "array":
        parts = schema.get("prefixItems") or [schema.get("items") or {}]
        return f"[{', '.join(map(_said, parts))}]"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"{{{_said(schema['additionalProperties'])}}}"
    return " ".join(str(schema[word]) for word in ("type", "format") if word in schema) or "any"
