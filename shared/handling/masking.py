"""What a list or a task shows of personal data to one who has not asked for more: masked, never whole."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from shared.masking import mask_account, mask_id_no, mask_name, mask_phone

_BY_NAME: Final[Mapping[str, Callable[[str], str]]] = {
    "name": mask_name,
    "holder": mask_name,
    "id_no": mask_id_no,
    "cert_no": mask_id_no,
    "certificate_no": mask_id_no,
    "phone": mask_phone,
    "number": mask_account,
    "account": mask_account,
}
_NUMBERS: Final = frozenset({"id_no", "phone", "number", "account"})
_OPEN: Final = frozenset({"role", "kind", "id_type", "relation", "region", "date", "code"})


def mask_parties(parties: Any) -> Any:
    """Parties with everything that tells who they are masked; roles, kinds and relations stay."""
    return _mask(parties, secret=True)


def mask_form(form: Mapping[str, Any], personal: Collection[str]) -> dict[str, Any]:
    """A form with what its personal fields hold masked; of the others only what is named like a datum."""
    return {name: _mask(value, secret=name in personal, name=name) for name, value in form.items()}


def mask_numbers(value: Any) -> Any:
    """Data in which only the numbers are masked by which somebody could act as the person: identity, account, phone."""
    if isinstance(value, Mapping):
        return {
            name: _BY_NAME[name](inner) if name in _NUMBERS and isinstance(inner, str) else mask_numbers(inner)
            for name, inner in value.items()
        }
    return [mask_numbers(inner) for inner in value] if isinstance(value, list | tuple) else value


def _mask(value: Any, *, secret: bool, name: str = "") -> Any:
    if isinstance(value, Mapping):
        return {key: _mask(inner, secret=secret, name=key) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_mask(inner, secret=secret, name=name) for inner in value]
    if not isinstance(value, str):
        return value
    if name in _BY_NAME:
        return _BY_NAME[name](value)
    return "*" * len(value) if secret and name not in _OPEN else value
