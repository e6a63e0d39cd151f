"""The catalogue as it stands, and what makes one unsound."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter

from shared.catalog.checks import check, require_sound
from shared.catalog.definition import bundle_document, catalogue_document, catalogue_version, definition
from shared.catalog.model import Bundle, FormField, Joins
from shared.catalog.plan import select
from shared.catalog.registry import Catalog, load
from shared.errors import Misconfigured
from tests.support.catalogue import SAMPLE, after, made_up_catalog, made_up_matter

A_FIELD = FormField("size", "大小", TypeAdapter(int))


def test_the_catalogue_in_force_is_sound():
    catalog = load()
    assert require_sound(catalog) is catalog


def test_bereavement_has_its_five_members_in_order():
    assert [m.code for m in load().members("bereavement")] == [
        "funeral.cremation",
        "funeral.fee_waiver",
        "elderly.benefit_stop",
        "assistance.benefit_stop",
        "marriage.record_annotation",
    ]


@pytest.mark.parametrize(
    ("catalog", "says"),
    [
        (made_up_catalog(made_up_matter("svc.a", after=after("svc.none"))), "does not exist"),
        (
            made_up_catalog(
                made_up_matter("svc.a", after=after("svc.b")),
                made_up_matter("svc.b", after=after("svc.a", hard=False)),
            ),
            "circle",
        ),
        (made_up_catalog(made_up_matter("svc.a", after=after("svc.a"))), "circle"),
        (made_up_catalog(made_up_matter("svc.a", required_fields=("size",))), "not declared"),
        (made_up_catalog(made_up_matter("svc.a"), fields=(A_FIELD, A_FIELD)), "declared twice"),
        (made_up_catalog(made_up_matter("svc.a"), made_up_matter("svc.a")), "declared twice"),
        (made_up_catalog(made_up_matter("svc.a", joins=(Joins("none"),))), "does not exist"),
        (made_up_catalog(made_up_matter("svc.a", law=())), "no law"),
        (made_up_catalog(made_up_matter("other.a")), "declared by the service"),
        (made_up_catalog(made_up_matter("svc.a", facts=("moved",))), "no source"),
        (made_up_catalog(bundles=(Bundle("b", "b", "b", order=("svc.a",)),)), "does not join"),
        (
            made_up_catalog(
                made_up_matter("svc.a", required_fields=("size",), optional_fields=("size",)), fields=(A_FIELD,)
            ),
            "both required and optional",
        ),
    ],
)
def test_an_unsound_catalogue_stops_the_start_and_says_why(catalog: Catalog, says: str):
    assert any(says in problem for problem in check(catalog))
    with pytest.raises(Misconfigured, match="ONEWINDOW_CATALOG"):
        require_sound(catalog)


FURTHER = """
from pydantic import TypeAdapter
from shared.catalog.model import After, FormField, Joins, LawRef, Matter, ServiceEntry
from shared.catalog.protocol import DOWN, UP
from shared.outcomes import Nature

SERVICE_ENTRY = ServiceEntry(
    name="memorial", title="追思",
    matters=(Matter(code="memorial.garden", name="花坛", official_name="花坛", nature=Nature.ON_APPLICATION,
        law=(LawRef("示例办法"),), required_fields=("death",), optional_fields=("flowers",), subject="required",
        after=(After("funeral.cremation"),), facts=("death_confirmed",), joins=(Joins("bereavement"),)),),
    fields=(FormField("flowers", "花", TypeAdapter(str)),), requests=DOWN, answers=UP)
"""


def test_a_further_folders_one_file_joins_bereavement(tmp_path: Path):
    (tmp_path / "memorial.py").write_text(FURTHER)
    catalog = require_sound(load([tmp_path]))
    matters, errors = select(catalog, "bereavement", [], SAMPLE["form"])
    assert not errors
    codes = [m.code for m in matters]
    assert codes.index("memorial.garden") > codes.index("funeral.cremation")
    assert "memorial.garden" in [m["code"] for m in bundle_document(catalog, "bereavement")["matters"]]
    assert catalogue_version(catalog) != catalogue_version(load())


def test_a_definition_is_the_same_however_the_matters_are_ordered_and_loaded():
    first, second = load(), load()
    one, data = definition(first, first.members("bereavement"), "bereavement")
    two, again = definition(second, list(reversed(second.members("bereavement"))), "bereavement")
    assert (one, data) == (two, again)
    assert definition(first, first.members("bereavement")[:1], "bereavement")[0] != one


def test_the_public_catalogue_lists_every_bundle_and_matter():
    catalog = load()
    document = catalogue_document(catalog)
    assert {m["code"] for m in document["matters"]} == set(catalog.matters)
    assert document["bundles"][0]["matters"][0] == "funeral.cremation"
