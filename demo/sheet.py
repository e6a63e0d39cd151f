"""The settlement sheet 结清单: each benefit, through which month; what is owed; who knows; what is left to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from demo.screen import WIDTH, Screen, status
from demo.words import ITEM, TASKS, named
from shared.months import add_months

Lines = Iterator[tuple[str, str]]

KNOWN_BY = {
    "funeral": ("殡仪馆、民政殡葬管理", "the funeral home and funeral affairs"),
    "elderly": ("民政养老服务", "care for the old"),
    "assistance": ("民政社会救助", "social assistance"),
    "marriage": ("婚姻登记机关", "the marriage register"),
}
ELSEWHERE = (
    ("户口注销:到派出所", "cancelling the household registration: at the police station"),
    ("养老金、丧葬抚恤:到人社部门", "pension and survivors' benefit: at the social insurance office"),
    ("医保个人账户:到医保经办机构", "medical savings account: at the medical insurance office"),
)
"""What no service of this platform handles yet: the family is told where to go."""


def show_sheet(screen: Screen, application: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> None:
    """Prints the sheet."""
    table = Table(title="结清单 Settlement sheet", width=min(WIDTH, screen.width), show_header=False, show_lines=True)
    table.add_column(ratio=4, overflow="fold")
    table.add_column(ratio=9, overflow="fold")
    for item in screen.items(application):
        table.add_row(screen.name(item["matter"]), _text(came_of(item)))
    table.add_row("谁已知道\nWho knows", _text(_known(screen.items(application))))
    table.add_row("还剩什么要办\nLeft to do", _text(_left(tasks)))
    screen.console.print(table)
    screen.say(f"整件结果:{status(application)}")


def _text(lines: Lines) -> str:
    return "\n".join(f"{escape(zh)}\n[dim]{escape(en)}[/dim]" for zh, en in lines)


def came_of(item: Mapping[str, Any]) -> Lines:
    """What came of one item, a line a thing, in both languages."""
    result = item.get("result") or {}
    said = list(_said(result)) if item["status"] == "approved" else []
    if said:
        yield from said
        return
    zh, en = ITEM.get(item["status"], (item["status"], item["status"]))
    if item["status"] == "not_applicable":
        zh, en = f"{zh}:没有需要办理的内容", f"{en}: nothing there to handle"
    yield zh, en


def _said(result: Mapping[str, Any]) -> Lines:
    if "cremated_on" in result:
        number = result.get("certificate_no")
        yield f"{result['cremated_on']} 火化,火化证明 {number or '已出具'}", f"cremated {result['cremated_on']}"
    if "waived" in result:
        waived, pays = result["waived"], result["family_pays"]
        yield (
            f"减免 {waived} 元,与殡仪馆按月结算;家属自付 {pays} 元",
            f"{waived} yuan waived and settled with the home; the family pays {pays}",
        )
    for scheme in result.get("schemes", ()):
        yield from _ending(scheme)
    if review := result.get("household_review"):
        yield (
            f"家庭的低保不停发;减员重核已开,法定期限 {review['due']}",
            f"the household's allowance goes on; its review is due by law on {review['due']}",
        )
    if "annotation" in result:
        spouse = (result.get("spouse") or {}).get("name", "")
        yield f"配偶{spouse}的婚姻信息已标注“丧偶”", "the spouse's record is annotated: widowed"


def _ending(scheme: Mapping[str, Any]) -> Lines:
    zh, en = named(str(scheme["scheme"]))
    first, owed = scheme["from"], scheme.get("owed", "0.00")
    last = add_months(first, -1)
    months = "、".join(scheme.get("owed_months", ()))
    yield f"{zh}:算到 {last},自 {first} 起停发", f"{en}: due through {last}, ends from {first}"
    if owed != "0.00":
        yield f"还欠 {owed} 元({months}),付给继承人", f"{owed} yuan still owed, paid to the heir"
    if scheme.get("overpaid", "0.00") != "0.00":
        yield f"多发 {scheme['overpaid']} 元,由工作人员与家属商量", "overpaid: a person will talk to the family"


def _known(items: Sequence[Mapping[str, Any]]) -> Lines:
    services = dict.fromkeys(i["service"] for i in items if i["status"] == "approved")
    yield from (KNOWN_BY.get(service, (service, service)) for service in services)


def _left(tasks: Sequence[Mapping[str, Any]]) -> Lines:
    for task in tasks:
        zh, en = TASKS.get(task["kind"], (task["kind"], task["kind"]))
        yield f"{zh}(工作人员 {task['due']} 前)", f"{en} (staff, due {task['due']})"
    yield from ELSEWHERE
