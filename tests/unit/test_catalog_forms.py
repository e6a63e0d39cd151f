"""Bad input named field by field: forms, parties, and the choice of matters."""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.catalog.forms import World, validate_form
from shared.catalog.parties import Submission, clean_parties, validate_parties
from shared.catalog.plan import select
from shared.catalog.registry import load
from shared.catalog.submission import Examined, examine
from shared.errors import FieldError
from tests.support.catalogue import SAMPLE, TODAY, sample, sample_form

CATALOG = load()


def judged(form: dict[str, Any], bundle: str | None = "bereavement", matters: tuple[str, ...] = ()) -> dict[str, str]:
    chosen, errors = select(CATALOG, bundle, matters, form)
    _, wrong = validate_form(CATALOG, chosen, form, TODAY, bundle=bundle)
    return codes([*errors, *wrong])


def codes(errors: list[FieldError]) -> dict[str, str]:
    assert all(" / " in e.message for e in errors)
    return {e.pointer: e.code for e in errors}


def test_the_main_jobs_form_is_clean_and_stays_what_it_was():
    matters, errors = select(CATALOG, "bereavement", [], SAMPLE["form"])
    clean, wrong = validate_form(CATALOG, matters, SAMPLE["form"], TODAY, bundle="bereavement")
    assert (errors, wrong) == ([], [])
    assert clean == SAMPLE["form"]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"death": {**SAMPLE["form"]["death"], "date": "2026-11-22"}}, "/form/death/date", "IN_FUTURE"),
        ({"death": {**SAMPLE["form"]["death"], "date": 1780000000}}, "/form/death/date", "FORMAT"),
        ({"death": {**SAMPLE["form"]["death"], "date": "2026-02-30"}}, "/form/death/date", "FORMAT"),
        ({"death": {**SAMPLE["form"]["death"], "manner": "odd"}}, "/form/death/manner", "NOT_ALLOWED"),
        ({"death": {**SAMPLE["form"]["death"], "place_region": "12"}}, "/form/death/place_region", "TOO_SHORT"),
        ({"death": {**SAMPLE["form"]["death"], "cause": "x"}}, "/form/death/cause", "UNKNOWN_FIELD"),
        ({"death": None}, "/form/death", "REQUIRED"),
        ({"disposition": None}, "/form/disposition", "REQUIRED"),
        ({"disposition": "sunk"}, "/form/disposition", "NOT_ALLOWED"),
        ({"kinship_commitment": False}, "/form/kinship_commitment", "COMMITMENT_REQUIRED"),
        ({"kinship_commitment": 1}, "/form/kinship_commitment", "COMMITMENT_REQUIRED"),
        ({"electronic_delivery": "yes"}, "/form/electronic_delivery", "FORMAT"),
        ({"funeral_home": "420112"}, "/form/funeral_home", "FORMAT"),
        ({"ashes": "kept"}, "/form/ashes", "NOT_ALLOWED"),
        ({"fee_items": []}, "/form/fee_items", "TOO_FEW"),
        ({"fee_items": [{"code": "urn", "quantity": 1, "charged": 150.0}]}, "/form/fee_items/0/charged", "FORMAT"),
        ({"fee_items": [{"code": "urn", "quantity": 1, "charged": "1.005"}]}, "/form/fee_items/0/charged", "FORMAT"),
        ({"fee_items": [{"code": "urn", "quantity": 1, "charged": "-1"}]}, "/form/fee_items/0/charged", "OUT_OF_RANGE"),
        ({"fee_items": [{"code": "urn", "quantity": 0, "charged": "1"}]}, "/form/fee_items/0/quantity", "OUT_OF_RANGE"),
        ({"fee_items": [{"code": "urn", "quantity": 1, "charged": "1"}] * 2}, "/form/fee_items", "DUPLICATE_CODE"),
        ({"payee": {**SAMPLE["form"]["payee"], "holder": "李" * 51}}, "/form/payee/holder", "TOO_LONG"),
        ({"payee": {**SAMPLE["form"]["payee"], "number": "62 22"}}, "/form/payee/number", "FORMAT"),
        ({"payee": {"holder": "李明", "number": "6222020000000000000"}}, "/form/payee/for", "REQUIRED"),
        ({"description": "x"}, "/form/description", "FIELD_NOT_IN_CASE"),
        ({"colour": "red"}, "/form/colour", "FIELD_NOT_IN_CASE"),
    ],
)
def test_one_wrong_field_is_named_once_with_its_code(changes: dict[str, Any], pointer: str, code: str):
    assert judged(sample_form(**changes)) == {pointer: code}


def test_all_wrong_fields_are_named_at_once():
    form = sample_form(disposition="sunk", ashes="kept", colour="red", death={})
    found = judged(form)
    assert {"/form/disposition", "/form/colour", "/form/death/date", "/form/death/manner"} <= set(found)
    assert "/form/funeral_home" not in found  # which members join is not decided: it may be meant


def test_an_unknown_funeral_home_is_named():
    matters, _ = select(CATALOG, "bereavement", [], SAMPLE["form"])
    world = World(TODAY, known_unit=lambda _: False)
    _, wrong = validate_form(CATALOG, matters, SAMPLE["form"], TODAY, bundle="bereavement", world=world)
    assert codes(wrong) == {"/form/funeral_home": "UNKNOWN_FUNERAL_HOME"}


def test_a_burial_has_no_fields_of_a_cremation():
    buried = sample_form(disposition="buried")
    assert judged(buried) == {
        "/form/funeral_home": "FIELD_NOT_IN_CASE",
        "/form/ashes": "FIELD_NOT_IN_CASE",
        "/form/fee_items": "FIELD_NOT_IN_CASE",
    }
    assert judged(sample_form(disposition="buried", funeral_home=None, ashes=None, fee_items=None)) == {}


RELIEF = {
    "hardship_type": "quick",
    "occurred_at": "2026-11-20",
    "occurred_region": "420112001000",
    "description": "房屋起火",
    "requested_amount": "1000.00",
    "bank_account": {"holder": "张三", "number": "6222020000000000000"},
}


def test_temporary_relief_takes_its_own_fields_and_refuses_over_long_text():
    assert judged(RELIEF, None, ("assistance.temporary",)) == {}
    long = {**RELIEF, "description": "长" * 2001, "requested_amount": "0.00", "occurred_at": "2026-12-01"}
    assert judged(long, None, ("assistance.temporary",)) == {
        "/form/description": "TOO_LONG",
        "/form/requested_amount": "OUT_OF_RANGE",
        "/form/occurred_at": "IN_FUTURE",
    }


def test_a_value_is_never_repeated_in_what_is_said_of_it():
    form = sample_form(payee={"holder": "李" * 60, "number": "not-a-number-4711", "for": ["x"]})
    matters, _ = select(CATALOG, "bereavement", [], form)
    _, wrong = validate_form(CATALOG, matters, form, TODAY, bundle="bereavement")
    assert wrong
    assert not any("4711" in e.message or "李" in e.message for e in wrong)


# --- the choice of matters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bundle", "matters", "form", "expected"),
    [
        ("none", (), {}, {"/bundle": "UNKNOWN_BUNDLE"}),
        (None, (), {}, {"/bundle": "REQUIRED"}),
        (None, ("funeral.none",), {}, {"/matters/0": "UNKNOWN_MATTER"}),
        (None, ("funeral.fee_waiver",), {}, {"/matters/0": "PREREQUISITE_MISSING"}),
        ("bereavement", ("elderly.age_allowance",), {}, {"/matters/0": "MATTER_NOT_IN_BUNDLE"}),
        (
            "bereavement",
            ("funeral.cremation",),
            {"disposition": "buried"},
            {"/matters/0": "CONDITION_NOT_MET"},
        ),
    ],
)
def test_a_wrong_choice_is_refused_where_it_stands(bundle, matters, form, expected):
    assert codes(select(CATALOG, bundle, matters, form)[1]) == expected


def test_a_bundle_with_one_matter_brings_its_hard_prerequisite_unless_granted_earlier():
    form = SAMPLE["form"]
    chosen, _ = select(CATALOG, "bereavement", ["funeral.fee_waiver"], form)
    assert [m.code for m in chosen] == ["funeral.cremation", "funeral.fee_waiver"]
    chosen, _ = select(CATALOG, "bereavement", ["funeral.fee_waiver"], form, granted={"funeral.cremation"})
    assert [m.code for m in chosen] == ["funeral.fee_waiver"]


# --- parties ----------------------------------------------------------------------------------------------------------


def parties_judged(**changes: Any) -> dict[str, str]:
    given = sample(**changes)
    matters, _ = select(CATALOG, given.get("bundle"), given.get("matters", []), given["form"])
    return codes(validate_parties(CATALOG, matters, Submission.model_validate(given), TODAY))


def test_the_main_jobs_parties_pass():
    assert parties_judged() == {}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"subject": None}, {"/subject": "REQUIRED"}),
        ({"co_applicants": [SAMPLE["applicant"]]}, {"/co_applicants": "CO_APPLICANT_NOT_TAKEN"}),
        ({"household": [SAMPLE["applicant"]]}, {"/household": "HOUSEHOLD_NOT_TAKEN"}),
        # the right check digit, the wrong date (29 February 1941)
        ({"subject": {**SAMPLE["subject"], "id_no": "420112194102290019"}}, {"/subject/id_no": "ID_BIRTH_DATE"}),
        ({"subject": {**SAMPLE["subject"], "id_no": "420112194002290012"}}, {"/subject/id_no": "ID_CHECK_DIGIT"}),
        ({"applicant": {**SAMPLE["applicant"], "id_no": None}}, {"/applicant/id_no": "ID_REQUIRED"}),
        ({"subject": {**SAMPLE["applicant"], "role": "deceased"}}, {"/subject/id_no": "SAME_PERSON"}),
        ({"applicant": {**SAMPLE["applicant"], "kind": "organisation"}}, {"/applicant/id_type": "NOT_ALLOWED"}),
        ({"materials": [{"type": "magic", "source": "paper"}]}, {"/materials/0/type": "UNKNOWN_MATERIAL"}),
        ({"materials": [{"type": "proxy", "source": "upload"}]}, {"/materials/0/file_id": "REQUIRED"}),
        ({"materials": [{"type": "proxy", "source": "deferred"}]}, {"/materials/0/promise_by": "REQUIRED"}),
    ],
)
def test_a_wrong_party_or_material_is_named(changes: dict[str, Any], expected: dict[str, str]):
    assert parties_judged(**changes) == expected


def test_a_matter_about_the_applicant_alone_takes_no_subject():
    given = sample(bundle=None, matters=["assistance.temporary"], form=RELIEF, household=[SAMPLE["subject"]])
    wrong = validate_parties(
        CATALOG, [CATALOG.matters["assistance.temporary"]], Submission.model_validate(given), TODAY
    )
    assert codes(wrong) == {"/subject": "SUBJECT_NOT_TAKEN"}


def test_clean_parties_write_a_number_in_its_one_way():
    given = sample(subject={**SAMPLE["subject"], "id_no": "420112400229001"})
    cleaned = clean_parties(Submission.model_validate(given))
    assert cleaned["subject"]["id_no"] == "420112194002290011"
    assert set(cleaned) == {"applicant", "subject"}


# --- the whole at once ------------------------------------------------------------------------------------------------

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def examined(given: dict[str, Any], granted: tuple[str, ...] = ()) -> Examined:
    world = World(TODAY, known_region=lambda region: region == "420112")
    return examine(CATALOG, given, NOW, world, granted)


def test_the_main_job_is_examined_clean():
    found = examined(sample())
    assert found.errors == []
    assert len(found.matters) == 5
    assert found.form == SAMPLE["form"]
    assert found.parties["subject"]["role"] == "deceased"


def test_one_answer_names_what_is_wrong_in_every_part():
    given = sample(
        accept_region="990099",
        co_applicants=[SAMPLE["applicant"]],
        subject={**SAMPLE["subject"], "id_no": "420112194102290019"},
        form=sample_form(ashes="kept", colour="red"),
        received_at="2026-11-20T09:00:00+08:00",
    )
    assert codes(examined(given).errors) == {
        "/accept_region": "UNKNOWN_REGION",
        "/co_applicants": "CO_APPLICANT_NOT_TAKEN",
        "/subject/id_no": "ID_BIRTH_DATE",
        "/form/ashes": "NOT_ALLOWED",
        "/form/colour": "FIELD_NOT_IN_CASE",
        "/received_reason": "REQUIRED",
    }


def test_an_unknown_bundle_does_not_hide_wrong_values_nor_make_right_ones_wrong():
    assert codes(examined(sample(bundle="none")).errors) == {"/bundle": "UNKNOWN_BUNDLE"}
    assert codes(examined(sample(bundle="none", form=sample_form(ashes="kept"))).errors) == {
        "/bundle": "UNKNOWN_BUNDLE",
        "/form/ashes": "NOT_ALLOWED",
    }


def test_a_body_of_the_wrong_shape_is_named_beside_its_wrong_form():
    found = codes(examined(sample(channel="pigeon", extra=1, form=sample_form(ashes="kept"))).errors)
    assert found == {"/channel": "NOT_ALLOWED", "/extra": "UNKNOWN_FIELD", "/form/ashes": "NOT_ALLOWED"}


def test_it_cannot_be_received_in_the_future():
    found = examined(sample(received_at="2026-11-21T10:00:01+08:00"))
    assert codes(found.errors) == {"/received_at": "IN_FUTURE"}
