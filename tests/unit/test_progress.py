"""The progress line: done, running, left and time, from the events of Snakemake's logger."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from decidua.progress import Progress, known_seconds, listen


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def run():
    """A made-up run: `run.tell(event, ...)` gives an event, `run.lines()` what was said."""
    stream, clock = io.StringIO(), Clock()

    def begin(seconds=None):
        progress = Progress(stream, seconds, clock)

        def tell(event, **values):
            progress.emit(logging.makeLogRecord({"event": event, **values}))

        return tell

    return SimpleNamespace(begin=begin, clock=clock, lines=lambda: stream.getvalue().splitlines())


def start(tell, **rules):
    """Jobs with these numbers and rules start together."""
    tell("job_started", jobs=[int(job[1:]) for job in rules])
    for job, rule in rules.items():
        tell("job_info", jobid=int(job[1:]), rule_name=rule)


def finish(tell, job, done, total):
    tell("job_finished", job_id=job)
    tell("progress", done=done, total=total)


def test_it_says_at_the_start_what_is_to_do_once(run):
    tell = run.begin()
    for _ in range(2):
        tell("run_info", stats={"plot": 2, "all": 1, "total": 3})
    assert run.lines() == ["3 jobs to do: plot 2, all 1"]


def test_it_says_what_is_done_running_and_left(run):
    tell = run.begin()
    tell("run_info", stats={"count": 2, "plot": 3, "all": 1, "total": 6})
    start(tell, j1="count", j2="plot")
    run.clock.now = 61
    finish(tell, 1, 1, 6)
    assert run.lines()[1] == "0 of 6 jobs done, 2 running (count, plot), 4 left; 0:00 so far"
    assert run.lines()[2].startswith("1 of 6 jobs done, 1 running (plot), 4 left; 1:01 so far")


def test_the_time_still_to_go_is_of_the_rules_as_they_took_before(run):
    # 1 count of 10 s and 2 plots of 30 s are left, one at a time: 70 s; a plot has run for 10 s of its 30.
    tell = run.begin({"count": 10, "plot": 30})
    tell("run_info", stats={"count": 2, "plot": 2, "all": 1, "total": 5})
    start(tell, j1="count")
    run.clock.now = 10
    finish(tell, 1, 1, 5)
    start(tell, j2="plot")
    assert run.lines()[-1].endswith("0:10 so far, about 1:10 still")
    run.clock.now = 20
    tell("progress", done=1, total=5)
    assert run.lines()[-1].endswith("0:20 so far, about 1:00 still")


def test_two_at_a_time_take_half_as_long(run):
    tell = run.begin({"plot": 20})
    tell("run_info", stats={"plot": 6, "total": 6})
    start(tell, j1="plot", j2="plot")
    run.clock.now = 20
    finish(tell, 1, 1, 6)
    finish(tell, 2, 2, 6)
    start(tell, j3="plot", j4="plot")
    assert run.lines()[-1].endswith("about 0:40 still")


def test_the_jobs_of_a_group_run_and_end_together(run):
    tell = run.begin()
    tell("run_info", stats={"count": 1, "plot": 2, "all": 1, "total": 4})
    tell("job_started", jobs=["group-1"])
    tell("group_info", group_id="group-1", jobs=[SimpleNamespace(jobid=number) for number in (1, 2, 3)])
    for job, rule in ((1, "count"), (2, "plot"), (3, "plot")):
        tell("job_info", jobid=job, rule_name=rule)
    assert run.lines()[-1] == "0 of 4 jobs done, 3 running (count, plot), 1 left; 0:00 so far"
    for job in (1, 2, 3):
        tell("job_finished", job_id=job)
    tell("progress", done=3, total=4)
    start(tell, j4="all")
    assert run.lines()[-1].startswith("3 of 4 jobs done, 1 running (all), 0 left; 0:00 so far")


def test_a_failed_job_no_longer_runs(run):
    tell = run.begin()
    tell("run_info", stats={"count": 1, "total": 1})
    start(tell, j1="count")
    tell("job_error", jobid=1)
    start(tell, j2="count")
    assert run.lines()[-1].startswith("0 of 1 jobs done, 1 running (count), 0 left")


def test_between_two_jobs_it_says_nothing_until_the_next_has_begun(run):
    tell = run.begin()
    tell("run_info", stats={"count": 2, "total": 2})
    start(tell, j1="count")
    finish(tell, 1, 1, 2)
    assert len(run.lines()) == 2
    start(tell, j2="count")
    assert run.lines()[-1].startswith("1 of 2 jobs done, 1 running (count), 0 left")
    finish(tell, 2, 2, 2)
    assert run.lines()[-1] == "2 of 2 jobs done, 0 running, 0 left; 0:00 so far"


def test_the_screen_no_longer_says_the_same_and_files_still_do(run, tmp_path):
    logger = logging.Logger("snakemake")
    screen, file = logging.StreamHandler(sys.stderr), logging.FileHandler(tmp_path / "log")
    logger.addHandler(screen)
    logger.addHandler(file)
    listen(logger, Progress(io.StringIO()))
    record = logging.makeLogRecord({"event": "progress", "done": 1, "total": 2})
    error = logging.makeLogRecord({"event": "job_error", "jobid": 1})
    assert (bool(screen.filter(record)), bool(file.filter(record))) == (False, True)
    assert screen.filter(error)
    file.close()


def test_where_a_plugin_tells_the_progress_it_is_silent():
    logger = logging.Logger("snakemake")
    logger.addHandler(logging.NullHandler())
    listen(logger, Progress(io.StringIO()))
    assert len(logger.handlers) == 1


def test_known_seconds_are_means_by_rule(tmp_path):
    for name, seconds in (("plot/a", 2.0), ("plot/b", 4.0), ("count/a", 1.5)):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\th:m:s\n{seconds}\t0:00:02\n")
    assert known_seconds(tmp_path.glob("*/*.tsv")) == {"plot": 3.0, "count": 1.5}
