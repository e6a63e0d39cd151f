"""Sealing: a part opens only with its key and in its place; the key folder is made once and guarded."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.crypto import Aad, Keyring, Sealed, Sealer
from shared.errors import Misconfigured, NewerRelease, Poison
from shared.release import this_release

AAD = Aad(UUID(int=1), UUID(int=2), 1, "alpha")
KEYS = {"alpha.1-00000000": b"a" * 32, "alpha.2-00000000": b"b" * 32, "alpha.10-00000000": b"c" * 32}
SEALER = Sealer(KEYS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "keys"


def test_what_is_sealed_is_opened_and_does_not_show():
    sealed = SEALER.seal("alpha", AAD, "李国强".encode())
    assert SEALER.open(sealed, AAD).decode() == "李国强"
    assert "李国强" not in sealed.to_text()
    assert SEALER.seal("alpha", AAD, b"x") != SEALER.seal("alpha", AAD, b"x")


def test_the_newest_key_seals_and_older_ones_still_open():
    old = Sealer({"alpha.2-00000000": b"b" * 32}).seal("alpha", AAD, b"old")
    assert SEALER.seal("alpha", AAD, b"new").kid == "alpha.10-00000000"
    assert SEALER.open(old, AAD) == b"old"


@given(
    st.sampled_from(
        [
            replace(AAD, case_id=UUID(int=3)),
            replace(AAD, item_id=UUID(int=3)),
            replace(AAD, item_id=None),
            replace(AAD, round=2),
            replace(AAD, recipient="beta"),
        ]
    ),
    st.binary(max_size=200),
)
def test_a_part_moved_to_another_place_does_not_open(other, plain):
    with pytest.raises(Poison):
        SEALER.open(SEALER.seal("alpha", AAD, plain), other)


@given(st.binary(max_size=200), st.sampled_from(["nonce", "ct"]), st.text(max_size=30))
def test_an_altered_part_does_not_open(plain, field, value):
    sealed = SEALER.seal("alpha", AAD, plain)
    if getattr(sealed, field) != value:
        with pytest.raises(Poison):
            SEALER.open(sealed.model_copy(update={field: value}), AAD)


def test_ids_bind_alike_as_uuid_and_as_text():
    assert SEALER.open(SEALER.seal("alpha", AAD, b"x"), replace(AAD, case_id=str(AAD.case_id))) == b"x"


def test_a_missing_key_names_the_setting_and_an_unknown_algorithm_waits_for_the_release_that_has_it():
    sealed = SEALER.seal("alpha", AAD, b"x")
    for fails in (lambda: SEALER.seal("beta", AAD, b"x"), lambda: Sealer({}).open(sealed, AAD)):
        with pytest.raises(Misconfigured) as caught:
            fails()
        assert caught.value.setting == "ONEWINDOW_KEYS"
    with pytest.raises(NewerRelease, match="SM9") as waits:
        SEALER.open(sealed.model_copy(update={"alg": "SM9"}), AAD)
    assert waits.value.needs > this_release()


def test_what_a_later_algorithm_says_beside_is_passed_on_whole():
    said = {**SEALER.seal("alpha", AAD, b"x").model_dump(), "alg": "SM2-SM4-GCM", "wrapped": "AAAA"}
    text = orjson.dumps(said).decode()
    assert Sealed.from_text(text).model_dump() == said
    assert orjson.loads(Sealed.from_text(Sealed.from_text(text).to_text()).to_text()) == said


def test_a_sealed_part_survives_its_text_and_other_text_is_parked():
    sealed = SEALER.seal("alpha", AAD, b"x")
    assert Sealed.from_text(sealed.to_text()) == sealed
    assert set(sealed.model_dump()) == {"alg", "kid", "nonce", "ct"}
    assert sealed.alg == "A256GCM"
    for wrong in ("", "{}", "[1]", '{"alg":"A256GCM"}', b"\xff"):
        with pytest.raises(Poison):
            Sealed.from_text(wrong)


def test_the_first_start_makes_private_keys_and_says_so_and_the_next_makes_none(folder):
    first = Keyring.open(folder, ["alpha", "beta"])
    assert {"index.key", "installation.id"} < set(first.made)
    assert len(first.made) == 7
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
    again = Keyring.open(folder, ["alpha", "beta"])
    assert again.made == ()
    assert again.installation == first.installation
    assert again.index_key == first.index_key
    assert again.signing_key[0] == first.signing_key[0]
    assert again.sealer().open(first.sealer().seal("beta", AAD, b"x"), AAD) == b"x"


def test_a_new_service_gets_its_key_and_nothing_else_changes(folder):
    first = Keyring.open(folder, ["alpha"])
    second = Keyring.open(folder, ["alpha", "gamma"])
    assert [name.split(".")[0] for name in second.made] == ["gamma", "gamma"]
    assert second.index_key == first.index_key
    assert second.services == {"alpha", "gamma"}


def test_a_first_start_that_was_cut_short_is_finished_with_the_keys_already_made(folder):
    first = Keyring.open(folder, ["alpha"])
    (folder / "installation.id").unlink()
    again = Keyring.open(folder, ["alpha"])
    assert again.made == ("installation.id",)
    assert again.index_key == first.index_key


def test_a_limited_ring_holds_only_its_own(folder):
    whole = Keyring.open(folder, ["alpha", "beta"])
    for_beta = whole.sealer().seal("beta", replace(AAD, recipient="beta"), b"x")
    alpha = whole.limited_to("alpha")
    assert alpha.services == {"alpha"}
    assert alpha.index_key == whole.index_key
    for fails in (lambda: alpha.sealer().open(for_beta, replace(AAD, recipient="beta")), lambda: alpha.signing_key):
        with pytest.raises(Misconfigured):
            fails()
    nothing = whole.limited_to()
    assert nothing.services == frozenset()
    with pytest.raises(Misconfigured):
        _ = nothing.index_key
    access = whole.limited_to(index=True, sign=True)
    assert access.index_key == whole.index_key
    assert access.signing_key[0] in access.signing_keys


def test_a_result_for_another_reader_is_sealed_under_the_senders_key(folder):
    whole = Keyring.open(folder, ["alpha", "beta"])
    up = replace(AAD, recipient="reader")
    sealed = whole.limited_to("alpha").sealer().seal("alpha", up, b"result")
    assert whole.sealer().open(sealed, up) == b"result"


def test_a_lost_index_key_is_never_made_anew(folder):
    Keyring.open(folder, ["alpha"])
    (folder / "index.key").unlink()
    with pytest.raises(Misconfigured, match=r"index\.key"):
        _ = Keyring.open(folder, ["alpha"]).index_key
    assert not (folder / "index.key").exists()


def test_keys_of_another_installation_are_missing_not_poison(tmp_path):
    here, there = (Keyring.open(tmp_path / name, ["alpha"]).sealer() for name in ("here", "there"))
    with pytest.raises(Misconfigured):
        there.open(here.seal("alpha", AAD, b"x"), AAD)


def test_a_folder_or_key_open_to_others_stops_the_start(folder):
    Keyring.open(folder, ["alpha"])
    folder.chmod(0o755)
    with pytest.raises(Misconfigured, match="chmod 700"):
        Keyring.open(folder, ["alpha"])
    folder.chmod(0o700)
    (folder / "index.key").chmod(0o644)
    with pytest.raises(Misconfigured, match="chmod 600"):
        Keyring.open(folder, ["alpha"])


def test_an_empty_folder_made_by_hand_is_closed_and_used(folder):
    folder.mkdir(mode=0o755)
    assert Keyring.open(folder, ["alpha"]).made
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["", "zz", "00" * 32, "00" * 16])
def test_a_damaged_key_stops_the_start(folder, damage):
    Keyring.open(folder, ["alpha"])
    next((folder / "seal").glob("alpha.*.key")).write_text(damage, "ascii")
    with pytest.raises(Misconfigured) as caught:
        Keyring.open(folder, ["alpha"])
    assert caught.value.setting == "ONEWINDOW_KEYS"


def test_a_file_in_place_of_the_folder_stops_the_start(tmp_path):
    path = tmp_path / "file"
    path.write_text("x", "ascii")
    with pytest.raises(Misconfigured):
        Keyring.open(path, ["alpha"])


def test_starts_at_the_same_moment_agree_on_the_keys(folder):
    rings: list[Keyring] = []
    threads = [threading.Thread(target=lambda: rings.append(Keyring.open(folder, ["alpha"]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ring.index_key for ring in rings}) == 1
    assert len(list((folder / "seal").iterdir())) == 1
    assert sum(bool(ring.made) for ring in rings) == 1


def test_a_ring_shows_no_key(folder):
    ring = Keyring.open(folder, ["alpha"])
    assert ring.index_key.hex() not in repr(ring)
    assert ring.index_key.hex() not in str(vars(ring.sealer()).keys())
