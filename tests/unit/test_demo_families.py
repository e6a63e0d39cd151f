"""The demonstration invents families that any window would take."""

from __future__ import annotations

from datetime import date

import pytest

from demo.families import bereavement_application, household_family, invent_family
from demo.people import spouse_of
from demo.plugin import read
from demo.story_household import roll_of
from shared.catalog.parties import Submission
from shared.identity import age_on, birth_of, check_id_no
from shared.money import yuan
from shared.roll import read_roll

TODAY = date(2026, 11, 21)
SEEDS = range(300)


@pytest.mark.parametrize("today", [TODAY, date(2028, 3, 4), date(2027, 1, 2)])
def test_every_person_of_every_family_has_a_valid_number(today: date) -> None:
    families = [invent_family(seed, today) for seed in SEEDS]
    people = [p for family in families for p in family.members]
    assert {check_id_no("resident_id", p.id_no, today) for p in people} == {None}
    assert all(len(p.name) == 3 for p in people)


def test_the_dead_person_was_past_eighty_and_the_heir_a_child_of_theirs() -> None:
    for family in (invent_family(seed, TODAY) for seed in SEEDS):
        born, child = birth_of(family.deceased.id_no), birth_of(family.heir.id_no)
        assert born
        assert child
        assert 80 <= age_on(born, family.died_on, "FEB28") <= 96
        assert 20 <= age_on(born, child, "FEB28") <= 36
        assert 4 <= (TODAY - family.died_on).days <= 9
        assert family.heir.surname in {family.deceased.surname, family.spouse.surname}
        assert family.deceased.surname != family.spouse.surname


def test_the_same_seed_is_the_same_family_and_another_seed_another() -> None:
    assert invent_family(7, TODAY) == invent_family(7, TODAY)
    assert len({invent_family(seed, TODAY).deceased.id_no for seed in SEEDS}) == len(SEEDS)
    assert spouse_of(invent_family(7, TODAY).deceased.id_no) == invent_family(7, TODAY).spouse


def test_an_application_has_the_contracts_shape_and_a_bill_that_is_wholly_waived() -> None:
    caps = {"transport": 300, "cold_storage": 80 * 3, "cremation": 190, "urn": 150, "ash_storage": 100}
    for seed in SEEDS:
        body = bereavement_application(invent_family(seed, TODAY), TODAY)
        Submission.model_validate(body)
        assert all(0 < yuan(i["charged"]) <= caps[i["code"]] for i in body["form"]["fee_items"])
        assert body["form"]["payee"]["holder"] == body["applicant"]["name"]


def test_nobody_applies_before_the_death() -> None:
    family = invent_family(1, TODAY)
    with pytest.raises(ValueError, match="before the death"):
        bereavement_application(family, date(2026, 1, 1))


def test_the_roll_of_the_second_story_is_read_by_both_services() -> None:
    said = roll_of(household_family(3, TODAY))["data"]
    (living,), (own,) = read_roll(said, "assistance"), read_roll(said, "elderly")
    assert living.household
    assert (living.household.members, living.household.income) == (3, yuan("1500"))
    assert 830 * 3 - living.household.income == living.monthly
    assert own.scheme == "age_allowance"


def test_the_people_whose_sources_fail_have_valid_numbers_too() -> None:
    people = [row["person"] for row in read("facts.yaml")["facts"]]
    assert [check_id_no(p["id_type"], p["id_no"], TODAY) for p in people] == [None] * len(people)
    assert len({p["id_no"] for p in people}) == len(people)
