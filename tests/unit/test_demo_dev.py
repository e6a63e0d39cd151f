"""What `/api/dev` takes: a move of the clock, and what a source is to say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from demo.dev import Fact, Move
from shared.errors import Invalid

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def test_the_clock_goes_to_a_moment_or_forward_by_so_much() -> None:
    assert Move.model_validate({"to": "2026-12-01T09:00:00+08:00"}).target(NOW) == datetime(2026, 12, 1, 1, tzinfo=UTC)
    assert Move.model_validate({"days": 2, "hours": 1}).target(NOW) == datetime(2026, 11, 23, 3, tzinfo=UTC)


def test_a_moment_without_its_zone_is_refused_by_name() -> None:
    with pytest.raises(Invalid) as refused:
        Move.model_validate({"to": "2026-12-01T09:00:00"}).target(NOW)
    assert refused.value.errors[0].pointer == "/to"


def test_the_clock_is_never_told_to_go_back() -> None:
    with pytest.raises(ValidationError):
        Move.model_validate({"days": -1})


@pytest.mark.parametrize(
    "about", [{"key": "k"}, {"person_ref": "p1_0"}, {"person": {"id_type": "resident_id", "id_no": "1"}}]
)
def test_a_fact_is_about_somebody_or_something(about: dict[str, object]) -> None:
    assert Fact(source="death", about=about).status == "confirmed"


@pytest.mark.parametrize("about", [{}, {"person": {"name": "李明"}}, {"person": "李明"}])
def test_a_fact_about_nobody_is_refused_without_repeating_it(about: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Fact(source="death", about=about)
    assert "李明" not in str(refused.value)
