"""How far is the run: done, running, left, and how long still?"""

import csv
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TextIO

SELECTING = "Select jobs to execute..."
#: Events that it tells in its own words.
TOLD = ("run_info", "job_started", "job_finished", "progress")


def listen(logger: logging.Logger, progress: "Progress") -> None:
    """Let Snakemake's logger tell the progress in place of its own lines; not where a logger plugin tells it.

    Files still get everything.
    """
    screens = [
        handler for handler in logger.handlers if getattr(handler, "stream", None) in (sys.stdout, sys.stderr)
    ]
    if screens:
        logger.addHandler(progress)
    for screen in screens:
        screen.addFilter(
            lambda record: getattr(record, "event", None) not in TOLD and record.msg != SELECTING
        )


class Progress(logging.Handler):
    """Says at the start what is to do, and in one line how far the run is when a job starts or ends.

    It listens to the events that Snakemake gives to its logger plugins (attributes of the log records):
    run_info counts jobs by rule, job_info names a job's rule, group_info the jobs that are submitted as one,
    job_started, job_finished and job_error their state, progress how many of how many are done.

    Args:
        stream: where the lines go.
        seconds: how long a job of a rule took before, where that is known: an earlier run's benchmarks.
        clock: seconds that only move forward.
    """

    def __init__(
        self,
        stream: TextIO,
        seconds: Mapping[str, float] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        super().__init__()
        self._stream, self._clock = stream, clock
        self._expected = dict(seconds or {})
        self._begun = clock()
        self._done = self._total = 0
        self._left: dict[str, int] = {}  # rule: jobs not yet finished
        self._rule: dict[int, str] = {}  # job: its rule
        self._members: dict[str, list[int]] = {}  # group: its jobs
        self._running: dict[int, float] = {}  # job: when it started
        self._took: dict[str, list[float]] = {}  # rule: seconds of its finished jobs
        self._most = 1  # jobs that ran at the same time

    def emit(self, record: logging.LogRecord) -> None:
        """Take one event in; what is no event, or not of these kinds, is left to others."""
        take = getattr(self, f"_{getattr(record, 'event', None)}", None)
        if take:
            take(record)

    def _run_info(self, record: logging.LogRecord) -> None:
        stats = {rule: n for rule, n in record.stats.items() if rule != "total"}
        if stats != self._left:  # a dry run counts twice
            counted = ", ".join(f"{rule} {n}" for rule, n in stats.items())
            print(f"{sum(stats.values())} jobs to do: {counted}", file=self._stream, flush=True)
        self._left, self._total = stats, sum(stats.values())

    def _job_info(self, record: logging.LogRecord) -> None:
        self._rule[record.jobid] = record.rule_name
        running = self._jobs_running()
        if record.jobid in running and all(job in self._rule for job in running):
            self._say()

    def _group_info(self, record: logging.LogRecord) -> None:
        self._members[record.group_id] = [job.jobid for job in record.jobs]

    def _job_started(self, record: logging.LogRecord) -> None:
        self._running |= dict.fromkeys(record.jobs, self._clock())
        self._most = max(self._most, len(self._running))

    def _job_finished(self, record: logging.LogRecord) -> None:
        rule = self._rule.get(record.job_id, "")
        self._left[rule] = max(0, self._left.get(rule, 0) - 1)
        if record.job_id in self._running:  # of a group's jobs nobody knows when each began
            took = self._clock() - self._running.pop(record.job_id)
            self._took.setdefault(rule, []).append(took)
        for group, members in self._members.items():
            if record.job_id in members:
                self._running.pop(group, None)

    def _job_error(self, record: logging.LogRecord) -> None:
        self._running.pop(record.jobid, None)

    def _progress(self, record: logging.LogRecord) -> None:
        self._done, self._total = record.done, record.total
        if self._running or self._done == self._total:  # else the next job is about to start, and says it
            self._say()

    def _jobs_running(self) -> list[int]:
        return [job for begun in self._running for job in self._members.get(begun, [begun])]

    def _say(self) -> None:
        running = self._jobs_running()
        names = ", ".join(sorted({self._rule.get(job, "a job") for job in running}))
        names = f" ({names})" if names else ""
        left = self._total - self._done - len(running)
        line = f"{self._done} of {self._total} jobs done, {len(running)} running{names}, {left} left"
        rest = self._rest()
        still = f", about {_clock_face(rest)} still" if rest and self._done < self._total else ""
        print(
            f"{line}; {_clock_face(self._clock() - self._begun)} so far{still}", file=self._stream, flush=True
        )

    def _rest(self) -> float | None:
        """Seconds until the end, with as many jobs at a time as ever ran; None while nothing is known."""
        means = self._expected | {rule: sum(took) / len(took) for rule, took in self._took.items()}
        if not means:
            return None
        usual = sum(means.values()) / len(means)
        expected = sum(n * means.get(rule, usual) for rule, n in self._left.items() if rule != "all")
        spent = sum(
            min(self._clock() - begun, means.get(self._rule.get(job, ""), usual))
            for job, begun in self._running.items()
        )
        return max(0.0, expected - spent) / self._most


def known_seconds(benchmarks: Iterable[str | Path]) -> dict[str, float]:
    """Mean wall seconds of a job by rule, from Snakemake's benchmark files .../<rule>/<wildcards>.tsv."""
    found: dict[str, list[float]] = {}
    for path in map(Path, benchmarks):
        with path.open(encoding="utf-8", newline="") as handle:
            for row in csv.DictReader(handle, delimiter="\t"):
                found.setdefault(path.parent.name, []).append(float(row["s"]))
    return {rule: sum(seconds) / len(seconds) for rule, seconds in found.items()}


def _clock_face(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
