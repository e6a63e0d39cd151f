"""A failpoint is armed for a whole process: a test that shares it with other services names the one it strikes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import HOUSE

ARMED = re.compile(r"""failpoints\.arm\(f?(["'])(?P<setting>.*?)\1""")
ALONE = "faults"
"""Its platforms are processes of their own, where nobody else can be struck."""


def unnamed(tests: Path) -> Iterator[str]:
    """Each place where a test arms a failpoint that any service of its process may run into."""
    for path in sorted(tests.rglob("*.py")):
        if path.relative_to(tests).parts[0] == ALONE or path == Path(__file__):
            continue
        for found in ARMED.finditer(path.read_text()):
            if any("/" not in part for part in filter(None, found["setting"].split(","))):
                yield f"{path.name}: {found['setting']}"


def test_a_failpoint_strikes_the_service_that_the_test_means():
    assert list(unnamed(HOUSE / "tests")) == []


@pytest.mark.parametrize("setting", ["unit.after_commit=error", "toy/ask.after=error,unit.after_commit=kill@2"])
def test_a_failpoint_without_its_service_is_caught(setting, tmp_path):
    (tmp_path / "test_planted.py").write_text(f'failpoints.arm("{setting}")\nfailpoints.arm("toy/ask.after=error")\n')
    assert list(unnamed(tmp_path)) == [f"test_planted.py: {setting}"]
