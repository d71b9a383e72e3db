"""The five minutes of workflow/resources/claims/README.md, as a reader would go through them."""

import re
import shutil

import pytest
import yaml

from decidua import tables
from running import ROOT, snakemake

CLAIMS = ROOT / "workflow/resources/claims"
NOTHING_ELSE = {
    "cohorts": {"han2025": None},
    "studies": {"endometrium": None},
    "papers": {"han2025": None, "andersen2025": None},
}


@pytest.fixture(scope="module")
def told():
    return (CLAIMS / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def audited(tmp_path_factory, told):
    """A folder with a copy of the example, after the settings and the command of the instructions."""
    folder = tmp_path_factory.mktemp("smith")
    shutil.copy(CLAIMS / "example.yaml", folder / "smith2024.yaml")
    settings = yaml.safe_load(re.search(r"```yaml\n(papers:.*?)```", told, re.DOTALL)[1])
    config = {**NOTHING_ELSE, "papers": NOTHING_ELSE["papers"] | settings["papers"]}
    (folder / "study.yaml").write_text(yaml.safe_dump(config))
    run = snakemake(folder, "audit", config=folder / "study.yaml")
    assert run.status == 0, run.text
    return run.results / "open/papers/smith2024"


def test_the_example_gives_the_one_planted_error_and_the_sentence_that_the_instructions_show(audited, told):
    table = tables.read(audited / "audit.csv")
    assert set(table.loc[table["overall"] == "inconsistent", "claim"]) == {"abstract.births"}
    (sentence,) = table.loc[table["verdict"] == "inconsistent", "sentence"]
    quoted = re.search(r"Its sentence:\n\n((?:> .*\n)+)", told)[1]
    assert " ".join(quoted.replace("> ", "").split()) == sentence


def test_the_example_has_its_conflict_its_verdicts_by_place_and_a_figure(audited):
    (proof,) = tables.read(audited / "conflicts.csv")["proof"].unique()
    assert "abstract.births 61.6%" in proof
    verdicts = tables.read(audited / "verdicts.csv")
    assert verdicts.loc[verdicts["verdict"] == "inconsistent", "where"].tolist() == ["Abstract"]
    assert (audited / "figures/audit.png").is_file()
