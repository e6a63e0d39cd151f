"""Division codes: which place lies in which."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Invalid
from shared.regions import covers, normalise_region, parent_chain, region_level

CODES = st.from_regex(r"[1-8][0-9]([0-9]{4}|[0-9]{10})", fullmatch=True)


def test_a_town_covers_its_village_and_not_its_neighbour():
    assert covers("420112001000", "420112001201")
    assert not covers("420112100000", "420112101000")


@pytest.mark.parametrize("scope", ["420000", "420100", "420112", "420112000000", "420112001000", "420112001201"])
def test_every_level_above_covers_a_village(scope):
    assert covers(scope, "420112001201")


def test_a_narrower_scope_does_not_cover_what_it_lies_in():
    assert not covers("420112001000", "420112")
    assert not covers("420112", "420100")
    assert not covers("420112", "420113")


@pytest.mark.parametrize("wrong", ["", "42", "4201122", "42011x", "000000", "000000000000", "４２０１１２"])
def test_a_wrong_code_covers_nothing_and_lies_nowhere(wrong):
    assert not covers(wrong, "420112")
    assert not covers("420000", wrong)


def test_one_place_has_one_form():
    assert normalise_region(" ４２０１１２000000 ") == normalise_region("420112") == "420112"
    assert normalise_region("420112001000") == "420112001000"
    with pytest.raises(Invalid) as caught:
        normalise_region("4201", "/accept_region")
    assert [(e.pointer, e.code) for e in caught.value.errors] == [("/accept_region", "REGION_FORMAT")]


def test_the_chain_of_a_village_ends_at_the_province():
    chain = ["420112001201", "420112001000", "420112", "420100", "420000"]
    assert parent_chain("420112001201") == chain
    assert [region_level(code) for code in chain] == [5, 4, 3, 2, 1]
    assert parent_chain("429004") == ["429004", "429000", "420000"]


@given(CODES)
def test_everything_in_the_chain_covers_the_place_and_all_above_it_covers_the_chain(code):
    chain = parent_chain(code)
    assert chain[0] == normalise_region(code)
    for index, inner in enumerate(chain):
        assert all(covers(outer, inner) for outer in chain[index:])
        assert not any(covers(inner, outer) for outer in chain[index + 1 :])


@given(CODES, CODES, CODES)
def test_covering_is_transitive_and_reflexive(a, b, c):
    assert covers(a, a)
    if covers(a, b) and covers(b, c):
        assert covers(a, c)


@given(CODES, CODES)
def test_a_scope_covers_exactly_the_codes_whose_chain_holds_it(scope, code):
    assert covers(scope, code) == (normalise_region(scope) in parent_chain(code))
