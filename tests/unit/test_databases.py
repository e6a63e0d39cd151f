"""Which database a service has: what the settings may say, and what stops the start."""

from __future__ import annotations

import pytest

from shared.config import Settings, load_settings
from shared.errors import Misconfigured
from shared.runtime.databases import Databases, home_of, require_known, require_one

HOME, OWN = "postgresql://h/home", "postgresql://h/funeral"


def test_a_service_has_the_database_that_its_setting_names_and_others_share_the_home(monkeypatch):
    monkeypatch.setenv("ONEWINDOW_DATABASE_URL", HOME)
    monkeypatch.setenv("ONEWINDOW_DATABASE_URL_FUNERAL", OWN)
    found = Databases(load_settings(), HOME, ["elderly", "funeral"])
    assert (found.of("funeral").db.dsn, found.of("elderly").db.dsn) == (OWN, HOME)
    assert [(site.db.dsn, names) for site, names in found.residents()] == [(HOME, ["elderly"]), (OWN, ["funeral"])]


def test_a_settings_file_names_them_in_small_letters(monkeypatch, tmp_path):
    (tmp_path / "onewindow.toml").write_text(f'database_url = "{HOME}"\ndatabase_url_funeral = "{OWN}"\n')
    monkeypatch.setenv("ONEWINDOW_CONFIG", str(tmp_path / "onewindow.toml"))
    assert load_settings().database_urls == {"funeral": OWN}


def test_a_process_of_one_service_needs_no_home_beside_its_own_database():
    assert home_of(Settings(database_urls={"funeral": OWN}), ["funeral"]) == OWN
    assert home_of(Settings(), ["funeral"]) is None


def test_services_without_a_database_beside_one_that_has_its_own_stop_the_start():
    with pytest.raises(Misconfigured, match="ONEWINDOW_DATABASE_URL"):
        home_of(Settings(database_urls={"funeral": OWN}), ["elderly", "funeral"])


def test_a_database_of_no_service_stops_the_start_by_name():
    with pytest.raises(Misconfigured, match="ONEWINDOW_DATABASE_URL_FUNERALS"):
        require_known(Settings(database_urls={"funerals": OWN}), ["funeral"])


def test_services_on_different_databases_cannot_share_the_log_in_one_of_them():
    settings = Settings(database_url=HOME, database_urls={"funeral": OWN})
    with pytest.raises(Misconfigured, match="ONEWINDOW_DATABASE_URL_FUNERAL"):
        require_one(settings, Databases(settings, HOME, ["elderly", "funeral"]))
