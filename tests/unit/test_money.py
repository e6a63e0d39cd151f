"""Money keeps every fen between yuan, fen and text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from shared.money import NonNegativeYuan, Yuan, format_yuan, from_fen, round_yuan, to_fen, yuan


class Line(BaseModel):
    charged: Yuan
    paid: NonNegativeYuan = Decimal("0.00")


@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_fen_yuan_and_text_are_one_amount(fen):
    assert to_fen(from_fen(fen)) == fen
    assert yuan(format_yuan(from_fen(fen))) == from_fen(fen)
    assert format_yuan(from_fen(fen))[-3] == "."


def test_amounts_are_written_with_two_decimals():
    assert [format_yuan(yuan(v)) for v in ("12.3", 12, Decimal("12.300"), "-0")] == ["12.30", "12.00", "12.30", "0.00"]
    assert format_yuan(Decimal("1E+3")) == "1000.00"


@pytest.mark.parametrize("wrong", ["12.345", "1e3", "", " 1", "1,000.00", "NaN", "１２", "+1", "1.", 1.5, True, None])
def test_what_is_no_amount_is_refused(wrong):
    with pytest.raises(ValueError, match="金额"):
        yuan(wrong)


@pytest.mark.parametrize("wrong", ["12.345", "NaN", "Infinity", "1E+20"])
def test_a_decimal_that_is_no_amount_is_refused(wrong):
    with pytest.raises(ValueError, match="金额"):
        yuan(Decimal(wrong))


def test_rounding_is_asked_for_and_takes_halves_up():
    assert round_yuan(Decimal("0.125")) == Decimal("0.13")
    assert round_yuan(Decimal("-0.125")) == Decimal("-0.13")


def test_a_model_reads_and_writes_money_as_text():
    line = Line.model_validate_json('{"charged": "300.5"}')
    assert line.charged == Decimal("300.50")
    assert line.model_dump_json() == '{"charged":"300.50","paid":"0.00"}'
    for wrong in ('{"charged": 300.5}', '{"charged": 300}', '{"charged": "3.005"}', '{"charged": null}'):
        with pytest.raises(ValidationError):
            Line.model_validate_json(wrong)
    with pytest.raises(ValidationError):
        Line.model_validate({"charged": "1", "paid": "-0.01"})


def test_the_schema_says_that_money_is_a_string():
    assert Line.model_json_schema()["properties"]["charged"]["type"] == "string"
    assert Line.model_json_schema()["properties"]["paid"]["type"] == "string"
