"""Words: one per idea, none of a service's own in the shared ground, and nothing that belongs to another place."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.catalog.registry import load
from shared.http.principal import ROLES
from tests.architecture.source import HOUSE, Module, modules, plant


@dataclass(frozen=True)
class Names:
    """What the catalogue calls its own."""

    services: frozenset[str]
    matters: frozenset[str]
    bundles: frozenset[str]
    fields: frozenset[str]

    @property
    def spoken(self) -> frozenset[str]:
        """Names that nobody uses by chance: services (as texts), bundles, matter codes, names of two words or more."""
        short = {code.partition(".")[2] for code in self.matters} | self.fields
        return self.services | self.bundles | self.matters | {name for name in short if "_" in name}


def catalogue_names() -> Names:
    """The names in the catalogue as it stands; a field called like a role (`funeral_home`) is a word of both."""
    catalog = load()
    return Names(*map(frozenset, (catalog.services, catalog.matters, catalog.bundles, catalog.fields.keys() - ROLES)))


# --- the shared ground names nobody -----------------------------------------------------------------------------------


def ground_names_nobody(root: Path, names: Names) -> list[str]:
    """Places in shared/, outside the catalogue, that know a service, matter, bundle or form field by name."""
    return [
        f"{module.place}:{line} says {word!r}: only the catalogue knows it by name"
        for module in modules(root, "shared")
        if not module.name.startswith("shared.catalog")
        for line, word in _spoken(module, names)
    ]


def _spoken(module: Module, names: Names) -> Iterator[tuple[int, str]]:
    docstrings = _docstrings(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield from ((node.lineno, word) for word in _in_text(node.value, names))
        elif isinstance(node, ast.Subscript | ast.Call):
            yield from ((node.lineno, word) for word in _form_field(node) if word in names.fields)
        else:
            yield from (
                (getattr(node, "lineno", 0), word)
                for word in _identifiers(node)
                if word in names.spoken - names.services
            )


def _in_text(text: str, names: Names) -> list[str]:
    if text in names.spoken:
        return [text]
    parts = re.findall(r"(?:onewindow|services)\.([a-z_]+)|\b([a-z_]+\.[a-z_]+)\b", text)
    return [service or code for service, code in parts if service in names.services or code in names.matters]


def _form_field(node: ast.Subscript | ast.Call) -> list[str]:
    """The name in `form["name"]` and `form.get("name")`."""
    if isinstance(node, ast.Subscript):
        holder, key = node.value, node.slice
    elif isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        holder, key = node.func.value, node.args[0]
    else:
        return []
    if ast.unparse(holder).split(".")[-1] in {"form", "cut"} and isinstance(key, ast.Constant):
        return [str(key.value)]
    return []


def _docstrings(tree: ast.AST) -> set[int]:
    return {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)}


def _identifiers(node: ast.AST) -> list[str]:
    """The names that a node declares or uses, imports aside (they have a guard of their own)."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Name):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.arg | ast.keyword) and node.arg:
        return [node.arg]
    return []


# --- one word per idea ------------------------------------------------------------------------------------------------

ONE_WORD = {
    "petition": "Application",
    "dossier": "Case",
    "ticket": "Case or Task",
    "subcase": "Item",
    "sub_case": "Item",
    "sub_item": "Item",
    "workitem": "Task",
    "work_item": "Task",
    "todo": "Task",
    "attachment": "Material, or file",
    "claimant": "applicant",
    "petitioner": "applicant",
    "decedent": "subject",
    "stakeholder": "Party",
    "org_unit": "Unit",
    "orgunit": "Unit",
    "bureau": "Unit",
    "clue": "Lead",
    "suspicion": "Finding",
    "entitlement": "Benefit",
    "person_id_hash": "person_ref",
    "tracking_no": "application_no",
    "case_no": "application_no",
    "dead_letter_queue": "parking, or the dead-letter topic",
}
"""Words we do not use for an idea that has one, and the word to use (the glossary of the architecture paper)."""


def one_word_per_idea(root: Path) -> list[str]:
    """Names in code that call a thing by a second word."""
    return [
        f"{module.place}:{getattr(node, 'lineno', '?')} {name}: the house says {ONE_WORD[word]}"
        for module in modules(root, "services", "shared", "demo")
        for node in ast.walk(module.tree)
        for name in _identifiers(node)
        for word in ONE_WORD
        if re.search(rf"(?:^|_){word}s?(?:_|$)", _snake(name))
    ]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


# --- the project speaks of itself alone -------------------------------------------------------------------------------

HOSTS = [
    *("pypi" + ".org", "pythonhosted" + ".org", "npmjs" + ".org", "maven" + ".org", "maven.apache" + ".org"),
    *("golang" + ".org/", "crates" + ".io", "deb.debian" + ".org", "npmmirror" + ".com", "tuna.tsinghua" + ".edu"),
    *("mirrors.aliyun" + ".com", "docker" + ".io", "ghcr" + ".io"),
]
PLACES = re.compile(r"(?<![\w.~$}])/(?:wo" + r"rk|ro" + r"ot|ho" + r"me|Us" + r"ers)/[\w.-]")
ELSEWHERE = re.compile(
    r"种" + r"子\s*\d|\bissues?\s+#?\d|\bfor this iss" + r"ue\b|\.\./sha" + r"red/|\bwork" + r"place\b", re.IGNORECASE
)

SKIP = {".git", ".venv", "var", "build", "dist", "node_modules", "__pycache__", ".hypothesis", ".pytest_cache"}
SKIP |= {".mypy_cache", ".ruff_cache", ".import_linter_cache"}
SUFFIXES = {"", ".py", ".md", ".toml", ".lock", ".in", ".yaml", ".yml", ".sh", ".json", ".txt", ".mako", ".ini", ".svg"}


def itself_alone(root: Path) -> list[str]:
    """Registry hosts, paths of somebody's machine, and talk about how the work was organised, in any file."""
    return [
        f"{path.relative_to(root).as_posix()}:{number}: {found!r} does not belong to the project"
        for path in _files(root)
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for found in _foreign(line)
    ]


def _files(root: Path) -> Iterator[Path]:
    for folder, inner, names in os.walk(root):
        inner[:] = [name for name in inner if name not in SKIP]
        yield from (Path(folder, name) for name in sorted(names) if name not in SKIP and Path(name).suffix in SUFFIXES)


def _foreign(line: str) -> list[str]:
    hosts = [host for host in HOSTS if host in line]
    return hosts + [match[0] for pattern in (PLACES, ELSEWHERE) if (match := pattern.search(line))]


# --- the guards, and what each must catch -----------------------------------------------------------------------------

TEA = Names(
    services=frozenset({"tea"}),
    matters=frozenset({"tea.second_cup", "tea.cup"}),
    bundles=frozenset({"breakfast"}),
    fields=frozenset({"sugar", "milk_kind"}),
)

NAMED = [
    'TOPIC = "onewindow.tea.events"',
    'import importlib\nimportlib.import_module("services.tea.service")',
    'if matter == "tea.cup":\n    pass',
    'print("the matter tea.cup is odd")',
    "def second_cup(): ...",
    'KIND = "breakfast"',
    "def ask(breakfast): ...",
    'def pour(form): return form["sugar"]',
    'def pour(part): return part.form.get("sugar")',
    "row.milk_kind",
    'services = {"tea"}',
]

SECOND_WORDS = ["class OrgUnit: ...", "def open_ticket(): ...", "work_items = []", "case.dossier", "f(claimant=1)"]

FOREIGN = {
    "requirements.lock": "--index-url https://pypi" + ".org/simple",
    "docs/a.md": "see /ho" + "me/someone/notes",
    "Makefile": "run:\n\tcd /wo" + "rk/main",
    "README.md": "as asked in Issue #" + "3",
    "shared/a.py": "# see ../sha" + "red/papers",
    "shared/a.yaml": "# as in 种" + "子 000",
}


def test_the_shared_ground_names_no_service_matter_bundle_or_field():
    assert ground_names_nobody(HOUSE, catalogue_names()) == []


def test_one_word_per_idea():
    assert one_word_per_idea(HOUSE) == []


def test_the_project_speaks_of_itself_alone():
    assert itself_alone(HOUSE) == []


@pytest.mark.parametrize("text", NAMED)
def test_a_planted_name_in_the_shared_ground_is_caught(text, tmp_path):
    assert ground_names_nobody(plant(tmp_path, {"shared/bus/port.py": text}), TEA)
    assert not ground_names_nobody(plant(tmp_path / "b", {"shared/catalog/services/tea.py": text}), TEA)


def test_common_words_and_prose_are_left_in_peace(tmp_path):
    text = '"""A stream, as when tea is poured."""\ncup = tea = 3\nsugar = "cup"\n# breakfast'
    assert ground_names_nobody(plant(tmp_path, {"shared/a.py": text}), TEA) == []


@pytest.mark.parametrize("text", SECOND_WORDS)
def test_a_planted_second_word_is_caught(text, tmp_path):
    assert one_word_per_idea(plant(tmp_path, {"services/a/domain.py": text}))


@pytest.mark.parametrize("name", FOREIGN)
def test_a_planted_foreign_word_is_caught(name, tmp_path):
    assert itself_alone(plant(tmp_path, {name: FOREIGN[name]}))
