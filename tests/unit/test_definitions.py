"""Definitions of recurrent pregnancy loss: who meets them, who cannot be told, and who leaves the cohort."""

import itertools
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.cohort import Import, enrolment_flow, import_cohort, variables
from decidua.config import load_yaml
from decidua.definitions import Definition, apply_definition, every_definition
from decidua.errors import InputError

DICTIONARY = load_yaml(Path(__file__).parents[2] / "workflow/resources/cohort_dictionary.yaml")["variables"]
COLUMNS = ["miscarriages", "clinical_losses", "biochemical_losses", "stillbirths", "consecutive_losses"]
#: Twelve women by hand: miscarriages, clinical, biochemical, stillbirths, longest run (of any kind).
TWELVE = [
    (2, 2, 0, 0, 2),  # a: two clinical in a row
    (2, 2, 0, 0, 1),  # b: two clinical, a birth between
    (3, 3, 0, 0, 3),  # c: three clinical in a row
    (3, 3, 0, 0, 2),  # d: three clinical, two in a row
    (1, 1, 1, 0, 2),  # e: one clinical and one biochemical in a row
    (1, 1, 2, 0, 3),  # f: one clinical, two biochemical in a row
    (1, 1, 0, 1, 2),  # g: one clinical, one stillbirth in a row
    (2, 2, 1, 0, 2),  # h: of the run of two, the biochemical loss may be one
    (2, 2, 0, 1, 3),  # i: all three in a row
    (1, 1, 0, 0, 1),  # j: one loss
    (2, 2, None, 0, None),  # k: biochemical losses and run not known
    (None, None, 0, 0, None),  # l: losses not known
]
#: Women who surely meet it, and those of whom it cannot be known, read off the table above by hand.
BY_HAND = {
    (2, False, None, None): ("abcdhik", "l"),
    (3, False, None, None): ("cd", "l"),
    (2, False, False, False): ("abcdhik", "l"),
    (2, False, True, False): ("abcdefhik", "l"),
    (2, False, False, True): ("abcdghik", "l"),
    (2, False, True, True): ("abcdefghik", "l"),
    (3, False, False, False): ("cd", "l"),
    (3, False, True, False): ("cdfh", "kl"),
    (3, False, False, True): ("cdi", "l"),
    (3, False, True, True): ("cdfhi", "kl"),
    # A run of any kind: h may have lost one clinical and one biochemical pregnancy in a row.
    (2, True, False, False): ("acdi", "hkl"),
    (2, True, True, False): ("acdefhi", "kl"),
    (2, True, False, True): ("acdgi", "hkl"),
    (2, True, True, True): ("acdefghi", "kl"),
    (3, True, False, False): ("c", "l"),
    (3, True, True, False): ("cf", "kl"),
    (3, True, False, True): ("ci", "l"),
    (3, True, True, True): ("cfi", "kl"),
}


def women(rows=TWELVE, columns=COLUMNS):
    table = pd.DataFrame(rows, columns=COLUMNS).astype("Int64")[list(columns)]
    table.insert(0, "id", pd.array([*"abcdefghijkl"][: len(rows)], dtype="string"))
    return table


def named(table, chosen):
    return "".join(table["id"][chosen.fillna(False).astype(bool)])


@pytest.mark.parametrize(("choices", "expected"), BY_HAND.items())
def test_twelve_women_are_told_as_by_hand(choices, expected):
    meets = Definition(*choices).meets(women())
    assert (named(women(), meets), named(women(), meets.isna())) == expected


def test_every_definition_is_among_those_checked_by_hand():
    found = {definition for definition in every_definition(COLUMNS, None) if definition}
    by_hand = {Definition(*choices) for choices in BY_HAND}
    assert found == {definition for definition in by_hand if definition.tells_kinds_apart}
    alone = {definition for definition in every_definition(["miscarriages"], None) if definition}
    assert alone == {Definition(losses, run) for losses in (2, 3) for run in (False, True)}


count = st.one_of(st.none(), st.integers(0, 4))


@settings(max_examples=40)
@given(st.lists(st.tuples(count, count, count, count, count), min_size=1, max_size=12))
def test_a_stricter_definition_gives_a_subset(rows):
    table = women(rows)

    def met(*choices):
        return set(named(table, Definition(*choices).meets(table)))

    kinds = [(None, None), *itertools.product((True, False), repeat=2)]
    for run, counted in itertools.product((True, False), kinds):
        assert met(3, run, *counted) <= met(2, run, *counted)
    for losses, counted in itertools.product((2, 3), kinds):
        assert met(losses, True, *counted) <= met(losses, False, *counted)
    for losses, run, other in itertools.product((2, 3), (True, False), (True, False)):
        assert met(losses, run, False, other) <= met(losses, run, True, other)
        assert met(losses, run, other, False) <= met(losses, run, other, True)


@settings(max_examples=40)
@given(st.lists(st.tuples(count, count, count, count, count), min_size=1, max_size=12))
def test_what_is_called_known_stands_whatever_the_missing_numbers_are(rows):
    definitions = [each for each in every_definition(COLUMNS, None) if each]
    for row in rows:
        filled = [[value] if value is not None else range(5) for value in row]
        possible = women([row] * 1)
        for definition in definitions:
            told = definition.meets(possible)[0]
            if pd.isna(told):
                continue
            # Only what numbers can say: a run is no longer than the losses.
            full = [each for each in itertools.product(*filled) if each[4] <= sum(each[1:4])]
            answers = [_surely(each, definition) for each in full]
            assert all(answer in (told, None) for answer in answers)


def _surely(numbers, definition):
    """Plain arithmetic for one woman with known numbers; None where her order of losses decides."""
    _, clinical, biochemical, stillbirths, run = numbers
    counted = clinical + biochemical * definition.biochemical + stillbirths * definition.stillbirths
    others = clinical + biochemical + stillbirths - counted
    if counted < definition.losses:
        return False
    if not definition.consecutive or run - others >= definition.losses:
        return True
    return False if run < definition.losses else None


def imported(table=None):
    return Import(women() if table is None else table, assessed=14, excluded=(("Lost to follow-up", 2),))


def test_women_leave_as_the_last_step_and_the_flow_adds_up():
    definition = Definition(3, True, True, False)
    kept = apply_definition(imported(), definition)
    assert kept.excluded == (
        ("Lost to follow-up", 2),
        ("Fewer than 3 consecutive losses (biochemical losses counted, stillbirths not counted)", 8),
        ("Definition of recurrent pregnancy loss cannot be checked", 2),
    )
    assert kept.cohort["id"].tolist() == ["c", "f"] and kept.cohort.index.tolist() == [0, 1]
    flow = enrolment_flow(kept.assessed, kept.excluded, len(kept.cohort), {})
    assert flow["n"].tolist() == [14, 2, 8, 2, 2]


def test_without_a_definition_the_table_is_taken_as_it_is():
    assert apply_definition(imported(), None) is not None
    assert apply_definition(imported(), None).cohort["id"].tolist() == [*"abcdefghijkl"]
    assert apply_definition(imported(), None).excluded == (("Lost to follow-up", 2),)


def test_a_definition_that_nobody_meets_is_an_error():
    message = "women.csv: found no woman who meets the definition of RPL; expected one with at least 9 losses"
    with pytest.raises(InputError, match=message):
        apply_definition(imported(), Definition(9), "women.csv")


def test_a_run_longer_than_the_losses_is_an_error_that_names_the_woman():
    table = women([(2, 2, 0, 0, 3), (2, 1, 1, 1, 3), (2, 2, 0, None, 4)])
    with pytest.raises(InputError) as caught:
        apply_definition(imported(table), None, "women.csv")
    assert str(caught.value).splitlines() == [
        "women.csv: found consecutive_losses of 3 for the id 'a'; "
        "expected at most 2, her clinical_losses + biochemical_losses + stillbirths"
    ]
    alone = table[["id", "miscarriages", "consecutive_losses"]]
    with pytest.raises(InputError, match="of 3 for the id 'a'; expected at most 2, her miscarriages"):
        apply_definition(imported(alone), None)
    # Without a column of stillbirths, these may be what makes the run so long.
    apply_definition(imported(table.drop(columns="stillbirths")), None)


def test_a_column_of_numbers_with_gaps_is_understood():
    table = pd.DataFrame({"id": ["a", "b", "c"], "miscarriages": [2.0, None, 1.0]})
    assert Definition(2).meets(table).tolist() == [True, pd.NA, False]


def test_the_new_columns_come_through_the_door():
    cells = {name: ["1", "NA"] for name in COLUMNS}
    rows = pd.DataFrame({"id": ["a", "b"], **cells}, index=[2, 3])
    cohort = import_cohort(
        rows, variables(DICTIONARY, {name: name for name in rows}), missing=["NA"], name="women.csv"
    ).cohort
    assert {str(cohort[name].dtype) for name in COLUMNS} == {"Int64"}
