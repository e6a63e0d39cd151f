"""One line of a paper: label and text, and whether what it says is personal."""

from __future__ import annotations

from services.intake.domain.papers.typeset import typeset

Line = dict[str, str]
NAME, SECRET = "name", "secret"
"""What is personal in a line: a name is shown to staff masked, a secret not at all."""


def line(text: str, label: str = "", personal: str = "") -> Line:
    """One line, typeset unless it is personal; what is empty is left out."""
    said = text if personal else typeset(text)
    return {k: v for k, v in (("label", typeset(label)), ("text", said), ("personal", personal)) if v}


def provisional(doubtful: bool) -> str:
    """What stands beside a date that may still move."""
    return "(当年节假日安排尚未公布,以公布后的为准)" if doubtful else ""
