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


def test_what_one_copy_cannot_answer_now_goes_to_another():
    """Above all in a rolling upgrade: what the newer release has written is left to a copy of that release."""
    (conditions,) = re.findall(r"proxy_next_upstream ([^;]*);", written())
    assert {"error", "timeout", "http_503", "non_idempotent"} == set(conditions.split())


def test_files_pass_through_and_never_wait_on_the_gateways_disk():
    text = nginx(SPECS, PLACES, listen="127.0.0.1:8000", folder="/run/onewindow", file_bytes=30_000_000)
    (where,) = re.findall(r"location = /api/intake/files \{([^}]*)\}", text)
    assert "proxy_request_buffering off" in where
    assert int(re.search(r"client_max_body_size (\d+)", where)[1]) > 30_000_000
    assert text.count("client_max_body_size") == 2, "and nowhere else is a larger body let through"


@pytest.mark.parametrize("places", [{**PLACES, "funerals": ["127.0.0.1:1"]}, {"intake": ["127.0.0.1:1"]}])
def test_a_service_without_a_place_or_a_place_of_no_service_is_named(places):
    with pytest.raises(Misconfigured, match=r"funerals|access"):
        written(places)
