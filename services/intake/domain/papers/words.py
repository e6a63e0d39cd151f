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
    """A reason in words; a code without any is named as one, so that nobody takes it for the reason itself."""
    return _words()["reasons"].get(code) or f"其他(代码 {code})"


def result(name: str, *places: str) -> str | None:
    """The label of a public value of a result, None for one that is not told in papers; `places` are the kinds of paper
    that may call it otherwise, the first one that does wins."""
    labels: Mapping[str, Mapping[str, str]] = _words()["labels"]  # type: ignore[assignment]
    return next((labels[at][name] for at in places if name in labels.get(at, {})), _words()["results"].get(name))


def scheme(code: str) -> str:
    """A benefit in words."""
    return _words()["schemes"].get(code, code)


def relation(code: str) -> str:
    """What somebody who received a paper is to the party."""
    return _words()["relations"].get(code, code)


def is_unit(name: str) -> bool:
    """Whether a public value of this name is the code of a unit, which papers call by its name."""
    return name in _words()["units"]


def signed(method: str) -> str:
    """How somebody signed."""
    return _words()["signed"].get(method, method)


def supervised(kind: str) -> str:
    """What a supervisor was told of."""
    return _words()["supervised"].get(kind, kind)


def personal(name: str) -> str | None:
    """The label of a personal value."""
    return _words()["personal"].get(name)


def method(code: str) -> str:
    """A way of delivery in words."""
    return _words()["methods"].get(code, code)


def ground(code: str) -> str:
    """Why a paper was delivered by public notice."""
    return _words()["grounds"].get(code, code)


def signing(role: str) -> str:
    """What one who signed did, in words."""
    return _words()["signing"].get(role, role)
