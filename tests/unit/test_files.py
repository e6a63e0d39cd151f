"""What may be taken in as a file, and how it rests."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path
from uuid import UUID

import pytest

from shared.clock import random_id
from shared.disk import sync_folder
from shared.errors import Invalid, Poison
from shared.files import store
from shared.files.kinds import JPEG, OFD, PDF, PNG, WEBP, identify
from shared.files.scanner import EICAR, NoScanner, SimulatedScanner
from shared.files.sealing import CHUNK, new_key, seal, unseal, unwrap, wrap
from shared.files.store import Folder
from tests.support.fake_ctx import keyring
from tests.support.files import JPEG_FILE, PDF_FILE, PNG_FILE, WEBP_FILE, chunk, ofd_file, pdf_file, png_file

FILE, OTHER = UUID(int=1), UUID(int=2)


def refused(content: bytes, declared: str = "", name: str = "") -> str:
    with pytest.raises(Invalid) as caught:
        identify(content, declared, name)
    (error,) = caught.value.errors
    assert error.pointer == "/file"
    return error.code


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PDF_FILE, PDF), (JPEG_FILE, JPEG), (JPEG_FILE * 2, JPEG), (PNG_FILE, PNG), (WEBP_FILE, WEBP), (ofd_file(), OFD)],
)
def test_the_kinds_that_are_taken_are_known_by_their_content(content, kind):
    assert identify(content) is kind
    assert identify(content, kind.mime, f"证明{min(kind.endings).upper()}") is kind


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\0" + b"\0" * 200,
        b"\x7fELF\x02" + b"\0" * 60,
        b"#!/bin/sh\n",
        b"<svg xmlns='x'/>",
        b"hello",
        b"II*\0aaaa",
    ],
)
def test_what_is_none_of_them_is_refused(content):
    assert refused(content) == "FILE_TYPE_NOT_ALLOWED"


def test_a_layout_whose_directory_points_before_its_beginning_is_refused_and_no_fault():
    content = bytearray(ofd_file())
    at = len(content) - 6  # of the end record: where the directory begins, little-endian
    content[at : at + 4] = (int.from_bytes(content[at : at + 4], "little") + 256).to_bytes(4, "little")
    assert refused(bytes(content)) == "FILE_DAMAGED"


def test_an_empty_file_is_refused():
    assert refused(b"") == "FILE_EMPTY"


@pytest.mark.parametrize(("declared", "name"), [("application/pdf", ""), ("", "x.pdf"), ("image/png", "x.exe")])
def test_a_type_or_ending_that_the_content_belies_is_refused(declared, name):
    assert refused(PNG_FILE, declared, name) == "FILE_TYPE_MISMATCH"


@pytest.mark.parametrize("picture", [PNG_FILE, JPEG_FILE, WEBP_FILE, PDF_FILE])
@pytest.mark.parametrize("tail", [b"MZ\x90\0program", b"<?php system($_GET[0]); ?>", ofd_file()])
def test_a_picture_with_a_program_behind_it_is_refused(picture, tail):
    assert refused(picture + tail) == "FILE_TWO_IN_ONE"


def test_an_archive_hidden_inside_a_picture_is_refused():
    hidden = io.BytesIO()
    with zipfile.ZipFile(hidden, "w") as archive:
        archive.writestr("a.class", b"x")
    inside = hidden.getvalue()
    end = png_file()[-12:]
    # Its end record's comment covers the rest of the picture, so a reader of archives finds it from the end.
    record = inside[:-2] + (len(end) + 4).to_bytes(2, "little")
    body = chunk(b"prVt", record)
    assert refused(png_file()[:-12] + body + end) == "FILE_TWO_IN_ONE"


@pytest.mark.parametrize("words", [b"<script>alert(1)</script>", b"<?php x", b"#!/bin/sh"])
def test_a_script_in_the_words_of_a_picture_is_refused(words):
    assert refused(png_file(words)) == "FILE_ACTIVE"
    comment = b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words
    assert refused(JPEG_FILE[:2] + comment + JPEG_FILE[2:]) == "FILE_ACTIVE"


def test_a_picture_that_would_fill_the_memory_is_refused():
    assert refused(png_file(width=60_000, height=60_000)) == "FILE_BOMB"


@pytest.mark.parametrize("content", [PNG_FILE, JPEG_FILE, WEBP_FILE, PDF_FILE, ofd_file()])
def test_what_is_cut_short_is_refused(content):
    assert refused(content[:-5]) in {"FILE_DAMAGED", "FILE_TWO_IN_ONE"}


@pytest.mark.parametrize(
    "name", [b"/JavaScript", b"/J#61vaScript", b"/Launch", b"/EmbeddedFile", b"/RichMedia", b"/XFA"]
)
def test_a_pdf_that_does_something_is_refused(name):
    assert refused(pdf_file(b"<< /S " + name + b" >>")) == "FILE_ACTIVE"
    packed = zlib.compress(b"1 0 << /S " + name + b" >>")
    stream = b"<< /Type /ObjStm /Filter /FlateDecode /N 1 >>\nstream\n" + packed + b"\nendstream"
    assert refused(pdf_file(stream)) == "FILE_ACTIVE"


_HIDDEN = zlib.compress(b"1 0 << /S /JavaScript >>")
_FLUSHED = zlib.compressobj()
_CUT = _FLUSHED.compress(b"1 0 << /S /JavaScript >>") + _FLUSHED.flush(zlib.Z_FULL_FLUSH) + b"\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("dictionary", "data"),
    [
        (b"<< /Type /ObjStm /Filter /FlateDecode /N 1 >>" + b" " * 2_000, _HIDDEN),
        (b"<< /Type /ObjStm /Filter /FlateDecode /N 1 /X (9 0 obj) >>", _HIDDEN),
        (b"<< /Type /Image /Filter /FlateDecode /N 1 /First 4 >>", _HIDDEN),
        (b"<< /Type /ObjStm /Filter [/FlateDecode /FlateDecode] /N 1 >>", zlib.compress(_HIDDEN)),
        (b"<< /Type /ObjStm /Filter /FlateDecode /N 1 >>", _HIDDEN[:-4] + b"\0\0\0\0"),
        (b"<< /Type /ObjStm /Filter /FlateDecode /N 1 >>", _CUT),
    ],
    ids=[
        "far from its stream",
        "an object in a text",
        "called a picture",
        "packed twice",
        "wrong sum",
        "broken behind",
    ],
)
def test_a_program_packed_where_a_reader_still_finds_it_is_refused(dictionary, data):
    """Readers find packed objects by a table, whatever the dictionary beside them says."""
    table = b"\n2 0 obj\n<< /Type /XRef >>\nstream\n\0\nendstream"
    found = refused(pdf_file(dictionary + b"\nstream\n" + data + b"\nendstream\nendobj" + table))
    assert found in ("FILE_ACTIVE", "FILE_DAMAGED")


def test_pictures_and_fonts_packed_beside_packed_objects_are_taken():
    picture = zlib.compress(bytes(range(256)) * 300_000)  # 77 MB of pixels
    objects = zlib.compress(b"1 0 << /Type /Page >>")
    body = b"<< /Type /ObjStm /N 1 >>\nstream\n" + objects + b"\nendstream\nendobj\n"
    body += b"2 0 obj\n<< /Subtype /Image >>\nstream\r\n" + picture + b"\nendstream\nendobj\n"
    body += b"3 0 obj\n<< /Subtype /Image >>\nstream\r\n\xff\xd8\xff\xe0jpeg\nendstream"
    assert identify(pdf_file(body)).mime == "application/pdf"


def test_a_pdf_with_a_password_or_packed_to_burst_is_refused():
    assert refused(pdf_file(b"<< /Encrypt 5 0 R >>")) == "FILE_ENCRYPTED"
    packed = zlib.compress(b" " * (130 * 1024 * 1024), 9)
    stream = b"<< /Type /ObjStm /Filter /FlateDecode >>\nstream\n" + packed + b"\nendstream"
    assert refused(pdf_file(stream)) == "FILE_BOMB"


def test_an_archive_that_is_no_layout_is_refused():
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert refused(made.getvalue()) == "FILE_TYPE_NOT_ALLOWED"


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"in.zip": ofd_file()}, "FILE_NESTED"),
        ({"Doc_0/Res/picture.png": ofd_file()}, "FILE_NESTED"),
        ({"Doc_0/a.jar": b"x"}, "FILE_NESTED"),
        ({"big.xml": b"0" * (40 * 1024 * 1024)}, "FILE_BOMB"),
        ({f"{n}.xml": b"" for n in range(2_100)}, "FILE_BOMB"),
        ({"../../etc/passwd": b"x"}, "FILE_DAMAGED"),
        ({"run.js": b"x"}, "FILE_ACTIVE"),
        ({"Doc_0/a.bin": b"MZ\x90\0"}, "FILE_ACTIVE"),
        ({"Doc_0/a.xml": b"<html><script>"}, "FILE_ACTIVE"),
    ],
)
def test_a_layout_with_archives_bombs_or_programs_in_it_is_refused(more, code):
    assert refused(ofd_file(more)) == code


def test_an_archive_whose_entries_share_their_bytes_is_refused():
    content = bytearray(ofd_file({"a.xml": b"<a/>", "b.xml": b"<b/>"}))
    first = content.find(b"PK\x01\x02")
    second = content.find(b"PK\x01\x02", first + 1)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    assert refused(bytes(content)) == "FILE_BOMB"


def test_an_archive_before_which_something_stands_is_refused():
    assert refused(b"\x89PNG\r\n\x1a\n" + ofd_file(), "image/png") == "FILE_TWO_IN_ONE"


# --- how it rests


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_a_sealed_file_opens_to_what_it_was(size):
    content, key = bytes(range(256)) * (size // 256 + 1), new_key()
    sealed = b"".join(seal(key, FILE, content[:size]))
    assert unseal(key, FILE, sealed) == content[:size]
    assert content[:16] not in sealed or size < 16


def test_what_was_cut_off_moved_or_put_under_another_name_is_seen():
    key = new_key()
    chunks = list(seal(key, FILE, b"a" * (3 * CHUNK)))
    for wrong in (
        chunks[:2],
        [chunks[1], chunks[0], chunks[2]],
        [chunks[0], chunks[2]],
        [*chunks, chunks[2]],
        [chunks[0], chunks[1], chunks[2][:-1]],
        [],
    ):
        with pytest.raises(Poison):
            unseal(key, FILE, b"".join(wrong))
    with pytest.raises(Poison):
        unseal(key, OTHER, b"".join(chunks))
    with pytest.raises(Poison):
        unseal(new_key(), FILE, b"".join(chunks))


def test_a_files_key_opens_for_its_own_file_only():
    sealer, key = keyring("intake").sealer(), new_key()
    wrapped = wrap(sealer, "intake", FILE, key)
    assert key.hex() not in wrapped.to_text()
    assert unwrap(sealer, "intake", FILE, wrapped) == key
    with pytest.raises(Poison):
        unwrap(sealer, "intake", OTHER, wrapped)


def test_a_file_is_kept_whole_or_not_at_all(tmp_path):
    store = Folder(tmp_path / "files")
    store.put(str(FILE), iter([b"one", b"two"]))
    assert store.get(str(FILE)) == b"onetwo"

    def breaks():
        yield b"one"
        raise RuntimeError("the process ends here")

    with pytest.raises(RuntimeError):
        store.put(str(OTHER), breaks())
    assert store.get(str(OTHER)) is None
    assert list(store.older(-1)) == [str(FILE)]
    assert list(store.older(60)) == []
    assert not list((tmp_path / "files").glob("**/*.new")), "what was left of it goes with the next look"
    store.delete(str(FILE))
    store.delete(str(FILE))
    assert store.get(str(FILE)) is None


def test_a_file_s_folders_last_too(tmp_path, monkeypatch):
    """A name lasts when its folder was synced: also the name of the folder that was made for it."""
    synced = []

    def sync(path):
        synced.append(path)
        sync_folder(path)

    monkeypatch.setattr(store, "sync_folder", sync)
    root = tmp_path / "files"
    name = str(random_id())
    Folder(root).put(name, [b"x"])
    assert synced == [tmp_path, root, root / name[:2]]


def test_a_file_that_goes_while_it_is_looked_at_stops_no_sweep(tmp_path, monkeypatch):
    folder = Folder(tmp_path)
    names = sorted(str(random_id()) for _ in range(3))
    for name in names:
        folder.put(name, [b"x"])
    looked = Path.stat

    def stat(path, **more):
        if path.name == names[1]:
            path.unlink(missing_ok=True)
        return looked(path, **more)

    monkeypatch.setattr(Path, "stat", stat)
    assert sorted(folder.older(-1)) == [names[0], names[2]]


def test_the_folder_is_open_to_nobody_else(tmp_path):
    store = Folder(tmp_path / "files")
    store.put(str(FILE), [b"x"])
    for path in [tmp_path / "files", *(tmp_path / "files").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0


async def test_the_simulator_knows_the_test_virus_and_without_a_scanner_a_file_is_marked():
    assert await SimulatedScanner().scan(b"x" + EICAR) == "infected"
    assert await SimulatedScanner().scan(b"x") == "clean"
    assert await NoScanner().scan(EICAR) == "unscanned"
