"""What the demonstration prints is readable at 80 columns, in a terminal and in a pipe."""

from __future__ import annotations

import io
from typing import Any

from rich.cells import cell_len
from rich.console import Console

from demo.screen import Screen
from demo.sheet import came_of, show_sheet
from demo.welcome import welcome

NAMES = {"funeral.cremation": "火化与火化证明", "elderly.benefit_stop": "逝者养老待遇停发"}


def screen(*, terminal: bool = False) -> tuple[Screen, io.StringIO]:
    out = io.StringIO()
    console = Console(file=out, width=80, force_terminal=terminal, highlight=False)
    return Screen(console, NAMES), out


def application(whole: str = "in_progress", **item: Any) -> dict[str, Any]:
    first = {
        "id": "1",
        "matter": "elderly.benefit_stop",
        "service": "elderly",
        "status": "waiting",
        "stage": "",
        "stage_name": "",
        "waiting_on": {"kind": "source", "name": "death", "since": "2026-11-21T02:00:00Z", "until": None},
        "result": None,
        **item,
    }
    return {
        "application_no": "42011220261121010000016",
        "status": whole,
        "outcome": "approved" if whole == "closed" else None,
        "items": [first],
    }


ENDED = {
    "status": "approved",
    "waiting_on": None,
    "result": {
        "outcome": "approved",
        "schemes": [
            {
                "scheme": "age_allowance",
                "from": "2026-12",
                "owed": "200.00",
                "owed_months": ["2026-10", "2026-11"],
                "overpaid": "0.00",
            }
        ],
    },
}


def test_in_a_pipe_each_change_is_one_line_told_once() -> None:
    shown, out = screen()
    with shown.watching():
        shown.show(application())
        shown.show(application())
        shown.show(application("closed", **ENDED))
    lines = out.getvalue().splitlines()
    assert len(lines) == 4
    assert "逝者养老待遇停发" in lines[0]
    assert "死亡登记信息" in lines[0]
    assert "全部办成" in lines[3]


def test_in_a_terminal_the_table_fits_eighty_columns() -> None:
    shown, out = screen()
    shown.console.print(shown.table(application()))
    assert max(cell_len(line) for line in out.getvalue().splitlines()) <= 80


def test_the_sheet_says_which_month_ends_what_is_owed_and_what_is_left() -> None:
    shown, out = screen()
    show_sheet(shown, application("closed", **ENDED), [{"kind": "household_review", "due": "2026-12-22"}])
    text = out.getvalue()
    for said in ("2026-12", "200.00", "养老服务", "户口注销", "2026-12-22"):
        assert said in text
    assert max(cell_len(line) for line in text.splitlines()) <= 80


def test_an_item_that_does_not_apply_says_so() -> None:
    ((zh, en),) = came_of({"status": "not_applicable", "result": {"outcome": "not_applicable"}})
    assert "不涉及" in zh
    assert "does not apply" in en


def test_the_welcome_names_every_demonstration_account() -> None:
    shown, out = screen()
    welcome("http://127.0.0.1:8000", shown)
    for account in ("clerk", "handler", "approver", "funeral_home", "operator", "onewindow-demo"):
        assert account in out.getvalue()


def test_the_welcome_says_what_to_type_in_a_second_terminal_and_breaks_no_address() -> None:
    for url, there in (
        ("http://127.0.0.1:8000", ""),
        ("http://127.0.0.1:8411", "ONEWINDOW_URL=http://127.0.0.1:8411 "),
    ):
        shown, out = screen()
        welcome(url, shown)
        lines = out.getvalue().splitlines()
        assert f"再看一户 another family: {there}.venv/bin/onewindow demo" in lines
        assert any(line.startswith(f"{url}/api/catalogue ") for line in lines)
