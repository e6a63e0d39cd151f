"""Settings: a wrong one is named by its own name, and what would be right is said in Chinese and English."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.config import load_settings
from shared.errors import Misconfigured

WRONG = [
    ({"ONEWINDOW_PORT": "soon"}, "ONEWINDOW_PORT", "整数", "whole number"),
    ({"ONEWINDOW_PORT": "70000"}, "ONEWINDOW_PORT", "不得大于 65535", "at most 65535"),
    ({"ONEWINDOW_DEMO": "perhaps"}, "ONEWINDOW_DEMO", "true 或 false", "true or false"),
    ({"ONEWINDOW_BUS": "pigeon"}, "ONEWINDOW_BUS", "应为 embedded", "must be embedded"),
    ({"ONEWINDOW_SCANNER": "simulated"}, "ONEWINDOW_SCANNER", "只用于演示", "demonstration only"),
    ({"ONEWINDOW_DEMO": "1", "ONEWINDOW_HOST": "0.0.0.0"}, "ONEWINDOW_HOST", "只在本机监听", "loopback only"),  # noqa: S104
    ({"ONEWINDOW_CLOCK": "tomorrow"}, "ONEWINDOW_CLOCK", "不认识", "not understood"),
    ({"ONEWINDOW_DATABASE_URL": "mysql://x"}, "ONEWINDOW_DATABASE_URL", "应为 postgresql", "must be an address"),
    ({"ONEWINDOW_DATABASE_URL_FUNERAL": "x"}, "ONEWINDOW_DATABASE_URL_FUNERAL", "应为 postgresql", "must be"),
    ({"ONEWINDOW_PROT": "1"}, "ONEWINDOW_PROT", "没有这个设置", "no such setting"),
]
FILES = [
    ("prot = 8000", "prot 不是设置", "prot is no setting"),
    ("ONEWINDOW_PORT = 8000", "小写", "small and without the prefix"),
    ("port = ", "不是有效的 TOML", "not valid TOML"),
    (None, "读不了", "cannot read"),
]


@pytest.mark.parametrize(("given", "name", "zh", "en"), WRONG)
def test_a_wrong_setting_is_named_and_each_language_says_what_would_be_right(
    given: dict[str, str], name: str, zh: str, en: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, value in given.items():
        monkeypatch.setenv(setting, value)
    with pytest.raises(Misconfigured) as refused:
        load_settings()
    assert refused.value.setting == name
    assert zh in refused.value.detail_zh
    assert en in refused.value.detail_en
    assert "Value error" not in str(refused.value)
    assert en not in refused.value.detail_zh


@pytest.mark.parametrize(("text", "zh", "en"), FILES)
def test_a_file_that_is_missing_malformed_or_misspelt_stops_the_start(
    text: str | None, zh: str, en: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "onewindow.toml"
    if text is not None:
        path.write_text(text)
    monkeypatch.setenv("ONEWINDOW_CONFIG", str(path))
    with pytest.raises(Misconfigured) as refused:
        load_settings()
    assert refused.value.setting == "ONEWINDOW_CONFIG"
    assert zh in refused.value.detail_zh
    assert en in refused.value.detail_en


def test_a_file_sets_what_the_environment_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "onewindow.toml"
    path.write_text('port = 8999\nlog_level = "info"\ndatabase_url_funeral = "postgresql://h/funeral"\n')
    monkeypatch.setenv("ONEWINDOW_CONFIG", str(path))
    monkeypatch.setenv("ONEWINDOW_PORT", "8998")
    found = load_settings()
    assert (found.port, found.log_level) == (8998, "INFO")
    assert found.database_urls == {"funeral": "postgresql://h/funeral"}
