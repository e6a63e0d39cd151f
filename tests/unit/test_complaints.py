"""A wrong field's sentence says what would be right, in Chinese and in English, and repeats nothing that was typed in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.catalog.forms import World, validate_form
from shared.catalog.plan import select
from shared.catalog.registry import load
from shared.complaints import field_errors, sentence
from tests.support.catalogue import SAMPLE, TODAY

CATALOG = load()


class Filled(BaseModel):
    model_config = ConfigDict(extra="forbid")

    at: AwareDatetime = datetime(2026, 11, 21, tzinfo=UTC)
    lease: UUID = UUID(int=1)
    count: int = Field(1, ge=1, le=9)
    code: str = Field("A", pattern="^[A-Z]+$", max_length=3)
    seen: bool = False
    rows: list[int] = []


@pytest.mark.parametrize(
    ("given", "zh", "en"),
    [
        ({"at": "2026-11-26T09:00:00"}, "带时区", "with its zone"),
        ({"at": "gestern"}, "带时区", "with its zone"),
        ({"lease": "gestern"}, "UUID", "UUID"),
        ({"count": "gestern"}, "整数", "whole number"),
        ({"count": 77}, "不得大于 9", "at most 9"),
        ({"code": "gestern"}, "最多 3 个字", "at most 3 characters"),
        ({"code": "abc"}, "^[A-Z]+$", "^[A-Z]+$"),
        ({"seen": "gestern"}, "true 或 false", "true or false"),
        ({"rows": "gestern"}, "列表", "a list"),
        ({"gestern": 1}, "请删去", "leave it out"),
    ],
)
def test_a_body_that_is_wrong_is_told_what_would_be_right(given: dict[str, Any], zh: str, en: str) -> None:
    with pytest.raises(ValidationError) as cause:
        Filled.model_validate(given)
    (error,) = field_errors(cause.value.errors())
    said_zh, _, said_en = error.message.partition(" / ")
    assert zh in said_zh
    assert en in said_en
    assert "gestern" not in error.message


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"ashes": "kept"}, "应为 stored、buried、eco、claimed 之一 / must be one of stored, buried, eco, claimed"),
        (
            {"death": {**SAMPLE["form"]["death"], "date": "2026-02-30"}},
            "应为日期,如 2026-11-21 / must be a day, as 2026-11-21",
        ),
        (
            {"death": {**SAMPLE["form"]["death"], "date": 1780000000}},
            "应为日期,如 2026-11-21 / must be a day, as 2026-11-21",
        ),
        ({"fee_items": [{"code": "urn", "quantity": 0, "charged": "1"}]}, "不得小于 1 / at least 1"),
        (
            {"fee_items": [{"code": "urn", "quantity": 1, "charged": 1.5}]},
            '金额应为字符串,如 "12.30" / money is a string like "12.30"',
        ),
        ({"electronic_delivery": "yes"}, "应为 true 或 false / must be true or false"),
        ({"payee": {**SAMPLE["form"]["payee"], "holder": "李" * 51}}, "最多 50 个字 / at most 50 characters"),
    ],
)
def test_a_form_that_is_wrong_is_told_what_would_be_right(changes: dict[str, Any], told: str) -> None:
    form = {**SAMPLE["form"], **changes}
    matters, _ = select(CATALOG, "bereavement", [], form)
    _, errors = validate_form(CATALOG, matters, form, TODAY, bundle="bereavement", world=World(TODAY))
    assert [e.message for e in errors] == [told]


def test_what_nobody_foresaw_is_still_told_in_both_languages() -> None:
    assert sentence({"type": "some_new_kind", "msg": "typed in: 420112"}) == "格式有误 / the form is wrong"
