"""Errors tell their catcher what to do, in two languages."""

from __future__ import annotations

import pytest

from shared.errors import (
    Conflict,
    FieldError,
    Invalid,
    Misconfigured,
    OneWindowError,
    Poison,
    Refused,
    RefusedError,
    Transient,
)


def test_one_detail_stands_for_both_languages():
    assert Poison("only this").detail_en == Poison("only this").detail_zh == "only this"
    assert str(Transient("请稍后再试", "try again")) == "TRANSIENT: 请稍后再试 / try again"


def test_a_wrong_setting_is_named():
    error = Misconfigured("ONEWINDOW_PORT", "应为 1 至 65535", "use 1 to 65535")
    assert (error.setting, error.detail_en) == ("ONEWINDOW_PORT", "ONEWINDOW_PORT: use 1 to 65535")


def test_a_conflict_carries_its_code():
    assert Conflict("LEASE_LOST").code == "LEASE_LOST"


def test_invalid_input_names_every_wrong_field():
    error = Invalid([FieldError("/subject/id_no", "ID_CHECK_DIGIT"), FieldError("/bundle", "UNKNOWN")])
    assert "/subject/id_no ID_CHECK_DIGIT" in str(error)
    assert "/bundle UNKNOWN" in str(error)


def test_a_refusal_is_a_value_and_is_raised_only_wrapped():
    refused = Refused("TOO_LATE", law="行政许可法第四十二条", detail_zh="已过期限", detail_en="too late")
    assert not isinstance(refused, Exception)
    with pytest.raises(OneWindowError) as caught:
        raise RefusedError(refused)
    assert caught.value.code == "TOO_LATE"
