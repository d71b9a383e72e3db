import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decidua.audit.boxes import Range
from decidua.audit.printed import COMPOUNDS, read_number, read_parts
from decidua.errors import InputError


@pytest.mark.parametrize(
    ("text", "kind", "low", "high"),
    [
        # Half a unit of the last digit either way, by hand.
        ("45.1%", "percent", 45.05, 45.15),
        ("0.920", "ratio", 0.9195, 0.9205),
        ("\u22120.080", "coefficient", -0.0805, -0.0795),
        ("466", "count", 466, 466),
        ("1,234", "count", 1234, 1234),
        ("<0.0001", "p", 0, 0.0001),
        ("P = 0.03", "p", 0.025, 0.035),
        ("0.000", "p", 0, 0.0005),
        ("N-S", "p", 0.05, 1),
        ("n.s.", "p", 0.05, 1),
        ("> 0.05", "p", 0.05, 1),
        ("2.1 \u00d7 10\u22125", "p", 2.05e-5, 2.15e-5),
        ("<5", "count", 0, 4),
        ("1200", "mean", 1199.5, 1200.5),
    ],
)
def test_a_printed_number_is_the_box_of_what_rounds_to_it(text, kind, low, high):
    box = read_number(text, kind, alpha=0.05)
    assert (box.low, box.high) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("0,05", "p", "a decimal point, not a comma"),
        ("0,867", "mean", "a decimal point, not a comma"),
        ("1,015", "ratio", "a decimal point, not a comma"),
        ("4.5", "count", "a whole number such as 466"),
        ("1.2", "p", "a value from 0 to 1 for kind p"),
        ("about 3", "mean", "a number such as 32.78"),
        ("-3", "count", "a value of at least 0"),
        ("5%", "p", "a p-value such as"),
    ],
)
def test_what_is_no_number_of_its_kind_says_what_was_expected(text, kind, expected):
    with pytest.raises(InputError, match=expected):
        read_number(text, kind)


@pytest.mark.parametrize(
    ("text", "kind", "parts"),
    [
        ("32.78 \u00b1 3.72 (22-43)", "mean_sd_range", ["32.78", "3.72", "22", "43"]),
        ("32.78 (3.72)", "mean_sd", ["32.78", "3.72"]),
        ("82.7% (163/197)", "percent_events_total", ["82.7%", "163", "197"]),
        ("7/110 (6.4%)", "events_total_percent", ["6.4%", "7", "110"]),
        ("7 (50.0%)", "count_percent", ["7", "50.0%"]),
        ("45.1% (97)", "percent_count", ["97", "45.1%"]),
        ("0.924 (0.867\u20130.984)", "ratio_interval", ["0.924", "0.867", "0.984"]),
        ("1.2 [95% CI: 0.8, 1.9]", "ratio_interval", ["1.2", "0.8", "1.9"]),
        ("-0.08 (-0.1 to -0.02)", "coefficient_interval", ["-0.08", "-0.1", "-0.02"]),
        ("0", "constant", ["0", "0", "0", "0"]),
    ],
)
def test_a_compound_gives_its_parts(text, kind, parts):
    assert [part for part, _ in read_parts(text, kind).values()] == parts


def test_the_example_of_each_compound_can_be_read():
    for kind, compound in COMPOUNDS.items():
        assert list(read_parts(compound.example, kind)) == list(compound.parts)


def test_a_compound_of_another_form_shows_the_form():
    with pytest.raises(InputError, match=r"expected the form '82.7% \(163/197\)'"):
        read_parts("163 of many", "percent_events_total")


@settings(max_examples=100)
@given(st.floats(-1e4, 1e4), st.integers(0, 6))
def test_a_number_lies_in_the_box_of_its_print(value, places):
    box = read_number(f"{value:.{places}f}", "number")
    assert box.meets(Range(value, value))
    assert math.isclose(box.unit, 10.0**-places)
