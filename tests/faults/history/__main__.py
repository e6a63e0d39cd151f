"""`python -m tests.faults.history CLIENT.jsonl BUS.jsonl [POSITIONS.jsonl]`: the verdict; 0 if every promise held."""

from __future__ import annotations

import argparse
from pathlib import Path

from tests.faults.history.checking import check
from tests.faults.history.lines import read_lines
from tests.faults.history.report import verdict


def main() -> int:
    """Reads the files, prints the verdict."""
    wanted = argparse.ArgumentParser(prog="python -m tests.faults.history")
    for name in ("client", "bus"):
        wanted.add_argument(name, type=Path)
    wanted.add_argument("positions", type=Path, nargs="?")
    given = wanted.parse_args()
    positions = read_lines(given.positions) if given.positions else []
    violations = check(read_lines(given.client), read_lines(given.bus), positions)
    print("\n".join(verdict(violations)))
    return 1 if violations else 0


if __name__ == "__main__":
    raise SystemExit(main())
