"""Message schemas: committed, checked, and only ever added to."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.catalog.registry import load
from shared.catalog.schemas import breaking_changes, check_schemas, incompatible, write_schemas

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["a"],
    "properties": {
        "a": {"type": "string"},
        "kind": {"enum": ["x", "y"], "type": "string"},
        "part": {"$ref": "#/$defs/Part"},
        "maybe": {"anyOf": [{"$ref": "#/$defs/Part"}, {"type": "null"}], "default": None},
    },
    "$defs": {"Part": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": []}},
}


def changed(path: str, value: Any) -> dict[str, Any]:
    new: dict[str, Any] = deepcopy(SCHEMA)
    *steps, last = path.split("/")
    place: Any = new
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return new


def test_the_committed_schemas_are_those_of_the_messages():
    assert check_schemas(load()) == []


def test_an_optional_addition_breaks_nobody():
    assert incompatible(SCHEMA, changed("properties/b", {"type": "integer", "default": 0})) == []
    assert incompatible(SCHEMA, changed("$defs/Part/properties/m", {"type": "string"})) == []


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("properties/a", None, "/a was removed"),
        ("properties/a", {"type": "integer"}, "/a changed its type"),
        ("properties/a", {"type": "string", "format": "date"}, "/a changed its type"),
        ("required", ["a", "kind"], "/kind became required"),
        ("properties/kind", {"enum": ["x"], "type": "string"}, "/kind changed its values"),
        ("$defs/Part/properties/n", None, "/part/n was removed"),
        ("$defs/Part/required", ["n"], "/part/n became required"),
        ("properties/maybe", {"$ref": "#/$defs/Part"}, "/maybe changed its type"),
    ],
)
def test_anything_more_than_an_optional_addition_is_caught(path: str, value: object, says: str):
    assert says in incompatible(SCHEMA, changed(path, value))


def test_a_new_required_field_is_caught():
    new = changed("properties/b", {"type": "string"})
    new["required"] = ["a", "b"]
    assert incompatible(SCHEMA, new) == ["/b was added but is required"]


def test_a_planted_violation_stops_the_writing_of_schemas(tmp_path: Path):
    catalog = load()
    write_schemas(catalog, tmp_path)
    assert check_schemas(catalog, tmp_path) == []
    path = tmp_path / "cn.onewindow.coordinator.ItemReady.v1.json"
    shipped = orjson.loads(path.read_bytes())
    shipped["properties"]["colour"] = {"type": "string"}
    path.write_bytes(orjson.dumps(shipped))
    assert any("/colour was removed" in change for change in breaking_changes(catalog, tmp_path))
    with pytest.raises(ValueError, match="colour"):
        write_schemas(catalog, tmp_path)


def test_a_shipped_type_that_nobody_reads_any_more_is_named(tmp_path: Path):
    catalog = load()
    write_schemas(catalog, tmp_path)
    (tmp_path / "cn.onewindow.intake.Gone.v1.json").write_text("{}")
    assert any("Gone" in problem for problem in check_schemas(catalog, tmp_path))
