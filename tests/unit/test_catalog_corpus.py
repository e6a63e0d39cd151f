"""The corpus of every event ever shipped: one file a type, never changed, read by today's code."""

from pathlib import Path

import pytest

from shared.catalog.examples import example_of
from shared.catalog.registry import load
from shared.catalog.schemas import all_types

GOLDEN = Path(__file__).parents[1] / "contract" / "golden"
CATALOG = load()


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.json")), ids=lambda p: p.stem)
def test_an_event_that_was_shipped_still_parses_and_loses_nothing(path: Path):
    model = CATALOG.message(path.stem)
    message = model.model_validate_json(path.read_bytes())
    assert model.model_validate_json(message.model_dump_json(by_alias=True)) == message


@pytest.mark.parametrize("ce_type", all_types(CATALOG))
def test_every_message_has_an_example_and_a_place_in_the_corpus(ce_type: str):
    example = example_of(CATALOG, ce_type)
    assert isinstance(example, CATALOG.message(ce_type))
    assert (GOLDEN / f"{ce_type}.json").is_file()
