"""What must be right in a catalogue before anything starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from graphlib import CycleError, TopologicalSorter

from shared.catalog.authority import authorities
from shared.catalog.burdens import Burdens, burdens
from shared.catalog.model import Bundle, Matter
from shared.catalog.registry import Catalog
from shared.errors import Misconfigured
from shared.regions import covers


def check(catalog: Catalog, on: date | None = None, known: Burdens | None = None) -> list[str]:
    """Everything wrong with the catalogue on that day, in sentences; empty when it is sound."""
    found = [problem for rule in RULES for problem in rule(catalog)]
    return [*found, *(known or burdens()).problems(catalog, on)]


def require_sound(catalog: Catalog, on: date | None = None) -> Catalog:
    """The catalogue itself, or `Misconfigured` naming everything that is wrong with it on that day."""
    problems = check(catalog, on)
    if problems:
        raise Misconfigured("ONEWINDOW_CATALOG", "; ".join(problems))
    return catalog


def _named_once(catalog: Catalog) -> Iterator[str]:
    services = catalog.services.values()
    for kind, codes in (
        ("matter", [m.code for s in services for m in s.matters]),
        ("bundle", [b.code for s in services for b in s.bundles]),
        ("form field", [f.name for s in services for f in s.fields]),
    ):
        yield from (f"{kind} declared twice 重复声明: {code}" for code, n in Counter(codes).items() if n > 1)


def _matters_stand_with_their_service(catalog: Catalog) -> Iterator[str]:
    for service in catalog.services.values():
        for matter in service.matters:
            if matter.service != service.name:
                yield f"{matter.code}: declared by the service {service.name} 不属于该服务"
            if not service.handles:
                yield f"{matter.code}: its service does not handle items 该服务不办理事项"


def _matters_are_whole(catalog: Catalog) -> Iterator[str]:
    for matter in catalog.matters.values():
        yield from _of_matter(catalog, matter)
        yield from _of_materials(matter)


def _of_materials(matter: Matter) -> Iterator[str]:
    for need in matter.materials:
        if need.secondary != (need.follows is not None):
            yield f"{matter.code}: {need.type} may follow later without a day, or has one without 容缺须写明期限"
        if need.fetched and (need.secondary or need.commits):
            yield f"{matter.code}: {need.type} is fetched by us, nobody promises it 免提交材料不容缺、不承诺"


def _of_matter(catalog: Catalog, matter: Matter) -> Iterator[str]:
    if not matter.law:
        yield f"{matter.code}: no law 缺法律依据"
    for name in (*matter.required_fields, *matter.optional_fields):
        if name not in catalog.fields:
            yield f"{matter.code}: form field {name} is not declared 表单字段未声明"
    for name in set(matter.required_fields) & set(matter.optional_fields):
        yield f"{matter.code}: {name} is both required and optional 既必填又选填"
    if matter.handled_where and matter.handled_where not in matter.required_fields:
        yield f"{matter.code}: is handled where {matter.handled_where} says, which is no required field 办理地字段非必填"
    for after in matter.after:
        if after.matter not in catalog.matters:
            yield f"{matter.code}: comes after {after.matter}, which does not exist 前置事项不存在"
    yield from _joins(catalog, matter)
    yield from _facts(catalog, matter)


def _joins(catalog: Catalog, matter: Matter) -> Iterator[str]:
    for join in matter.joins:
        if join.bundle not in catalog.bundles:
            yield f"{matter.code}: joins the bundle {join.bundle}, which does not exist 一件事不存在"
        if " at 0x" in repr(join.when) and not hasattr(join.when, "__qualname__"):
            yield f"{matter.code}: its condition has no name that stays the same 条件没有固定名称"
        for name in getattr(join.when, "fields", ()):
            if name not in catalog.fields:
                yield f"{matter.code}: its condition looks at {name}, which is not declared 条件所用字段未声明"


def _facts(catalog: Catalog, matter: Matter) -> Iterator[str]:
    known = {fact for b in catalog.bundles.values() for fact in b.fact_sources}
    for fact in (*matter.facts, *matter.rests_on):
        if fact not in known:
            yield f"{matter.code}: no source is named for the fact {fact} 事实没有来源"


def _bundles_name_their_matters(catalog: Catalog) -> Iterator[str]:
    for bundle in catalog.bundles.values():
        yield from _order(catalog, bundle)


def _order(catalog: Catalog, bundle: Bundle) -> Iterator[str]:
    members = {m.code for m in catalog.members(bundle.code)}
    yield from (f"{bundle.code}: orders {code}, which does not join it 未加入" for code in set(bundle.order) - members)


def _no_circle(catalog: Catalog) -> Iterator[str]:
    try:
        TopologicalSorter({m.code: [a.matter for a in m.after] for m in catalog.matters.values()}).prepare()
    except CycleError as cause:
        yield f"matters wait for each other in a circle 前置关系成环: {' -> '.join(cause.args[1])}"


def _every_matter_has_an_authority(catalog: Catalog) -> Iterator[str]:
    for district in authorities().districts():
        for matter in catalog.matters.values():
            if not any(covers(e.region, district) for e in authorities().declared(matter.code, district)):
                yield f"{matter.code}: nobody has authority over it in {district} 没有办理权限"


RULES: tuple[Callable[[Catalog], Iterator[str]], ...] = (
    _named_once,
    _matters_stand_with_their_service,
    _matters_are_whole,
    _bundles_name_their_matters,
    _no_circle,
    _every_matter_has_an_authority,
)
"""Every rule of a sound catalogue."""
