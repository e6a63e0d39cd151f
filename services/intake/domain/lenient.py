"""Reads what was handed in without stopping at the first wrong field: one answer names all of them.

Fields whose shape is wrong are set aside, or stand-ins put for them, so that the others can still be judged; what is
said of a stand-in is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from shared.catalog.parties import Submission
from shared.complaints import field_errors
from shared.errors import FieldError

_STAND_IN: Mapping[str, Any] = {"name": "某", "channel": "window", "accept_region": "110000"}


def set_aside(raw: Mapping[str, Any]) -> tuple[dict[str, Any], list[FieldError]]:
    """The submission without what has the wrong shape, and every field of the wrong shape."""
    try:
        Submission.model_validate(raw)
    except ValidationError as cause:
        rest, wrong = deepcopy(dict(raw)), cause.errors(include_url=False, include_input=False)
        for error in sorted(wrong, key=lambda e: -len(e["loc"])):
            _take_out(rest, error["loc"])
        return rest, field_errors(wrong)
    return dict(raw), []


def beside(errors: Iterable[FieldError], told: Iterable[FieldError]) -> list[FieldError]:
    """The errors that do not lie at, in or over a place already told."""
    places = [e.pointer for e in told]
    return [e for e in errors if not any(_overlap(e.pointer, place) for place in places)]


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(other + "/") or other.startswith(one + "/")


def _take_out(rest: Any, path: tuple[int | str, ...]) -> None:
    holder = rest
    for step in path[:-1]:
        holder = _inside(holder, step)
    if not path or not isinstance(holder, dict):
        return
    name = str(path[-1])
    if name in _STAND_IN:
        holder[name] = _STAND_IN[name]
    elif name == "id_type":
        holder["id_type"] = "unknown"
        holder.pop("id_no", None)
    else:
        holder.pop(name, None)


def _inside(holder: Any, step: int | str) -> Any:
    if isinstance(holder, dict):
        return holder.get(step)
    return holder[step] if isinstance(holder, list) and isinstance(step, int) and step < len(holder) else None
