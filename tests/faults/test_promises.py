"""Each promise of delivery is kept by tests that name it, so that whoever breaks one is told which."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DELIVERY = [f"I{number}" for number in (*range(1, 10), 11)]


def named() -> Iterator[tuple[str, str]]:
    """The promises that tests name in their docstrings, each with the test."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                for promise in re.findall(r"\bI\d+\b", ast.get_docstring(node) or ""):
                    yield promise, node.name


@pytest.mark.parametrize("promise", DELIVERY)
def test_every_promise_of_delivery_is_named_by_a_test(promise: str) -> None:
    assert [test for found, test in named() if found == promise], f"no test names {promise}"
