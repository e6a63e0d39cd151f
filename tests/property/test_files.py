"""A sealed file opens to what it was, and nothing else that may lie there opens at all."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid, Poison
from shared.files import sealing
from shared.files.kinds import KINDS, identify
from tests.support.files import JPEG_FILE, PDF_FILE, PNG_FILE, WEBP_FILE, ofd_file

FILE, KEY = UUID(int=9), bytes(range(32))
CONTENT = bytes(range(256)) * 600
CHUNKS = list(sealing.seal(KEY, FILE, CONTENT))
WHOLE = [PDF_FILE, JPEG_FILE, PNG_FILE, WEBP_FILE, ofd_file()]


def opens(sealed: bytes) -> bytes | None:
    try:
        return sealing.unseal(KEY, FILE, sealed)
    except Poison:
        return None


@given(st.binary(min_size=1, max_size=4096))
def test_what_is_sealed_opens_to_itself(content: bytes):
    assert opens(b"".join(sealing.seal(KEY, FILE, content))) == content


@given(st.lists(st.integers(0, len(CHUNKS) - 1), max_size=6))
def test_no_other_order_or_number_of_chunks_opens(order: list[int]):
    found = opens(b"".join(CHUNKS[n] for n in order))
    assert found == (CONTENT if order == list(range(len(CHUNKS))) else None)


@given(st.data())
def test_no_flipped_bit_and_no_cut_opens(data: st.DataObject):
    whole = bytearray(b"".join(CHUNKS))
    at = data.draw(st.integers(0, len(whole) - 1))
    assert opens(bytes(whole[:at])) is None
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    assert opens(bytes(whole)) is None


@given(st.sampled_from(WHOLE), st.integers(0, 400), st.binary(max_size=40))
def test_whatever_is_done_to_a_file_it_is_taken_or_refused_and_never_an_error(content: bytes, at: int, put: bytes):
    changed = content[:at] + put + content[at + len(put) :]
    try:
        kind = identify(changed)
    except Invalid:
        return
    assert kind in KINDS


@given(st.binary(max_size=300))
def test_bytes_without_sense_are_refused_and_never_an_error(content: bytes):
    try:
        identify(content)
    except Invalid:
        return
    assert content in WHOLE
