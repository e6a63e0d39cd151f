"""Documents for the floors: as long as ours as text, and as large on disk once PostgreSQL has compressed them."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass

_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True)
class Document:
    """Bytes of one kind of document: as JSON text, and as stored."""

    text: int
    stored: int


@dataclass(frozen=True)
class Sizes:
    """The documents that ours writes; an item's is that of the service with the largest."""

    application: Document
    case: Document
    item: Document


def document(size: Document) -> str:
    """A JSON text of that size. What compresses stands first: the server gives up when the beginning does not.

    Nine bytes hold eight letters that do not compress, once anything of a document does.
    """
    kept = size.text if size.stored >= size.text else size.stored * 8 // 9
    return '{"body": "' + "x" * (size.text - kept) + noise(kept) + '"}'


def noise(length: int) -> str:
    """Letters that nothing compresses, as sealed parts are; the same for the same length."""
    return "".join(random.Random(length).choices(_LETTERS, k=length))
