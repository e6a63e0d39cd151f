"""JSON Schemas of every message, committed and checked: within one version only optional additions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from shared.catalog.registry import Catalog
from shared.messages import parse_type

FOLDER = Path("schemas")


def schema_of(catalog: Catalog, ce_type: str) -> dict[str, Any]:
    """The JSON Schema of one CloudEvents type's data."""
    schema = catalog.message(ce_type).model_json_schema(mode="validation", by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": ce_type, **schema}


def all_types(catalog: Catalog) -> list[str]:
    """Every CloudEvents type of the catalogue."""
    return sorted(catalog.writers.values())


def _text(schema: dict[str, Any]) -> bytes:
    return orjson.dumps(schema, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write_schemas(catalog: Catalog, folder: Path = FOLDER) -> list[str]:
    """Writes one file a message type and answers the types whose file is new or changed; never removes one.

    A change that would break a reader of the same version is refused: nothing is written.
    """
    broken = breaking_changes(catalog, folder)
    if broken:
        raise ValueError("; ".join(broken))
    folder.mkdir(parents=True, exist_ok=True)
    changed = []
    for ce_type in all_types(catalog):
        path, text = folder / f"{ce_type}.json", _text(schema_of(catalog, ce_type))
        if not path.exists() or path.read_bytes() != text:
            path.write_bytes(text)
            changed.append(ce_type)
    return changed


def check_schemas(catalog: Catalog, folder: Path = FOLDER) -> list[str]:
    """What differs between the committed schemas and the messages, in sentences; empty when nothing does."""
    problems = breaking_changes(catalog, folder)
    for ce_type in all_types(catalog):
        path = folder / f"{ce_type}.json"
        if not path.exists():
            problems.append(f"{ce_type}: no committed schema 缺少已提交的模式 (onewindow schemas)")
        elif path.read_bytes() != _text(schema_of(catalog, ce_type)):
            problems.append(f"{ce_type}: the committed schema is old 已提交的模式过期 (onewindow schemas)")
    known = set(all_types(catalog))
    problems += [
        f"{p.stem}: shipped, but no message reads it 已发布的类型无人能读"
        for p in _files(folder)
        if p.stem not in known
    ]
    return problems


def breaking_changes(catalog: Catalog, folder: Path = FOLDER) -> list[str]:
    """Every change against the committed schemas that breaks a reader or writer of the same version."""
    known = set(all_types(catalog))
    return [
        f"{path.stem}: {change}; give it version {parse_type(path.stem)[2] + 1} 不兼容的修改须另立新版本"
        for path in _files(folder)
        if path.stem in known
        for change in incompatible(orjson.loads(path.read_bytes()), schema_of(catalog, path.stem))
    ]


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("cn.onewindow.*.json")) if folder.is_dir() else []


# --- the compatibility rule ---------------------------------------------------------------------------------------


def incompatible(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What of a message's change is more than an optional addition; empty when old and new understand each other."""
    return list(_object("", old, new, (old, new), frozenset()))


_Roots = tuple[dict[str, Any], dict[str, Any]]
_Seen = frozenset[tuple[str, str]]


def _object(at: str, old: dict[str, Any], new: dict[str, Any], roots: _Roots, seen: _Seen) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in sorted(before.keys() - after.keys()):
        yield f"{at}/{name} was removed"
    was, now = set(old.get("required", [])), set(new.get("required", []))
    yield from (
        f"{at}/{name} was added but is required" for name in sorted(after.keys() - before.keys()) if name in now
    )
    for name in sorted(before.keys() & after.keys()):
        if name in now - was:
            yield f"{at}/{name} became required"
        yield from _value(f"{at}/{name}", before[name], after[name], roots, seen)


def _value(at: str, old: Any, new: Any, roots: _Roots, seen: _Seen) -> Iterator[str]:
    pair = (str(old.get("$ref")), str(new.get("$ref")))
    if "$ref" in old and "$ref" in new:
        if pair in seen:
            return
        seen |= {pair}
    old, new = _resolved(old, roots[0]), _resolved(new, roots[1])
    if _shape(old) != _shape(new):
        yield f"{at} changed its type"
        return
    if sorted(map(str, old.get("enum", []))) != sorted(map(str, new.get("enum", []))):
        yield f"{at} changed its values"
    if "properties" in old or "properties" in new:
        yield from _object(at, old, new, roots, seen)
    for word in ("items", "additionalProperties"):
        if isinstance(old.get(word), dict) and isinstance(new.get(word), dict):
            yield from _value(at, old[word], new[word], roots, seen)
    for before, after in zip(_choices(old), _choices(new), strict=False):
        yield from _value(at, before, after, roots, seen)


def _choices(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(schema.get("anyOf", []), key=lambda s: (str(s.get("type")), str(s.get("$ref"))))


def _shape(schema: dict[str, Any]) -> tuple[Any, ...]:
    return schema.get("type"), schema.get("format"), schema.get("const"), tuple(map(_plain, _choices(schema)))


def _plain(schema: dict[str, Any]) -> tuple[str, str]:
    return str(schema.get("type")), str(schema.get("$ref"))


def _resolved(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = root["$defs"][schema["$ref"].rpartition("/")[2]]
    return found
