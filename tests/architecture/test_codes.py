"""Codes of refusals: one word per idea, each in the one registry with its words, none registered that nobody raises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from shared.codes import CODES, GROUPS
from shared.runtime.cli.catalogue import CODES_PAGE, codes_page
from tests.architecture.source import HOUSE, Module, modules, plant

CODE = re.compile(r"[A-Z][A-Z0-9]+(_[A-Z0-9]+)*")
LIKELY = re.compile(r"[\"'][A-Z][A-Z0-9_]{2,}[\"']")
SINKS = {
    "FieldError": 1,
    "HttpError": 1,
    "problem": 1,
    "body_of": 1,
    "unknown": 1,
    "named": 0,
    "words": 0,
    "Conflict": 0,
    "Refused": 0,
    "PydanticCustomError": 0,
    "Unfit": 0,
    "forbidden": 0,
    "unauthenticated": 0,
}
"""What takes a code, and at which place."""

HANDED_ON = {
    "services/intake/domain/files.py": "a file's state is a code of `FILES`",
    "shared/catalog/parties.py": "parties that no matter takes, in a table",
    "shared/complaints.py": "Pydantic's kinds have codes, and our own kinds are codes",
    "shared/errors.py": "a kind of error has a code of its own",
    "shared/files/pictures.py": "what hides behind a picture, or is cut off",
    "shared/handling/extension.py": "answers the code of a refusal",
    "shared/handling/kinship.py": "names the code that the routes answer",
    "shared/runtime/gateway.py": "what the gateway answers by itself, in a table",
    "shared/http/problems.py": "a status has a code",
    "shared/identity.py": "answers what is wrong with a number",
}
"""Modules in which a code is a value before it is raised elsewhere: every code-like text in them is one."""

OTHER_WORDS = {"FEB28", "MAR1", "NFKC"}
"""Texts in those modules that look like codes and are none."""


def raised(root: Path) -> Iterator[tuple[str, str]]:
    """Every code that stands where a refusal is made, with its place; and every one in the modules above."""
    sources = modules(root, "services", "shared", "demo", "deploy")
    found = [Source(m) for m in sources if m.name != "shared.codes" and LIKELY.search(m.path.read_text("utf-8"))]
    public = dict(SINKS)
    for source in found:
        public |= {name: at for name, at in source.wrappers(SINKS).items() if not name.startswith("_")}
    for source in found:
        if source.place in HANDED_ON:
            yield from ((source.place, code) for code in _texts(source.tree))
        yield from source.made({**public, **source.wrappers(public)})


class Source:
    """The calls and functions of one module."""

    def __init__(self, module: Module) -> None:
        self.place, self.tree = module.place, module.tree
        nodes = list(ast.walk(module.tree))
        self.calls = [node for node in nodes if isinstance(node, ast.Call)]
        self.functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
        self.inside = [[n for n in ast.walk(f) if isinstance(n, ast.Call)] for f in self.functions]

    def wrappers(self, sinks: dict[str, int]) -> dict[str, int]:
        """The functions here that hand a parameter of theirs on as a code, and at which place they take it."""
        found: dict[str, int] = {}
        while True:
            more = {
                function.name: names.index(argument.id)
                for function, calls in zip(self.functions, self.inside, strict=True)
                for names in [[a.arg for a in function.args.args]]
                for argument in _arguments(calls, {**sinks, **found})
                if isinstance(argument, ast.Name) and argument.id in names
            }
            if more == found:
                return found
            found = more

    def made(self, sinks: dict[str, int]) -> Iterator[tuple[str, str]]:
        """The codes that stand in the place of one in a call of a sink, or that a sink takes by default."""
        for argument in _arguments(self.calls, sinks):
            yield from ((f"{self.place}:{argument.lineno}", code) for code in _texts(argument))
        for function in self.functions:
            if function.name in sinks:
                yield from ((f"{self.place}:{function.lineno}", code) for code in _texts(function.args))


def _arguments(calls: list[ast.Call], sinks: dict[str, int]) -> Iterator[ast.expr]:
    """What stands in the place of a code, in every call of a sink."""
    for call in calls:
        at = sinks.get(getattr(call.func, "attr", getattr(call.func, "id", "")))
        if at is not None:
            yield from call.args[at : at + 1]
            yield from (k.value for k in call.keywords if k.arg == "code")


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and CODE.fullmatch(text) and text not in OTHER_WORDS:
            yield text


@cache
def raised_here() -> tuple[tuple[str, str], ...]:
    """What the house raises, read once."""
    return tuple(raised(HOUSE))


def unregistered(root: Path) -> list[str]:
    """Codes that are raised and stand in no registry."""
    found = raised_here() if root == HOUSE else raised(root)
    return [f"{place}: {code} has no words in shared/codes.py" for place, code in found if code not in CODES]


def test_every_code_that_is_raised_has_its_words() -> None:
    assert unregistered(HOUSE) == []


def test_no_code_is_registered_that_nobody_raises() -> None:
    assert sorted(CODES.keys() - {code for _, code in raised_here()}) == []


def test_a_code_is_registered_once_and_says_in_both_languages_what_it_means() -> None:
    assert sum(map(len, GROUPS.values())) == len(CODES)
    for code, text in CODES.items():
        zh, slash, en = text.partition(" / ")
        assert CODE.fullmatch(code)
        assert re.search(r"[\u4e00-\u9fff]", zh), code
        assert slash, code
        assert en.isascii(), code


IDEAS = [
    {"UNKNOWN_FIELD", "FIELD_UNKNOWN"},
    {"UNKNOWN_TASK", "TASK_UNKNOWN"},
    {"OUT_OF_RANGE", "TOO_SMALL", "TOO_BIG"},
    {"REQUIRED", "MISSING", "REQUIRED_FIELD"},
    {"FORMAT", "INVALID_FORMAT", "VALUE_INVALID"},
]


@pytest.mark.parametrize("words", IDEAS, ids=min)
def test_an_idea_has_one_code(words: set[str]) -> None:
    assert len(words & CODES.keys()) == 1


def test_the_codes_that_the_contract_names_are_registered() -> None:
    contract = (HOUSE / "docs/design/contract.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z]+(?:_[A-Z]+)+)`", contract))
    assert {code for code in named if not code.startswith("ONEWINDOW_")} - CODES.keys() <= SETTINGS


SETTINGS = {"DATABASE_URL", "FILE_BYTES", "OIDC_ISSUER", "OIDC_AUDIENCE", "OIDC_CLIENTS", "OIDC_ACCOUNT_CLAIM"}
SETTINGS |= {"OIDC_IDENTITY_CLAIM", "AUTH_URL"}


def test_the_page_of_codes_is_made_of_the_registry() -> None:
    assert CODES_PAGE.read_text("utf-8") == codes_page(), "run `onewindow codes`"


PLANTED = [
    'raise Conflict("NEVER_HEARD_OF")',
    'def f(): return FieldError("/a", "NEVER_HEARD_OF" if f else "FORMAT")',
    'def _wrong(at, code): return FieldError(at, code)\n_wrong("/a", "NEVER_HEARD_OF")',
    'def refused(code="NEVER_HEARD_OF"): return HttpError(403, code)',
    'RefusedError(Refused(code="NEVER_HEARD_OF"))',
]


@pytest.mark.parametrize("text", PLANTED)
def test_a_planted_code_without_words_is_caught(text: str, tmp_path: Path) -> None:
    assert unregistered(plant(tmp_path, {"services/a/domain.py": text}))
