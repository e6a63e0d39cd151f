"""`parked` and `bus` over services in several processes: who answers is shown, who does not is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

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
REFUSED = {"code": "SKIPS_RECORDS", "title": "冲突 / Conflict", "detail": "前移会跳过 / going forward skips 2 records"}


class Gateway(BaseHTTPRequestHandler):
    """Answers as a gateway whose elderly service is away."""

    def do_GET(self) -> None:
        page = PAGES.get(self.path)
        self._answer(200 if page else 502, json.dumps(page).encode() if page else b"<html>Bad Gateway</html>")

    def do_POST(self) -> None:
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


def test_a_reset_without_a_reason_is_not_even_sent(run: Callable[..., tuple[int, str]]) -> None:
    code, said = run("bus", "reset", "funeral", "--topic", "t", "--partition", "3", "--to", "end")
    assert code == 2
    assert "--reason" in said
