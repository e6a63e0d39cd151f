"""The catalogue as JSON: what the public is shown, and what a case is handled under, named by its SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from pydantic import TypeAdapter

from shared.catalog.authority import authorities
from shared.catalog.model import Bundle, Joins, LawRef, MaterialNeed, Matter, PauseGround
from shared.catalog.protocol import Limit
from shared.catalog.registry import Catalog
from shared.outcomes import Nature

SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def canonical(document: Any) -> bytes:
    """The one way of writing a document: UTF-8 JSON, keys sorted, no spaces."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def sha256_of(data: bytes) -> str:
    """The name of a stored document."""
    return hashlib.sha256(data).hexdigest()


def definition(catalog: Catalog, matters: Sequence[Matter], bundle: str | None) -> tuple[str, bytes]:
    """What a case of these matters is handled under: its SHA-256 and its canonical bytes, the same in every run."""
    document = {
        "bundle": bundle_document(catalog, bundle) if bundle else None,
        "matters": [matter_document(catalog, m.code) for m in sorted(matters, key=lambda m: m.code)],
    }
    data = canonical(document)
    return sha256_of(data), data


def catalogue_version(catalog: Catalog) -> str:
    """The SHA-256 of everything in the catalogue: it changes with anything that is shown or applies."""
    bundles = [bundle_document(catalog, code) for code in sorted(catalog.bundles)]
    matters = [matter_document(catalog, code) for code in sorted(catalog.matters)]
    return sha256_of(canonical({"bundles": bundles, "matters": matters}))


def catalogue_document(catalog: Catalog) -> dict[str, Any]:
    """`GET /api/catalogue`: every bundle and matter in short."""
    return {
        "version": catalogue_version(catalog),
        "bundles": [
            {"code": b.code, "name": b.name, "local_name": b.local_name, "matters": _codes(catalog.members(b.code))}
            for b in sorted(catalog.bundles.values(), key=lambda b: b.code)
        ],
        "matters": [
            {"code": m.code, "name": m.name, "service": m.service, "nature": m.nature.value, "labels": labels_of(m)}
            for m in sorted(catalog.matters.values(), key=lambda m: m.code)
        ],
    }


def labels_of(matter: Matter) -> list[str]:
    """便民标签: what the entry says, and 一张身份证办成 where whoever applies need bring nothing but that (a commitment may
    stand for what else there is)."""
    brought = {need.type for need in matter.materials if not need.fetched and not need.commits}
    one_card = matter.nature is Nature.ON_APPLICATION and brought <= {"id_card"}
    return [*matter.labels, *(["一张身份证办成"] if one_card else [])]


def matter_document(catalog: Catalog, code: str) -> dict[str, Any]:
    """One matter in full, as the public and the definition have it; raises `KeyError` for an unknown code."""
    matter = catalog.matters[code]
    body = {**_said_of(matter), **_asked_for(catalog, matter), **_handled(matter), **_answered(matter)}
    return {**body, "version": sha256_of(canonical(body))}


def _said_of(matter: Matter) -> dict[str, Any]:
    return {
        "code": matter.code,
        "name": matter.name,
        "official_name": matter.official_name,
        "aliases": list(matter.aliases),
        "basic_code": matter.basic_code,
        "service": matter.service,
        "nature": matter.nature.value,
        "task_type": matter.task_type,
        "labels": labels_of(matter),
        "conditions": matter.conditions,
    }


def _asked_for(catalog: Catalog, matter: Matter) -> dict[str, Any]:
    """What the applicant hands in, about whom, and how often."""
    return {
        "form": form_schema(catalog, [matter]),
        "parties": {
            "subject": matter.subject,
            "co_applicants": matter.co_applicants,
            "household": matter.household,
        },
        "materials": [_material(need, required=need.required) for need in matter.materials],
        "not_asked": not_asked(matter.materials),
        "intimate": matter.intimate,
        "whose": matter.whose,
        "once": matter.once,
    }


def _handled(matter: Matter) -> dict[str, Any]:
    """In what time and order it is handled, and by whom."""
    return {
        "limits": {
            "examination": _limit(matter.examination),
            "promised": _limit(matter.promised),
            "legal": _limit(matter.legal),
        },
        "after": [{"matter": a.matter, "hard": a.hard} for a in matter.after],
        "facts": list(matter.facts),
        "rests_on": list(matter.rests_on),
        "joins": [_join(j) for j in matter.joins],
        "check": matter.check,
        "pauses": [_pause(ground) for ground in matter.pauses],
        "authorities": {
            "decided_at": matter.decided_at,
            "handled_where": matter.handled_where or None,
            "declared": [e.model_dump(mode="json") for e in authorities().of_matter(matter.code)],
        },
    }


def _answered(matter: Matter) -> dict[str, Any]:
    """By which law it is decided, and what the applicant gets."""
    return {"law": _law(matter.law), "papers": list(matter.papers), "yields": list(matter.yields)}


def bundle_document(catalog: Catalog, code: str) -> dict[str, Any]:
    """One bundle in full, its members in order; raises `KeyError` for an unknown code."""
    bundle: Bundle = catalog.bundles[code]
    members = catalog.members(code)
    body = {
        "code": bundle.code,
        "name": bundle.name,
        "local_name": bundle.local_name,
        "intro": bundle.intro,
        "matters": [
            {"code": m.code, "name": m.name, "conditions": [_join(j) for j in m.joins if j.bundle == code]}
            for m in members
        ],
        "form": form_schema(catalog, members),
        "materials": _shared_materials(members),
        "not_asked": not_asked(need for m in members for need in m.materials),
        "papers": list(dict.fromkeys(paper for m in members for paper in m.papers)),
        "fact_sources": dict(bundle.fact_sources),
        "law": _law(bundle.law),
    }
    return {**body, "version": sha256_of(canonical(body))}


def form_schema(catalog: Catalog, matters: Iterable[Matter]) -> dict[str, Any]:
    """The JSON Schema of the form that these matters share; required is what any of them requires."""
    matters = list(matters)
    required = {name for m in matters for name in m.required_fields}
    names = required | {name for m in matters for name in m.optional_fields}
    fields = [catalog.fields[name] for name in sorted(names)]
    schemas, shared = TypeAdapter.json_schemas([(f.name, "validation", f.adapter) for f in fields], by_alias=True)
    properties = {f.name: {"title": f.title, **schemas[f.name, "validation"]} for f in fields}
    return {
        "$schema": SCHEMA,
        "type": "object",
        "properties": properties,
        "required": sorted(required),
        "additionalProperties": False,
        **({"$defs": shared["$defs"]} if "$defs" in shared else {}),
    }


def not_asked(needs: Iterable[MaterialNeed]) -> dict[str, int]:
    """免交份/应交份: of so many papers that are due, so many nobody need bring; a paper counts once."""
    due = {need.type: need.fetched for need in needs}
    return {"count": sum(due.values()), "of": len(due)}


def _shared_materials(matters: Iterable[Matter]) -> list[dict[str, Any]]:
    """Every material once, whoever needs it; required where any matter requires it."""
    needs = [need for m in matters for need in m.materials]
    required = {need.type for need in needs if need.required}
    once = {need.type: need for need in reversed(needs)}
    return [_material(once[kind], required=kind in required) for kind in dict.fromkeys(n.type for n in needs)]


def _material(need: MaterialNeed, *, required: bool) -> dict[str, Any]:
    return {
        "type": need.type,
        "name": need.name,
        "required": required,
        "fetched": need.fetched,
        "secondary": need.secondary,
        "follows": _limit(need.follows),
        "commits": need.commits,
    }


def _limit(limit: Limit | None) -> dict[str, Any] | None:
    return None if limit is None else {"n": limit.n, "unit": limit.unit}


def _pause(ground: PauseGround) -> dict[str, Any]:
    return {"code": ground.code, "name": ground.name, "law": _law([ground.law])[0], "longest": _limit(ground.longest)}


def _join(join: Joins) -> dict[str, Any]:
    return {"bundle": join.bundle, "when": join.when_text, "condition": _named(join.when)}


def _named(condition: Any) -> str | None:
    if condition is None:
        return None
    return str(getattr(condition, "__qualname__", None) or repr(condition))


def _law(law: Sequence[LawRef]) -> list[dict[str, Any]]:
    return [
        {
            "document": ref.document,
            "article": ref.article,
            "effective": ref.effective.isoformat() if ref.effective else None,
            "confidence": ref.confidence,
        }
        for ref in law
    ]


def _codes(matters: Iterable[Matter]) -> list[str]:
    return [m.code for m in matters]
