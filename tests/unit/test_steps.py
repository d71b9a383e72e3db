"""Long work gives a sign every ten seconds, short work none."""

from decidua.steps import steps


def done(items, seconds_each):
    """Go through the items with a clock that each of them moves on."""
    now = [0.0]
    for _ in steps(items, "imputation", clock=lambda: now[0]):
        now[0] += seconds_each


def test_short_work_says_nothing(capsys):
    done(range(9), 1.0)
    assert capsys.readouterr().err == ""


def test_long_work_says_every_ten_seconds_how_far_it_is(capsys):
    done(range(25), 1.0)
    assert capsys.readouterr().err == "imputation: 10 of 25 done\nimputation: 20 of 25 done\n"


def test_steps_that_take_longer_are_told_one_by_one(capsys):
    done("ab", 12.0)
    assert capsys.readouterr().err == "imputation: 1 of 2 done\nimputation: 2 of 2 done\n"
