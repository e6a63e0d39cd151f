"""The gateway's configuration: every route of every service, and a sentence where nobody answers."""

from __future__ import annotations

import re

import pytest

from shared.catalog.registry import load
from shared.errors import Misconfigured
from shared.runtime.app import describe
from shared.runtime.gateway import nginx
from shared.runtime.host import load_specs

SPECS = load_specs(load())
PLACES = {spec.name: [f"127.0.0.1:{8100 + n}"] for n, spec in enumerate(SPECS)}


def written(places=PLACES):
    return nginx(SPECS, places, listen="127.0.0.1:8000", folder="/run/onewindow")


def test_every_path_of_a_service_goes_to_it():
    locations = dict(re.findall(r"location (?:= )?(\S+) \{ proxy_pass http://(\w+);", written()))
    for path, calls in describe(load())["paths"].items():
        service = next(iter(calls.values()))["tags"][0]
        if service in PLACES:
            prefix = max((place for place in locations if path.startswith(place.rstrip("/"))), key=len)
            assert locations[prefix] == service, path


def test_copies_of_a_service_share_its_requests():
    text = written({**PLACES, "funeral": ["127.0.0.1:8201", "127.0.0.1:8202"]})
    (copies,) = re.findall(r"upstream funeral \{(.*)\}", text)
    assert [one.split()[0] for one in re.findall(r"server (\S+)", copies)] == ["127.0.0.1:8201", "127.0.0.1:8202"]


@pytest.mark.parametrize("places", [{**PLACES, "funerals": ["127.0.0.1:1"]}, {"intake": ["127.0.0.1:1"]}])
def test_a_service_without_a_place_or_a_place_of_no_service_is_named(places):
    with pytest.raises(Misconfigured, match=r"funerals|access"):
        written(places)
