"""`parked` and `bus` over services in several processes: who answers is shown, who does not is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from shared.runtime.cli import main as entry

SERVICES = [{"service": name, "title": name, "here": True} for name in ("funeral", "elderly")]
PAGES = {
    "/api/ops": {"items": SERVICES, "next": None},
    "/api/ops/funeral/lag": {"items": [], "next": "more"},
    "/api/ops/funeral/lag?after=more": {
        "items": [{"topic": "onewindow.funeral.requests", "partition": 3, "position": 7, "end": 9, "records": 2}],
        "next": None,
    },
}
PAGES["/api/ops/funeral/refused"] = {
    "items": [
        {
            "number": 3,
            "topic": "onewindow.funeral.requests",
            "partition": 3,
            "key": "case",
            "type": "cn.onewindow.coordinator.ItemRequested.v1",
            "bytes": 900_000,
            "reason": "max.message.bytes",
            "since": "2026-11-21T02:00:00Z",
        }
    ],
    "next": None,
}
HEAD = {"service": "elderly", "number": 1}
NO_HEAD = {"code": "NO_HEAD", "title": "未找到 / Not found", "detail": "还没有签过链头 / no head was signed yet"}
STRANGER = {"code": "TOKEN_INVALID", "title": "未登录 / Not signed in", "detail": "令牌已失效 / it does not hold"}
REFUSED = {"code": "SKIPS_RECORDS", "title": "冲突 / Conflict", "detail": "前移会跳过 / going forward skips 2 records"}


WRONG = {
    "code": "INVALID",
    "title": "填写有误 / Wrong fields",
    "detail": "填写有误",
    "errors": [{"pointer": "/reason", "code": "TOO_SHORT", "message": "至少 4 个字 / at least 4 characters"}],
}
VERIFIED: dict[str, list[dict[str, Any]]] = {
    "funeral": [{"batches": 1, "of": 1, "rows": 2}, {"done": True, "findings": 0, "batches": 1, "rows": 2}],
    "elderly": [
        {"finding": "ROW_ALTERED", "about": "row 7", "message": "第 7 行被改动 / row 7 was altered"},
        {"done": True, "findings": 1, "batches": 1, "rows": 2},
    ],
    "broken": [{"batches": 1, "of": 9, "rows": 2}],
}


class Gateway(BaseHTTPRequestHandler):
    """Answers as a gateway whose elderly service is away."""

    def do_GET(self) -> None:
        page = PAGES.get(self.path)
        if self.headers["Authorization"] != "Bearer an operator's":
            self._answer(401, json.dumps(STRANGER).encode())
        elif self.path.endswith("/audit/head"):
            service = self.path.split("/")[3]
            self._answer(
                *((200, json.dumps(HEAD).encode()) if service == "elderly" else (404, json.dumps(NO_HEAD).encode()))
            )
        else:
            self._answer(200 if page else 502, json.dumps(page).encode() if page else b"<html>Bad Gateway</html>")

    def do_POST(self) -> None:
        said = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        service = self.path.split("/")[3]
        if self.path.endswith("/audit/verify") and service in VERIFIED:
            self._answer(200, "\n".join(map(json.dumps, VERIFIED[service])).encode())
        elif '"reason":"x"' in said.replace(" ", ""):
            self._answer(422, json.dumps(WRONG).encode())
        else:
            self._answer(409, json.dumps(REFUSED).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is printed."""


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., tuple[int, str]]]:
    """Runs one command line against the gateway; answers exit code and all that was printed."""
    server = HTTPServer(("127.0.0.1", 0), Gateway)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("ONEWINDOW_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("ONEWINDOW_TOKEN", "an operator's")

    def command(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr("sys.argv", ["onewindow", *arguments])
        with pytest.raises(SystemExit) as ended:
            entry.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    yield command
    server.shutdown()


def test_a_service_that_does_not_answer_is_a_row_and_the_others_are_shown_page_by_page(
    run: Callable[..., tuple[int, str]],
) -> None:
    code, said = run("bus", "lag")
    assert code == 1
    assert "onewindow.funeral.requests" in said
    assert any("elderly" in line and "does not answer" in line for line in said.splitlines())


def test_a_refusal_is_said_in_the_words_of_the_platform(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run(
        "bus", "reset", "funeral", "--topic", "t", "--partition", "3", "--to", "end", "--reason", "because"
    )
    assert code == 2
    assert "going forward skips 2 records" in said
    assert "SKIPS_RECORDS" in said


def test_what_the_bus_refused_is_shown_and_a_loss_is_looked_after(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("bus", "refused")
    assert (code, "ItemRequested.v1" in said, "max.message.bytes" in said) == (1, True, True)
    code, said = run("bus", "seen", "funeral", "3", "--reason", "x")
    assert (code, "至少 4 个字" in said) == (2, True)


def test_a_refusal_is_told_once_in_each_language_and_without_the_address_of_the_route(
    run: Callable[..., tuple[int, str]],
) -> None:
    _, said = run("parked", "retry", "funeral", "7")
    assert said == "✗ SKIPS_RECORDS: 前移会跳过\n  SKIPS_RECORDS: going forward skips 2 records\n"


def test_a_token_that_does_not_hold_is_named_by_its_setting(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONEWINDOW_TOKEN", "somebody's")
    code, said = run("bus", "lag")
    assert code == 2
    assert said == "✗ ONEWINDOW_TOKEN: 令牌已失效\n  ONEWINDOW_TOKEN: it does not hold\n"


def test_heads_are_printed_also_where_another_service_has_none_yet(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("audit", "head")
    assert code == 0
    assert json.loads(said.splitlines()[0]) == HEAD
    assert "funeral: 还没有签过链头" in said
    assert run("audit", "head", "--service", "funeral")[0] == 2


def test_a_reset_without_a_reason_is_not_even_sent(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("bus", "reset", "funeral", "--topic", "t", "--partition", "3", "--to", "end")
    assert code == 2
    assert "--reason" in said


def test_each_wrong_field_is_said_with_its_own_words(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("bus", "reset", "funeral", "--topic", "t", "--partition", "3", "--to", "end", "--reason", "x")
    assert code == 2
    assert "reason: 至少 4 个字 / at least 4 characters" in said


def test_an_audit_that_is_whole_is_exit_code_0_and_one_that_is_not_names_what_and_is_1(
    run: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.cli.auditing._services", lambda: ["funeral", "elderly"])
    code, said = run("audit", "verify")
    assert code == 1
    assert "✓ funeral: 1 批 2 行 / 1 batches, 2 rows" in said
    assert "✗ elderly: ROW_ALTERED row 7: 第 7 行被改动 / row 7 was altered" in said


def test_a_verifying_that_broke_off_or_was_refused_is_no_success(run: Callable[..., tuple[int, str]]) -> None:
    assert run("audit", "verify", "--service", "broken")[0] == 1
    code, said = run("audit", "verify", "--service", "nowhere")
    assert code == 1
    assert "going forward skips" in said


def test_a_file_without_heads_is_refused_by_name(run: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    (tmp_path / "heads").write_text("nonsense")
    code, said = run("audit", "verify", "--head", str(tmp_path / "heads"))
    assert code == 2
    assert "--head" in said
