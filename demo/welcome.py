"""What stands on the screen when the platform is ready: where to go, and as whom."""

from __future__ import annotations

from rich.table import Table

from demo.people import DEMO_PASSWORD
from demo.screen import WIDTH, Screen

ADDRESSES = (
    ("/docs", "接口文档", "the API"),
    ("/api/catalogue", "事项目录", "every matter and bundle"),
    ("/readyz", "各服务是否就绪", "whether every service can work"),
)
ACCOUNTS = (
    ("clerk", "综合窗口", "receives applications at the window"),
    ("town_clerk, village_worker", "街道、社区", "the same, near the people"),
    ("handler, approver", "经办、审批", "handle and decide tasks (four eyes)"),
    ("registrar", "婚姻登记员", "the marriage register"),
    ("funeral_home", "殡仪馆", "reports cremations"),
    ("supervisor", "督办", "sees every case of the district"),
    ("citizen", "申请人", "applies and follows"),
    ("operator, auditor, security", "运维、审计、安全", "run the platform and look over it"),
    ("psb, hrss, medins, court, dpf, health", "有关部门", "departments, by client credentials"),
)


USUAL = "http://127.0.0.1:8000"
"""Where commands look for a platform if nobody says otherwise."""


def welcome(url: str, screen: Screen) -> None:
    """Addresses and demonstration accounts."""
    for path, zh, en in ADDRESSES:  # each on a line of its own: one broken by a table cannot be copied
        screen.say(f"{url}{path}  {zh} {en}")
    table = Table(title="账号 Accounts", width=min(WIDTH, screen.width), show_header=False)
    table.add_column(ratio=5, overflow="fold")
    table.add_column(ratio=7, overflow="fold")
    for names, zh, en in ACCOUNTS:
        table.add_row(names, f"{zh} {en}")
    screen.console.print(table)
    screen.say(f"演示账号的密码 password: {DEMO_PASSWORD}   (仅演示 demonstration only)")
    command = f"{_there(url)}.venv/bin/onewindow demo"
    screen.say(f"再看一户 another family: {command}")
    screen.say(f"家庭复核 a household's review: {command} --story household")
    screen.say("按 Ctrl-C 停止 / Ctrl-C stops the platform")


def _there(url: str) -> str:
    """What a second terminal must be told to find a platform that is not at the usual address."""
    return "" if url == USUAL else f"ONEWINDOW_URL={url} "
