"""Nothing happens at import: a module builds values, and touches neither disk, network, clock nor environment."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import HOUSE, Module, modules, plant

PURE_CALLS = {
    # values and containers
    *("dict", "frozenset", "list", "set", "tuple", "range", "sorted", "sum", "max", "min", "zip", "enumerate", "map"),
    *("filter", "reversed", "len", "int", "str", "bytes", "float", "bool", "type", "chr", "ord", "abs", "round", "any"),
    *("all", "iter", "next", "repr", "hash", "namedtuple", "defaultdict", "partial", "cast", "object", "vars"),
    *("getattr", "hasattr", "isinstance", "issubclass", "super", "property", "classmethod", "staticmethod"),
    # declarations
    *("field", "dataclass", "compile", "date", "datetime", "time", "timedelta", "timezone", "auto", "itemgetter"),
    *("attrgetter", "methodcaller", "model_rebuild", "create_model", "get_type_hints", "declarative_base", "registry"),
    *(
        "mapped_column",
        "relationship",
        "text",
        "func",
        "now",
        "literal",
        "false",
        "true",
        "lru_cache",
        "cache",
        "dialect",
    ),
    # methods of values
    *("split", "join", "items", "keys", "values", "get", "format", "lower", "upper", "strip", "encode", "decode"),
    *("maketrans", "fromisoformat", "fromkeys", "from_iterable", "replace", "resolve", "with_name", "joinpath"),
    *("union", "intersection", "difference", "copy", "hex", "fromhex", "total_seconds", "quantize", "splitlines"),
    *(
        "casefold",
        "startswith",
        "endswith",
        "rpartition",
        "partition",
        "absolute",
        "as_posix",
        "pop",
        "update",
        "append",
    ),
    # loggers and commands are named, not started
    *("getLogger", "get_logger", "add_typer", "command", "callback"),
}
"""Foreign functions that only make a value. `now` is SQL's (`func.now()`); the clock's is caught by its full name."""

EFFECTS = {
    *("open", "read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "glob", "rglob", "iterdir"),
    *("exists", "is_dir", "is_file", "connect", "create_engine", "create_async_engine", "create_pool", "run", "Popen"),
    *("system", "getenv", "environ", "utcnow", "today", "uuid1", "uuid4", "uuid7", "new_id", "monotonic", "urlopen"),
    *("getpass", "basicConfig", "safe_load", "import_module", "exec_module", "print", "input", "sleep", "gethostname"),
    *("token_hex", "token_bytes", "urandom"),
}
"""Names that touch the world, wherever a chain of the house's own functions reaches them."""

MAKES_THINGS = re.compile(r"(Client|Engine|Pool|Thread|Process|Executor|Settings|Session|Server|Connection|FastAPI)$")
"""Classes whose instances hold something open or read the environment."""

QUIET_CLASSES = {"shared.handling.engine.Engine"}
"""Classes of the house that only sound like it: the engine of the handling protocol is a table of pure functions."""

CLOCKS = {"datetime.now", "datetime.datetime.now", "time.time", "datetime.date.today", "date.today"}


def import_time(root: Path) -> list[str]:
    """Every call at import that is more than building a value."""
    house = {module.name: module for module in modules(root, "services", "shared", "demo")}
    return [
        f"{module.place}:{node.lineno} does something at import: {ast.unparse(node)[:80]}"
        for module in house.values()
        for node in _at_import(module.tree.body)
        if _touches(node, module, house, frozenset()) or (isinstance(node, ast.Call) and _unknown(node, module, house))
    ]


def _at_import(body: list[ast.stmt]) -> Iterator[ast.expr]:
    """Calls and names evaluated while the module loads: not the inside of functions, nor decorators, nor type-only code."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            todo += [*node.args.defaults, *(d for d in node.args.kw_defaults if d)]
        elif isinstance(node, ast.If) and re.search("TYPE_CHECKING|__name__", ast.unparse(node.test)):
            todo += node.orelse
        elif isinstance(node, ast.ClassDef):
            todo += [*node.body, *node.bases, *(k.value for k in node.keywords)]
        elif isinstance(node, ast.AnnAssign):
            todo += [node.value] if node.value else []
        else:
            if isinstance(node, ast.Call | ast.Attribute):
                yield node
            todo += ast.iter_child_nodes(node)


def _touches(node: ast.AST, module: Module, house: dict[str, Module], seen: frozenset[str]) -> bool:
    """Whether the call, or a function of the house that it reaches, touches the world."""
    if isinstance(node, ast.Attribute):
        return node.attr == "environ"
    if not isinstance(node, ast.Call):
        return False
    dotted, last = ast.unparse(node.func), _last(node.func)
    if last in EFFECTS or dotted in CLOCKS or (MAKES_THINGS.search(last) and not _quiet(last, module)):
        return True
    target = _function(node.func, module, house)
    if target is None or f"{target[0].name}.{last}" in seen:
        return False
    deeper = seen | {f"{target[0].name}.{last}"}
    return any(_touches(inner, target[0], house, deeper) for inner in ast.walk(target[1]))


def _quiet(last: str, module: Module) -> bool:
    """Whether the class of this name is one of the house's that hold nothing open."""
    return any(name in module.imports and name.endswith(f".{last}") for name in QUIET_CLASSES)


def _unknown(node: ast.Call, module: Module, house: dict[str, Module]) -> bool:
    """A foreign function that is not on the list of those that only make a value; classes make values."""
    last = _last(node.func).lstrip("_")
    return not (last[:1].isupper() or last in PURE_CALLS or _function(node.func, module, house))


def _last(func: ast.expr) -> str:
    return (
        func.attr if isinstance(func, ast.Attribute) else func.id if isinstance(func, ast.Name) else ast.unparse(func)
    )


def _function(func: ast.expr, module: Module, house: dict[str, Module]) -> tuple[Module, ast.AST] | None:
    """The function of the house that a call means: defined here, imported by name, or reached through a module."""
    name = ast.unparse(func)
    here = _defined(module, name)
    if here is not None:
        return module, here
    for imported in module.imports:
        base, _, last = imported.rpartition(".")
        if base in house and last == name and (found := _defined(house[base], name)) is not None:
            return house[base], found
        if imported in house and name.startswith(f"{last}.") and (found := _defined(house[imported], _last(func))):
            return house[imported], found
    return None


def _defined(module: Module, name: str) -> ast.AST | None:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return next((node for node in module.tree.body if isinstance(node, kinds) and node.name == name), None)


PLANTED = [
    {"shared/db.py": "import asyncpg\npool = asyncpg.create_pool()"},
    {"shared/config.py": "class Settings: ...\nSETTINGS = Settings()"},
    {"shared/config.py": "import os\nPORT = os.environ['PORT']"},
    {"services/a/domain.py": "from pathlib import Path\nRULES = Path(__file__).read_text()"},
    {"services/a/domain.py": "from datetime import datetime\nSTART = datetime.now()"},
    {"services/a/domain.py": "import datetime\ndef age(day=datetime.date.today()): ..."},
    {
        "services/a/api.py": "from shared.log import set_up\nset_up()",
        "shared/log.py": "def set_up():\n    print('ready')",
    },
    {
        "services/a/tables.py": "from shared import files\nX = files.names()",
        "shared/files.py": "def names():\n    return inner()\ndef inner():\n    return open('x')",
    },
    {"shared/log.py": "import logging\nlogging.basicConfig()"},
    {"shared/a.py": "import strange\nstrange.launch()"},
    {"demo/people.py": "for n in range(3):\n    print(n)"},
    {"shared/a.py": "class Row:\n    import time\n    made = time.time()"},
]

QUIET = """
import logging, re
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from fastapi import APIRouter, Depends
from shared.helpers import table

LOG = logging.getLogger(__name__)
WORD = re.compile("a")
FOLDER = Path(__file__).parent / "policy"
DAYS = frozenset({date(2026, 1, 1), date.fromisoformat("2026-01-02")})
CODES = {name: n for n, name in enumerate("a b".split())}
TABLE = table(3)
router = APIRouter()

@dataclass
class Thing:
    wait: timedelta = timedelta(seconds=1)
    names: list[str] = field(default_factory=list)

@router.get("/")
def read(user=Depends(Thing)):
    print(open("x").read())

if __name__ == "__main__":
    read()
"""


def test_nothing_happens_at_import():
    assert import_time(HOUSE) == []


@pytest.mark.parametrize("files", PLANTED)
def test_a_planted_deed_at_import_is_caught(files, tmp_path):
    assert import_time(plant(tmp_path, files))


def test_declarations_are_left_in_peace(tmp_path):
    plant(tmp_path, {"services/a/api.py": QUIET, "shared/helpers.py": "def table(n):\n    return list(range(n))"})
    assert import_time(tmp_path) == []
