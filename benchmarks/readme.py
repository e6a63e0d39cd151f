"""Puts the measured table between the markers of the READMEs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import Figure

ROOT = Path(__file__).resolve().parents[1]
START, END = "<!-- bench:start -->\n", "<!-- bench:end -->"
HEADS = {
    "README.md": "| figure | ours | floor | ratio | goal |",
    "README.zh-CN.md": "| 指标 | 本平台 | 下限参照 | 比值 | 目标 |",
}


def write_tables(figures: Sequence[Figure]) -> None:
    """Replaces the table in every README, names in its own language."""
    for name, head in HEADS.items():
        rows = [(f.name_zh if ".zh-" in name else f.name, f.ours, f.floor, f.ratio, f.goal) for f in figures]
        lines = [head, "|---|---|---|---|---|", *("| " + " | ".join(row) + " |" for row in rows)]
        path = ROOT / name
        before, _, rest = path.read_text(encoding="utf-8").partition(START)
        _, _, after = rest.partition(END)
        path.write_text(before + START + "\n".join(lines) + "\n" + END + after, encoding="utf-8")
