"""The words of papers for reason codes, values of results and ways of delivery."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from shared.entries import read_yaml

_FILE = Path(__file__).with_name("words.yaml")


@cache
def _words() -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = read_yaml(_FILE)
    return found


def reason(code: str) -> str:
    """A reason in words, the code itself where there are none."""
    return _words()["reasons"].get(code, code)


def result(name: str) -> str | None:
    """The label of a public value of a result, None for one that is not told in papers."""
    return _words()["results"].get(name)


def personal(name: str) -> str | None:
    """The label of a personal value."""
    return _words()["personal"].get(name)


def method(code: str) -> str:
    """A way of delivery in words."""
    return _words()["methods"].get(code, code)


def signing(role: str) -> str:
    """What one who signed did, in words."""
    return _words()["signing"].get(role, role)
