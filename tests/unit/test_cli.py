"""The command line: what it prints, what it refuses, and with which exit code."""

from __future__ import annotations

import json
import re
import socket

import pytest

from shared.runtime.cli import main as entry


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Runs one command line as a person would; answers exit code, output and errors."""
    monkeypatch.setenv("ONEWINDOW_DATA", str(tmp_path))

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["onewindow", *arguments])
        with pytest.raises(SystemExit) as ended:
            entry.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return command


def test_a_calculation_is_printed_with_its_inputs_law_and_policy(run):
    code, out, _ = run("calc", "elderly.age_allowance.monthly", "birth=1940-02-20", "--as-of", "2026-11-21", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["value"] == "100.00"
    assert found["inputs"] == {"birth": "1940-02-20"}
    assert found["law"]
    assert found["policy_version"]


def test_a_legal_limit_is_a_rule_of_the_shared_calendar(run):
    code, out, _ = run("calc", "shared.calendar.due", "n=20", "start=2026-11-21", "--json")
    assert code == 0
    assert json.loads(out)["value"] == {"date": "2026-12-18", "provisional": False}


def test_every_rule_is_listed_one_a_line(run):
    code, out, _ = run("calc", "--list")
    assert code == 0
    assert {"shared.calendar.due", "funeral.fee_waiver.waived"} <= set(out.split())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["no.such.rule"], "no.such.rule"),
        (["elderly.age_allowance.monthly", "birth"], "birth"),
        (["elderly.age_allowance.monthly", "birth=1940-02-20", "age=86"], "age"),
        (["elderly.age_allowance.monthly", "birth=1940-02-20", "--as-of", "yesterday"], "--as-of"),
        (["shared.calendar.due", "n=soon"], "n"),
    ],
)
def test_what_a_calculation_cannot_use_is_named_and_nothing_is_printed(run, arguments, named):
    code, out, err = run("calc", *arguments)
    assert code == 2
    assert out == ""
    assert named in err


def test_a_wrong_setting_is_named_with_what_would_be_right(run, monkeypatch):
    monkeypatch.setenv("ONEWINDOW_BUS", "pigeon")
    code, _, err = run("settings")
    assert code == 2
    assert "ONEWINDOW_BUS" in err
    assert "embedded" in err


@pytest.mark.parametrize(
    ("arguments", "zh", "en"),
    [
        (["nope"], "没有命令 nope;用法见 onewindow --help", "No such command 'nope'"),
        (
            ["bus", "rest"],
            "没有命令 rest,是否要用 'reset', 'resets';用法见 onewindow bus --help",
            "Did you mean 'reset'",
        ),
        (["up", "--nope"], "没有选项 --nope,是否要用 --no-demo;", "No such option: --nope"),
        (["up", "--port", "abc"], "--port 应为整数;用法见 onewindow up --help", "'--port'"),
        (["up", "--port"], "选项 --port 后须有取值;", "requires an argument"),
        (["up", "--demo=1"], "选项 --demo 不带取值;", "does not take a value"),
        (["up", "extra"], "多出的参数:extra;", "extra argument"),
        (["parked", "show"], "缺少参数 service;", "Missing argument 'service'"),
        (["serve"], "缺少选项 --only;", "Missing option '--only'"),
    ],
)
def test_a_command_line_that_is_wrong_is_told_in_both_languages(run, arguments, zh, en):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert f"✗ {zh}" in err
    assert en in err.splitlines()[1]
    assert "Error:" not in err


@pytest.mark.parametrize("arguments", [[], ["parked"]])
def test_a_command_without_a_word_shows_its_help(run, arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Usage: onewindow" in err
    assert "✗" not in err


@pytest.mark.parametrize(
    "arguments", [["up"], ["parked", "discard"], ["bus", "reset"], ["restore"], ["audit", "fetch"]]
)
def test_help_is_whole_in_a_narrow_terminal_and_says_what_each_argument_is(run, monkeypatch, arguments):
    monkeypatch.setenv("COLUMNS", "80")
    _, out, _ = run(*arguments, "--help")
    assert "…" not in out
    assert not re.search(r"^  \w+ <\w+>\s+\[required\]", out, re.MULTILINE), "an argument without a word on what it is"


def test_a_path_in_an_error_stands_on_one_line(run, tmp_path):
    missing = tmp_path / ("a-folder-with-a-long-name-" * 4)
    code, _, err = run("restore", str(missing))
    assert code == 1
    assert f"没有 {missing}/manifest.json" in err
    assert f"there is no {missing}/manifest.json" in err


def test_the_target_of_a_backup_that_is_not_empty_is_not_called_a_restores(run, tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "a").touch()
    run("keys")
    code, _, err = run("backup", str(tmp_path / "kept"))
    assert code == 1
    assert "not empty" in err
    assert "restore" not in err


def test_a_reader_outside_gets_rights_to_facts_alone_and_a_group_of_its_own(run, monkeypatch):
    monkeypatch.setenv("ONEWINDOW_BUS", "kafka://broker:9092/prefix.")
    _, every, _ = run("topics", "--acls", "--reader", "psb")
    assert "--allow-principal User:psb" in every
    assert "--operation Read --operation Describe" in every
    assert "prefix.onewindow.coordinator.events" in every
    assert ".requests" not in every
    assert ".answers" not in every
    assert every.rstrip().endswith("--group prefix.psb")
    _, one, _ = run("topics", "--acls", "--reader", "psb", "--topic", "onewindow.coordinator.events")
    assert one.count("--topic") == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--reader", "funeral"], "--reader"),
        (["--reader", "psb", "--topic", "onewindow.funeral.requests"], "--topic"),
        (["--reader", "psb", "--topic", "onewindow.nobody.events"], "--topic"),
    ],
)
def test_a_reader_outside_is_given_nothing_that_is_addressed(run, monkeypatch, arguments, named):
    monkeypatch.setenv("ONEWINDOW_BUS", "kafka://broker:9092")
    code, out, err = run("topics", "--acls", *arguments)
    assert (code, out) == (2, "")
    assert named in err


def test_every_name_that_is_looked_at_is_listed_and_no_secret_shown(run, monkeypatch):
    monkeypatch.setenv("ONEWINDOW_TOKEN", "a-secret-token")
    monkeypatch.setenv("ONEWINDOW_DATABASE_URL_FUNERAL", "postgresql://u:a-secret-word@h/funeral")
    _, out, _ = run("settings")
    for name in ("CONFIG", "URL", "TOKEN", "DATABASE_URL_<SERVICE>"):
        assert f"ONEWINDOW_{name} " in out
    assert "a-secret" not in out


def test_the_key_folder_is_made_once_and_no_key_is_printed(run, tmp_path):
    _, first, _ = run("keys")
    _, second, _ = run("keys")
    secrets = [path.read_text() for path in (tmp_path / "keys").glob("*.key")]
    assert "made index.key" in first
    assert "made" not in second
    assert secrets
    assert not any(secret.strip() in first + second for secret in secrets)


def test_a_port_that_is_taken_stops_the_start_by_the_settings_name(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, _, err = run("up", "--port", str(taken.getsockname()[1]))
    assert code == 2
    assert "ONEWINDOW_PORT" in err
    assert not (tmp_path / "postgres").exists()


def test_an_operation_without_a_platform_says_that_nothing_answers(run, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("ONEWINDOW_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        code, _, err = run("parked", "list")
    assert code == 1
    assert "does not answer" in err
