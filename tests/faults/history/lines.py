"""JSON lines, read and written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file, one a line; a last line that a killed writer left half is passed over."""
    found = []
    for text in path.read_text().splitlines(keepends=True):
        try:
            found.append(json.loads(text))
        except ValueError:
            if text.endswith("\n"):
                raise
    return found


def write_lines(path: Path, lines: Iterable[dict[str, Any]]) -> None:
    """The objects, one a line."""
    with path.open("w") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
