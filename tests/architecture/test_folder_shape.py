"""Every service is a folder of one shape, so that who knows one knows all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.architecture.source import HOUSE, plant

SHAPE = (
    "__init__.py",
    "domain.py",
    "tables.py",
    "store.py",
    "handlers.py",
    "api.py",
    "service.py",
    "policy",
    "migrations",
)
"""The parts of a service; a module that outgrew its file may be a package of the same name."""

MAY_LACK = {
    "access": {"store.py", "handlers.py", "policy"},  # asks nothing of the bus: accounts and units are plain rows
    "intake": {"policy"},  # decides no matter
    "coordinator": {"policy"},  # decides no matter
}
"""What the ground's own services do without; a service that handles matters has every part."""


def parts(root: Path) -> list[str]:
    """Parts a service lacks, and things in its folder that are none of the shape."""
    return [fault for folder in _services(root) for fault in (*_lacking(folder), *_strange(folder))]


def _services(root: Path) -> list[Path]:
    return sorted(path for path in (root / "services").iterdir() if path.is_dir() and path.name != "__pycache__")


def _lacking(folder: Path) -> list[str]:
    needed = [part for part in SHAPE if part not in MAY_LACK.get(folder.name, set())]
    there = [part for part in needed if (folder / part).exists() or (folder / part.removesuffix(".py")).is_dir()]
    return [f"services/{folder.name} lacks {part}" for part in needed if part not in there]


def _strange(folder: Path) -> list[str]:
    known = {*SHAPE, *(part.removesuffix(".py") for part in SHAPE), "__pycache__"}
    return [f"services/{folder.name}/{p.name} is no part of a service" for p in folder.iterdir() if p.name not in known]


def loose(root: Path) -> list[str]:
    """Files that lie in services/ beside the services."""
    return [f"services/{p.name} is no service" for p in (root / "services").glob("*.*") if p.name != "__init__.py"]


def says_what_it_decides(root: Path) -> list[str]:
    """Services whose `__init__.py` is no plain paragraph: without words, or with code."""
    faults = []
    for folder in _services(root):
        text = (folder / "__init__.py").read_text(encoding="utf-8") if (folder / "__init__.py").exists() else ""
        if not text.strip().startswith('"""') or text.strip().count('"""') != 2 or not text.strip().endswith('"""'):
            faults.append(
                f"services/{folder.name}/__init__.py: one paragraph that says what this service decides, only"
            )
    return faults


def data_in_policy(root: Path) -> list[str]:
    """Policy folders that hold anything but dated YAML."""
    return [
        f"{path.relative_to(root).as_posix()}: policy is YAML with `effective`, `source` and `confidence`"
        for folder in (root / "services").glob("*/policy")
        for path in folder.iterdir()
        if path.suffix != ".yaml" or not all(word in path.read_text(encoding="utf-8") for word in POLICY_SAYS)
    ]


POLICY_SAYS = ("effective", "source", "confidence")


GUARDS = [parts, loose, says_what_it_decides, data_in_policy]

WHOLE = {f"services/tea/{part}": "" for part in SHAPE if part.endswith(".py")} | {
    "services/__init__.py": "",
    "services/tea/__init__.py": '"""Decides who gets tea."""\n',
    "services/tea/policy/tea.yaml": "effective: 2026-01-01\nsource: the kettle\nconfidence: 未核实\n",
    "services/tea/migrations/env.py": "",
}

PLANTED = [
    (parts, {"services/tea/helpers.py": ""}),
    (parts, {"services/milk/__init__.py": '"""Decides who gets milk."""'}),
    (loose, {"services/util.py": ""}),
    (says_what_it_decides, {"services/tea/__init__.py": "from services.tea.domain import brew"}),
    (says_what_it_decides, {"services/tea/__init__.py": ""}),
    (data_in_policy, {"services/tea/policy/tea.py": "LIMIT = 3"}),
    (data_in_policy, {"services/tea/policy/tea.yaml": "limit: 3"}),
]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_every_service_has_the_one_shape(guard):
    assert guard(HOUSE) == []


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_a_whole_service_passes(guard, tmp_path):
    assert guard(plant(tmp_path, WHOLE)) == []


@pytest.mark.parametrize(("guard", "files"), PLANTED)
def test_a_planted_misshape_is_caught(guard, files, tmp_path):
    assert guard(plant(tmp_path, WHOLE | files))


def test_each_missing_part_of_a_handling_service_is_named(tmp_path):
    plant(tmp_path, WHOLE)
    (tmp_path / "services/tea/handlers.py").unlink()
    assert parts(tmp_path) == ["services/tea lacks handlers.py"]


def test_a_domain_that_became_a_package_is_the_same_shape(tmp_path):
    plant(tmp_path, WHOLE | {"services/tea/domain/__init__.py": ""})
    (tmp_path / "services/tea/domain.py").unlink()
    assert parts(tmp_path) == []
