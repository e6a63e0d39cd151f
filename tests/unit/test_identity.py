"""Identity numbers, masking, case numbers and references; vectors of elderly_onewindow §6."""

from __future__ import annotations

from datetime import date
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc
from stdnum.iso7064 import mod_11_2

from shared.application_no import (
    CHANNELS,
    ApplicationNo,
    check_application_no,
    make_application_no,
    parse_application_no,
)
from shared.identity import IdProblem, age_on, birth_of, check_id_no, normalise_id_no, org_code_check_digit, sex_of
from shared.masking import mask_account, mask_id_no, mask_name, mask_phone
from shared.person_index import PersonIndex, subject_ref

TODAY = date(2026, 11, 21)


def number(body: str) -> str:
    return body + mod_11_2.calc_check_digit(body)


BODIES = st.builds(
    lambda region, birth, order: f"{region:06d}{birth:%Y%m%d}{order:03d}",
    st.integers(110000, 659999),
    st.dates(date(1900, 1, 1), TODAY),
    st.integers(0, 999),
)


def test_vector_1_a_valid_number_in_either_case():
    for raw in ("11010519491231002X", "11010519491231002x", " 1101051949 1231002Ｘ"):
        assert check_id_no("resident_id", raw, TODAY) is None
        assert normalise_id_no("resident_id", raw) == "11010519491231002X"
    assert sex_of("11010519491231002X") == "female"
    assert birth_of("11010519491231002X") == date(1949, 12, 31)


def test_vector_2_a_wrong_check_digit():
    assert check_id_no("resident_id", "110105194912310021", TODAY) == "ID_CHECK_DIGIT"


def test_vector_3_a_leap_day():
    assert check_id_no("resident_id", "420112194002290011", TODAY) is None
    assert sex_of("420112194002290011") == "male"


def test_vector_4_the_right_check_digit_on_an_impossible_date():
    assert check_id_no("resident_id", "420112194102290019", TODAY) == "ID_BIRTH_DATE"


def test_vector_5_an_old_number_is_upgraded():
    assert normalise_id_no("resident_id", "420112400229001") == "420112194002290011"
    assert check_id_no("resident_id", "420112400229001", TODAY) is None


@pytest.mark.parametrize("code", ["12441500196720244T", "91350100M000100Y43", "52420112MJH0000193"])
def test_vector_6_valid_credit_codes(code):
    assert check_id_no("uscc", code, TODAY) is None


def test_a_credit_code_may_start_with_letters():
    # N2: rural collectives; registered by the departments of agriculture since 2018.
    body = "N2420112MF0000001"
    assert check_id_no("uscc", body + uscc.calc_check_digit(body), TODAY) is None


def test_vector_7_wrong_credit_codes():
    assert check_id_no("uscc", "12441500196720244U", TODAY) == "ID_CHECK_DIGIT"
    for letter in "IOSVZ":
        assert check_id_no("uscc", f"1244150019672024{letter}T", TODAY) == "ID_FORMAT"


def test_vector_8_the_organisation_code_inside():
    assert org_code_check_digit("19672024") == "4"


def test_a_county_that_no_list_knows_is_accepted():
    assert check_id_no("resident_id", number("42999919700101001"), TODAY) is None


@pytest.mark.parametrize("birth", ["20261122", "18900101", "20260230", "19700001"])
def test_a_birth_date_must_be_real_and_not_in_the_future(birth):
    assert check_id_no("resident_id", number(f"420112{birth}001"), TODAY) == "ID_BIRTH_DATE"


def test_someone_born_today_has_a_valid_number():
    assert check_id_no("resident_id", number("42011220261121001"), TODAY) is None


@pytest.mark.parametrize(
    ("id_type", "raw", "problem"),
    [
        ("hmt_residence", number("81000019800101001"), None),
        ("hmt_residence", number("42011219800101001"), "ID_TYPE"),
        ("resident_id", number("83000019800101001"), "ID_TYPE"),
        ("foreign_permanent", number("91184019800101001"), None),
        ("foreign_permanent", "CAN110180010101", None),
        ("foreign_permanent", "CA110180010101", "ID_FORMAT"),
        ("passport", "E12345678", None),
        ("passport", "护照", "ID_FORMAT"),
        ("resident_id", "", "ID_REQUIRED"),
        ("resident_id", None, "ID_REQUIRED"),
        ("resident_id", "42011219400229001", "ID_FORMAT"),
        ("resident_id", "X20112194002290011", "ID_FORMAT"),
        ("unknown", None, None),
        ("unknown", "420112194002290011", "ID_UNEXPECTED"),
        ("driving_licence", "420112194002290011", "ID_TYPE"),
    ],
)
def test_every_type_of_document_has_its_rule(id_type, raw, problem):
    assert check_id_no(id_type, raw, TODAY) == problem
    assert problem is None or problem in get_args(IdProblem)


@given(BODIES, st.data())
def test_any_single_wrong_character_is_caught(body, data):
    right = number(body)
    assert check_id_no("resident_id", right, TODAY) is None
    at = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from([c for c in "0123456789" + "X" * (at == 17) if c != right[at]]))
    assert check_id_no("resident_id", right[:at] + other + right[at + 1 :], TODAY) == "ID_CHECK_DIGIT"


@given(BODIES, st.integers(0, 15))
def test_two_neighbours_changed_over_are_caught(body, at):
    right = number(body)
    swapped = right[:at] + right[at + 1] + right[at] + right[at + 2 :]
    assert swapped == right or check_id_no("resident_id", swapped, TODAY) == "ID_CHECK_DIGIT"


@given(st.text(max_size=25), st.sampled_from(["resident_id", "hmt_residence", "foreign_permanent", "passport", "uscc"]))
def test_any_text_gets_an_answer_and_no_crash(raw, id_type):
    assert check_id_no(id_type, raw, TODAY) in {None, *get_args(IdProblem)}


@pytest.mark.parametrize(
    ("birth", "on", "rule", "age"),
    [
        (date(1940, 2, 29), date(2030, 2, 28), "FEB28", 90),  # vector 32
        (date(1940, 2, 29), date(2030, 2, 28), "MAR1", 89),
        (date(1940, 2, 29), date(2030, 2, 27), "FEB28", 89),
        (date(1940, 2, 29), date(2030, 3, 1), "MAR1", 90),
        (date(1940, 2, 29), date(2028, 2, 28), "FEB28", 87),
        (date(1940, 2, 29), date(2028, 2, 29), "MAR1", 88),
        (date(1946, 5, 20), date(2026, 5, 20), "FEB28", 80),
        (date(1946, 5, 20), date(2026, 5, 19), "FEB28", 79),
        (date(2000, 2, 29), date(2100, 2, 28), "FEB28", 100),
    ],
)
def test_full_years_of_age(birth, on, rule, age):
    assert age_on(birth, on, rule) == age


def test_vector_38_masking():
    assert mask_id_no("420112194002290011") == "420112********0011"
    assert mask_id_no("E12345678") == "E1*****78"
    assert mask_id_no("1234") == "****"


@pytest.mark.parametrize(
    ("name", "masked"),
    [("李明", "李*"), ("李国强", "李**"), ("欧阳修文", "欧阳**"), ("欧阳修", "欧阳*"), ("欧阳", "欧*")]
    + [("阿依古丽·买买提", "阿***·***"), ("John Smith", "J*** S****"), ("李", "*"), ("", "")],
)
def test_names_keep_the_surname_only(name, masked):
    assert mask_name(name) == masked


def test_phones_and_accounts_keep_their_ends():
    assert mask_phone("13800000001") == "138****0001"
    assert mask_phone("83890000") == "******00"
    assert mask_account("6222020000000001234") == "*" * 15 + "1234"
    assert mask_account("123") == "***"


def test_a_case_number_holds_region_day_channel_and_sequence():
    made = make_application_no("420112001000", date(2026, 11, 21), "window", 1)
    assert made[:22] == "4201122026112101000001"
    assert len(made) == 23
    assert parse_application_no(made) == ApplicationNo("420112", date(2026, 11, 21), "window", 1)


@given(st.dates(date(2020, 1, 1), date(2050, 1, 1)), st.sampled_from(CHANNELS), st.integers(1, 999_999), st.data())
def test_a_case_number_is_read_back_and_one_wrong_character_never_passes(day, channel, sequence, data):
    made = make_application_no("420112", day, channel, sequence)
    assert parse_application_no(made) == ApplicationNo("420112", day, channel, sequence)
    at = data.draw(st.integers(0, 22))
    other = data.draw(st.sampled_from([c for c in "0123456789X" if c != made[at]]))
    assert not check_application_no(made[:at] + other + made[at + 1 :])


def test_a_case_number_needs_a_known_channel_and_a_sequence_of_six_digits():
    for args in (("420112", "window", 0), ("420112", "window", 1_000_000), ("42", "window", 1), ("420112", "fax", 1)):
        with pytest.raises(ValueError):
            make_application_no(args[0], date(2026, 11, 21), args[1], args[2])
    for wrong in (
        "",
        number("4201122026112110000001"),
        number("4201122026113101000001"),
        number("0001122026112101000001"),
    ):
        assert not check_application_no(wrong)


def test_a_person_has_one_reference_however_the_number_is_written():
    index = PersonIndex(b"k" * 32)
    ref = index.person_ref("resident_id", "420112194002290011")
    assert ref.startswith("p1_")
    assert len(ref) == 67
    assert (
        ref
        == index.person_ref("resident_id", "420112400229001")
        == index.person_ref("resident_id", "4201121940 02290011")
    )
    assert ref != index.person_ref("resident_id", "11010519491231002X")
    assert ref != PersonIndex(b"j" * 32).person_ref("resident_id", "420112194002290011")


def test_what_is_too_long_for_a_number_is_none_and_costs_nothing():
    endless = "4" + "\u0315" * 60_000 + "\u0300" * 60_000  # put into order one by one: half a minute
    assert check_id_no("resident_id", endless, date(2026, 11, 21)) == "ID_FORMAT"
    assert PersonIndex(b"k" * 32).person_ref("passport", endless).startswith("p1_")
    spaced = " ".join("420112194002290011")
    assert normalise_id_no("resident_id", spaced) == "420112194002290011"


def test_an_unknown_person_gets_a_reference_of_the_same_shape():
    index = PersonIndex(b"k" * 32)
    refs = {index.unknown_person_ref(UUID(int=n)) for n in range(3)}
    assert len(refs) == 3
    assert all(ref.startswith("p1_") and len(ref) == 67 for ref in refs)


def test_the_blind_index_finds_a_name_and_keeps_fields_apart():
    index = PersonIndex(b"k" * 32)
    assert index.blind("name", " John  Smith") == index.blind("name", "john smith")
    assert index.blind("name", "李明") != index.blind("phone", "李明")
    assert index.blind("a", "b") != index.blind("ab", "")


def test_two_departments_see_different_references():
    assert subject_ref(b"a" * 32, "p1_x") != subject_ref(b"b" * 32, "p1_x")
    for make in (lambda: PersonIndex(b"short"), lambda: subject_ref(b"", "p1_x")):
        with pytest.raises(ValueError, match="32 bytes"):
            make()
    assert "k" * 4 not in repr(PersonIndex(b"k" * 32))
