"""The source as the guards read it: modules by name, their syntax trees, what they import when they run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
"""The project's root: the real guards look here, the planted ones at a temporary folder."""


@dataclass(frozen=True)
class Module:
    """One source file under a root."""

    root: Path
    path: Path

    @cached_property
    def place(self) -> str:
        """The path from the root, as a person would say it."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def name(self) -> str:
        """The dotted name under which it is imported."""
        parts = self.path.relative_to(self.root).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def imports(self) -> frozenset[str]:
        """Every name it imports when it runs: modules, and names taken out of them; type-only imports aside."""
        found: set[str] = set()
        for node in running(self.tree):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = self._base(node)
                found |= {base} | {f"{base}.{alias.name}" for alias in node.names}
        return frozenset(found)

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        up = node.level - (self.path.name == "__init__.py")
        parts = self.name.split(".")
        return ".".join([*parts[: len(parts) - up], *([node.module] if node.module else [])])


def modules(root: Path, *tops: str) -> list[Module]:
    """Every module under these top folders of the root, in order of name."""
    found = (Module(root, path) for top in tops for path in (root / top).rglob("*.py"))
    return sorted(found, key=lambda module: module.name)


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node but those that only the type checker sees."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        yield node
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                todo.extend(child.orelse)
            else:
                todo.append(child)


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Writes these small files under the root; answers the root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root
