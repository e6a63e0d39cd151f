"""Puts the measured table between the markers of the READMEs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKERS = re.compile(r"(<!-- bench:start -->\n).*?(<!-- bench:end -->)", re.DOTALL)
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
        text = MARKERS.sub(lambda found, table=table: found[1] + table + found[2], path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
