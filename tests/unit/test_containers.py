"""The image and the compose files: of the shape their specification asks for, and true of the platform they run."""

from __future__ import annotations

import importlib.resources
import re
import shlex
from copy import deepcopy
from pathlib import Path
from typing import Any

import orjson
import pytest
import uvicorn
import yaml
from jsonschema import Draft202012Validator

from shared.catalog.registry import load
from shared.config import DATABASE_URL, PREFIX, Settings
from shared.runtime.gateway import nginx
from shared.runtime.host import load_specs

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy" / "compose"
CATALOG = load()
IMAGE = (ROOT / "deploy" / "Containerfile").read_text("utf-8")
FILES = {path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted(FOLDER.glob("*.yaml"))}
SPECIFICATION = orjson.loads(
    importlib.resources.files("check_jsonschema.builtin_schemas").joinpath("vendor/compose-spec.json").read_bytes()
)
OURS = "onewindow"
SERVERS = "FORWARDED_ALLOW_IPS"
"""Which the HTTP server reads by itself: from whom it believes where a request came from."""


def wrong_shape(document: dict[str, Any]) -> list[str]:
    return [e.message for e in Draft202012Validator(SPECIFICATION).iter_errors(document)]


def containers(document: dict[str, Any]) -> dict[str, str]:
    """Which service each of our containers serves."""
    commands = {name: c.get("command", []) for name, c in document["services"].items() if c["image"] == OURS}
    return {name: words[2] for name, words in commands.items() if words[:2] == ["serve", "--only"]}


def images(document: dict[str, Any]) -> list[str]:
    return [c["image"] for c in document["services"].values()]


def settings_in(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for container in document["services"].values():
        if container["image"] == OURS:
            found |= container.get("environment") or {}
    return found


def names_a_registry(image: str) -> bool:
    """Whether the first part of an image's name is a host: that choice is the operator's."""
    first, slash, _ = image.partition("/")
    return bool(slash) and ("." in first or ":" in first or first == "localhost")


@pytest.mark.parametrize("name", FILES)
def test_a_compose_file_is_of_the_specification_s_shape(name):
    assert wrong_shape(FILES[name]) == []


def test_a_planted_mistake_of_shape_is_caught():
    planted = deepcopy(FILES["apart"])
    planted["services"]["intake"]["depend_on"] = ["database"]
    assert wrong_shape(planted)


def test_every_service_of_the_catalogue_has_a_container_that_serves_it_and_it_alone():
    served = containers(FILES["apart"])
    assert served == {name: name for name in CATALOG.services}
    assert FILES["one"]["services"]["platform"]["command"] == ["up", "--no-demo"]


@pytest.mark.parametrize("name", sorted(containers(FILES["apart"])))
async def test_behind_the_gateway_everybody_keeps_their_own_address(name, monkeypatch):
    """Else all share the gateway's, and a hundred wrong guesses of one shut the door to all."""
    for key, value in FILES["apart"]["services"][name]["environment"].items():
        monkeypatch.setenv(key, str(value))
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["client"][0])

    config = uvicorn.Config(app, lifespan="off")
    config.load()
    scope = {
        "type": "http",
        "client": ("10.89.0.7", 5),
        "scheme": "http",
        "headers": [(b"x-forwarded-for", b"198.51.100.9")],
    }
    await config.loaded_app(scope, None, None)
    assert seen == ["198.51.100.9"]
    assert "proxy_set_header X-Forwarded-For $remote_addr" in nginx(
        load_specs(CATALOG), {s: ["x:1"] for s in CATALOG.services}, listen="0.0.0.0:1", folder="/run"
    ), "it says who came, and passes on nothing that they said of themselves"


def test_the_gateway_s_configuration_names_every_service_where_it_is():
    (line,) = FILES["apart"]["services"]["gateway-configuration"]["command"]
    words = shlex.split(line)
    assert words[:2] == ["onewindow", "gateway"]
    backends = dict(w.split("=") for w in words if "=" in w)
    assert backends == {name: f"{name}:8000" for name in CATALOG.services}
    listen = words[words.index("--listen") + 1]
    made = nginx(load_specs(CATALOG), {n: [p] for n, p in backends.items()}, listen=listen, folder="/tmp")  # noqa: S108
    assert f"listen {listen};" in made
    gateway = FILES["apart"]["services"]["gateway"]
    assert gateway["ports"][0].rpartition(":")[2] == listen.rpartition(":")[2]
    waits = {n for n, c in gateway["depends_on"].items() if c["condition"] == "service_healthy"}
    assert waits == set(CATALOG.services)


@pytest.mark.parametrize("name", FILES)
def test_every_setting_exists_and_has_a_value_that_is_right(name):
    env = settings_in(FILES[name])
    given = {}
    for setting, value in env.items():
        if setting == SERVERS:
            continue
        assert setting.startswith(PREFIX)
        own = setting.removeprefix(PREFIX).lower()
        service = setting.removeprefix(f"{DATABASE_URL}_").lower()
        assert own in Settings.model_fields or service in CATALOG.services, setting
        if value is not None and own in Settings.model_fields:
            given[own] = value
    assert Settings(**given).demo is False


@pytest.mark.parametrize("name", FILES)
def test_our_containers_have_no_rights_beyond_their_own_and_keep_keys_apart(name):
    for container in (c for c in FILES[name]["services"].values() if c["image"] == OURS):
        assert container["cap_drop"] == ["ALL"]
        assert container["read_only"] is True
        held = [v.split(":")[1] for v in container["volumes"]]
        assert len(held) == len(set(held))
    assert {"keys"} <= FILES[name]["volumes"].keys()
    ports = [p for c in FILES[name]["services"].values() for p in c.get("ports", ())]
    assert all(p.startswith("127.0.0.1:") for p in ports), "TLS stands in front"


@pytest.mark.parametrize("name", FILES)
def test_no_image_names_the_host_of_a_registry_and_each_has_a_version(name):
    found = images(FILES[name])
    assert not [i for i in found if names_a_registry(i)]
    assert all(":" in i for i in found if i != OURS)
    assert names_a_registry("registry.example:5000/onewindow")


@pytest.mark.parametrize("name", FILES)
def test_no_password_stands_in_a_file(name):
    text = (FOLDER / f"{name}.yaml").read_text("utf-8")
    assert not re.search(r"PASSWORD: (?!\$\{)\S", text)
    assert "://onewindow:$" in text or name == "one"


def test_the_image_runs_as_nobody_in_particular_and_names_its_base_by_version_alone():
    bases = re.findall(r"^FROM (\S+)", IMAGE, re.MULTILINE)
    assert bases == ["python:3.11-slim", "python:3.11-slim"]
    assert not [b for b in bases if names_a_registry(b)]
    last = IMAGE.rpartition("\nFROM ")[2]
    (user,) = re.findall(r"^USER (\S+)", last, re.MULTILINE)
    assert int(user) > 0
    assert "--chown" not in last, "what runs the code cannot change it"
    assert 'ENTRYPOINT ["onewindow"]' in last


def test_the_image_s_settings_exist():
    names = re.findall(rf"{PREFIX}([A-Z_]+)=", IMAGE)
    assert {"host", "data", "keys"} <= {n.lower() for n in names} <= set(Settings.model_fields)


def test_neither_history_nor_data_nor_keys_come_into_the_image():
    ignored = (ROOT / ".containerignore").read_text("utf-8").split()
    assert {".git", ".venv", "var"} <= set(ignored)
