"""The simulated sources confirm what an application states of any valid number, and nothing else."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from demo.answers import answer, last_whole_quarter
from demo.people import id_number
from shared.facts.port import FactAnswer, Question
from shared.identity import check_id_no
from shared.outcomes import FactStatus
from shared.roll import read_roll

TODAY = date(2026, 11, 21)
PERSON = {"name": "李国强", "id_type": "resident_id", "id_no": "420112194002290011"}


def ask(source: str, today: date = TODAY, **question: Any) -> FactAnswer | None:
    return answer(Question(UUID(int=1), source, question, "k"), today)


def test_the_sample_of_the_contract_is_paid_a_hundred_a_month_through_september() -> None:
    found = ask("benefit_roll", family="elderly", person=PERSON, died_on="2026-11-10")
    assert found
    (running,) = read_roll(found.data, "elderly")
    assert (running.scheme, str(running.monthly), running.paid_through) == ("age_allowance", "100.00", "2026-09")


@pytest.mark.parametrize(
    ("born", "monthly"),
    [
        (date(1946, 1, 1), "100.00"),
        (date(1936, 1, 1), "200.00"),
        (date(1926, 1, 1), "500.00"),
        (date(1950, 1, 1), None),
    ],
)
def test_the_allowance_goes_by_age(born: date, monthly: str | None) -> None:
    person = {**PERSON, "id_no": id_number("420112", born, 1)}
    found = ask("benefit_roll", family="elderly", person=person, died_on="2026-11-10")
    assert found
    assert [str(b.monthly) for b in read_roll(found.data, "elderly")] == ([monthly] if monthly else [])


def test_who_became_eighty_in_the_quarter_of_the_death_was_paid_nothing_yet() -> None:
    person = {**PERSON, "id_no": id_number("420112", date(1946, 10, 20), 1)}
    found = ask("benefit_roll", family="elderly", person=person, died_on="2026-11-10")
    assert found
    (running,) = read_roll(found.data, "elderly")
    assert (running.since, running.paid_through) == ("2026-10", None)


def test_nobody_is_on_the_roll_of_assistance() -> None:
    found = ask("benefit_roll", family="assistance", person=PERSON, died_on="2026-11-10")
    assert found
    assert found.status is FactStatus.CONFIRMED
    assert read_roll(found.data, "assistance") == []


@pytest.mark.parametrize(
    ("day", "month"),
    [("2026-11-10", "2026-09"), ("2026-10-01", "2026-09"), ("2026-09-30", "2026-06"), ("2027-02-01", "2026-12")],
)
def test_the_last_whole_quarter_ended_before_the_death(day: str, month: str) -> None:
    assert last_whole_quarter(date.fromisoformat(day)) == month


def test_a_death_is_confirmed_as_stated() -> None:
    found = ask("death", person=PERSON, died_on="2026-11-10")
    assert found
    assert found.status is FactStatus.CONFIRMED
    assert found.data == {"name": "李国强", "id_no": PERSON["id_no"], "died_on": "2026-11-10"}


def test_a_cremation_is_confirmed_with_the_charges_stated_and_never_in_the_future() -> None:
    charges = [{"code": "cremation", "quantity": 1, "charged": "190.00"}]
    found = ask("cremation", person=PERSON, died_on="2026-11-20", home_no="FH-420112-01", charges=charges)
    assert found
    assert (found.data["charges"], found.data["home_no"]) == (charges, "FH-420112-01")
    assert found.data["cremated_on"] <= TODAY.isoformat()


def test_a_marriage_record_has_a_living_spouse_with_a_valid_number() -> None:
    found = ask("marriage_record", person=PERSON)
    assert found
    (record,) = found.data["records"]
    assert (record["status"], record["spouse"]["alive"]) == ("married", True)
    assert check_id_no("resident_id", record["spouse"]["id_no"], TODAY) is None


@pytest.mark.parametrize("source", ["death", "cremation", "benefit_roll", "marriage_record"])
def test_the_same_question_has_the_same_answer(source: str) -> None:
    question: dict[str, Any] = {
        "person": PERSON,
        "died_on": "2026-11-10",
        "home_no": "FH-420112-01",
        "family": "elderly",
    }
    assert ask(source, **question) == ask(source, **question)


def test_of_a_wrong_number_or_another_source_nothing_is_known() -> None:
    wrong = {**PERSON, "id_no": "420112194002290012"}
    assert ask("death", person=wrong, died_on="2026-11-10") is None
    assert ask("death", died_on="2026-11-10") is None
    assert ask("weather", person=PERSON) is None
