"""Releases: how they are numbered, and that what is stored changes with a release, never with a patch."""

from __future__ import annotations

import copy
import re
from typing import Any

import orjson
import pytest

from shared.catalog.registry import load
from shared.db.stored import faults, released, shapes
from shared.release import BESIDE, Release, this_release
from shared.runtime.cli.catalogue import CHANGELOG, STORED
from shared.runtime.host import load_specs
from tests.support.toy_releases import DEEPER_SPEC, OLDER_SPEC, WIDER_SPEC

NOW = shapes(load_specs(load()))
LOG = "# Changelog\n\n## Unreleased\n\n## 0.2.1 (2027-02-01)\n\n## [0.1.0] - 2026-12-01\n\n### Added\n"


def test_releases_are_ordered_by_number_and_patches_do_not_count():
    assert Release.parse("0.10.3") > Release.parse("0.9")
    assert Release.of(Release.parse("2.17.4").number) == Release(2, 17)
    assert released(LOG) == {Release(0, 1), Release(0, 2)}


def test_the_release_that_may_work_beside_this_one_is_the_last_before_it():
    before = [release for release in released(CHANGELOG.read_text("utf-8")) if release < this_release()]
    assert max(before, default=this_release()) == BESIDE


def test_the_committed_shapes_are_those_that_are_stored():
    committed = orjson.loads(STORED.read_bytes())
    assert committed == NOW, "run `onewindow schemas`"
    assert faults(committed, NOW, this_release(), released(CHANGELOG.read_text("utf-8"))) == []


OUT, NEXT = Release(0, 1), Release(0, 2)


def changed(**further: Any) -> dict[str, Any]:
    now = copy.deepcopy(NOW)
    now["elderly.item"]["models"]["Item"]["memo"] = "string?"
    now["elderly.item"].update(further)
    return now


@pytest.mark.parametrize(
    ("now", "this", "out", "why"),
    [
        (changed(), OUT, [OUT], r"elderly.item: what is stored has changed \(Item.memo\) since 0.1, which is out"),
        (changed(since="0.2"), OUT, [OUT], r"since 0.2, but this is 0.1: a patch changes no stored shape"),
        (changed(since="0.2"), NEXT, [OUT], None),
        (changed(), OUT, [], None),
        (changed(since="0.0"), OUT, [], "since went back"),
        (NOW, OUT, [OUT], None),
    ],
    ids=["unsaid", "in a patch", "in a release", "before the first", "backwards", "unchanged"],
)
def test_a_shape_changes_with_a_release_that_is_not_out(now, this, out, why):
    found = faults(NOW, now, this, out)
    assert len(found) == bool(why)
    if why:
        assert re.search(why, found[0])


def test_a_change_deep_within_is_seen():
    (older,), (deeper,), (wider,) = (shapes([spec]).values() for spec in (OLDER_SPEC, DEEPER_SPEC, WIDER_SPEC))
    assert deeper["models"]["FullNote"] == {**older["models"]["Note"], "by": "string?"}
    assert wider["models"]["WiderTally"]["memos"] == "[string]?"
