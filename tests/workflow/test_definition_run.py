"""A definition of recurrent pregnancy loss in a real run: who leaves, and what others would give."""

import numpy as np
import pandas as pd
import pytest
import yaml

from decidua import tables
from decidua.definitions import CHOSEN
from running import ROOT, snakemake

TARGETS = (
    "results/v1/open/cohorts/clinic/figures/multiverse.png",
    "results/v1/open/cohorts/clinic/figures/flow.png",
    "results/v1/open/cohorts/clinic/figures/band_live_birth.png",
    "results/v1/open/cohorts/clinic/figures/marker_combinations.png",
    "results/v1/open/cohorts/clinic/statistics/live_birth.csv",
)


def clinic(n=240, seed=11):
    """Women made up for the test; a tenth of the runs and of the biochemical losses is not known."""
    rng = np.random.default_rng(seed)
    kinds = {
        name: rng.poisson(m, n) for name, m in (("Clinical", 2), ("Biochemical", 0.8), ("Stillbirths", 0.2))
    }
    total = sum(kinds.values())
    rows = pd.DataFrame({"Woman": [f"w{i}" for i in range(n)], "Cause": rng.choice(["found", "none"], n)})
    rows["Age"] = rng.integers(22, 45, n)
    rows["Losses"] = kinds["Clinical"]
    rows = rows.assign(**kinds, Run=np.minimum(total, 1 + rng.poisson(1.5, n)))
    rows = rows.astype({"Biochemical": object, "Run": object})
    rows.loc[rng.random(n) < 0.1, "Biochemical"] = "NA"
    rows.loc[rng.random(n) < 0.1, "Run"] = "NA"
    for name, mean in (("NK", 14), ("Lysis50", 30), ("Lysis25", 20), ("Lysis12", 9), ("Th1Th2", 30)):
        rows[name] = np.round(np.clip(rng.normal(mean, mean / 4, n), 1, 90), 1)
    rows["Outcome"] = rng.choice(["LB", "MC", "LOST"], n, p=[0.75, 0.2, 0.05])
    return rows


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clinic")
    clinic().to_csv(folder / "women.csv", index=False)
    found = snakemake(folder, *TARGETS, config="definition.yaml")
    assert found.status == 0, found.text
    return found


def hers(row):
    """One woman under the definition of the config, in plain words: True, False, or None for not known."""
    clinical, biochemical, stillbirths, longest = (
        None if cell == "NA" else int(cell)
        for cell in (row["Clinical"], row["Biochemical"], row["Stillbirths"], row["Run"])
    )
    if longest is not None and longest < 3 or biochemical is not None and clinical + biochemical < 3:
        return False
    if longest is None or clinical + (biochemical or 0) < 3 or longest - stillbirths < 3:
        return None
    return True


def test_who_does_not_meet_the_definition_leaves_last_and_the_flow_adds_up(run):
    rows = clinic()
    rows = rows[rows["Outcome"] != "LOST"]
    told = [hers(row) for _, row in rows.iterrows()]
    flow = tables.read(run.results / "open/cohorts/clinic/enrolment_flow.csv")
    assert flow["reason"].tolist()[:5] == [
        "Assessed for eligibility",
        "Lost to follow-up",
        "Fewer than 3 consecutive losses (biochemical losses counted, stillbirths not counted)",
        "Definition of recurrent pregnancy loss cannot be checked",
        "Included",
    ]
    assert flow["n"].tolist()[:5] == [
        240,
        240 - len(rows),
        told.count(False),
        told.count(None),
        told.count(True),
    ]
    kept = tables.read(run.results / "restricted/cohorts/clinic/cohort.parquet")
    assert kept["id"].tolist() == [w for w, t in zip(rows["Woman"], told, strict=True) if t]


def test_the_chosen_universe_is_the_run_itself_and_the_others_are_beside_it(run):
    folder = run.results / "open/cohorts/clinic/statistics"
    multiverse, births = (tables.read(folder / f"{name}.csv") for name in ("multiverse", "live_birth"))
    chosen = multiverse[multiverse["reason"].eq(CHOSEN) & multiverse["population"].eq("all")]
    mine = chosen[chosen["quantity"].eq("difference of rates")].iloc[0]
    theirs = births[births["population"].eq("all") & births["level"].eq("abnormal v normal")]
    theirs = theirs[theirs["quantity"].eq("difference of rates")].iloc[0]
    assert mine[["estimate", "lower", "upper"]].tolist() == theirs[["estimate", "lower", "upper"]].tolist()
    women = multiverse[multiverse["population"].eq("all") & multiverse["variable"].eq("women")]
    # The table as it is and 2 or 3 losses, consecutive or not, with four ways to count kinds; six rules.
    assert len(women) == (1 + 2 * 2 * 4) * 6


def test_a_definition_that_the_table_cannot_say_is_refused(tmp_path):
    clinic().to_csv(tmp_path / "women.csv", index=False)
    config = yaml.safe_load((ROOT / "tests/configs/definition.yaml").read_text())
    del config["cohorts"]["clinic"]["columns"]["stillbirths"]
    (tmp_path / "few.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(tmp_path, config=tmp_path / "few.yaml")
    assert run.status != 0 and "expected stillbirths among the cohort's columns" in run.text
    assert not (tmp_path / "results").exists()


def test_a_run_longer_than_the_losses_is_refused_before_the_first_job(tmp_path):
    rows = clinic()
    rows.loc[0, ["Clinical", "Biochemical", "Stillbirths", "Run", "Outcome"]] = [1, 1, 0, 4, "LB"]
    rows.to_csv(tmp_path / "women.csv", index=False)
    run = snakemake(tmp_path, config="definition.yaml")
    assert run.status != 0 and "found consecutive_losses of 4 for the id 'w0'; expected at most 2" in run.text
    assert not (tmp_path / "results").exists()
