"""Conditions under which a matter joins a bundle: named values that say which form fields they look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldIs:
    """Holds when a form field has this value; a form without the field, or with another value, does not."""

    name: str
    value: Any

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields looked at."""
        return (self.name,)

    def __call__(self, form: Mapping[str, Any], facts: Mapping[str, Any]) -> bool:
        """Whether it holds for this form."""
        return bool(form.get(self.name) == self.value)
