"""The job wrapper: log, random stream and record, whatever happens inside."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from decidua.errors import InputError, Problem
from decidua.job import job


class Named(list):
    """A list with names, as Snakemake hands over outputs."""

    def __init__(self, **items):
        super().__init__(items.values())
        self._items = items

    def __getattr__(self, name):
        return self._items[name]

    def items(self):
        return self._items.items()

    def keys(self):
        return self._items.keys()

    def get(self, name, default=None):
        return self._items.get(name, default)


@pytest.fixture
def handed(tmp_path, monkeypatch):
    """What Snakemake hands to a script, as far as the wrapper looks."""
    monkeypatch.chdir(tmp_path)
    return SimpleNamespace(
        rule="count",
        wildcards=Named(cohort="a"),
        params=Named(seed=1, code="abc", synthetic="Simulated data"),
        input=Named(),
        output=Named(table="out.csv", record="record.json"),
        log=["job.log"],
        config={"version": "v1"},
    )


def draw(handed, **changes):
    with job(SimpleNamespace(**{**vars(handed), **changes})) as this:
        Path("out.csv").write_text("x\n")
        return this.rng.integers(0, 2**60)


def test_a_finished_job_leaves_a_record(handed):
    draw(handed)
    record = json.loads(Path("record.json").read_text())
    assert (record["rule"], record["version"], record["synthetic"]) == ("count", "v1", True)
    assert list(record["outputs"]) == ["out.csv"]


def test_the_random_stream_depends_on_rule_wildcards_and_seed_only(handed):
    first = draw(handed)
    assert draw(handed) == first
    assert draw(handed, rule="other") != first
    assert draw(handed, wildcards=Named(cohort="b")) != first
    assert draw(handed, params=Named(seed=2, code="abc")) != first


def test_a_part_of_another_rule_s_work_draws_from_its_stream(handed):
    whole = draw(handed)
    with job(SimpleNamespace(**{**vars(handed), "rule": "count_part"})) as this:
        Path("out.csv").write_text("x\n")
        assert this.stream("count", {"cohort": "a"}).integers(0, 2**60) == whole


def test_parts_of_the_job_s_own_work_are_not_recorded_as_inputs(handed):
    for name in ("counts.csv", "part1.csv"):
        Path(name).write_text("x\n")
    given = Named(counts="counts.csv", parts=["part1.csv"])
    given[:] = ["counts.csv", "part1.csv"]
    draw(handed, input=given)
    assert list(json.loads(Path("record.json").read_text())["inputs"]) == ["counts.csv"]


def test_a_job_without_a_record_among_its_outputs_leaves_none(handed):
    draw(handed, output=Named(table="out.csv"))
    assert not Path("record.json").exists()


def test_a_rule_without_a_seed_cannot_draw(handed):
    with pytest.raises(RuntimeError, match="give it `seed`"):
        draw(handed, params=Named(code="abc"))


def test_bad_input_is_told_in_plain_lines_and_leaves_no_record(handed, capsys):
    problem = Problem("'abc'", "a number", "women.csv", 3, "Age")
    with pytest.raises(SystemExit), job(handed):
        raise InputError(problem)
    line = "women.csv, row 3, column Age: found 'abc'; expected a number"
    assert line in capsys.readouterr().err and line in Path("job.log").read_text()
    assert "Traceback" not in Path("job.log").read_text() and not Path("record.json").exists()


def test_any_other_error_leaves_its_traceback_in_the_log(handed):
    with pytest.raises(ZeroDivisionError), job(handed):
        raise ZeroDivisionError("oh")
    assert "ZeroDivisionError: oh" in Path("job.log").read_text() and not Path("record.json").exists()
