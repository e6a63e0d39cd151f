"""What no body may hold: numbers beyond 64 bits are found wherever they stand, and nothing else is taken for one."""

from __future__ import annotations

import pytest

from shared.http import bodies
from shared.http.bodies import unfit

JSON = "application/json"


@pytest.mark.parametrize(
    "body",
    [
        b"1e30",
        b"[1e30]",
        b"[-1e99]",
        b"[1,\n1.5e300]",
        b'{"a":1E+30}',
        b'{"a": 123456789012345678901}',
        b'{"a":-12345678901234567890}',
        b'{"a":[0,{"b":12345678901234567890123.5}]}',
    ],
)
def test_a_number_beyond_64_bits_is_refused(body: bytes) -> None:
    assert unfit(JSON, body)


def test_a_long_account_number_does_not_have_its_whole_body_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_unstorable", lambda value: pytest.fail(f"looked at {value!r}"))
    assert not unfit(JSON, b'{"account": "6222021001122334455", "code": "3e1", "household": [1, 2, 3.55]}')
