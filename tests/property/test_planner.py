"""The planner: whatever is chosen, prerequisites come first or the choice is refused, and nobody gets too much."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.catalog.checks import check
from shared.catalog.model import After, Bundle, Joins, Matter
from shared.catalog.plan import cut, in_order, parties_of, plan, select
from shared.catalog.registry import Catalog, load
from tests.support.catalogue import made_up_catalog, made_up_matter

CATALOG = load()
CODES = sorted(CATALOG.matters)
UNIT = "420112"
PLACES = ("applicant", "subject", "co_applicants", "household", "agent")

some_codes = st.lists(st.sampled_from(CODES), min_size=1, unique=True)
dispositions = st.sampled_from([{"disposition": "cremated"}, {"disposition": "buried"}, {}])


@st.composite
def catalogues(draw: st.DrawFn) -> tuple[Catalog, list[str]]:
    """A made-up catalogue without a circle, some of its matters in a bundle, and a shuffled choice of codes."""
    size = draw(st.integers(1, 9))
    codes = [f"svc.m{n}" for n in range(size)]
    names = draw(st.permutations(codes))
    matters: list[Matter] = []
    for n, code in enumerate(names):
        before = draw(st.lists(st.sampled_from(names[:n]), unique=True, max_size=3)) if n else []
        edges = tuple(After(b, hard=draw(st.booleans())) for b in before)
        joins = (Joins("bundle"),) if draw(st.booleans()) else ()
        matters.append(made_up_matter(code, after=edges, joins=joins))
    catalog = made_up_catalog(*draw(st.permutations(matters)), bundles=(Bundle("bundle", "b", "b"),))
    return catalog, draw(st.lists(st.sampled_from(codes), min_size=1, unique=True))


def stands_on_its_prerequisites(matters: list[Matter], granted: set[str]) -> bool:
    codes = {m.code for m in matters}
    return all(a.matter in codes | granted for m in matters for a in m.after if a.hard)


def is_in_order(catalog: Catalog, matters: list[Matter]) -> bool:
    place = {m.code: n for n, m in enumerate(matters)}
    return all(place[a.matter] < place[m.code] for m in matters for a in m.after if a.matter in place)


@given(catalogues(), st.data())
def test_chosen_matters_hold_their_hard_prerequisites_or_the_choice_is_refused(made, data):
    catalog, codes = made
    assert check(catalog) == []
    granted = set(data.draw(st.lists(st.sampled_from(sorted(catalog.matters)), unique=True)))
    matters, errors = select(catalog, None, codes, {}, granted)
    if errors:
        assert all(e.code == "PREREQUISITE_MISSING" for e in errors)
        assert not stands_on_its_prerequisites([catalog.matters[c] for c in codes], granted)
    else:
        assert {m.code for m in matters} == set(codes)
        assert stands_on_its_prerequisites(matters, granted)
        assert is_in_order(catalog, matters)


@given(catalogues())
def test_matters_chosen_in_a_bundle_bring_their_hard_prerequisites(made):
    catalog, codes = made
    matters, errors = select(catalog, "bundle", codes, {})
    if errors:
        assert all(e.code == "MATTER_NOT_IN_BUNDLE" for e in errors)
    else:
        assert set(codes) <= {m.code for m in matters}
        assert stands_on_its_prerequisites(matters, set())
        assert is_in_order(catalog, matters)


@given(some_codes, dispositions, st.sampled_from([None, "bereavement"]))
def test_any_choice_from_the_catalogue_in_force_is_whole_or_refused(codes, form, bundle):
    matters, errors = select(CATALOG, bundle, codes, form)
    if not errors:
        assert stands_on_its_prerequisites(matters, set())
        assert is_in_order(CATALOG, matters)


@given(catalogues(), st.uuids(), st.randoms())
def test_a_plan_is_topological_and_its_ids_depend_on_nothing_but_case_and_matter(made, case_id: UUID, random):
    catalog, _ = made
    matters = list(catalog.matters.values())
    shuffled = random.sample(matters, len(matters))
    one = plan(case_id, in_order(catalog, None, matters), UNIT, lambda _, region: region)
    two = plan(case_id, in_order(catalog, None, shuffled), UNIT, lambda _, region: region)
    assert one == two
    assert len({item.item_id for item in one}) == len(one)
    seen: set[UUID] = set()
    for item in one:
        assert {p.item_id for p in item.prerequisites} <= seen
        seen.add(item.item_id)


@given(
    some_codes,
    st.dictionaries(st.one_of(st.sampled_from(sorted(CATALOG.fields)), st.text(max_size=8)), st.integers()),
    st.dictionaries(st.one_of(st.sampled_from(PLACES), st.text(max_size=8)), st.integers()),
)
def test_a_matter_never_gets_what_it_does_not_declare(codes, form, parties):
    for code in codes:
        matter = CATALOG.matters[code]
        part = cut(form, parties, matter)
        assert set(part["form"]) == set(form) & {*matter.required_fields, *matter.optional_fields}
        assert set(part["parties"]) == set(parties) & parties_of(matter)


def test_the_payee_goes_only_to_matters_that_may_owe_the_heir():
    form = {"payee": {"number": "1"}}
    assert [c for c in CODES if cut(form, {}, CATALOG.matters[c])["form"]] == [
        "assistance.benefit_stop",
        "elderly.benefit_stop",
    ]
