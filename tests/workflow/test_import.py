"""Before a study: the check of a patient table, and the folder to start from."""

import random

import yaml
from test_bad_input import GOOD, HEADER

from running import snakemake


def checked(folder, rows):
    folder.mkdir()
    (folder / "women.csv").write_text(HEADER + "".join(rows), encoding="utf-8")
    return snakemake(folder, "check_cohorts", config="table.yaml")


def test_a_good_table_is_summed_up_and_nothing_else_is_run(tmp_path):
    run = checked(tmp_path / "good", [*GOOD, "w98,found,30,22,2,0.1,20,20,LOST\n"])
    assert run.status == 0, run.text
    assert "women.csv (cohort clinic): 41 rows, 40 women in the cohort" in run.text
    assert "left out: 1, Lost to follow-up" in run.text
    assert "known 20, idiopathic 20; 0 missing  [Cause]" in run.text
    assert "25 to 36 years, median" in run.text
    assert run.jobs() == {"check_cohorts": 1} and not run.results.exists()


def test_every_problem_of_a_table_is_listed_by_the_check(tmp_path):
    run = checked(tmp_path / "bad", [row.replace("22.5", "x") for row in GOOD])
    assert run.status != 0 and "Traceback" not in run.text
    wrong = [f"women.csv, row {row}, column BMI: found 'x'; expected a number" for row in range(2, 42)]
    assert "cohort clinic: 40 problems" in run.text
    assert [line for line in run.text.splitlines() if "column BMI" in line] == wrong


def test_a_study_starts_from_the_template_and_runs_once_rows_are_filled_in(tmp_path):
    made = snakemake(tmp_path, "template")
    assert made.status == 0, made.text
    folder = tmp_path / "template"
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.yaml",
        "dictionary.csv",
        "panel.yaml",
        "women.csv",
    ]
    header = (folder / "women.csv").read_text()
    columns = header.strip().split(",")
    assert columns == list(
        yaml.safe_load((folder / "config.yaml").read_text())["cohorts"]["clinic"]["columns"]
    )
    draw = random.Random(1)
    for number in range(40):
        lost = number % 4 == 0
        row = {"id": f"w{number}", "etiology": draw.choice(["known", "idiopathic"]), "age": 25 + number % 15}
        row |= {"bmi": 20 + number % 9, "miscarriages": 2 + number % 4, "live_birth": "no" if lost else "yes"}
        row |= {"karyotype": "euploid" if lost else "", "ivig_dose_g": 25 * (number % 3)}
        row |= {"recurrent_loss": "yes", "clinical_losses": row["miscarriages"], "consecutive_losses": 2}
        row |= {"biochemical_losses": 0, "stillbirths": 0}
        header += ",".join(str(row.get(column, draw.randint(2, 19))) for column in columns) + "\n"
    (folder / "women.csv").write_text(header)
    run = snakemake(folder, "statistics")
    assert run.status == 0, run.text
    assert (run.results / "open/cohorts/clinic/statistics/baseline.csv").is_file()


def test_the_template_overwrites_nothing(tmp_path):
    (tmp_path / "template").mkdir()
    (tmp_path / "template/women.csv").write_text("mine")
    run = snakemake(tmp_path, "template")
    assert run.status != 0 and "Traceback" not in run.text
    assert "template: found a folder of this name; expected none, nothing is overwritten" in run.text
    assert (tmp_path / "template/women.csv").read_text() == "mine"
