"""The study on a real Slurm cluster of three nodes: it loses one, and gives the bytes of a local run."""

import os
import re
import subprocess
import sys

import pytest

from running import NO_NETWORK, ROOT, Run, command_of, hashes, snakemake, wait_for

#: The profile, with the size of this cluster's nodes; `cores` is that of every test run.
PROFILE = ("--workflow-profile", ROOT / "workflow/profiles/slurm", "--resources", "mem_mb=4000")
PARTS = 8


def cluster(*arguments):
    """A command of the throw-away cluster; what it said if it failed."""
    command = [sys.executable, ROOT / "tests/slurm/cluster", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def jobs(states="all"):
    """Slurm's jobs: for each its number, state, node and what it does (the plugin's comment)."""
    command = ["squeue", "--noheader", f"--states={states}", "--format=%i|%T|%N|%k"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [tuple(line.split("|")) for line in lines]


@pytest.fixture(scope="module")
def local():
    """The default study on this machine alone, of which `make test-slurm` makes sure."""
    return Run(ROOT, 0, "")


@pytest.fixture(scope="module")
def on_slurm(tmp_path_factory):
    """The default study on three nodes, the folds of the classifier split over jobs."""
    cluster("stop")
    cluster("start", "--nodes", "3", "--cpus", "2", "--mem", "4000")
    folder = tmp_path_factory.mktemp("slurm")
    (folder / "split.yaml").write_text(f"execution: {{classifier_jobs: {PARTS}}}\n")
    yield snakemake(folder, *PROFILE, overlays=[folder / "split.yaml"])
    cluster("stop")


def test_the_whole_study_gives_the_bytes_of_a_local_run(local, on_slurm):
    assert on_slurm.status == 0, on_slurm.text
    assert hashes(on_slurm) == hashes(local)


def test_short_jobs_share_a_slurm_job_and_the_classifier_s_parts_have_one_each(on_slurm):
    done = [what for _, state, _, what in jobs() if state == "COMPLETED" and what.startswith("rule_")]
    assert sum("cross_validate_part" in what for what in done) == PARTS
    # One job for the cohort, one for the audit of the paper that no cohort stands for, one for the expression
    # chapter, one for what follows the cross-validation.
    assert "rule_cohort_audit_paper_plot_audit" in done
    assert len(done) == PARTS + 4, done
    assert on_slurm.jobs()["tabulate"] == 6


def test_a_node_that_dies_in_the_middle_costs_time_and_no_byte(local, on_slurm):
    before = {number for number, *_ in jobs()}
    forced = ("--forcerun", "cross_validate_part")
    folder = on_slurm.folder
    command = command_of(folder, *forced, *PROFILE, overlays=[folder / "split.yaml"])
    with (folder / "said").open("w") as said:
        run = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, env={**os.environ, **NO_NETWORK}
        )
    try:
        number, node = wait_for(lambda: running_part(folder, before))
        cluster("kill-node", node)
        assert run.wait(timeout=900) == 0, (folder / "said").read_text()
    finally:
        run.kill()
    after = {number: state for number, state, *_ in jobs()}
    assert after[number] == "NODE_FAIL"
    assert sum(state == "COMPLETED" for job, state in after.items() if job not in before) == PARTS + 1
    assert hashes(on_slurm) == hashes(local)


def running_part(folder, before):
    """Number and node of a Slurm job in which a part of the classifier is at work, or nothing."""
    for number, _, node, what in jobs("running"):
        part = re.search(r"cross_validate_part_wildcards_(\w+)", what)
        if part and node and number not in before:
            return number, node
    return None
