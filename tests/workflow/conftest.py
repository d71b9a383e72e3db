"""Runs and data that several tests look at."""

import os
from pathlib import Path

import pytest

from running import snakemake


@pytest.fixture(scope="session")
def default_run(tmp_path_factory):
    """The default study, run once for all tests."""
    run = snakemake(tmp_path_factory.mktemp("default"))
    assert run.status == 0, run.text
    return run


@pytest.fixture(scope="session")
def real_data():
    """The folder of real data sets, outside of the project."""
    folder = os.environ.get("DECIDUA_REAL_DATA")
    if not folder:
        pytest.skip("DECIDUA_REAL_DATA is not set")
    return Path(folder)
