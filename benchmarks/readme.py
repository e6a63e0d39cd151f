"""Puts the measured table between the markers of the READMEs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- bench:start -->\n", "<!-- bench:end -->"
HEADS = {
    "README.md": "| figure | ours | floor | ratio | goal |",
    "README.zh-CN.md": "| 指标 | 本平台 | 下限参照 | 比值 | 目标 |",
}


def write_tables(rows: Sequence[Sequence[str]]) -> None:
    """Replaces the table in every README."""
    for name, head in HEADS.items():
        path = ROOT / name
        lines = [head, "|---|---|---|---|---|", *("| " + " | ".join(row) + " |" for row in rows)]
        table = "\n".join(lines) + "\n"
        before, _, rest = path.read_text(encoding="utf-8").partition(START)
        _, _, after = rest.partition(END)
        path.write_text(before + START + table + END + after, encoding="utf-8")
